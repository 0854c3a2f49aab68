//! A vault that has its keys from a service of the older shape: ours, and one that is written here from
//! nothing but the description of that shape.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aes::Aes256;
use base64ct::{Base64, Encoding};
use cbc::Encryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use sottovoce::account::Level;
use sottovoce::archive::Operation;
use sottovoce::crypto::Random;
use sottovoce::wire::ContactId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::scene::{Scene, has, says};

const QUESTION: &str = "where is order canary-4711";
const ANSWER: &str = "canary-parcel left on Monday";

/// A business's own service.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<Business>>);

#[derive(Default)]
struct Business {
    token: String,
    /// Hexadecimal characters, by contact.
    keys: HashMap<String, String>,
    /// What it was asked: method and contact.
    asked: Vec<(String, String)>,
    /// What it answers in place of everything else.
    says: Option<(u16, &'static str)>,
    /// Contacts that it denies.
    denied: Vec<String>,
    /// What is wrong with calls.
    complaints: Vec<String>,
}

const MISSING: (u16, &str) = (400, "{\"error\": true}");

impl Service {
    fn new() -> Self {
        let service = Self::default();
        service.0.lock().unwrap().token = fresh();
        service
    }

    fn business(&self) -> std::sync::MutexGuard<'_, Business> {
        self.0.lock().unwrap()
    }

    fn token(&self) -> String {
        self.business().token.clone()
    }

