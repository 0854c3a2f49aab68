//! Commands that end by themselves: what they say, and what they complain of.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod scene;

use std::process::Stdio;

use scene::{Business, Scene, sottovoce, value};

#[test]
fn an_account_is_made_once() {
    let scene = Scene::new();
    let create = ["account", "create", "--dir", "a", "--plain-keys"];
    let said = scene.said(&create);
    let account = value(&said, "account=");
    assert!(
        said.contains(&format!("data-account=\"{account}\"")),
        "{said}"
    );
    let key = std::fs::read(scene.path("a/root.key")).unwrap();
    assert!(scene.complained(&create).contains("(account-exists)"));
    assert_eq!(std::fs::read(scene.path("a/root.key")).unwrap(), key);
}

#[cfg(unix)]
#[test]
fn only_their_owner_may_read_an_accounts_files() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    scene.said(&["account", "create", "--dir", "a", "--plain-keys"]);
    let mode = |name: &str| {
        std::fs::metadata(scene.path(name))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("a") & 0o777, 0o700);
    assert_eq!(mode("a/administrator.key") & 0o777, 0o600);
}

#[test]
fn private_keys_are_sealed_with_a_passphrase() {
    let scene = Scene::new();
    let with = |passphrase: &str, line: &[&str]| {
        sottovoce(line)
            .current_dir(scene.folder.path())
            .env("SOTTOVOCE_PASSPHRASE", passphrase)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let create = ["account", "create", "--dir", "a"];
    let complaint = scene.complained(&create);
    assert!(complaint.contains("(passphrase-needed)"), "{complaint}");
    assert!(with("correct horse", &create).status.success());
    for name in ["a/root.key", "a/administrator.key"] {
        let file = std::fs::read_to_string(scene.path(name)).unwrap();
        assert!(file.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
    }
    let set = ["policy", "set", "--dir", "a", "name=ACME Ltd"];
    let wrong = with("battery staple", &set);
    assert!(!wrong.status.success());
    let complaint = String::from_utf8(wrong.stderr).unwrap();
    assert!(complaint.contains("does not open"), "{complaint}");
    assert!(complaint.contains("(passphrase-wrong)"), "{complaint}");
    assert!(!complaint.contains("battery"), "{complaint}");
    assert!(with("correct horse", &set).status.success());
}

#[test]
fn a_policy_is_changed_in_versions() {
    let scene = Scene::new();
    scene.said(&["account", "create", "--dir", "a", "--plain-keys"]);
    scene.said(&[
        "policy",
        "set",
        "--dir",
        "a",
        "name=ACME Ltd",
        "team.sales.name=Vertrieb",
        "entry-point.shop.teams=support,sales",
        "retention.days=30",
        "life=3",
    ]);
    scene.said(&["policy", "renew", "--dir", "a", "--days", "14"]);
    let shown = scene.said(&["policy", "show", "--dir", "a"]);
    for expected in [
        "shop: ACME Ltd, e2ee, answered by sales, support",
        "sales: Vertrieb",
        "30 days",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
    let version = shown
        .lines()
        .find(|line| line.starts_with("version"))
        .unwrap();
    assert!(version.ends_with('2'), "{version}");
}

#[test]
fn a_policy_that_nobody_would_believe_is_not_signed() {
    let scene = Scene::new();
    scene.said(&["account", "create", "--dir", "a", "--plain-keys"]);
    for (setting, code) in [
        ("colour=red", "(unknown-setting)"),
        ("retention.days=many", "(bad-setting)"),
        ("life=15", "(bad-setting)"),
        ("fallback-link=javascript:alert(1)", "(bad-setting)"),
        ("level=transport", "(contradiction)"),
        ("entry-point.shop.teams=nobody", "(contradiction)"),
        ("team.support=none", "(contradiction)"),
        ("name=\u{1b}[2J", "(bad-setting)"),
    ] {
        let complaint = scene.complained(&["policy", "set", "--dir", "a", setting]);
        assert!(complaint.contains(code), "{setting}: {complaint}");
        assert!(!complaint.contains('\u{1b}'), "{complaint:?}");
    }
    let shown = scene.said(&["policy", "show", "--dir", "a"]);
    let version = shown
        .lines()
        .find(|line| line.starts_with("version"))
        .unwrap();
    assert!(version.ends_with('1'), "{version}");
}

#[test]
fn publishing_again_changes_nothing() {
    let business = Business::open();
    for _ in 0..2 {
        let said = business.said(&["policy", "publish"]);
        assert!(
            said.contains("Version 1 of the policy is in force"),
            "{said}"
        );
    }
}

#[test]
fn a_device_is_approved_by_its_request() {
    let business = Business::open();
    let mut request = vec!["agent", "request", "--relay", &business.url];
    request.extend(["--account", &business.account, "--state", "ada"]);
    request.extend(["--name", "Ada", "--plain-keys"]);
    let asked = value(&business.scene.said(&request), "request=");
    let approve = |subject: &str, team: &str| {
        let line = [
            "agent",
            "approve",
            &asked,
            "--subject",
            subject,
            "--team",
            team,
        ];
        business.scene.run(&business.administrator(&line))
    };
    let complaint = String::from_utf8(approve("ada", "nobody").stderr).unwrap();
    assert!(complaint.contains("(unknown-team)"), "{complaint}");
    assert!(approve("ada", "support").status.success());
    // The key is Ada's from now on.
    let complaint = String::from_utf8(approve("eve", "support").stderr).unwrap();
    assert!(complaint.contains("(device-taken)"), "{complaint}");
    let said = business.scene.said(&request);
    assert!(said.contains("approved already, as Ada"), "{said}");
    let complaint = business.complained(&[
        "agent",
        "approve",
        "glh2",
        "--subject",
        "a",
        "--team",
        "support",
    ]);
    assert!(complaint.contains("(bad-request)"), "{complaint}");
}

#[test]
fn a_teams_key_is_made_anew() {
    let business = Business::open();
    let _ada = business.agent("Ada", "support");
    for _ in 0..2 {
        let said = business.said(&["team", "rotate", "support"]);
        assert!(
            said.contains("support has a new key of suite 2, for 1 devices"),
            "{said}"
        );
    }
    let complaint = business.complained(&["team", "rotate", "nobody"]);
    assert!(complaint.contains("(unknown-team)"), "{complaint}");
}

#[test]
fn wrong_input_gets_words_a_code_and_a_failing_exit() {
    let business = Business::open();
    let scene = &business.scene;
    let publish = |url| ["policy", "publish", "--dir", "account", "--relay", url];
    for (line, code) in [
        (&publish("http://chat.example")[..], "(address-unencrypted)"),
        (&publish("ftp://chat.example"), "(address-malformed)"),
        (&publish("http://127.0.0.1:9"), "(relay-unreachable)"),
        (&["policy", "show", "--dir", "nowhere"], "(no-account)"),
        (
            &[
                "account",
                "create",
                "--dir",
                "b",
                "--plain-keys",
                "--team",
                "",
            ],
            "(bad-name)",
        ),
    ] {
        let complaint = scene.complained(line);
        assert!(
            complaint.starts_with("error: ") && complaint.contains(code),
            "{complaint}"
        );
    }
    let invite = [
        "agent", "invite", "--name", "Ada", "--team", "support", "--code", "short",
    ];
    assert!(business.complained(&invite).contains("(bad-code)"));
    let relay = [
        "relay",
        "--listen",
        "0.0.0.0:0",
        "--database",
        "x.db",
        "--account",
        &business.account,
    ];
    assert!(scene.complained(&relay).contains("(plain-not-loopback)"));
    let relay = ["relay", "--database", "x.db", "--account", "short"];
    assert!(scene.complained(&relay).contains("an account's id"));
}

#[test]
fn a_command_whose_output_nobody_reads_does_its_work_and_complains_of_nothing() {
    let scene = Scene::new();
    for (line, made) in [
        (
            &["account", "create", "--dir", "a", "--plain-keys"] as &[&str],
            Some("a/root.key"),
        ),
        (&["policy", "show", "--dir", "a"], None),
        (&["policy", "set", "--dir", "a", "name=ACME Ltd"], None),
        (&["--help"], None),
    ] {
        let mut command = sottovoce(line);
        let mut child = command
            .current_dir(scene.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line:?}: {complaints}");
        assert_eq!(complaints, "", "{line:?}");
        assert!(made.is_none_or(|name| scene.folder.path().join(name).exists()));
    }
    assert!(
        scene
            .said(&["policy", "show", "--dir", "a"])
            .contains("ACME Ltd")
    );
}

#[test]
fn a_relays_configuration_is_checked_without_starting_it() {
    let scene = Scene::new();
    scene.said(&["account", "create", "--dir", "a", "--plain-keys"]);
    let account = "A".repeat(43);
    let file = |text: &str| std::fs::write(scene.path("relay.toml"), text).unwrap();
    let check = |more: &[&'static str]| {
        let mut line = vec!["relay", "check-config", "--config", "relay.toml"];
        line.extend(more);
        line
    };
    file(&format!(
        "accounts = ['{account}']\n[database]\nurl = 'postgres://relay:hunter2@db/relay'\n\
         [limits]\nframes = 50\n"
    ));
    let said = scene.said(&check(&["--listen", "127.0.0.1:9"]));
    assert!(said.contains("postgres://relay:***@db/relay"), "{said}");
    assert!(said.contains("address = \"127.0.0.1:9\""), "{said}");
    assert!(said.contains("frames = 50"), "{said}");
    // What is not set is shown, too.
    assert!(said.contains("seconds = 10"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");

    file("[limits]\nframs = 50\n");
    let complaint = scene.complained(&check(&[]));
    assert!(
        complaint.contains("unknown key limits.frams"),
        "{complaint}"
    );
    assert!(
        complaint.contains("did you mean limits.frames?"),
        "{complaint}"
    );
    assert!(complaint.contains("(config-unknown-key)"), "{complaint}");
    file(&format!("accounts = ['{account}']"));
    let complaint = scene.complained(&check(&[]));
    assert!(complaint.contains("database.url"), "{complaint}");
    file("");
    assert!(scene.complained(&check(&[])).contains("accounts"));
    assert!(scene.complained(&["relay"]).contains("(config-value)"));
}

#[test]
fn a_check_refuses_what_a_start_would_refuse_in_the_same_words() {
    let scene = Scene::new();
    let account = "A".repeat(43);
    let certificates = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/tests/certificates");
    let tls = |certificate: &str, key: &str| {
        format!(
            "[listen]\naddress = '127.0.0.1:0'\ncertificate = '{certificates}/{certificate}.pem'\n\
             key = '{certificates}/{key}.key'\n"
        )
    };
    let database = "[database]\nurl = 'relay.db'\n";
    for (text, said) in [
        (
            "[listen]\naddress = '0.0.0.0:0'\n".to_owned(),
            "(plain-not-loopback)",
        ),
        (
            "[listen]\naddress = 'localhost:80'\n".to_owned(),
            "names are not looked up",
        ),
        (tls("rsa-1024", "rsa-1024"), "(certificate-weak)"),
        (tls("rsa-2048", "rsa-1024"), "(certificate-unusable)"),
        (tls("rsa-2048", "nothing"), "(key-unreadable)"),
        (
            "[static]\n'/' = 'nowhere'\n".to_owned(),
            "(static-unreadable)",
        ),
        (
            "[push]\ngateway = 'http://push.example'\n".to_owned(),
            "(push-unusable)",
        ),
        ("[limits]\nwork = 19\n".to_owned(), "limits.work"),
        (
            "[limits]\nconnections = 0\n".to_owned(),
            "limits.connections",
        ),
        (
            "[limits.device]\nconnections = 0\nframes = 1\nbytes = 1\ncontacts = 1\n".to_owned(),
            "limits.device.connections",
        ),
        (
            "[hints]\nnats = 'nats://127.0.0.1'\n".to_owned(),
            "hints.nats",
        ),
    ] {
        let text = format!("accounts = ['{account}']\n{database}{text}");
        std::fs::write(scene.path("relay.toml"), text).unwrap();
        let checked = scene.complained(&["relay", "check-config", "--config", "relay.toml"]);
        assert!(checked.contains(said), "{said}: {checked}");
        let started = scene.complained(&["relay", "--config", "relay.toml"]);
        assert_eq!(checked, started);
    }
    for (url, code) in [
        ("mysql://db/relay", "(database-unsupported)"),
        ("postgres://db/relay?sslmode=disable", "(database-plain)"),
        ("nowhere/relay.db", "(database-unusable)"),
    ] {
        for mut line in [vec!["relay", "check-config"], vec!["relay"]] {
            line.extend(["--account", &account, "--database", url]);
            let complaint = scene.complained(&line);
            assert!(complaint.contains(code), "{complaint}");
        }
    }
}

#[test]
fn a_running_relays_database_is_copied() {
    let business = Business::open();
    let scene = &business.scene;
    let back_up = [
        "relay",
        "backup",
        "--database",
        "relay.db",
        "--to",
        "copy.db",
    ];
    assert_eq!(scene.said(&back_up).trim(), "copy.db");
    assert!(std::path::Path::new(&scene.path("copy.db")).exists());
    assert!(scene.complained(&back_up).contains("(backup-exists)"));
    let elsewhere = [
        "relay",
        "backup",
        "--database",
        "postgres://localhost/x",
        "--to",
        "x",
    ];
    assert!(scene.complained(&elsewhere).contains("pg_dump"));
}

#[test]
fn an_administrator_makes_lists_and_revokes_api_tokens() {
    let business = Business::open();
    let create = [
        "token",
        "create",
        "--name",
        "reports",
        "--scope",
        "usage:read",
        "--scope",
        "contacts:read",
        "--days",
        "7",
    ];
    let said = business.said(&create);
    let (token, id) = (value(&said, "token="), value(&said, "id="));
    assert!(token.starts_with("svt_") && token.len() == 47, "{said}");
    let listed = business.said(&["token", "list"]);
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(listed.contains(&id) && listed.contains("contacts:read usage:read"));
    assert!(listed.contains("until 20") && !listed.contains(&token));
    assert!(business.said(&["token", "revoke", &id]).contains(&id));
    assert!(business.said(&["token", "list"]).contains("revoked"));
    let unknown = business.complained(&["token", "revoke", "nothing"]);
    assert!(unknown.contains("(unknown-token)"), "{unknown}");
    let strange = ["token", "create", "--name", "x", "--scope", "everything"];
    let complained = business.complained(&strange);
    assert!(
        complained.contains("possible values: account:read, account:write"),
        "{complained}"
    );
}

#[test]
fn commands_say_until_when_the_policy_holds_and_which_team_keeps_visitors_out() {
    let scene = Scene::new();
    let said = scene.said(&["account", "create", "--dir", "account", "--plain-keys"]);
    assert!(said.contains("The policy holds until 20"), "{said}");
    assert!(said.contains("integrity=\"sha384-"), "{said}");
    let business = Business::open();
    let publish = business.administrator(&["policy", "publish"]);
    let output = business.scene.run(&publish);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("in force at the relay, until 20"), "{said}");
    let warned = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        warned.contains("at shop yet: support has no current key"),
        "{warned}"
    );
    let complaint = business.complained(&["team", "rotate", "support"]);
    assert!(complaint.contains("(no-seal-key)"), "{complaint}");

    let _ada = business.agent("Ada", "support");
    business.said(&["team", "rotate", "support"]);
    let output = business.scene.run(&publish);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let two = "entry-point.shop.teams=support,sales";
    let set = [
        "policy",
        "set",
        "--dir",
        "account",
        "team.sales.name=Sales",
        two,
    ];
    business.scene.said(&set);
    let output = business.scene.run(&publish);
    let warned = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        warned.contains("at shop yet: sales has no current key"),
        "{warned}"
    );
}
