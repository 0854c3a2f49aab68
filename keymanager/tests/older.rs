//! The older shape, answered: on both databases what becomes of keys, and over HTTP who gets them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod scene;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use scene::{On, Scene, contact, master};
use sottovoce::archive::{AuditEntry, AuditHead, Auditor, Grant, Operation, Outcome};
use sottovoce::wire::{ContactId, Signed};
use sottovoce_keymanager::config::{DatabaseSettings, OlderSettings};
use sottovoce_keymanager::master::{MasterError, hex_of_secret};
use sottovoce_keymanager::rules::{RoleName, Rule};
use sottovoce_keymanager::service::{OlderCall, ServiceError, contact_of};
use sottovoce_keymanager::{Rules, Server, Settings};
use sottovoce_older_keys::call::{Call, Refusal};
use sottovoce_older_keys::service::Address;
use sottovoce_older_keys::{
    ContactKey, SecretToken, Service, ServiceError as Refused, SignGet, Signing, TokenAs,
};
use sottovoce_test_scene::now;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

impl Scene {
    async fn older(&self, call: OlderCall) -> Result<ContactKey, Outcome> {
        let account = &self.business.id;
        let answered = self.manager.answer_older(account, &call, b"sent", now());
        answered.await.unwrap()
    }

    async fn administer(&self, operation: Operation) {
        let administrator = &self.business.administrator;
        self.ask(administrator, operation).await.unwrap();
    }
}

async fn a_key_is_made_once_and_read(on: On) {
    let scene = Scene::open(on).await;
    let (one, other) = (contact(), contact());
    let unknown = scene.older(OlderCall::Read(one)).await;
    assert_eq!(unknown, Err(Outcome::Unknown));
    let key = scene.older(OlderCall::Create(one)).await.unwrap();
    let again = scene.older(OlderCall::Create(one)).await.unwrap();
    let read = scene.older(OlderCall::Read(one)).await.unwrap();
    assert!(again == key && read == key);
    assert_ne!(scene.older(OlderCall::Create(other)).await.unwrap(), key);
    // A contact that is known in the other way has a key of its own here.
    let issued = scene.issued().await;
    let unknown = scene.older(OlderCall::Read(issued)).await;
    assert_eq!(unknown, Err(Outcome::Unknown));
    scene.older(OlderCall::Create(issued)).await.unwrap();
}

async fn a_copy_is_remembered_and_outlives_what_it_was_made_of(on: On) {
    let scene = Scene::open(on).await;
    let (old, new, other) = (contact(), contact(), contact());
    let copy = OlderCall::Copy(new, old);
    assert_eq!(scene.older(copy).await, Err(Outcome::Unknown));
    let key = scene.older(OlderCall::Create(old)).await.unwrap();
    for call in [copy, copy, OlderCall::Read(new), OlderCall::Create(new)] {
        assert!(scene.older(call).await.unwrap() == key, "{call:?}");
    }
    // Nobody's key is replaced.
    let own = scene.older(OlderCall::Create(other)).await.unwrap();
    let onto = scene.older(OlderCall::Copy(other, old)).await;
    assert_eq!(onto, Err(Outcome::Denied));
    assert_eq!(scene.older(OlderCall::Read(other)).await, Ok(own));
    scene.administer(Operation::Erase { contact: old }).await;
    assert_eq!(scene.older(copy).await, Err(Outcome::Erased));
    assert_eq!(scene.older(OlderCall::Read(new)).await, Ok(key));
}

async fn what_is_revoked_or_erased_is_given_no_more(on: On) {
    let scene = Scene::open(on).await;
    let (revoked, erased, new) = (contact(), contact(), contact());
    for contact in [revoked, erased] {
        scene.older(OlderCall::Create(contact)).await.unwrap();
    }
    scene
        .administer(Operation::Revoke { contact: revoked })
        .await;
    scene.administer(Operation::Erase { contact: erased }).await;
    for (contact, outcome) in [(revoked, Outcome::Revoked), (erased, Outcome::Erased)] {
        for call in [
            OlderCall::Create(contact),
            OlderCall::Read(contact),
            OlderCall::Copy(new, contact),
            OlderCall::Copy(contact, contact),
        ] {
            assert_eq!(scene.older(call).await, Err(outcome), "{call:?}");
        }
    }
    assert_eq!(rows(&scene).await, [revoked]);
}

