//! API tokens: who gets one, what it is good for, and for how long.

use crate::integrator::{EVERYTHING, Integrator, exchange, token_request};
use crate::scene::{Business, Person, Scene};
use serde_json::json;
use sottovoce::account::ApiTokenRequest;
use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::{AccountId, Signed};

#[tokio::test]
async fn an_administrator_gets_a_token_once_and_only_its_hash_is_kept() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    assert_eq!(integrator.token.len(), 47);
    assert!(integrator.token.starts_with("svt_"));
    let listed = integrator.get("/tokens").await.good();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(listed["tokens"][0]["name"], "integration");
    assert!(!listed.to_string().contains(&integrator.token));
    let token = integrator.token.clone();
    let files = scene.files();
    let (_, _folder) = scene.end().await;
    for entry in files.iter().flat_map(|at| std::fs::read_dir(at).unwrap()) {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let found = bytes
            .windows(token.len())
            .any(|part| part == token.as_bytes());
        assert!(!found, "a token in the database");
    }
}

#[tokio::test]
async fn requests_that_nobody_may_make_are_refused() {
    let scene = Scene::open().await;
    let nobody = Integrator::new(&scene).await;
    let business = &scene.business;
    let good = || token_request(scene.address, business, &EVERYTHING);
    let with = |change: fn(&mut ApiTokenRequest)| {
        let mut request = good();
        change(&mut request);
        business.by_administrator(&request)
    };
    let by_agent = Signed::sign(&good(), &[&business.ada.key]);
    for (status, code, request) in [
        (403, "not-signed", by_agent),
        (
            403,
            "wrong-host",
            with(|it| it.host = "chat.example".to_owned()),
        ),
        (
            422,
            "foreign-account",
            with(|it| it.account = AccountId::new([1; 32])),
        ),
        (
            422,
            "time-off",
            with(|it| it.time = it.time.plus_seconds(301)),
        ),
        (422, "expired", with(|it| it.expires = it.time)),
        (
            422,
            "lives-too-long",
            with(|it| it.expires = it.time.plus_seconds(367 * 86_400)),
        ),
        (422, "scopes-invalid", with(|it| it.scopes.clear())),
        (422, "scopes-invalid", with(|it| it.scopes.swap(0, 1))),
        (
            422,
            "scopes-invalid",
            with(|it| it.scopes = vec!["everything".to_owned()]),
        ),
        (422, "name-invalid", with(|it| it.name = "\u{7}".to_owned())),
    ] {
        let answer = nobody.ask_for_token(&request).await;
        assert_eq!(answer.problem(), (status, code));
    }
    let once = business.by_administrator(&good());
    assert_eq!(nobody.ask_for_token(&once).await.status, 201);
    let again = nobody.ask_for_token(&once).await;
    assert_eq!(again.problem(), (409, "nonce-used"));
    let text = json!({ "request": "not base64url!" });
    let answer = nobody.post("/tokens", &text).await;
    assert_eq!(answer.problem(), (422, "not-base64url"));
    scene.end().await;
}

