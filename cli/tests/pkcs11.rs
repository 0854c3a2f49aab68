//! A master key that a token wraps, on `SoftHSM`: tokens are made here, in a folder of each test.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod scene;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use scene::{Program, Scene, value};
use sottovoce_older_keys::service::Address;
use sottovoce_older_keys::{ContactKey, SecretToken, Service, Signing};
use sqlx::Row;

const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
];
const PIN: &str = "SOTTOVOCE__PKCS11__PIN";
const MASTER: &str = "SOTTOVOCE__MASTER_FILE";
const RUN: [&str; 4] = ["keymanager", "run", "--config", "keys/keymanager.toml"];

fn module() -> &'static str {
    let found = MODULES.into_iter().find(|path| Path::new(path).exists());
    found.unwrap_or_else(|| panic!("SoftHSM is missing: cargo xtask setup installs it"))
}

/// A folder with a token `acme`, whose PIN is in the environment, and an account to serve.
fn arranged() -> (Scene, String) {
    let mut scene = Scene::new();
    std::fs::create_dir(scene.path("tokens")).unwrap();
    let configuration = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        scene.path("tokens")
    );
    std::fs::write(scene.path("softhsm.conf"), configuration).unwrap();
    scene.environment = vec![
        ("SOFTHSM2_CONF", scene.path("softhsm.conf")),
        ("SOTTOVOCE__IDENTITY_FILE", "keys/identity.key".to_owned()),
        (MASTER, "keys/master.key".to_owned()),
        (PIN, "1234".to_owned()),
    ];
    scene.init_token("acme");
    let said = scene.said(&["account", "create", "--dir", "acme", "--plain-keys"]);
    let account = value(&said, "account=");
    (scene, account)
}

impl Scene {
    fn softhsm(&self, arguments: &[&str]) {
        let mut util = Command::new("softhsm2-util");
        let done = util
            .args(arguments)
            .env("SOFTHSM2_CONF", self.path("softhsm.conf"));
        let output = done.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn init_token(&self, label: &str) {
        self.softhsm(&[
            "--init-token",
            "--free",
            "--label",
            label,
            "--pin",
            "1234",
            "--so-pin",
            "5678",
        ]);
    }

    /// With something else in the environment.
    fn set(&mut self, name: &'static str, value: &str) {
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_owned()));
    }

    fn create(&self, account: &str, more: &[&str]) -> String {
        let mut line = vec![
            "keymanager",
            "create",
            "--dir",
            "keys",
            "--account",
            account,
        ];
        line.extend(more);
        let said = self.said(&line);
        // On any port, and it answers in the older shape: to hold something that is wrapped.
        self.configure(|text| {
            let text = text.replace("127.0.0.1:8090", "127.0.0.1:0");
            format!(
                "{text}\n[older_shape]\ntokens = \"{account}:{}\"\n",
                secret()
            )
        });
        said
    }

    fn create_on_token(&self, account: &str) -> String {
        let token = ["--pkcs11-module", module(), "--pkcs11-token", "acme"];
        self.create(account, &token)
    }

    /// Another key manager, with a key on a token.
    fn create_other(&self, account: &str, token: &[&str]) -> String {
        let create = [
            "keymanager",
            "create",
            "--dir",
            "other",
            "--account",
            account,
        ];
        self.said(&[&create[..], &["--pkcs11-module", module()], token].concat())
    }

    fn configure(&self, change: impl FnOnce(String) -> String) {
        let path = self.path("keys/keymanager.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, change(text)).unwrap();
    }

    fn master(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("keys/master.key")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn set_master(&self, lines: &[String]) {
        std::fs::write(self.path("keys/master.key"), lines.join("\n")).unwrap();
    }

    /// Adds the next generation.
    fn add_generation(&self) {
        let mut lines = self.master();
        let said = self.said(&[
            "keymanager",
            "generation",
            "--config",
            "keys/keymanager.toml",
        ]);
        lines.push(said.trim().to_owned());
        self.set_master(&lines);
    }

    /// Runs it, and has it give the key of a contact, which is made if `is_new`.
    fn contact_key(&self, account: &str, is_new: bool) -> ContactKey {
        let mut manager: Program = self.start("key manager", &RUN);
        let url = value(&manager.expect("listening on "), "listening on ");
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let address = Address {
            url: format!("{url}/older/{account}"),
            account: account.to_owned(),
            host: "chat.example".to_owned(),
        };
        let token = SecretToken::parse(&secret()).unwrap();
        let patience = Duration::from_secs(10);
        let service = Service::new(address, token, Signing::default(), &tls, patience).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let key = runtime.block_on(async {
            if is_new {
                service.create("one").await.unwrap()
            } else {
                service.read("one").await.unwrap()
            }
        });
        manager.kill();
        key
    }

    /// The generation that the contact's key is wrapped by.
    fn generation(&self) -> i64 {
        let url = format!("sqlite://{}", self.path("keys/keys.db"));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
            let row = sqlx::query("SELECT generation FROM older_keys");
            row.fetch_one(&pool).await.unwrap().get(0)
        })
    }
}

/// A secret token of the older shape.
fn secret() -> String {
    "6b".repeat(48)
}

