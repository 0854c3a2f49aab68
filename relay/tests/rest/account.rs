//! What the account says about itself, in the REST API.

use std::sync::Arc;

use crate::integrator::{Integrator, exchange};
use crate::scene::{Business, Person, Scene, now};
use serde_json::{Value, json};
use sottovoce::account::{Policy, RootStatement};
use sottovoce::wire::codec::{from_base64url, to_base64url};
use sottovoce::wire::{Signed, SignedKind};

fn publication<T: SignedKind>(signed: &Signed<T>) -> Value {
    json!({ "signed": to_base64url(&signed.to_bytes()) })
}

#[tokio::test]
async fn views_say_what_the_exact_signed_bytes_say() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let integrator = Integrator::new(&scene).await;
    let root = integrator.get("/root").await.good();
    let bytes = from_base64url(root["signed"].as_str().unwrap()).unwrap();
    let signed = Signed::<RootStatement>::from_bytes(&bytes).unwrap();
    signed.verify_by(&business.root.public()).unwrap();
    assert_eq!(signed.parse().unwrap(), business.root_statement());
    assert_eq!(root["hash"], signed.hash().to_string());
    assert_eq!(root["number"], 1);
    let administrator = business.administrator.device().to_string();
    assert_eq!(root["administrators"], json!([administrator]));

    let policy = integrator.get("/policy").await.good();
    let hash = business.signed_policy().hash().to_string();
    assert_eq!(policy["policy"]["hash"], hash);
    assert_eq!(policy["policy"]["entry_points"][0]["id"], "shop");
    assert_eq!(policy["policy"]["retention_days"], 90);
    let same = integrator.get(&format!("/policies/{hash}")).await.good();
    assert_eq!(same, policy);
    let retention = integrator.get("/retention").await.good();
    assert_eq!(
        (&retention["policy"], &retention["days"]),
        (&json!(hash), &json!(90))
    );
    let revocations = integrator.get("/revocations").await.good();
    assert_eq!(revocations["revocations"], json!([]));

    let device = business.ada.device();
    let credential = integrator
        .get(&format!("/credentials/{device}"))
        .await
        .good();
    assert_eq!(credential["subject"], "ada");
    assert_eq!(credential["teams"], json!(["support"]));
    let first = integrator.get("/credentials?limit=2").await.good();
    assert_eq!(first["credentials"].as_array().unwrap().len(), 2);
    let next = first["next"].as_str().unwrap();
    let second = integrator
        .get(&format!("/credentials?limit=2&cursor={next}"))
        .await
        .good();
    assert_eq!(second["credentials"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], Value::Null);
    let keys = integrator.get("/team-keys").await.good();
    assert_eq!(keys["team_keys"][0]["team"], "support");
    for (path, code) in [
        ("/policies/x", "unknown-policy"),
        ("/credentials/x", "unknown-credential"),
        ("/nothing", "not-found"),
    ] {
        assert_eq!(integrator.get(path).await.problem(), (404, code));
    }
    scene.end().await;
}

#[tokio::test]
async fn what_is_published_is_judged_as_on_the_websocket_and_announced() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let integrator = Integrator::new(&scene).await;
    let mut ada = scene.client(&business.ada).await;
    let mut policy = business.policy();
    policy.number = 2;
    policy.previous = Some(business.signed_policy().hash());
    policy.issued = now();
    let by_agent = Signed::<Policy>::sign(&policy, &[&business.ada.key]);
    let signed = business.by_administrator(&policy);
    let mut other = policy.clone();
    other.issued = other.issued.plus_millis(1);
    let other = business.by_administrator(&other);
    let answer = integrator.post("/policies", &publication(&by_agent)).await;
    assert_eq!(answer.problem(), (403, "not-signed"));
    let made = integrator.post("/policies", &publication(&signed)).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.body["hash"], signed.hash().to_string());
    let announced = ada.announced().await;
    assert_eq!(announced[0].bytes, signed.to_bytes());
    let answer = integrator.post("/policies", &publication(&other)).await;
    assert_eq!(answer.problem(), (409, "conflict"));
    assert_eq!(integrator.get("/policy").await.body["policy"]["number"], 2);

    let dora = Person::new();
    let credential = business.credential(&dora, "dora", "support");
    let credential = business.by_administrator(&credential);
    let path = "/credentials";
    let made = integrator.post(path, &publication(&credential)).await;
    assert_eq!(made.status, 201);
    // An object of another type.
    let answer = integrator.post(path, &publication(&signed)).await;
    assert_eq!(answer.problem(), (422, "malformed"));
    let reader = Integrator::with(&scene, &["account:read"]).await;
    let answer = reader.post(path, &publication(&credential)).await;
    assert_eq!(answer.problem(), (403, "scope-missing"));
    scene.end().await;
}

