//! A conversation that is archived at a key manager, and opened by an auditor, by the command line alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod scene;

use scene::{Business, Scene, value};

/// An account whose conversations are archived, with its key manager and a relay that reaches it.
fn arranged() -> (Business, scene::Program, String, String) {
    let scene = Scene::new();
    let said = scene.said(&["account", "create", "--dir", "account", "--plain-keys"]);
    let account = value(&said, "account=");
    let create = ["keymanager", "create", "--dir", "keys", "--account"];
    let said = scene.said(&[create.as_slice(), &[&account]].concat());
    let identity = format!("--identity={}", value(&said, "identity="));
    let name = ["account", "key-manager", "--dir", "account", &identity];
    scene.said(&[name.as_slice(), &["--operator", "customer"]].concat());
    let config = scene.path("keys/keymanager.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let secret = |name| std::fs::read_to_string(scene.path(name)).unwrap();
    let secrets = format!(
        "identity = \"{}\"\nmaster = \"{}\"\n",
        secret("keys/identity.key").trim(),
        secret("keys/master.key").trim()
    );
    let text = text.replace("127.0.0.1:8090", "127.0.0.1:0");
    std::fs::write(&config, secrets + &text).unwrap();
    let run = ["keymanager", "run", "--config", "keys/keymanager.toml"];
    let mut keys = scene.start("key manager", &run);
    let keys_url = value(&keys.expect("listening on "), "listening on ");
    let url = format!("key-manager-url={keys_url}");
    let set = ["policy", "set", "--dir", "account", "archive=key-manager"];
    let auditors = "roles=supervisor,auditor";
    scene.said(&[set.as_slice(), &[&url, auditors]].concat());
    let settings = format!(
        "accounts = [\"{account}\"]\n[listen]\naddress = \"127.0.0.1:0\"\n\
         [database]\nurl = \"relay.db\"\n[key_managers]\nprivate = true\n"
    );
    std::fs::write(scene.path("relay.toml"), settings).unwrap();
    let mut relay = scene.start("relay", &["relay", "--config", "relay.toml"]);
    let url = value(&relay.expect("listening on "), "listening on ");
    let business = Business {
        scene,
        account,
        url,
        relay,
    };
    business.said(&["policy", "publish"]);
    (business, keys, keys_url, identity)
}

#[test]
fn an_auditor_opens_the_transcript_with_a_reason_and_the_log_says_so() {
    let (business, _keys, keys_url, identity) = arranged();
    let mut ada = business.agent("Ada", "support");
    let mut visitor = business.visitor(&[]);
    visitor.type_line("is my knee covered?");
    ada.expect("* contact 1 waits");
    ada.type_line("/claim 1");
    ada.expect("* you have joined");
    ada.type_line("Yes, it is.");
    visitor.expect("Ada: Yes, it is.");
    ada.type_line("/close");
    visitor.expect("* Ada has ended the conversation");
    visitor.succeeds();

    let account = format!("--account={}", business.account);
    let device = ["--relay", &business.url, &account, "--state", "olga"];
    let request = [
        ["agent", "request", "--name", "Olga", "--plain-keys"],
        device,
    ]
    .concat();
    let request = value(&business.scene.said(&request), "request=");
    let approve = ["agent", "approve", &request, "--subject", "olga", "--role"];
    business.said(&[approve.as_slice(), &["auditor"]].concat());

    let audit = [
        "keymanager",
        "audit",
        "--dir",
        "account",
        "--url",
        &keys_url,
    ];
    let audit = [audit.as_slice(), &["--to", "audit.log"]].concat();
    let logged = |operation: &str| {
        business.scene.said(&audit);
        let verify = [
            "keymanager",
            "verify-audit",
            "audit.log",
            &account,
            &identity,
        ];
        let verified = business.scene.said(&verify);
        let line = verified
            .lines()
            .find(|line| line.contains(operation))
            .map(str::to_owned);
        line.unwrap_or_else(|| panic!("no {operation} in {verified}"))
    };
    // The contact's id stands in the log since its keys became its own.
    let line = logged("rewrap");
    let contact = line
        .split_whitespace()
        .find(|word| word.len() == 22)
        .unwrap()
        .to_owned();

    let open = |reason: &str, more: &[&str]| {
        let line = [
            &["transcript", "open", "--reason", reason, "--plain-keys"],
            more,
            &device[..],
        ];
        let mut line: Vec<_> = line.concat().into_iter().map(str::to_owned).collect();
        line.extend(["--".to_owned(), contact.clone()]);
        line
    };
    let opened = open("a complaint", &[]);
    let opened: Vec<_> = opened.iter().map(String::as_str).collect();
    let said = business.scene.said(&opened);
    assert!(said.contains("Visitor: is my knee covered?"), "{said}");
    assert!(said.contains("Ada: Yes, it is."), "{said}");
    assert!(said.contains("to its signed end"), "{said}");
    let json = open("a complaint", &["--json"]);
    let json: Vec<_> = json.iter().map(String::as_str).collect();
    let json = business.scene.said(&json);
    assert!(json.contains("\"end_confirmed\":true") && json.contains("is my knee covered?"));
    let none = open(" ", &[]);
    let none: Vec<_> = none.iter().map(String::as_str).collect();
    let complaint = business.scene.complained(&none);
    assert!(complaint.contains("(reason-missing)"), "{complaint}");
    assert!(logged("release").contains("granted"));

    // And it is what SPEC 7 says, as any other one would have to be.
    let conformance = [
        "keymanager",
        "conformance",
        "--dir",
        "account",
        "--url",
        &keys_url,
    ];
    let said = business.scene.said(&conformance);
    assert!(said.contains("22 passed, 0 failed, 0 not tried"), "{said}");
}
