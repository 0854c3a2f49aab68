//! What integrators are told of a real conversation, and that a killed relay forgets none of it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use scene::client::fresh_id;
use scene::{Business, Client, Person, Scene, Talk, account::object, now};
use serde_json::Value;
use sottovoce::account::Revocation;
use sottovoce::wire::frame::ObjectKind;
use sottovoce_relay::store::Database;
use sottovoce_webhooks::endpoint::{Registration, Settings};
use sottovoce_webhooks::event::EventKind;
use sottovoce_webhooks::keys::{SecretToken, TokenUse};
use sottovoce_webhooks::target::Targets;
use sottovoce_webhooks::verify::{self, StandardHeaders, VerifyingKey};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const LOOPBACK: Targets = Targets {
    allow_private: true,
};

/// An integrator's server: it verifies, takes in what is new, and answers 204.
#[derive(Default)]
struct Integrator {
    keys: Vec<VerifyingKey>,
    tokens: Vec<SecretToken>,
    seen: HashSet<String>,
    events: Vec<Value>,
    /// Every so many calls it takes the event in and says that it failed.
    forgetful: usize,
    calls: usize,
}

type Shared = Arc<Mutex<Integrator>>;

async fn receive(State(integrator): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap();
    let standard = StandardHeaders {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let mut integrator = integrator.lock().unwrap();
    let (keys, tokens) = (&integrator.keys, &integrator.tokens);
    let seconds = now().millis() / 1000;
    verify::standard(&standard, &body, keys, seconds).unwrap();
    let hmac = header("x-sottovoce-hmac-sha1");
    verify::hmac_sha1(hmac, &body, tokens, TokenUse::Text).unwrap();
    integrator.calls += 1;
    if integrator.seen.insert(standard.id.to_owned()) {
        integrator
            .events
            .push(serde_json::from_slice(&body).unwrap());
    }
    match integrator.forgetful {
        0 => StatusCode::NO_CONTENT,
        every if integrator.calls % every == 0 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::NO_CONTENT,
    }
}

/// Starts the integrator's server and registers it in the relay's database.
async fn integrate(business: &Business, database: &str) -> Shared {
    let shared = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let router = Router::new().route("/hooks", post(receive));
    let router = router.with_state(Arc::clone(&shared));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let database = Database::open(database).await.unwrap();
    let store = database.webhooks().await.unwrap();
    let kinds = EventKind::ALL.into_iter().collect();
    let wanted = Registration::new(&url, kinds, Settings::default(), &LOOPBACK).unwrap();
    let id = business.id;
    let endpoint = store.create_endpoint(&id, &wanted, now()).await.unwrap();
    let keys = store.endpoint_keys(&id, &endpoint.id, now()).await.unwrap();
    let tokens = store.secret_tokens(&id, now()).await.unwrap();
    database.close().await;
    let mut integrator = shared.lock().unwrap();
    integrator.keys = vec![VerifyingKey::Public(keys[0].public.clone())];
    integrator.tokens = tokens.into_iter().map(|token| token.token).collect();
    drop(integrator);
    shared
}

async fn wait_for(integrator: &Shared, count: usize) -> Vec<Value> {
    for _ in 0..3000 {
        let events = integrator.lock().unwrap().events.clone();
        if events.len() >= count {
            return events;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:#?}", integrator.lock().unwrap().events);
}

#[tokio::test]
async fn a_conversation_is_told_from_beginning_to_end_in_order() {
    let scene = Scene::with(Business::new(), |config| config.webhooks.targets = LOOPBACK).await;
    let integrator = integrate(&scene.business, &scene.database).await;
    scene.set_up().await;
    let business = &scene.business;
    let visitor = Person::new();
    let mut writer = scene.client(&visitor).await;
    let mut ada = scene.client(&business.ada).await;
    let mut ben = scene.client(&business.ben).await;

    let (mut talk, create) = Talk::start(business, &visitor);
    writer.append(talk.contact, create).await.unwrap();
    let first = talk.say(&visitor, "Καλημέρα");
    writer.append(talk.contact, first.clone()).await.unwrap();
    let claim = talk.claim(business, &business.ada);
    ada.append(talk.contact, claim.entry.clone()).await.unwrap();
    talk.take(claim);
    let rekey = talk.rekey(&business.ada);
    ada.append(talk.contact, rekey.entry.clone()).await.unwrap();
    talk.take(rekey);
    let transfer = talk.transfer(business, &business.ada, &business.ben);
    ada.append(talk.contact, transfer.entry.clone())
        .await
        .unwrap();
    talk.take(transfer);
    let claim = talk.claim(business, &business.ben);
    ben.append(talk.contact, claim.entry.clone()).await.unwrap();
    talk.take(claim);
    let second = talk.say(&business.ben, "good morning");
    ben.append(talk.contact, second.clone()).await.unwrap();
    let close = talk.close(&business.ben);
    ben.append(talk.contact, close.entry.clone()).await.unwrap();

    let events = wait_for(&integrator, 7).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["type"].as_str().unwrap(), &event["data"]))
        .map(|(kind, data)| (kind, data["position"].as_u64(), data["epoch"].as_u64()))
        .collect();
    // A new key is nothing that anybody is told.
    let expected = [
        ("contact.created", Some(1), Some(0)),
        ("contact.message", Some(2), Some(0)),
        ("contact.claimed", Some(3), Some(1)),
        ("contact.transferred", Some(5), Some(3)),
        ("contact.claimed", Some(6), Some(4)),
        ("contact.message", Some(7), Some(4)),
        ("contact.closed", Some(8), Some(5)),
    ];
    assert_eq!(told, expected);
    for event in &events {
        assert_eq!(event["account"], business.id.to_string());
        assert_eq!(event["data"]["contact"], talk.contact.to_string());
        assert_eq!(event["data"]["entry_point"], "shop");
        assert_eq!(event["data"]["level"], "e2ee");
    }
    let devices: Vec<_> = events
        .iter()
        .map(|event| event["data"]["device"].clone())
        .collect();
    let [visitor, ada, ben] =
        [&visitor, &business.ada, &business.ben].map(|p| p.device().to_string());
    let authors = [&visitor, &visitor, &ada, &ada, &ben, &ben, &ben];
    assert_eq!(devices, authors.map(String::as_str));
    assert_eq!(events[0]["data"]["teams"], serde_json::json!(["support"]));
    let members = events[4]["data"]["devices"].as_array().unwrap();
    assert!(members.contains(&ben.into()) && !members.contains(&ada.into()));
    for (event, entry) in [(&events[1], &first), (&events[5], &second)] {
        let ciphertext = event["data"]["ciphertext"].as_str().unwrap();
        assert_eq!(decode(ciphertext), entry.to_vec());
    }
}

fn decode(text: &str) -> Vec<u8> {
    use base64ct::Encoding;
    base64ct::Base64::decode_vec(text).unwrap()
}

#[tokio::test]
async fn a_device_that_a_policy_revokes_is_told_once() {
    let scene = Scene::with(Business::new(), |config| config.webhooks.targets = LOOPBACK).await;
    let integrator = integrate(&scene.business, &scene.database).await;
    scene.set_up().await;
    let business = &scene.business;
    let mut administrator = scene.client(&business.administrator).await;
    let credential = business.credential_of(&business.ben).hash();
    let mut policy = business.policy();
    let revocations = [
        Revocation::Device(business.ada.device()),
        Revocation::Credential(credential),
    ];
    for revocation in revocations {
        policy.previous = Some(business.by_administrator(&policy).hash());
        policy.number += 1;
        policy.revocations.push(revocation);
        let policy = object(ObjectKind::Policy, &business.by_administrator(&policy));
        administrator.publish(policy.clone()).await.unwrap();
        administrator.publish(policy).await.unwrap();
    }
    let events = wait_for(&integrator, 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(integrator.lock().unwrap().events.len(), 2);
    for (event, device) in events.iter().zip([&business.ada, &business.ben]) {
        assert_eq!(event["type"], "device.revoked");
        assert_eq!(
            event["data"],
            serde_json::json!({ "device": device.device().to_string() })
        );
    }
}

#[tokio::test]
async fn an_erased_contact_is_told_and_nothing_of_it_is_kept() {
    let scene = Scene::with(Business::new(), |config| config.webhooks.targets = LOOPBACK).await;
    let integrator = integrate(&scene.business, &scene.database).await;
    scene.set_up().await;
    let visitor = Person::new();
    let (talk, create) = Talk::start(&scene.business, &visitor);
    let mut writer = scene.client(&visitor).await;
    writer.append(talk.contact, create).await.unwrap();
    wait_for(&integrator, 1).await;
    let database = Database::open(&scene.database).await.unwrap();
    let store = database.store();
    let id = scene.business.id;
    let bury = |_| vec![1];
    assert!(store.erase(&id, &talk.contact, now(), &bury).await.unwrap());
    let events = wait_for(&integrator, 2).await;
    assert_eq!(events[1]["type"], "contact.erased");
    let contact = talk.contact.to_string();
    assert_eq!(events[1]["data"], serde_json::json!({ "contact": contact }));
    let kept = database.webhooks().await.unwrap();
    let kept = kept.deliveries(&id, &Default::default(), 10).await.unwrap();
    let kinds: Vec<_> = kept.iter().map(|delivery| delivery.kind).collect();
    assert_eq!(kinds, [EventKind::ContactErased]);
    database.close().await;
}

/// Starts a relay of its own and waits until it listens.
async fn start(business: &Business, database: &Path) -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_relay-under-test"))
        .args([database.to_str().unwrap(), &business.id.to_string()])
        .env("SOTTOVOCE__WEBHOOKS__PRIVATE", "true")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).await.unwrap();
    (child, line.trim().parse().unwrap())
}

