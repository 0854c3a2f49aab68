//! Devices that are not connected are told that there is news, through a gateway, rarely, and
//! nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use scene::{Business, Person, Scene, Talk};
use sottovoce::wire::frame::{PushKind, PushTarget};
use sottovoce_relay::Push;
use sottovoce_relay::push::payload::Services;
use tokio::sync::mpsc;

/// A gateway: what it is told, in order. It says that `gone` was given up.
struct PushGateway {
    url: String,
    told: mpsc::UnboundedReceiver<serde_json::Value>,
}

impl PushGateway {
    async fn start() -> Self {
        let (sender, told) = mpsc::unbounded_channel();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/push", listener.local_addr().unwrap());
        let take = |State(sender): State<Arc<mpsc::UnboundedSender<_>>>, body: String| async move {
            let told: serde_json::Value = serde_json::from_str(&body).unwrap();
            let is_gone = told.get("token").is_some_and(|token| token == "gone");
            sender.send(told).unwrap();
            if is_gone {
                StatusCode::GONE
            } else {
                StatusCode::OK
            }
        };
        let router = Router::new()
            .route("/push", post(take))
            .with_state(Arc::new(sender));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, told }
    }

    async fn next(&mut self) -> serde_json::Value {
        let next = tokio::time::timeout(Duration::from_secs(20), self.told.recv()).await;
        next.unwrap().unwrap()
    }

    /// Whether nothing is told for a while.
    async fn is_quiet(&mut self) -> bool {
        let next = tokio::time::timeout(Duration::from_millis(400), self.told.recv()).await;
        next.is_err()
    }
}

async fn scene(gateway: &PushGateway, pause: Duration) -> Scene {
    let push = Push {
        gateway: gateway.url.clone(),
        services: Services {
            apns_topic: "com.example.shop".to_owned(),
            fcm_project: "shop-1".to_owned(),
        },
        pause,
    };
    let scene = Scene::with(Business::new(), |config| config.push = Some(push)).await;
    scene.set_up().await;
    scene
}

fn target(kind: PushKind, token: &str) -> Option<PushTarget> {
    let token = token.to_owned();
    Some(PushTarget { kind, token })
}

#[tokio::test]
async fn a_device_that_is_away_is_told_once_and_what_comes_meanwhile_together() {
    let mut gateway = PushGateway::start().await;
    let scene = scene(&gateway, Duration::from_millis(1_500)).await;
    let visitor = Person::new();
    let mut phone = scene.client(&visitor).await;
    let (mut talk, create) = Talk::start(&scene.business, &visitor);
    phone.append(talk.contact, create).await.unwrap();
    phone.push(target(PushKind::Test, "phone")).await.unwrap();
    let mut ada = scene.client(&scene.business.ada).await;
    let step = talk.claim(&scene.business, &scene.business.ada);
    ada.append(talk.contact, step.entry.clone()).await.unwrap();
    talk.take(step);
    // It is connected.
    assert!(gateway.is_quiet().await);
    drop(phone);
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..5 {
        let entry = talk.say(&scene.business.ada, "the canary sings at midnight");
        ada.append(talk.contact, entry).await.unwrap();
    }
    let news = serde_json::json!({ "kind": "test", "token": "phone" });
    assert_eq!(gateway.next().await, news);
    assert!(gateway.is_quiet().await);
    // The other four, once.
    assert_eq!(gateway.next().await, news);
    assert!(gateway.is_quiet().await);
    scene.end().await;
}

#[tokio::test]
async fn services_are_sent_their_own_requests_without_content() {
    let mut gateway = PushGateway::start().await;
    let scene = scene(&gateway, Duration::ZERO).await;
    let mut ada = scene.client(&scene.business.ada).await;
    for (kind, name, url) in [
        (
            PushKind::Apns,
            "apns",
            "https://api.push.apple.com/3/device/token",
        ),
        (
            PushKind::Fcm,
            "fcm",
            "https://fcm.googleapis.com/v1/projects/shop-1/messages:send",
        ),
        (PushKind::WebPush, "webpush", "token"),
    ] {
        let visitor = Person::new();
        let mut phone = scene.client(&visitor).await;
        let (mut talk, create) = Talk::start(&scene.business, &visitor);
        phone.append(talk.contact, create).await.unwrap();
        phone.push(target(kind, "token")).await.unwrap();
        let step = talk.claim(&scene.business, &scene.business.ada);
        ada.append(talk.contact, step.entry.clone()).await.unwrap();
        talk.take(step);
        drop(phone);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let entry = talk.say(&scene.business.ada, "the canary sings at midnight");
        ada.append(talk.contact, entry).await.unwrap();
        let told = gateway.next().await;
        assert_eq!(told.get("kind").unwrap(), name);
        assert_eq!(told.pointer("/request/url").unwrap(), url);
        let text = told.to_string();
        for confidential in [
            talk.contact.to_string(),
            visitor.device().to_string(),
            scene.business.id.to_string(),
            "canary".to_owned(),
        ] {
            assert!(!text.contains(&confidential), "{confidential}: {text}");
        }
    }
    scene.end().await;
}

#[tokio::test]
async fn a_target_that_is_given_up_or_taken_back_is_not_told_again() {
    let mut gateway = PushGateway::start().await;
    let scene = scene(&gateway, Duration::ZERO).await;
    let visitor = Person::new();
    let mut phone = scene.client(&visitor).await;
    let (mut talk, create) = Talk::start(&scene.business, &visitor);
    phone.append(talk.contact, create).await.unwrap();
    phone.push(target(PushKind::Test, "gone")).await.unwrap();
    let mut ada = scene.client(&scene.business.ada).await;
    let step = talk.claim(&scene.business, &scene.business.ada);
    ada.append(talk.contact, step.entry.clone()).await.unwrap();
    talk.take(step);
    drop(phone);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let entry = talk.say(&scene.business.ada, "one");
    ada.append(talk.contact, entry).await.unwrap();
    gateway.next().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let entry = talk.say(&scene.business.ada, "two");
    ada.append(talk.contact, entry).await.unwrap();
    assert!(gateway.is_quiet().await);

    let mut phone = scene.client(&visitor).await;
    phone.push(target(PushKind::Test, "phone")).await.unwrap();
    phone.push(None).await.unwrap();
    drop(phone);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let entry = talk.say(&scene.business.ada, "three");
    ada.append(talk.contact, entry).await.unwrap();
    assert!(gateway.is_quiet().await);
    scene.end().await;
}

#[tokio::test]
async fn a_relay_without_a_gateway_says_so_and_tokens_have_a_limit() {
    let plain = Scene::open().await;
    let mut phone = plain.client(&Person::new()).await;
    let refused = phone.push(target(PushKind::Apns, "token")).await;
    assert_eq!(refused, Err("not-allowed".to_owned()));
    let long = phone.push(target(PushKind::Apns, &"x".repeat(1_025))).await;
    assert_eq!(long, Err("too-large".to_owned()));
    plain.end().await;
}
