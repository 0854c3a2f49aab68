//! What a receiver is sent.

use std::time::Duration;

use sottovoce::account::Level;
use sottovoce::crypto::secret::Secret;
use sottovoce::crypto::sign::SigningKey;
use sottovoce_webhooks::endpoint::{HmacHeader, Registration, Settings, Shape};
use sottovoce_webhooks::event::{Details, EventKind, NewEvent, Subject};
use sottovoce_webhooks::keys::TokenUse;
use sottovoce_webhooks::verify::{self, StandardHeaders, VerifyingKey};

use crate::Stage;
use crate::scene::{
    Answer, Call, LOOPBACK, Receiver, START, account, contact, event, message, only,
};

fn standard(call: &Call) -> StandardHeaders<'_> {
    StandardHeaders {
        id: call.header("webhook-id"),
        timestamp: call.header("webhook-timestamp"),
        signature: call.header("webhook-signature"),
    }
}

#[tokio::test]
async fn a_call_is_one_post_whose_signatures_verify() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| Answer::OK).await;
    stage.register(&receiver.url()).await;
    stage.record(&[message(contact(7), 3)]).await;
    let call = receiver.wait_for(1).await.remove(0);
    assert_eq!(call.line, "POST /hooks?from=sottovoce HTTP/1.1");
    assert_eq!(call.header("host"), receiver.address.to_string());
    assert_eq!(call.header("content-type"), "application/json");
    let delivered = stage.settled().await.remove(0);
    assert_eq!(call.header("webhook-id"), delivered.event);

    let tokens = stage.store.secret_tokens(&account(1), START).await.unwrap();
    let tokens: Vec<_> = tokens.into_iter().map(|token| token.token).collect();
    let header = call.header("x-sottovoce-hmac-sha1");
    verify::hmac_sha1(header, &call.body, &tokens, TokenUse::Text).unwrap();
    assert_eq!(header, header.to_lowercase());
    let endpoint = stage.store.endpoints(&account(1)).await.unwrap().remove(0);
    let keys = stage
        .store
        .endpoint_keys(&account(1), &endpoint.id, START)
        .await
        .unwrap();
    let now = START.millis() / 1000;
    let secret = VerifyingKey::Shared(keys[0].secret.clone());
    verify::standard(&standard(&call), &call.body, &[secret], now).unwrap();
    let public = VerifyingKey::Public(keys[0].public.clone());
    verify::standard(&standard(&call), &call.body, &[public], now).unwrap();
}

#[tokio::test]
async fn a_body_says_what_the_relay_knows_and_nothing_else() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| Answer::OK).await;
    stage.register(&receiver.url()).await;
    let device = SigningKey::from_seed(&Secret::new([7; 32])).public();
    let created = NewEvent {
        kind: EventKind::ContactCreated,
        account: account(1),
        subject: Subject::Contact(contact(7)),
        time: START,
        details: Details {
            entry_point: Some("café".to_owned()),
            level: Some(Level::E2ee),
            position: Some(1),
            epoch: Some(0),
            device: Some(device),
            teams: Some(vec!["sales".to_owned()]),
            devices: Some(vec![device]),
            entry: None,
        },
    };
    stage.record(&[created]).await;
    let call = receiver.wait_for(1).await.remove(0);
    let expected = format!(
        "{{\"id\":\"{}\",\"type\":\"contact.created\",\"timestamp\":\"2026-09-21T14:13:20.000Z\",\
         \"account\":\"{}\",\"data\":{{\"contact\":\"{}\",\"entry_point\":\"café\",\
         \"level\":\"e2ee\",\"position\":1,\"epoch\":0,\"device\":\"{device}\",\
         \"teams\":[\"sales\"],\"devices\":[\"{device}\"]}}}}",
        call.header("webhook-id"),
        account(1),
        contact(7),
    );
    assert_eq!(std::str::from_utf8(&call.body).unwrap(), expected);
    let fields = call.json()["data"].as_object().unwrap().clone();
    let known = schema()["properties"]["data"]["properties"]
        .as_object()
        .unwrap()
        .clone();
    assert!(fields.keys().all(|field| known.contains_key(field)));
    let revoked = NewEvent {
        kind: EventKind::DeviceRevoked,
        account: account(1),
        subject: Subject::Device(device),
        time: START,
        details: Details::default(),
    };
    stage.record(&[revoked]).await;
    let body = receiver.wait_for(2).await.remove(1).json();
    assert_eq!(
        body["data"],
        serde_json::json!({ "device": device.to_string() })
    );
}

