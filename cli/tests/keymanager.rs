//! A key manager from its beginning to its audit log, by the command line alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod scene;

use scene::{Scene, value};

/// Everything up to a key manager that could run; its identity and the account.
fn arranged(scene: &Scene) -> (String, String) {
    let said = scene.said(&["account", "create", "--dir", "acme", "--plain-keys"]);
    let account = value(&said, "account=");
    let create = [
        "keymanager",
        "create",
        "--dir",
        "keys",
        "--account",
        &account,
    ];
    let identity = value(&scene.said(&create), "identity=");
    assert!(scene.complained(&create).contains("(folder-exists)"));
    let identity_key = scene.secret("identity");
    assert_eq!(identity_key.trim().len(), 64);
    (account, identity)
}

impl Scene {
    fn secret(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(&format!("keys/{name}.key"))).unwrap()
    }

    /// The configuration with its secrets and another port.
    fn configured(&self, more: &str) {
        let path = self.path("keys/keymanager.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("127.0.0.1:8090", "127.0.0.1:0");
        let secrets = format!(
            "identity = \"{}\"\nmaster = \"{}\"\n",
            self.secret("identity").trim(),
            self.secret("master").trim()
        );
        std::fs::write(&path, format!("{secrets}{text}{more}")).unwrap();
    }
}

#[test]
fn its_audit_log_is_fetched_and_holds() {
    let scene = Scene::new();
    let (account, identity) = arranged(&scene);
    scene.configured("");
    let mut manager = scene.start(
        "key manager",
        &["keymanager", "run", "--config", "keys/keymanager.toml"],
    );
    let url = value(&manager.expect("listening on "), "listening on ");
    let fetch = [
        "keymanager",
        "audit",
        "--dir",
        "acme",
        "--url",
        &url,
        "--to",
        "audit.log",
    ];
    // Nobody believes a key manager that the root statement does not name.
    assert!(scene.complained(&fetch).contains("(no-key-manager)"));
    let named = format!("--identity={identity}");
    let name = [
        "account",
        "key-manager",
        "--dir",
        "acme",
        &named,
        "--operator",
        "customer",
    ];
    assert!(scene.said(&name).contains("root-statement=2"));
    for count in 0..3 {
        let said = scene.said(&fetch);
        assert!(said.starts_with(&format!("{count} entries")), "{said}");
    }
    let of = format!("--account={account}");
    let verify = ["keymanager", "verify-audit", "audit.log", &of, &named];
    let said = scene.said(&verify);
    assert!(
        said.contains("2 entries, all signed and none missing"),
        "{said}"
    );

    let log = std::fs::read_to_string(scene.path("audit.log")).unwrap();
    let second = log.lines().nth(1).unwrap();
    std::fs::write(scene.path("audit.log"), format!("{second}\n")).unwrap();
    assert!(scene.complained(&verify).contains("(gap)"));
    // And what is added to a log that was tampered with is not fetched at all.
    assert!(scene.complained(&fetch).contains("(gap)"));
    std::fs::write(scene.path("audit.log"), "x\n").unwrap();
    assert!(scene.complained(&verify).contains("(malformed)"));
    let stranger = format!("--identity={account}");
    std::fs::write(scene.path("audit.log"), log).unwrap();
    let verify = ["keymanager", "verify-audit", "audit.log", &of, &stranger];
    assert!(scene.complained(&verify).contains("(bad-signature)"));
}

#[test]
fn it_does_not_start_in_a_database_of_other_data() {
    let scene = Scene::new();
    arranged(&scene);
    let check = [
        "keymanager",
        "check-config",
        "--config",
        "keys/keymanager.toml",
    ];
    assert!(scene.complained(&check).contains("identity"));
    scene.configured("");
    let said = scene.said(&check);
    assert!(
        said.contains("identity = \"***\"") && said.contains("master = \"***\""),
        "{said}"
    );
    assert!(!said.contains(scene.secret("identity").trim()));
    let path = scene.path("keys/keymanager.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let same = scene.path("keys/./keys.db");
    let text = text.replace("others = []", &format!("others = [\"{same}\"]"));
    std::fs::write(&path, text).unwrap();
    for command in ["check-config", "run"] {
        let complaint =
            scene.complained(&["keymanager", command, "--config", "keys/keymanager.toml"]);
        assert!(complaint.contains("different databases"), "{complaint}");
    }
}