#[tokio::test]
async fn a_relay_that_is_killed_tells_everything_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("relay.db");
    let business = Business::new();
    let integrator = integrate(&business, database.to_str().unwrap()).await;
    integrator.lock().unwrap().forgetful = 40;
    let (mut relay, address) = start(&business, &database).await;
    let mut administrator = Client::connect(address, &business, &business.administrator)
        .await
        .unwrap();
    for object in business.objects() {
        administrator.publish(object).await.unwrap();
    }
    drop(administrator);
    let visitor = Person::new();
    let (mut talk, create) = Talk::start(&business, &visitor);
    let mut entries = vec![(fresh_id(), create)];
    entries.extend((0..40).map(|_| (fresh_id(), talk.say(&visitor, "text"))));
    let mut client = Client::connect(address, &business, &visitor).await.unwrap();
    for (number, (id, entry)) in entries.iter().enumerate() {
        let appended = client.try_append(*id, talk.contact, entry.clone()).await;
        assert_eq!(appended, Some(number as u64 + 1));
        if number % 8 == 5 {
            // While the events of what was just acknowledged are on their way.
            relay.kill().await.unwrap();
            let (again, address) = start(&business, &database).await;
            relay = again;
            client = Client::connect(address, &business, &visitor).await.unwrap();
        }
    }
    let events = wait_for(&integrator, entries.len()).await;
    let positions: Vec<_> = events
        .iter()
        .map(|event| event["data"]["position"].as_u64().unwrap())
        .collect();
    assert_eq!(positions, (1..=entries.len() as u64).collect::<Vec<_>>());
    relay.kill().await.unwrap();
}