#[tokio::test]
async fn a_token_is_good_for_its_scopes_and_its_account() {
    let scene = Scene::open().await;
    let reader = Integrator::with(&scene, &["account:read"]).await;
    assert_eq!(reader.get("/root").await.status, 200);
    let answer = reader.get("/tokens").await;
    assert_eq!(answer.problem(), (403, "scope-missing"));
    let path = |account: &str| format!("/v1/accounts/{account}/root");
    let account = scene.business.id.to_string();
    let bearer = format!("Bearer {}", reader.token);
    let unknown = format!("Bearer svt_{}", "A".repeat(43));
    for (path, authorization, status, code) in [
        (path(&account), None, 401, "token-missing"),
        (path(&account), Some("Basic eDp5"), 401, "token-unknown"),
        (path(&account), Some(unknown.as_str()), 401, "token-unknown"),
        (path("x"), Some(bearer.as_str()), 404, "unknown-account"),
        (
            path(&"A".repeat(43)),
            Some(bearer.as_str()),
            404,
            "unknown-account",
        ),
    ] {
        let headers: Vec<_> = authorization
            .map(|value| ("authorization", value))
            .into_iter()
            .collect();
        let answer = exchange(scene.address, "GET", &path, &headers, "").await;
        assert_eq!(answer.problem(), (status, code));
        if status == 401 {
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
    scene.end().await;
}

#[tokio::test]
async fn a_token_ends_when_it_is_revoked_or_its_administrator_is() {
    let scene = Scene::open().await;
    let (first, second) = (Integrator::new(&scene).await, Integrator::new(&scene).await);
    let listed = first.get("/tokens").await.good();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 2);
    let id = listed["tokens"][1]["id"].as_str().unwrap();
    let (revoked, kept) = match first.delete(&format!("/tokens/{id}")).await.status {
        204 if first.get("/root").await.status == 401 => (&first, &second),
        204 => (&second, &first),
        status => unreachable!("{status}"),
    };
    assert_eq!(revoked.get("/root").await.problem(), (401, "token-revoked"));
    assert_eq!(kept.delete(&format!("/tokens/{id}")).await.status, 204);
    let answer = kept.delete("/tokens/nothing").await;
    assert_eq!(answer.problem(), (404, "unknown-token"));
    assert_eq!(kept.get("/root").await.status, 200);

    let business = &scene.business;
    let mut root = business.root_statement();
    root.number = 2;
    root.administrators = vec![business.renewer.device()];
    let signed = Signed::sign(&root, &[&business.root]);
    let mut client = scene.client(&business.ada).await;
    let root = crate::scene::account::object(ObjectKind::Root, &signed);
    client.publish(root).await.unwrap();
    assert_eq!(kept.get("/root").await.problem(), (401, "token-revoked"));
    scene.end().await;
}

#[tokio::test]
async fn whoever_asks_too_much_is_told_when_to_come_back() {
    let scene = Scene::with(Business::new(), |config| config.limits.requests = 1).await;
    scene.set_up().await;
    let integrator = Integrator::new(&scene).await;
    let mut refused = None;
    for _ in 0..10 {
        let answer = integrator.get("/root").await;
        if answer.status != 200 {
            refused = Some(answer);
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.problem(), (429, "throttled"));
    assert_eq!(refused.headers["retry-after"], "1");
    // Another token has its own measure.
    let other = Integrator::new(&scene).await;
    assert_eq!(other.get("/root").await.status, 200);
    scene.end().await;
}

#[tokio::test]
async fn behind_a_proxy_who_fails_locks_nobody_else_out() {
    let scene = Scene::with(Business::new(), |config| {
        config.proxies.trusted = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    scene.set_up().await;
    let path = format!("/v1/accounts/{}/root", scene.business.id);
    let token = Integrator::new(&scene).await.token;
    let ask = async |from: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("x-forwarded-for", from),
        ];
        exchange(scene.address, "GET", &path, &headers, "")
            .await
            .status
    };
    let mut last = 0;
    for _ in 0..200 {
        last = ask("192.0.2.1", "svt_wrong").await;
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
    assert_eq!(ask("192.0.2.1", &token).await, 429);
    assert_eq!(ask("192.0.2.2", &token).await, 200);
    scene.end().await;
}

#[tokio::test]
async fn an_account_that_is_not_set_up_has_no_tokens() {
    let scene = Scene::empty().await;
    let request = token_request(scene.address, &scene.business, &EVERYTHING);
    let stranger = Person::new();
    let body = Signed::sign(&request, &[&stranger.key]);
    let body = json!({ "request": sottovoce::wire::codec::to_base64url(&body.to_bytes()) });
    let path = format!("/v1/accounts/{}/tokens", scene.business.id);
    let headers = [("content-type", "application/json")];
    let answer = exchange(scene.address, "POST", &path, &headers, &body.to_string()).await;
    assert_eq!(answer.problem(), (403, "not-signed"));
    scene.end().await;
}
