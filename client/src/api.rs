//! A relay's REST API, as far as administrators need it without an API token: they sign for one.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sottovoce::account::ApiTokenRequest;
use sottovoce::crypto::Random;
use sottovoce::crypto::random::NoRandomness;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::codec::to_base64url;
use sottovoce::wire::frame::Nonce;
use sottovoce::wire::{AccountId, Signed, Suite, Time, Version};
use tokio::time::timeout;

use crate::connection::{Address, DialError, stream};

/// How long the relay may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer.
const ANSWER: usize = 1 << 20;

/// Why the relay's API did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The relay was not reached.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The relay answered with a problem document.
    #[error("the relay refused: {code}")]
    Refused {
        /// Its code.
        code: String,
    },
    /// The relay does not answer.
    #[error("the relay does not answer in time")]
    TimedOut,
    /// The answer is not one of this API.
    #[error("what answers is not a relay of this version")]
    Unexpected,
    /// The operating system gave no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl ApiError {
    /// The stable code of this error; for a refusal the relay's.
    pub fn code(&self) -> &str {
        match self {
            Self::Dial(error) => error.code(),
            Self::Refused { code } => code,
            Self::TimedOut => "timed-out",
            Self::Unexpected => "unexpected",
            Self::NoRandomness(_) => "no-randomness",
        }
    }
}

/// A token that was just made: it is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token: `svt_` and 43 characters.
    pub token: String,
    /// Its id: SHA-256 as base64url.
    pub id: String,
}

/// A token in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedToken {
    /// Its id: SHA-256 as base64url.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Until when it is good.
    pub expires: Time,
    /// Whether it was revoked.
    pub is_revoked: bool,
}

/// The API of a relay for one account. Each request is a connection of its own.
#[derive(Debug)]
pub struct Api {
    address: Address,
    account: AccountId,
    tls: Arc<rustls::ClientConfig>,
}

impl Api {
    /// The API at a relay's URL.
    ///
    /// # Errors
    /// [`ApiError::Dial`]: it is not the URL of a relay.
    pub fn new(
        url: &str,
        account: AccountId,
        tls: Arc<rustls::ClientConfig>,
    ) -> Result<Self, ApiError> {
        let address = Address::parse(url).map_err(DialError::from)?;
        Ok(Self {
            address,
            account,
            tls,
        })
    }

    /// Makes a token, for which an administrator's key signs. The request names the host that is
    /// dialled, so no relay can use it at another one.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn create_token(
        &self,
        key: &SigningKey,
        name: &str,
        mut scopes: Vec<String>,
        expires: Time,
    ) -> Result<IssuedToken, ApiError> {
        scopes.sort_unstable();
        scopes.dedup();
        let request = ApiTokenRequest {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            name: name.to_owned(),
            scopes,
            expires,
            time: crate::now(),
            nonce: Nonce::new(Random::os().bytes()?),
            host: self.address.header.clone(),
        };
        let signed = Signed::sign(&request, &[key]).to_bytes();
        let body = json!({ "request": to_base64url(&signed) });
        let answer = self.ask(Method::POST, "/tokens", None, Some(&body)).await?;
        Ok(IssuedToken {
            token: text(&answer, "token")?,
            id: text(&answer, "id")?,
        })
    }

    /// The account's tokens, newest first. `token` needs the scope `tokens:read`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn tokens(&self, token: &str) -> Result<Vec<ListedToken>, ApiError> {
        let answer = self.ask(Method::GET, "/tokens", Some(token), None).await?;
        let listed = answer.get("tokens").and_then(Value::as_array);
        let listed = listed.ok_or(ApiError::Unexpected)?;
        listed.iter().map(read_listed).collect()
    }

    /// Revokes a token by its id. `token` needs the scope `tokens:revoke`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn revoke_token(&self, token: &str, id: &str) -> Result<(), ApiError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !id.bytes().all(plain) {
            let code = "unknown-token".to_owned();
            return Err(ApiError::Refused { code });
        }
        let path = format!("/tokens/{id}");
        self.ask(Method::DELETE, &path, Some(token), None).await?;
        Ok(())
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let exchange = self.exchange(method, path, token, body);
        timeout(PATIENCE, exchange)
            .await
            .map_err(|_| ApiError::TimedOut)?
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/v1/accounts/{}{path}", self.account))
            .header(HOST, &self.address.header)
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| ApiError::Unexpected)?;
        let stream = stream(&self.address, &self.tls).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| ApiError::Unexpected)?;
        let exchange = async {
            let answer = sender.send_request(request).await.ok()?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER).collect().await;
            Some((status, body.ok()?.to_bytes()))
        };
        // The connection has to be driven, and ends with its only answer.
        let answered = tokio::select! {
            answered = exchange => answered,
            _ = connection => None,
        };
        let (status, body) = answered.ok_or(ApiError::Unexpected)?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let answer = serde_json::from_slice(&body).map_err(|_| ApiError::Unexpected)?;
        if status.is_success() {
            Ok(answer)
        } else {
            let code = text(&answer, "code")?;
            Err(ApiError::Refused { code })
        }
    }
}

fn text(answer: &Value, name: &str) -> Result<String, ApiError> {
    let found = answer.get(name).and_then(Value::as_str);
    found.map(str::to_owned).ok_or(ApiError::Unexpected)
}

fn read_listed(token: &Value) -> Result<ListedToken, ApiError> {
    let scopes = token.get("scopes").and_then(Value::as_array);
    let scopes = scopes.into_iter().flatten().filter_map(Value::as_str);
    let expires = token.get("expires").and_then(Value::as_u64);
    Ok(ListedToken {
        id: text(token, "id")?,
        name: text(token, "name")?,
        scopes: scopes.map(str::to_owned).collect(),
        expires: Time::from_millis(expires.ok_or(ApiError::Unexpected)?),
        is_revoked: token.get("revoked").is_some_and(Value::is_u64),
    })
}