/// Contacts of which a key is stored.
async fn rows(scene: &Scene) -> Vec<ContactId> {
    let mut transaction = scene.manager.store().begin().await.unwrap();
    let rows: Vec<(Vec<u8>,)> = sqlx::query_as("SELECT contact FROM older_keys")
        .fetch_all(&mut *transaction)
        .await
        .unwrap();
    let contact = |(bytes,): &(Vec<u8>,)| ContactId::from_slice(bytes).unwrap();
    rows.iter().map(contact).collect()
}

async fn keys_are_wrapped_anew_under_the_newest_generation(on: On) {
    let scene = Scene::open(on).await;
    let one = contact();
    let key = scene.older(OlderCall::Create(one)).await.unwrap();
    let scene = scene.again(master(&[1, 2])).await;
    let scene = scene.again(master(&[2])).await;
    assert_eq!(scene.older(OlderCall::Read(one)).await, Ok(key));
}

async fn a_row_of_another_place_does_not_open(on: On) {
    let scene = Scene::open(on).await;
    let (one, other) = (contact(), contact());
    for contact in [one, other] {
        scene.older(OlderCall::Create(contact)).await.unwrap();
    }
    let statements = [
        "UPDATE older_keys SET wrapped = (SELECT wrapped FROM older_keys o WHERE o.contact <> older_keys.contact)",
        "UPDATE older_keys SET wrapped = (SELECT wrapped FROM contacts c WHERE c.contact = older_keys.contact)",
    ];
    for statement in statements {
        let mut transaction = scene.manager.store().begin().await.unwrap();
        let changed = sqlx::query(statement).execute(&mut *transaction);
        changed.await.unwrap();
        transaction.commit().await.unwrap();
        let account = &scene.business.id;
        let call = OlderCall::Read(one);
        let answered = scene.manager.answer_older(account, &call, b"", now()).await;
        let refused = answered.unwrap_err();
        let unreadable = matches!(refused, ServiceError::Master(MasterError::Unreadable));
        assert!(unreadable, "{refused}");
    }
}

async fn every_call_stands_in_the_audit_log(on: On) {
    let scene = Scene::open(on).await;
    let (old, new) = (contact(), contact());
    let _ = scene.older(OlderCall::Read(old)).await;
    scene.older(OlderCall::Create(old)).await.unwrap();
    scene.older(OlderCall::Copy(new, old)).await.unwrap();
    let granted = scene.ask(&scene.auditor, Operation::Audit { after: 0 });
    let Ok(Grant::Audit { entries }) = granted.await else {
        panic!()
    };
    let beginning = AuditHead {
        number: 0,
        hash: None,
    };
    let identity = scene.manager.identity();
    let mut auditor = Auditor::new(scene.business.id, identity, beginning);
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| Signed::<AuditEntry>::from_bytes(entry).unwrap())
        .map(|entry| auditor.take(&entry).unwrap())
        .map(|entry| {
            // Nobody asked who has a device.
            assert_eq!(entry.device, identity);
            (entry.operation, entry.contact.unwrap(), entry.outcome)
        })
        .collect();
    let expected = [
        ("older-read", old, Outcome::Unknown),
        ("older-create", old, Outcome::Granted),
        ("older-read", old, Outcome::Granted),
        ("older-copy", new, Outcome::Granted),
    ];
    let expected =
        expected.map(|(operation, contact, outcome)| (operation.to_owned(), contact, outcome));
    assert_eq!(entries, expected);
}

async fn who_calls_too_often_waits(on: On) {
    let rules = Rules {
        data_key: Rule {
            roles: vec![RoleName::Vault],
            per_minute: 2,
        },
        ..Rules::default()
    };
    let scene = Scene::with(on, rules).await;
    let create = OlderCall::Create(contact());
    for expected in [true, true, false] {
        let answered = scene.older(create).await;
        assert_eq!(answered.is_ok(), expected);
        assert!(expected || answered == Err(Outcome::Throttled));
    }
}