#[tokio::test]
async fn an_endpoint_chooses_its_header_and_how_the_token_is_used() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| Answer::OK).await;
    let settings = Settings {
        header: HmacHeader::parse("X-ACME-Signature").unwrap(),
        token_use: TokenUse::Hex,
        shape: Shape::Current,
    };
    let kinds = EventKind::ALL.into_iter().collect();
    let wanted = Registration::new(&receiver.url(), kinds, settings, &LOOPBACK).unwrap();
    stage.register_as(&wanted).await;
    stage.record(&[message(contact(1), 1)]).await;
    let call = receiver.wait_for(1).await.remove(0);
    let tokens = stage.store.secret_tokens(&account(1), START).await.unwrap();
    let tokens = [tokens[0].token.clone()];
    let header = call.header("x-acme-signature");
    verify::hmac_sha1(header, &call.body, &tokens, TokenUse::Hex).unwrap();
    assert!(!call.headers.contains_key("x-sottovoce-hmac-sha1"));
}

#[tokio::test]
async fn older_receivers_are_spoken_to_in_their_own_words() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| Answer::OK).await;
    let settings = Settings {
        shape: Shape::Older,
        ..Settings::default()
    };
    let kinds = EventKind::ALL.into_iter().take(5).collect();
    let wanted = Registration::new(&receiver.url(), kinds, settings, &LOOPBACK).unwrap();
    stage.register_as(&wanted).await;
    let kinds = [
        EventKind::ContactCreated,
        EventKind::ContactMessage,
        EventKind::ContactClaimed,
        EventKind::ContactTransferred,
        EventKind::ContactClosed,
    ];
    let events = kinds.into_iter().zip(1..);
    let events = events.map(|(kind, at)| event(kind, contact(5), at));
    stage.record(&events.collect::<Vec<_>>()).await;
    let calls = receiver.wait_for(5).await;
    let tokens = stage.store.secret_tokens(&account(1), START).await.unwrap();
    let tokens = [tokens[0].token.clone()];
    let mut words = Vec::new();
    for call in &calls {
        assert_eq!(call.header("x-vvc-host"), "chat.example.com");
        assert_eq!(call.header("x-vvc-acct"), account(1).to_string());
        let header = call.header("x-vvc-hmac");
        verify::hmac_sha1(header, &call.body, &tokens, TokenUse::Text).unwrap();
        assert!(!call.headers.contains_key("x-sottovoce-hmac-sha1"));
        let body = call.json();
        let one = std::slice::from_ref(&body);
        for event in body.as_array().map_or(one, Vec::as_slice) {
            assert_eq!(event["cid"], contact(5).to_string());
            words.push(event["event"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(
        words,
        ["new", "message", "change", "change", "end", "finalized"]
    );
}

#[tokio::test]
async fn while_two_tokens_are_valid_receivers_with_either_are_content() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| Answer::OK).await;
    stage.register(&receiver.url()).await;
    let old = stage
        .store
        .secret_tokens(&account(1), START)
        .await
        .unwrap()
        .remove(0)
        .token;
    let hour = Duration::from_secs(3600);
    let tokens = stage
        .store
        .rotate_secret_token(&account(1), hour, START)
        .await
        .unwrap();
    let new = tokens[0].token.clone();
    let endpoint = stage
        .store
        .endpoints(&account(1))
        .await
        .unwrap()
        .remove(0)
        .id;
    let first = stage
        .store
        .endpoint_keys(&account(1), &endpoint, START)
        .await
        .unwrap();
    let keys = stage
        .store
        .rotate_endpoint_keys(&account(1), &endpoint, hour, START)
        .await;
    stage.record(&[message(contact(1), 1)]).await;
    let call = receiver.wait_for(1).await.remove(0);
    let header = call.header("x-sottovoce-hmac-sha1");
    let previous = call.header("x-sottovoce-hmac-sha1-previous");
    let with = |header, token: &sottovoce_webhooks::keys::SecretToken| {
        verify::hmac_sha1(
            header,
            &call.body,
            std::slice::from_ref(token),
            TokenUse::Text,
        )
        .is_ok()
    };
    assert!(with(header, &new) && !with(header, &old));
    assert!(with(previous, &old) && !with(previous, &new));
    let now = START.millis() / 1000;
    for key in [&first[0], &keys.unwrap()[0]] {
        let secret = VerifyingKey::Shared(key.secret.clone());
        verify::standard(&standard(&call), &call.body, &[secret], now).unwrap();
        let public = VerifyingKey::Public(key.public.clone());
        verify::standard(&standard(&call), &call.body, &[public], now).unwrap();
    }
    // When the overlap is over, only the newest sign.
    stage.advance(3600);
    stage.record(&[message(contact(1), 2)]).await;
    let call = receiver.wait_for(2).await.remove(1);
    assert!(!call.headers.contains_key("x-sottovoce-hmac-sha1-previous"));
    assert_eq!(call.header("webhook-signature").split(' ').count(), 2);
}

#[tokio::test]
async fn an_endpoint_is_told_only_what_it_chose() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| Answer::OK).await;
    stage
        .register_as(&only(&receiver.url(), &[EventKind::ContactClosed]))
        .await;
    let close = event(EventKind::ContactClosed, contact(1), 2);
    stage.record(&[message(contact(1), 1), close]).await;
    receiver.wait_for(1).await;
    stage.settled().await;
    assert_eq!(receiver.calls().len(), 1);
    assert_eq!(receiver.calls()[0].json()["type"], "contact.closed");
}

