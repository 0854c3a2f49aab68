//! A vault from its beginning to a transcript, by the command line alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod scene;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use scene::{Business, Scene, relay, value};

/// An account at level `transport`.
fn business() -> Business {
    let scene = Scene::new();
    let create = ["account", "create", "--dir", "account", "--plain-keys"];
    let said = scene.said(&[create.as_slice(), &["--level", "transport"]].concat());
    let account = value(&said, "account=");
    let (relay, url) = relay(&scene, &account, "127.0.0.1:0");
    let business = Business {
        scene,
        account,
        url,
        relay,
    };
    business.said(&["policy", "publish"]);
    business
}

/// Makes a vault; its device's request.
fn create(business: &Business) -> String {
    let account = format!("--account={}", business.account);
    let create = [
        "vault",
        "create",
        "--dir",
        "vault",
        "--relay",
        &business.url,
    ];
    let create = [create.as_slice(), &[&account, "--plain-keys"]].concat();
    let said = business.scene.said(&create);
    assert!(
        business
            .scene
            .complained(&create)
            .contains("(folder-exists)")
    );
    value(&said, "request=")
}

fn get(address: &str, path: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_vault_is_approved_and_gives_a_transcript_to_whoever_has_a_token() {
    let business = business();
    let request = create(&business);
    let approve = [
        "agent",
        "approve",
        &request,
        "--subject",
        "vault",
        "--role",
        "vault",
    ];
    let with_team = [approve.as_slice(), &["--team", "support"]].concat();
    assert!(business.complained(&with_team).contains("(wrong-teams)"));
    assert!(
        business
            .said(&approve)
            .contains("approved Vault (vault) as vault, device")
    );
    let scene = &business.scene;
    let token = [
        "vault",
        "token",
        "--name",
        "reports",
        "--scope",
        "transcripts:read",
    ];
    let said = scene.said(&[token.as_slice(), &["--scope", "contacts:read"]].concat());
    let token = value(&said, "token=");
    let path = scene.path("vault/vault.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    let settings = settings.replace("127.0.0.1:8091", "127.0.0.1:0");
    let said = said.split_once("[[tokens]]").unwrap().1;
    let more = "[metrics]\naddress = \"127.0.0.1:0\"\n";
    std::fs::write(&path, format!("{settings}\n{more}[[tokens]]{said}")).unwrap();
    scene.said(&["vault", "check-config", "--config", "vault/vault.toml"]);
    let mut vault = scene.start("vault", &["vault", "run", "--config", "vault/vault.toml"]);
    let url = value(&vault.expect("listening on "), "listening on ");
    let address = url.strip_prefix("http://").unwrap();
    let metrics = value(&vault.expect("metrics on "), "metrics on ");

    let mut ada = business.agent("Ada", "support");
    let mut visitor = business.visitor(&[]);
    visitor.type_line("where is my order?");
    ada.expect("* contact 1 waits for the team support");
    ada.type_line("/claim 1");
    ada.expect("Visitor: where is my order?");
    ada.type_line("on its way");
    visitor.expect("Ada: on its way");
    let contacts = format!("/v1/accounts/{}/contacts", business.account);
    let begun = Instant::now();
    loop {
        let list = get(address, &contacts, &token);
        let contact = list
            .split_once("\"contact\":\"")
            .map(|(_, rest)| &rest[..22]);
        if let Some(contact) = contact {
            let path = format!("{contacts}/{contact}/transcript?format=text");
            if get(address, &path, &token).contains("Ada (agent): on its way") {
                break;
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{list}");
        std::thread::sleep(Duration::from_millis(200));
    }
    while !get(address, "/readyz", "").contains("{\"ready\":true}") {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(200));
    }
    let metrics = get(&metrics, "/metrics", "");
    assert!(
        metrics.contains("\nsottovoce_vault_followed_contacts 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("\nsottovoce_vault_records_total "),
        "{metrics}"
    );
}

#[test]
fn a_vault_does_not_start_where_keys_are_nor_without_its_device() {
    let business = business();
    create(&business);
    let scene = &business.scene;
    let path = scene.path("vault/vault.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    let same = scene.path("vault/./vault.db");
    let changed = settings.replace("keys = []", &format!("keys = [\"{same}\"]"));
    std::fs::write(&path, changed).unwrap();
    for command in ["check-config", "run"] {
        let complaint = scene.complained(&["vault", command, "--config", "vault/vault.toml"]);
        assert!(complaint.contains("different databases"), "{complaint}");
    }
    std::fs::write(&path, settings).unwrap();
    std::fs::remove_dir_all(scene.path("vault/device")).unwrap();
    let complaint = scene.complained(&["vault", "run", "--config", "vault/vault.toml"]);
    assert!(complaint.contains("(no-device)"), "{complaint}");
}