/// Each behaviour on each database.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(super::On::Sqlite).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(super::On::Postgres).await; })*
        }
    };
}

on_both!(
    a_key_is_made_once_and_read,
    a_copy_is_remembered_and_outlives_what_it_was_made_of,
    what_is_revoked_or_erased_is_given_no_more,
    keys_are_wrapped_anew_under_the_newest_generation,
    a_row_of_another_place_does_not_open,
    every_call_stands_in_the_audit_log,
    who_calls_too_often_waits,
);

/// A key manager on the network.
struct Running {
    address: SocketAddr,
    /// Of the account that may call.
    account: String,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn token(byte: &str) -> SecretToken {
    SecretToken::parse(&byte.repeat(48)).unwrap()
}

impl Running {
    /// With these tokens of its first account; it serves another as well, which has none.
    async fn start(tokens: &[&str], signing: Signing) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let account = sottovoce_test_scene::Business::new().id.to_string();
        let lines = tokens.iter();
        let lines = lines.map(|byte| format!("{account}:{}\n", byte.repeat(48)));
        let mut settings = Settings {
            accounts: vec![account.clone(), "A".repeat(43)],
            identity: hex_of_secret(&sottovoce::crypto::Secret::new([1; 32]))
                .to_string()
                .into(),
            master: format!("1:{}", "02".repeat(32)).into(),
            tombstones: path("tombstones"),
            database: DatabaseSettings {
                url: path("keys.db").display().to_string(),
                others: Vec::new(),
            },
            older_shape: OlderSettings {
                tokens: lines.collect::<String>().into(),
                sign_get: signing.get,
                token_as: signing.token,
            },
            ..Settings::default()
        };
        settings.listen.address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(settings.into_config().unwrap()).await.unwrap();
        let (address, stop) = (server.address(), CancellationToken::new());
        tokio::spawn(server.serve(stop.clone()));
        Self {
            address,
            account,
            stop,
            _folder: folder,
        }
    }

    fn path(&self) -> String {
        format!("/older/{}", self.account)
    }

    /// Somebody who calls it, with a token of the account.
    fn caller(&self, byte: &str, signing: Signing) -> Service {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let address = Address {
            url: format!("http://{}{}", self.address, self.path()),
            account: self.account.clone(),
            host: "chat.example".to_owned(),
        };
        Service::new(address, token(byte), signing, &tls, Duration::from_secs(10)).unwrap()
    }

