//! The REST API as an integrator's program sees it.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde_json::{Value, json};
use sottovoce::account::ApiTokenRequest;
use sottovoce::crypto::Random;
use sottovoce::wire::codec::to_base64url;
use sottovoce::wire::frame::Nonce;
use sottovoce::wire::{Signed, Suite, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::scene::{Business, Scene, now};

/// All scopes.
pub(crate) const EVERYTHING: [&str; 13] = [
    "account:read",
    "account:write",
    "bans:lift",
    "bans:read",
    "contacts:erase",
    "contacts:read",
    "secrets:read",
    "secrets:rotate",
    "tokens:read",
    "tokens:revoke",
    "usage:read",
    "webhooks:read",
    "webhooks:write",
];

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
}

impl Answer {
    /// Status and code of a problem document.
    pub(crate) fn problem(&self) -> (u16, &str) {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], self.status);
        (self.status, self.body["code"].as_str().unwrap())
    }

    /// The body of a success.
    pub(crate) fn good(self) -> Value {
        assert!(self.status < 300, "{self:?}");
        self.body
    }
}

/// A program with a token.
pub(crate) struct Integrator {
    address: SocketAddr,
    account: String,
    pub(crate) token: String,
}

impl Integrator {
    /// With a token of all scopes.
    pub(crate) async fn new(scene: &Scene) -> Self {
        Self::with(scene, &EVERYTHING).await
    }

    /// With a token of some scopes.
    pub(crate) async fn with(scene: &Scene, scopes: &[&str]) -> Self {
        let mut integrator = Self {
            address: scene.address,
            account: scene.business.id.to_string(),
            token: String::new(),
        };
        let request = token_request(scene.address, &scene.business, scopes);
        let request = scene.business.by_administrator(&request);
        let issued = integrator.ask_for_token(&request).await.good();
        integrator.token = issued["token"].as_str().unwrap().to_owned();
        integrator
    }

    /// The same program at a relay that was started again.
    pub(crate) fn at(&self, scene: &Scene) -> Self {
        Self {
            address: scene.address,
            account: self.account.clone(),
            token: self.token.clone(),
        }
    }

    pub(crate) async fn ask_for_token(&self, request: &Signed<ApiTokenRequest>) -> Answer {
        let body = json!({ "request": to_base64url(&request.to_bytes()) });
        self.send("POST", "/tokens", &[], Some(&body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], Some(body)).await
    }

    /// Sends a request below the account's path.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let path = format!("/v1/accounts/{}{path}", self.account);
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("content-type", "application/json")];
        if !self.token.is_empty() {
            all.push(("authorization", &authorization));
        }
        all.extend_from_slice(headers);
        let body = body.map(Value::to_string).unwrap_or_default();
        exchange(self.address, method, &path, &all, &body).await
    }
}

/// One request, one answer.
pub(crate) async fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer {
        status: status.parse().unwrap(),
        headers,
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

/// What an administrator signs for a token that is good for a day.
pub(crate) fn token_request(
    address: SocketAddr,
    business: &Business,
    scopes: &[&str],
) -> ApiTokenRequest {
    ApiTokenRequest {
        version: Version,
        suite: Suite::X25519,
        account: business.id,
        name: "integration".to_owned(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        expires: now().plus_seconds(86_400),
        time: now(),
        nonce: Nonce::new(Random::os().bytes().unwrap()),
        host: address.to_string(),
    }
}