#[tokio::test]
async fn a_repeated_post_is_answered_as_the_first_time() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let integrator = Integrator::new(&scene).await;
    let credential = |subject: &str| {
        let credential = business.credential(&Person::new(), subject, "support");
        publication(&business.by_administrator(&credential))
    };
    let (dora, emil) = (credential("dora"), credential("emil"));
    let send = async |key: &str, body: &Value| {
        let headers = [("idempotency-key", key)];
        integrator
            .send("POST", "/credentials", &headers, Some(body))
            .await
    };
    let first = send("one", &dora).await;
    assert_eq!(first.status, 201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let again = send("one", &dora).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers["content-type"], first.headers["content-type"]);
    assert_eq!((again.status, again.body), (first.status, first.body));
    let other = send("one", &emil).await;
    assert_eq!(other.problem(), (422, "idempotency-key-reused"));
    assert_eq!(send("two", &emil).await.status, 201);
    // Refusals are answers too.
    let nonsense = json!({ "signed": "AAAA" });
    let refused = send("three", &nonsense).await;
    assert_eq!(refused.status, 422);
    let again = send("three", &nonsense).await;
    assert_eq!(again.problem(), refused.problem());
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let answer = send("with space", &dora).await;
    assert_eq!(answer.problem(), (400, "idempotency-key-invalid"));
    scene.end().await;
}

#[tokio::test]
async fn the_same_key_at_the_same_time_is_done_once() {
    let scene = Scene::open().await;
    let integrator = Arc::new(Integrator::new(&scene).await);
    let business = &scene.business;
    let credential = business.credential(&Person::new(), "dora", "support");
    let body = publication(&business.by_administrator(&credential));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (integrator, body) = (Arc::clone(&integrator), body.clone());
            tokio::spawn(async move {
                let headers = [("idempotency-key", "one")];
                integrator
                    .send("POST", "/credentials", &headers, Some(&body))
                    .await
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == 201 {
            done += usize::from(!answer.headers.contains_key("idempotency-replayed"));
        } else {
            assert_eq!(answer.problem(), (409, "request-under-way"));
        }
    }
    assert_eq!(done, 1);
    scene.end().await;
}

#[tokio::test]
async fn the_description_is_served_and_whatever_is_wrong_is_a_problem_document() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let start = exchange(scene.address, "GET", "/v1", &[], "").await;
    assert_eq!(start.body["description"], "/v1/openapi.json");
    let served = exchange(scene.address, "GET", "/v1/openapi.json", &[], "").await;
    assert_eq!(served.status, 200);
    assert_eq!(
        served.body["openapi"].as_str().unwrap().split('.').next(),
        Some("3")
    );
    assert!(served.body["paths"].as_object().unwrap().len() > 12);
    for (method, path, status, code) in [
        ("GET", "/v1/nothing", 404, "not-found"),
        ("POST", "/v1/openapi.json", 405, "method-not-allowed"),
    ] {
        let answer = exchange(scene.address, method, path, &[], "").await;
        assert_eq!(answer.problem(), (status, code), "{path}");
    }
    let answer = integrator.send("PUT", "/root", &[], None).await;
    assert_eq!(answer.problem(), (405, "method-not-allowed"));
    assert_eq!(answer.headers["allow"], "GET,HEAD,POST");
    let long = json!({ "signed": "A".repeat(200_000) });
    let answer = integrator.post("/root", &long).await;
    assert_eq!(answer.problem(), (413, "too-large"));
    let answer = integrator.post("/root", &json!({ "sign": "" })).await;
    assert_eq!(answer.problem(), (422, "invalid-body"));
    scene.end().await;
}