fn schema() -> serde_json::Value {
    serde_json::from_str(include_str!("../../../docs/webhook-event.schema.json")).unwrap()
}

#[test]
fn the_schema_names_every_kind_of_event() {
    let kinds = EventKind::ALL.map(EventKind::name);
    assert_eq!(
        schema()["properties"]["type"]["enum"],
        serde_json::json!(kinds)
    );
}

#[test]
fn a_header_that_means_something_else_is_refused() {
    for name in [
        "",
        "host",
        "Content-Length",
        "content-type",
        "webhook-signature",
        "x-vvc-hmac",
        "cookie",
        "transfer-encoding",
        "x-forwarded-for",
        "authorization",
        "connection",
        "user-agent",
        "with space",
        "with:colon",
        "ünicode",
        "new\r\nline",
        ":path",
        "upgrade",
        "a-name-that-is-much-too-long-to-be-taken-for-a-header-name-by-anyone",
    ] {
        assert!(HmacHeader::parse(name).is_err(), "{name:?}");
    }
    assert_eq!(
        HmacHeader::parse("X-Hub-Signature").unwrap().as_str(),
        "x-hub-signature"
    );
}

#[test]
fn older_receivers_cannot_choose_what_has_no_word() {
    let settings = || Settings {
        shape: Shape::Older,
        ..Settings::default()
    };
    let register = |kinds: &[EventKind]| {
        let kinds = kinds.iter().copied().collect();
        Registration::new("https://example.com/", kinds, settings(), &LOOPBACK)
    };
    assert!(register(&[EventKind::ContactMessage]).is_ok());
    for kind in [EventKind::DeviceRevoked, EventKind::ContactErased] {
        let error = register(&[EventKind::ContactMessage, kind]).unwrap_err();
        assert_eq!(error.code(), "events-unusable");
    }
    assert!(register(&[]).is_err());
}
