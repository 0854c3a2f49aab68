//! A relay's REST API, as far as administrators need it without an API token: they sign for one.

use std::sync::Arc;

use hyper::Method;
use serde_json::{Value, json};
use sottovoce::account::ApiTokenRequest;
use sottovoce::crypto::Random;
use sottovoce::crypto::random::NoRandomness;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::codec::to_base64url;
use sottovoce::wire::frame::Nonce;
use sottovoce::wire::{AccountId, Signed, Suite, Time, Version};

use crate::connection::DialError;
use crate::http::Service;

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

/// A visitor's device that is kept away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedBan {
    /// The device's public key, 32 bytes as base64url.
    pub device: String,
    /// Until when.
    pub until: Time,
    /// The device of whoever wanted it, 32 bytes as base64url.
    pub by: String,
}

/// The API of a relay for one account. Each request is a connection of its own.
#[derive(Debug)]
pub struct Api {
    service: Service,
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
        let service = Service::new(url, account, tls)?;
        Ok(Self { service })
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
            account: self.service.account(),
            name: name.to_owned(),
            scopes,
            expires,
            time: crate::now(),
            nonce: Nonce::new(Random::os().bytes()?),
            host: self.service.host_header().to_owned(),
        };
        let signed = Signed::sign(&request, &[key]).to_bytes();
        let body = json!({ "request": to_base64url(&signed) });
        let answer = self
            .service
            .ask(Method::POST, "/tokens", None, Some(&body))
            .await?;
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
        let answer = self
            .service
            .ask(Method::GET, "/tokens", Some(token), None)
            .await?;
        let listed = answer.get("tokens").and_then(Value::as_array);
        let listed = listed.ok_or(ApiError::Unexpected)?;
        listed.iter().map(read_listed).collect()
    }

    /// Revokes a token by its id. `token` needs the scope `tokens:revoke`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn revoke_token(&self, token: &str, id: &str) -> Result<(), ApiError> {
        if !is_plain(id) {
            let code = "unknown-token".to_owned();
            return Err(ApiError::Refused { code });
        }
        let path = format!("/tokens/{id}");
        self.service
            .ask(Method::DELETE, &path, Some(token), None)
            .await?;
        Ok(())
    }

    /// The account's bans that are in force. `token` needs the scope `bans:read`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn bans(&self, token: &str) -> Result<Vec<ListedBan>, ApiError> {
        let answer = self
            .service
            .ask(Method::GET, "/bans", Some(token), None)
            .await?;
        let listed = answer.get("bans").and_then(Value::as_array);
        let listed = listed.ok_or(ApiError::Unexpected)?;
        listed.iter().map(read_ban).collect()
    }

    /// Lifts the ban of a device, by its public key. `token` needs the scope `bans:lift`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn lift_ban(&self, token: &str, device: &str) -> Result<(), ApiError> {
        if !is_plain(device) {
            let code = "unknown-ban".to_owned();
            return Err(ApiError::Refused { code });
        }
        let path = format!("/bans/{device}");
        self.service
            .ask(Method::DELETE, &path, Some(token), None)
            .await?;
        Ok(())
    }
}

/// Whether a text is one part of a path as it stands.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.bytes().all(plain)
}

pub(crate) fn text(answer: &Value, name: &str) -> Result<String, ApiError> {
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

fn read_ban(ban: &Value) -> Result<ListedBan, ApiError> {
    let until = ban.get("until").and_then(Value::as_u64);
    Ok(ListedBan {
        device: text(ban, "device")?,
        until: Time::from_millis(until.ok_or(ApiError::Unexpected)?),
        by: text(ban, "banned_by")?,
    })
}