    /// What is answered to a call with this signature: status and body.
    async fn answer(&self, call: &str, signature: &str, body: &str) -> (u16, String) {
        let request = format!(
            "{call} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-vvc-hmac: {signature}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }
}

const ERROR: &str = "{\"error\":true}";

#[tokio::test]
async fn who_has_the_token_gets_keys() {
    for signing in [
        Signing::default(),
        Signing {
            get: SignGet::Query,
            token: TokenAs::Text,
        },
        Signing {
            get: SignGet::None,
            token: TokenAs::Hex,
        },
    ] {
        let manager = Running::start(&["3d"], signing).await;
        let caller = manager.caller("3d", signing);
        // Any text names a contact.
        for id in ["AAAAAAAAAAAAAAAAAAAAAA", "b1946ac9-2493 / ü"] {
            let missing = caller.read(id).await.unwrap_err();
            assert!(matches!(missing, Refused::Refused(Refusal::Missing)));
            let key = caller.create(id).await.unwrap();
            assert_eq!(caller.read(id).await.unwrap(), key);
            let copy = caller.copy(&format!("{id} copy"), id).await.unwrap();
            assert_eq!(copy, key);
        }
        // Whoever has another token gets nothing, and could not read it.
        let stranger = manager.caller("4e", signing);
        let denied = stranger.create("new").await.unwrap_err();
        assert!(matches!(denied, Refused::Refused(Refusal::Denied(401))));
    }
}

#[tokio::test]
async fn while_a_token_changes_each_caller_gets_what_its_own_opens() {
    let manager = Running::start(&["3d", "4e"], Signing::default()).await;
    let before = manager.caller("3d", Signing::default());
    let after = manager.caller("4e", Signing::default());
    let key = before.create("one").await.unwrap();
    assert_eq!(after.read("one").await.unwrap(), key);
    assert_eq!(before.read("one").await.unwrap(), key);
}

#[tokio::test]
async fn calls_that_are_not_as_they_should_be_are_refused() {
    let manager = Running::start(&["3d"], Signing::default()).await;
    let path = manager.path();
    let sign = |call: Call<'_>| Signing::default().sign(&token("3d"), call).unwrap();
    let post = async |body: &str| {
        let signature = sign(Call::Post(body.as_bytes()));
        manager
            .answer(&format!("POST {path}"), &signature, body)
            .await
    };
    let get = async |query: &str, signature: &str| {
        manager
            .answer(&format!("GET {path}{query}"), signature, "")
            .await
    };
    let refused = |status: u16| (status, ERROR.to_owned());
    let of_nothing = sign(Call::Get(""));
    let (status, body) = post("{\"id\":\"one\"}").await;
    assert_eq!(status, 200, "{body}");
    // In whatever letters, and with whatever else.
    assert_eq!(get("?id=one", &of_nothing.to_uppercase()).await.0, 200);
    assert_eq!(post("{ \"id\": \"one\", \"more\": 1 }").await.0, 200);
    for body in [
        "",
        "{}",
        "one",
        "{\"id\":\"\"}",
        "{\"id\":7}",
        "{\"id\":null}",
        "{\"copyFrom\":\"one\"}",
        "{\"id\":\"two\",\"copyFrom\":\"unknown\"}",
        "{\"id\":\"two\",\"copyFrom\":\"\"}",
        &format!("{{\"id\":\"{}\"}}", "x".repeat(129)),
    ] {
        assert_eq!(post(body).await, refused(400), "{body}");
    }
    for query in ["", "?", "?id=", "?name=one", "?id=unknown"] {
        assert_eq!(get(query, &of_nothing).await, refused(400), "{query}");
    }
    let other = Signing::default().sign(&token("4e"), Call::Get(""));
    for signature in ["", "x", &of_nothing[1..], &other.unwrap()] {
        assert_eq!(get("?id=one", signature).await, refused(401), "{signature}");
    }
    // One call's signature is not another's.
    let signature = sign(Call::Post(b"{\"id\":\"one\"}"));
    let call = format!("POST {path}");
    let changed = manager.answer(&call, &signature, "{\"id\":\"two\"}");
    assert_eq!(changed.await, refused(401));
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(5_000));
    assert_eq!(post(&long).await, refused(413));
    let nowhere = [
        format!("GET /older/{}?id=one", "A".repeat(43)),
        "GET /older/nobody?id=one".to_owned(),
    ];
    for call in nowhere {
        assert_eq!(manager.answer(&call, &of_nothing, "").await, refused(404));
    }
    let call = format!("DELETE {path}?id=one");
    let other = manager.answer(&call, &of_nothing, "");
    assert_eq!(other.await.0, 405);
}

#[tokio::test]
async fn nobody_is_answered_in_the_older_shape_who_was_not_asked_for() {
    let manager = Running::start(&[], Signing::default()).await;
    let caller = manager.caller("3d", Signing::default());
    let denied = caller.create("one").await.unwrap_err();
    assert!(matches!(denied, Refused::Refused(Refusal::Denied(404))));
}

#[test]
fn a_contact_of_another_form_is_one_of_its_account() {
    let account = sottovoce_test_scene::Business::new().id;
    let own = contact();
    assert_eq!(contact_of(&account, &own.to_string()), own);
    let foreign = contact_of(&account, "b1946ac9");
    assert_eq!(contact_of(&account, "b1946ac9"), foreign);
    assert_ne!(contact_of(&account, "b1946ac8"), foreign);
    let other = sottovoce_test_scene::Business::new().id;
    assert_ne!(contact_of(&other, "b1946ac9"), foreign);
}