#[test]
fn a_token_wraps_the_master_key_in_generations() {
    let (scene, account) = arranged();
    let said = scene.create_on_token(&account);
    assert!(
        said.contains("The key \"sottovoce\" on the token \"acme\" was made."),
        "{said}"
    );
    let [line] = scene.master().try_into().unwrap();
    let (number, wrapped) = line.split_once(':').unwrap();
    assert_eq!((number, wrapped.len()), ("1", 120));
    let key = scene.contact_key(&account, true);
    assert_eq!(scene.generation(), 1);
    // A new generation: the next start wraps everything anew, and the first can go.
    scene.add_generation();
    assert_eq!(scene.contact_key(&account, false), key);
    assert_eq!(scene.generation(), 2);
    let [_, second] = scene.master().try_into().unwrap();
    scene.set_master(std::slice::from_ref(&second));
    assert_eq!(scene.contact_key(&account, false), key);
    // Each generation is bound to its number.
    scene.set_master(&[second.replacen("2:", "3:", 1)]);
    let complaint = scene.complained(&RUN);
    assert!(
        complaint.contains("does not open under the token's key"),
        "{complaint}"
    );
    // Without the one that wrapped it, nothing opens.
    scene.set_master(&[line]);
    let complaint = scene.complained(&RUN);
    assert!(complaint.contains("is gone"), "{complaint}");
    // Nor without the token.
    scene.configure(|text| text.split("\n[pkcs11]").next().unwrap().to_owned());
    let complaint = scene.complained(&RUN);
    assert!(
        complaint.contains("wrapped by a token, and none is named"),
        "{complaint}"
    );
}

#[test]
fn a_master_key_of_a_file_is_followed_by_one_that_a_token_wraps() {
    let (scene, account) = arranged();
    scene.create(&account, &[]);
    let key = scene.contact_key(&account, true);
    // The key on the token is made by another folder's beginning.
    let made = scene.create_other(
        &account,
        &["--pkcs11-token", "acme", "--pkcs11-key", "masters"],
    );
    assert!(made.contains("was made."));
    scene.configure(|text| {
        let module = module();
        format!("{text}[pkcs11]\nmodule = \"{module}\"\ntoken = \"acme\"\nkey = \"masters\"\n")
    });
    scene.add_generation();
    let [plain, wrapped] = scene.master().try_into().unwrap();
    assert_eq!((plain.len(), wrapped.len()), (2 + 64, 2 + 120));
    assert_eq!(scene.contact_key(&account, false), key);
    scene.set_master(&[wrapped]);
    assert_eq!(scene.contact_key(&account, false), key);
}

#[test]
fn a_file_has_generations_as_well() {
    let (scene, account) = arranged();
    scene.create(&account, &[]);
    let key = scene.contact_key(&account, true);
    scene.add_generation();
    assert_eq!(scene.contact_key(&account, false), key);
    let [_, second] = scene.master().try_into().unwrap();
    assert_eq!(second.len(), 2 + 64);
    scene.set_master(&[second]);
    assert_eq!(scene.contact_key(&account, false), key);
}

#[test]
fn what_is_the_matter_with_a_token_is_said_at_the_start() {
    let (mut scene, account) = arranged();
    scene.create_on_token(&account);
    let said = |scene: &Scene, words: [&str; 2]| {
        for command in ["check-config", "run"] {
            let line = ["keymanager", command, "--config", "keys/keymanager.toml"];
            let complaint = scene.complained(&line);
            assert!(
                words.iter().all(|words| complaint.contains(words)),
                "{complaint}"
            );
            assert!(!complaint.contains("4321"), "{complaint}");
        }
    };
    scene.set(PIN, "4321");
    said(&scene, ["pkcs11.pin", "the token refuses the PIN"]);
    scene.set(PIN, "");
    said(&scene, ["pkcs11.pin", "there is no PIN"]);
    scene.set(PIN, "1234");
    let good = std::fs::read_to_string(scene.path("keys/keymanager.toml")).unwrap();
    let change = |scene: &Scene, from: &str, to: &str| {
        scene.configure(|_| {
            assert!(good.contains(from));
            good.replace(from, to)
        });
    };
    change(&scene, "token = \"acme\"", "token = \"other\"");
    said(
        &scene,
        ["pkcs11.token", "no token has this label; there are: acme"],
    );
    change(&scene, "key = \"sottovoce\"", "key = \"other\"");
    said(
        &scene,
        ["pkcs11.key", "the token has no AES key with this label"],
    );
    change(&scene, module(), "/nowhere/module.so");
    said(&scene, ["pkcs11.module", "/nowhere/module.so"]);
    // A key that is too short.
    std::fs::write(scene.path("short"), [7; 16]).unwrap();
    let path = scene.path("short");
    scene.softhsm(&[
        "--import", &path, "--aes", "--token", "acme", "--label", "short", "--id", "77", "--pin",
        "1234",
    ]);
    change(&scene, "key = \"sottovoce\"", "key = \"short\"");
    said(&scene, ["pkcs11.key", "has to be an AES-256 key"]);
    // Another token with a key of this label.
    scene.init_token("second");
    scene.create_other(&account, &["--pkcs11-token", "second"]);
    change(&scene, "token = \"acme\"", "token = \"second\"");
    said(&scene, ["master", "does not open under the token's key"]);
    // The PIN is shown nowhere.
    change(&scene, "token = \"acme\"", "token = \"acme\"");
    let check = [
        "keymanager",
        "check-config",
        "--config",
        "keys/keymanager.toml",
    ];
    let shown = scene.said(&check);
    assert!(
        shown.contains("pin = \"***\"") && !shown.contains("1234"),
        "{shown}"
    );
}
