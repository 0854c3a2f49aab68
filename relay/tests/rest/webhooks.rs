//! Webhook endpoints and the account's secret token, in the REST API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::contacts::{begun, path};
use crate::integrator::Integrator;
use crate::scene::{Business, Scene, now};

#[tokio::test]
async fn endpoints_are_registered_changed_and_removed() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let asked = json!({
        "url": "http://hooks.example/in", "events": ["contact.erased", "contact.created"],
        "header": "X-Acme-Signature",
    });
    let made = integrator.post("/webhooks", &asked).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.body;
    assert_eq!(made["events"], json!(["contact.created", "contact.erased"]));
    assert_eq!(made["header"], "x-acme-signature");
    assert_eq!(made["insecure"], true);
    assert_eq!(made["disabled"], Value::Null);
    let id = made["id"].as_str().unwrap();
    let place = format!("/webhooks/{id}");
    assert_eq!(integrator.get(&place).await.good(), made);
    let listed = integrator.get("/webhooks").await.good();
    assert_eq!(listed["endpoints"], json!([made]));
    let other = json!({
        "url": "https://hooks.example/in", "events": ["contact.message"], "enabled": false,
    });
    let changed = integrator
        .send("PUT", &place, &[], Some(&other))
        .await
        .good();
    assert_eq!(changed["insecure"], false);
    assert_eq!(changed["disabled"], "by-account");
    assert_eq!(changed["header"], "x-sottovoce-hmac-sha1");

    let keys = integrator.get(&format!("{place}/keys")).await;
    assert_eq!(keys.headers["cache-control"], "no-store");
    let keys = keys.good();
    assert!(
        keys["keys"][0]["secret"]
            .as_str()
            .unwrap()
            .starts_with("whsec_")
    );
    let overlap = json!({ "overlap": 3600 });
    let rotated = integrator
        .post(&format!("{place}/keys"), &overlap)
        .await
        .good();
    assert_eq!(rotated["keys"].as_array().unwrap().len(), 2);
    assert_eq!(rotated["keys"][1]["secret"], keys["keys"][0]["secret"]);

    assert_eq!(integrator.delete(&place).await.status, 204);
    for answer in [
        integrator.get(&place).await,
        integrator.delete(&place).await,
        integrator.get(&format!("{place}/keys")).await,
        integrator.get("/webhooks/x").await,
    ] {
        assert_eq!(answer.problem(), (404, "unknown-endpoint"));
    }
    scene.end().await;
}

#[tokio::test]
async fn endpoints_that_must_not_be_called_are_refused() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let with = |url: &str, events: Value| json!({ "url": url, "events": events });
    for (body, code) in [
        (
            with("ftp://hooks.example", json!(["contact.created"])),
            "url-scheme",
        ),
        (
            with("https://u:p@hooks.example", json!(["contact.created"])),
            "url-userinfo",
        ),
        (
            with("https://127.0.0.1", json!(["contact.created"])),
            "url-address",
        ),
        (with("https://hooks.example", json!([])), "events-unusable"),
        (
            with("https://hooks.example", json!(["contact.exploded"])),
            "events-unusable",
        ),
    ] {
        let answer = integrator.post("/webhooks", &body).await;
        assert_eq!(answer.problem(), (422, code));
    }
    scene.end().await;
}

#[tokio::test]
async fn the_secret_token_changes_with_an_overlap() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let first = integrator.get("/secret-token").await.good();
    let token = first["secret_tokens"][0]["token"].as_str().unwrap();
    assert_eq!(token.len(), 96);
    assert_eq!(integrator.get("/secret-token").await.good(), first);
    let overlap = json!({ "overlap": 600 });
    let second = integrator.post("/secret-token", &overlap).await.good();
    assert_eq!(second["secret_tokens"][1]["token"], token);
    assert_ne!(second["secret_tokens"][0]["token"], token);
    // The old one was promised to stay; a key that would make a repetition harmless is not honoured.
    let again = integrator.post("/secret-token", &overlap).await;
    assert_eq!(again.problem(), (409, "rotation-under-way"));
    let headers = [("idempotency-key", "one")];
    let keyed = integrator
        .send(
            "POST",
            "/secret-token",
            &headers,
            Some(&json!({ "overlap": 0 })),
        )
        .await;
    assert_eq!(keyed.problem(), (400, "idempotency-key-unsupported"));
    assert_eq!(integrator.get("/secret-token").await.good(), second);
    let long = json!({ "overlap": 31 * 86_400 });
    let answer = integrator.post("/secret-token", &long).await;
    assert_eq!(answer.problem(), (400, "range-invalid"));
    assert_eq!(answer.body["detail"], "`overlap` is 0 to 2592000 seconds");
    let reader = Integrator::with(&scene, &["secrets:read"]).await;
    let answer = reader.post("/secret-token", &overlap).await;
    assert_eq!(answer.problem(), (403, "scope-missing"));
    assert_eq!(answer.body["detail"], "it needs secrets:rotate");
    scene.end().await;
}