/// A console is served by its customer, on another origin than the relay, and its security settings use
/// the API. A page of any origin has no more of it than a program has: the token that it must hold.
#[tokio::test]
async fn pages_of_any_origin_use_the_api_with_nothing_but_a_token_of_their_own() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let from = ("origin", "https://console.example");
    let path = format!("/v1/accounts/{}/secret-token", scene.business.id);
    let headers = [
        from,
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,content-type,idempotency-key,if-none-match",
        ),
    ];
    let asked = exchange(scene.address, "OPTIONS", &path, &headers, "").await;
    assert_eq!(asked.status, 200);
    assert_eq!(asked.headers["access-control-allow-origin"], "*");
    assert_eq!(
        asked.headers["access-control-allow-methods"],
        "GET,POST,PUT,DELETE"
    );
    assert_eq!(
        asked.headers["access-control-allow-headers"],
        "authorization,content-type,idempotency-key,if-none-match"
    );
    assert_eq!(asked.headers["access-control-max-age"], "7200");
    let good = integrator.send("GET", "/root", &[from], None).await;
    assert_eq!(good.status, 200);
    let foreign = Integrator::with(&scene, &["usage:read"]).await;
    let refused = foreign.send("GET", "/root", &[from], None).await;
    assert_eq!(refused.problem(), (403, "scope-missing"));
    let nothing = exchange(scene.address, "GET", "/v1/nothing", &[from], "").await;
    // A cookie says nothing.
    let cookie = ("cookie", "token=x");
    let unknown = exchange(scene.address, "GET", &path, &[from, cookie], "").await;
    assert_eq!(unknown.problem(), (401, "token-missing"));
    for answer in [good, refused, nothing, unknown] {
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert_eq!(
            answer.headers["access-control-expose-headers"],
            "etag,idempotency-replayed,retry-after"
        );
        assert!(
            !answer
                .headers
                .contains_key("access-control-allow-credentials")
        );
    }
    // What is not the API says nothing to other origins.
    let health = exchange(scene.address, "GET", "/healthz", &[from], "").await;
    assert!(!health.headers.contains_key("access-control-allow-origin"));
    scene.end().await;
}

#[tokio::test]
async fn an_address_that_asks_for_permission_too_often_waits() {
    let scene = Scene::with(Business::new(), |config| config.limits.requests = 1).await;
    let headers = [
        ("origin", "https://console.example"),
        ("access-control-request-method", "GET"),
    ];
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(exchange(scene.address, "OPTIONS", "/v1/x", &headers, "").await);
    }
    assert_eq!(answers[0].status, 200);
    let refused = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(refused.problem(), (429, "throttled"));
    assert_eq!(refused.headers["retry-after"], "1");
    scene.end().await;
}

/// Every value under a key, anywhere in a document.
fn under<'a>(document: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match document {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == key => found.push(text),
                    other => under(other, key, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| under(item, key, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_description_refers_to_what_it_has_and_names_each_operation_once() {
    let scene = Scene::open().await;
    let served = exchange(scene.address, "GET", "/v1/openapi.json", &[], "").await;
    let description = served.good();
    let mut references = Vec::new();
    under(&description, "$ref", &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
    let mut operations = Vec::new();
    under(&description["paths"], "operationId", &mut operations);
    let distinct: std::collections::HashSet<_> = operations.iter().collect();
    assert_eq!(operations.len(), 37);
    assert_eq!(distinct.len(), operations.len(), "{operations:?}");
    scene.end().await;
}