    fn says(&self, answer: Option<(u16, &'static str)>) {
        self.business().says = answer;
    }

    /// Begins to listen; its URL.
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let service = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move { service.hear(stream).await });
            }
        });
        url
    }

    async fn hear(&self, mut stream: TcpStream) {
        let mut request = String::new();
        let mut part = [0; 4096];
        let (head, body) = loop {
            match stream.read(&mut part).await {
                Ok(length @ 1..) => request.push_str(str::from_utf8(&part[..length]).unwrap()),
                _ => return,
            }
            if let Some((head, body)) = request.split_once("\r\n\r\n") {
                let length = header(head, "content-length").parse().unwrap_or(0);
                if body.len() >= length {
                    break (head.to_owned(), body.to_owned());
                }
            }
        };
        let (status, body) = self.business().answer(&head, &body);
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

impl Business {
    fn answer(&mut self, head: &str, body: &str) -> (u16, String) {
        if let Some((status, body)) = self.says {
            return (status, body.to_owned());
        }
        let mut mac = Hmac::<Sha1>::new_from_slice(self.token.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        if header(head, "x-vvc-hmac") != hex(&mac.finalize().into_bytes()) {
            self.complaints.push(format!("signature: {head}"));
        }
        if header(head, "x-vvc-host").is_empty() || header(head, "x-vvc-acct").is_empty() {
            self.complaints.push(format!("headers: {head}"));
        }
        let (method, rest) = head.split_once(' ').unwrap();
        let id = match method {
            "POST" => {
                let body: Value = serde_json::from_str(body).unwrap_or_default();
                body["id"].as_str().unwrap_or_default().to_owned()
            }
            _ => {
                let query = rest.split_once("?id=").map(|(_, rest)| rest);
                let id = query.and_then(|rest| rest.split(' ').next());
                id.unwrap_or_default().to_owned()
            }
        };
        self.asked.push((method.to_owned(), id.clone()));
        if self.denied.contains(&id) {
            return (403, "{}".to_owned());
        }
        // As little careful as a service may be: asked to create, it does.
        if method == "POST" && !id.is_empty() {
            self.keys.insert(id.clone(), fresh());
        }
        let Some(key) = self.keys.get(&id) else {
            return (MISSING.0, MISSING.1.to_owned());
        };
        let text = format!("{}{key}", hex(&Random::os().bytes::<8>().unwrap()));
        let token = bytes(&self.token);
        let (vector, wrapping) = token.split_at(16);
        let cipher = Encryptor::<Aes256>::new_from_slices(wrapping, vector).unwrap();
        let wrapped = cipher.encrypt_padded_vec::<Pkcs7>(text.as_bytes());
        let wrapped = Base64::encode_string(&wrapped);
        (200, json!({ "key": wrapped }).to_string())
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut lines = lines.filter(|(it, _)| it.eq_ignore_ascii_case(name));
    lines.next().map_or("", |(_, value)| value)
}

/// 96 hexadecimal characters.
fn fresh() -> String {
    hex(&Random::os().bytes::<48>().unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

impl Scene {
    /// The vault has its keys from a service of the older shape from now on, and keeps them for a second.
    async fn have_keys_from(&mut self, url: &str, token: &str) {
        self.vault.kill().await;
        let more = format!(
            "[keys]\nlife = 1\npatience = 2\n[keys.older]\nurl = \"{url}\"\ntoken = \"{token}\"\n"
        );
        self.vault.configure(|config| format!("{config}{more}"));
        self.vault.restart().await;
    }

    async fn with_service(service: &Service) -> Self {
        let mut scene = Self::open(Level::Storage).await;
        let url = service.listen().await;
        scene.have_keys_from(&url, &service.token()).await;
        scene.is_ready(None).await;
        scene
    }

    /// With our own key manager as that service.
    async fn with_our_own() -> Self {
        let mut scene = Self::open(Level::Storage).await;
        let token = fresh();
        let account = scene.business.account;
        let keys = scene.keys.as_mut().unwrap();
        keys.configure(|config| format!("{config}[older_shape]\ntokens = \"{account}:{token}\"\n"));
        keys.kill().await;
        keys.restart().await;
        let url = format!("{}/older/{account}", keys.url());
        scene.have_keys_from(&url, &token).await;
        scene.is_ready(None).await;
        scene
    }

    /// Nothing that was said stands anywhere, and all can be read, after a restart as well.
    async fn keeps_to_itself(&mut self, contact: ContactId) {
        for round in 0..2 {
            self.stores(contact, &[QUESTION, ANSWER]).await;
            let (_, found) = self.ask("GET", "/search?q=canary-parcel").await;
            assert_eq!(found["matches"][0]["contact"], contact.to_string());
            let keys = self.keys.as_ref().unwrap();
            for bytes in [
                self.vault.stored(),
                self.vault.logs().into_bytes(),
                keys.stored(),
                keys.logs().into_bytes(),
            ] {
                assert!(!has(&bytes, "canary"));
            }
            assert!(has(&self.vault.stored(), "shop"));
            if round == 0 {
                self.vault.kill().await;
                self.vault.restart().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_business_keeps_its_service_and_nothing_is_stored_in_clear() {
    let service = Service::new();
    let mut scene = Scene::with_service(&service).await;
    let (_visitor, contact) = scene.talk(QUESTION, ANSWER).await;
    scene.keeps_to_itself(contact).await;
    let business = service.business();
    assert_eq!(business.complaints, [""; 0]);
    // Created once, read from then on.
    let id = contact.to_string();
    let (first, rest) = business.asked.split_first().unwrap();
    assert_eq!(*first, ("POST".to_owned(), id.clone()));
    assert!(!rest.is_empty());
    let read = ("GET".to_owned(), id.clone());
    assert!(rest.iter().all(|asked| *asked == read), "{rest:?}");
    // What the service gives is nothing that records are encrypted under, nor written down.
    let key = business.keys[&id].clone();
    let stored = scene.vault.stored();
    assert!(!has(&stored, &key) && !has(&stored, &business.token));
    assert!(!has(scene.vault.logs().as_bytes(), &business.token));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_key_manager_is_such_a_service_where_it_is_told_to_be() {
    let mut scene = Scene::with_our_own().await;
    let (visitor, contact) = scene.talk(QUESTION, ANSWER).await;
    scene.keeps_to_itself(contact).await;
    // While it is down nothing is stored, and nothing is lost.
    scene.keys.as_mut().unwrap().kill().await;
    let (_, meanwhile) = scene.talk("canary-question", "canary-answer").await;
    scene
        .shows(meanwhile, "waits_for", json!("key-manager-unavailable"))
        .await;
    scene.shows(meanwhile, "stored_to", json!(0)).await;
    scene.is_ready(Some("key-manager-unavailable")).await;
    scene.keys.as_mut().unwrap().restart().await;
    scene
        .stores(meanwhile, &["canary-question", "canary-answer"])
        .await;
    scene.is_ready(None).await;
    // Revoked, it is denied; the contact goes on.
    scene
        .administer_keys(Operation::Revoke { contact })
        .await
        .unwrap();
    scene.cannot_read(contact, 503, "key-denied").await;
    says(&visitor, contact, "canary-later").await;
    scene.ada.hears(contact, "canary-later").await;
    scene.shows(contact, "waits_for", json!("key-denied")).await;
    let (_, other) = scene.talk("other question", "other answer").await;
    scene
        .stores(other, &["other question", "other answer"])
        .await;
    assert!(!has(&scene.vault.stored(), "canary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_says_that_the_service_keeps_its_key() {
    let service = Service::new();
    let scene = Scene::with_service(&service).await;
    let (_visitor, contact) = scene.talk(QUESTION, ANSWER).await;
    scene.stores(contact, &[QUESTION, ANSWER]).await;
    for _ in 0..2 {
        let (status, body) = scene.ask("DELETE", &format!("/contacts/{contact}")).await;
        assert_eq!((status, body["key"].as_str()), (200, Some("kept")));
    }
    scene.cannot_read(contact, 410, "erased").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_service_fails_the_vault_waits_and_catches_up() {
    let service = Service::new();
    let scene = Scene::with_service(&service).await;
    let failures = [
        (503, ""),
        (500, MISSING.1),
        (200, "{\"key\": \"no key\"}"),
        (200, "<html>"),
        (302, ""),
        MISSING,
    ];
    for failure in failures {
        service.says(Some(failure));
        let (_visitor, contact) = scene.talk(QUESTION, ANSWER).await;
        scene
            .shows(contact, "waits_for", json!("key-manager-unavailable"))
            .await;
        scene.shows(contact, "stored_to", json!(0)).await;
        scene.is_ready(Some("key-manager-unavailable")).await;
        assert!(!has(&scene.vault.stored(), "canary"));
        service.says(None);
        scene.stores(contact, &[QUESTION, ANSWER]).await;
        scene.is_ready(None).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_the_service_denies_waits_alone() {
    let service = Service::new();
    let scene = Scene::with_service(&service).await;
    let (visitor, contact) = scene.talk(QUESTION, ANSWER).await;
    scene.stores(contact, &[QUESTION, ANSWER]).await;
    service.business().denied.push(contact.to_string());
    scene.cannot_read(contact, 503, "key-denied").await;
    says(&visitor, contact, "canary-later").await;
    scene.shows(contact, "waits_for", json!("key-denied")).await;
    let (_other, kept) = scene.talk("kept question", "kept answer").await;
    scene.stores(kept, &["kept question", "kept answer"]).await;
    scene.is_ready(None).await;
    service.business().denied.clear();
    scene
        .stores(contact, &[QUESTION, ANSWER, "canary-later"])
        .await;
    assert!(!has(&scene.vault.stored(), "canary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_service_lost_or_changed_stores_nothing() {
    let service = Service::new();
    let scene = Scene::with_service(&service).await;
    let (visitor, contact) = scene.talk(QUESTION, ANSWER).await;
    scene.stores(contact, &[QUESTION, ANSWER]).await;
    let key = service.business().keys.remove(&contact.to_string());
    scene.cannot_read(contact, 503, "key-lost").await;
    let id = contact.to_string();
    service.business().keys.insert(id.clone(), fresh());
    scene.cannot_read(contact, 503, "wrong-key").await;
    says(&visitor, contact, "canary-later").await;
    scene.shows(contact, "waits_for", json!("wrong-key")).await;
    assert!(!has(&scene.vault.stored(), "canary"));
    // With the right one again, everything is there.
    service.business().keys.insert(id, key.unwrap());
    scene
        .stores(contact, &[QUESTION, ANSWER, "canary-later"])
        .await;
}