#[tokio::test]
async fn what_happens_while_an_endpoint_is_paused_waits_for_it() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let asked = json!({ "url": "https://hooks.invalid/in", "events": ["contact.message"], "enabled": false });
    let made = integrator.post("/webhooks", &asked).await.good();
    let place = format!("/webhooks/{}", made["id"].as_str().unwrap());
    let paused = integrator
        .send("PUT", &place, &[], Some(&asked))
        .await
        .good();
    assert_eq!(paused["disabled"], "by-account");
    let (mut talk, visitor, mut client) = begun(&scene).await;
    for _ in 0..2 {
        let text = talk.say(&visitor, "hello");
        client.append(talk.contact, text).await.unwrap();
    }
    let listed = integrator.get("/deliveries?state=pending").await.good();
    let deliveries = listed["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 3, "{listed}");
    assert!(deliveries.iter().all(|one| one["attempts"] == 0));
    scene.end().await;
}

#[tokio::test]
async fn a_delivery_that_waits_is_tried_when_somebody_asks_for_it() {
    let scene = Scene::with(Business::new(), |config| {
        config.webhooks.targets.allow_private = true;
    })
    .await;
    scene.set_up().await;
    let integrator = Integrator::new(&scene).await;
    // A port at which nobody listens.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let url = format!("http://127.0.0.1:{port}/in");
    let asked = json!({ "url": url, "events": ["contact.created"] });
    let made = integrator.post("/webhooks", &asked).await.good();
    begun(&scene).await;
    let tried = async |times: u64| {
        let since = Instant::now();
        loop {
            let listed = integrator.get("/deliveries?state=pending").await.good();
            let one = listed["deliveries"][0].clone();
            if one["attempts"] == times && one["next_attempt"].is_u64() {
                return one;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "{listed}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let once = tried(1).await;
    let path = format!("/deliveries/{}/attempt", once["id"].as_str().unwrap());
    let attempt = async || integrator.post(&path, &json!({})).await;
    assert_eq!(attempt().await.status, 202);
    // By itself, the one after this comes in five minutes, and the next in half an hour.
    let twice = tried(2).await;
    let wait = twice["next_attempt"].as_u64().unwrap() - now().millis();
    assert!(wait > 200_000, "{wait}");
    assert_eq!(attempt().await.status, 202);
    tried(3).await;
    let pause = json!({ "url": asked["url"], "events": asked["events"], "enabled": false });
    let place = format!("/webhooks/{}", made["id"].as_str().unwrap());
    let paused = integrator.send("PUT", &place, &[], Some(&pause)).await;
    assert_eq!(paused.status, 200);
    assert_eq!(attempt().await.problem(), (409, "endpoint-disabled"));
    let unknown = integrator
        .post("/deliveries/99999/attempt", &json!({}))
        .await;
    assert_eq!(unknown.problem(), (404, "unknown-delivery"));
    scene.end().await;
}

#[tokio::test]
async fn an_erasure_takes_the_contacts_deliveries_along_and_is_told_itself() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let asked = json!({ "url": "https://hooks.invalid/in", "events": ["contact.created", "contact.erased"] });
    integrator.post("/webhooks", &asked).await.good();
    let (talk, ..) = begun(&scene).await;
    integrator.delete(&path(&talk.contact)).await.good();
    let listed = integrator.get("/deliveries").await.good();
    let deliveries = listed["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 1, "{listed}");
    assert_eq!(deliveries[0]["kind"], "contact.erased");
    assert_eq!(deliveries[0]["contact"], talk.contact.to_string());
    let id = deliveries[0]["id"].as_str().unwrap();
    let detail = integrator.get(&format!("/deliveries/{id}")).await.good();
    assert_eq!(detail["kind"], "contact.erased");
    let again = integrator
        .post(&format!("/deliveries/{id}/replay"), &json!({}))
        .await;
    assert!([202, 409].contains(&again.status), "{again:?}");
    for path in ["/deliveries/x", "/deliveries/99999"] {
        assert_eq!(
            integrator.get(path).await.problem(),
            (404, "unknown-delivery")
        );
    }
    for (query, code) in [
        ("state=lost", "invalid-query"),
        ("cursor=x", "cursor-invalid"),
    ] {
        let answer = integrator.get(&format!("/deliveries?{query}")).await;
        assert_eq!(answer.problem(), (400, code));
    }
    scene.end().await;
}
