//! The older shape as it reaches a key manager: a route for each account that has a secret token here,
//! for callers that cannot ask as SPEC 7 says. Nobody has it who did not turn it on.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use sottovoce::archive::Outcome;
use sottovoce::crypto::Random;
use sottovoce::wire::{AccountId, limits};
use sottovoce_older_keys::call::{self, Call, Create, Key, NoKey};
use sottovoce_older_keys::{SecretToken, Signing};
use sottovoce_server::clock;
use sottovoce_server::problem::{self, Path};

use crate::http::no_store;
use crate::service::{KeyManager, OlderCall, contact_of};

/// Who may call, and how calls are signed.
#[derive(Debug)]
pub struct OlderShape {
    /// Accounts and their secret tokens; several of one while it changes its token.
    tokens: Vec<(AccountId, SecretToken)>,
    signing: Signing,
}

/// A secret token cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokensError {
    /// A line is not an account's id and a token.
    #[error("secret tokens have lines of an account's id, a colon and 96 hexadecimal characters")]
    Malformed,
    /// An account is not served.
    #[error("a secret token is of an account that is not served")]
    Foreign,
}

impl OlderShape {
    /// Reads lines of an account's id, a colon and its secret token. Empty lines and those that begin
    /// with `#` mean nothing; none if there are no others.
    ///
    /// # Errors
    /// [`TokensError`].
    pub fn parse(
        text: &str,
        signing: Signing,
        served: &[AccountId],
    ) -> Result<Option<Self>, TokensError> {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut tokens = Vec::new();
        for line in lines {
            let (account, token) = line.split_once(':').ok_or(TokensError::Malformed)?;
            let account = account.trim().parse().map_err(|_| TokensError::Malformed)?;
            let token = SecretToken::parse(token.trim()).map_err(|_| TokensError::Malformed)?;
            if !served.contains(&account) {
                return Err(TokensError::Foreign);
            }
            tokens.push((account, token));
        }
        Ok((!tokens.is_empty()).then_some(Self { tokens, signing }))
    }

    fn tokens_of(&self, account: &AccountId) -> Vec<SecretToken> {
        let tokens = self.tokens.iter();
        let tokens = tokens.filter(|(whose, _)| whose == account);
        tokens.map(|(_, token)| token.clone()).collect()
    }
}

/// What calls are answered from.
#[derive(Clone)]
struct Adapter {
    manager: Arc<KeyManager>,
    shape: Arc<OlderShape>,
}

/// The routes.
pub(crate) fn routes(manager: Arc<KeyManager>, shape: OlderShape) -> Router {
    let shape = Arc::new(shape);
    Router::new()
        .route("/older/{account}", get(read).post(create))
        .layer(DefaultBodyLimit::max(call::BODY))
        .layer(middleware::map_response(no_store))
        .layer(problem::catch_panics())
        .with_state(Adapter { manager, shape })
}

async fn read(
    State(adapter): State<Adapter>,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let asked = |account: &AccountId| {
        let id = call::contact_of(&query).filter(|id| is_id(id))?;
        Some(OlderCall::Read(contact_of(account, &id)))
    };
    let sent = query.as_bytes();
    let answered = adapter.answer(&account, &headers, Call::Get(&query), sent, asked);
    shown(answered.await)
}

async fn create(
    State(adapter): State<Adapter>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return shown(Err(rejection.status())),
    };
    let asked = |account: &AccountId| {
        let create: Create = serde_json::from_slice(&body).ok()?;
        let id = is_id(&create.id).then(|| contact_of(account, &create.id))?;
        Some(match create.copy_from {
            None => OlderCall::Create(id),
            Some(from) if is_id(&from) => OlderCall::Copy(id, contact_of(account, &from)),
            Some(_) => return None,
        })
    };
    let answered = adapter.answer(&account, &headers, Call::Post(&body), &body, asked);
    shown(answered.await)
}

fn is_id(id: &str) -> bool {
    (1..=limits::NAME).contains(&id.len())
}

impl Adapter {
    /// `W`, or the status that says why there is none.
    async fn answer(
        &self,
        account: &str,
        headers: &HeaderMap,
        call: Call<'_>,
        sent: &[u8],
        asked: impl FnOnce(&AccountId) -> Option<OlderCall>,
    ) -> Result<String, StatusCode> {
        let account: AccountId = account.parse().map_err(|_| StatusCode::NOT_FOUND)?;
        let tokens = self.shape.tokens_of(&account);
        if tokens.is_empty() {
            return Err(StatusCode::NOT_FOUND);
        }
        let header = headers.get(call::HMAC).and_then(|tag| tag.to_str().ok());
        let token = self.shape.signing.verify(&tokens, header, call);
        let token = token.ok_or(StatusCode::UNAUTHORIZED)?;
        let asked = asked(&account).ok_or(StatusCode::BAD_REQUEST)?;
        let answered = self
            .manager
            .answer_older(&account, &asked, sent, clock::now());
        let key = answered.await.map_err(|error| failed(&error))?;
        let key = key.map_err(|outcome| match outcome {
            Outcome::Unknown | Outcome::Malformed => StatusCode::BAD_REQUEST,
            Outcome::Throttled => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::FORBIDDEN,
        })?;
        let random = Random::os().bytes().map_err(|error| failed(&error))?;
        Ok(key.wrap(token, random))
    }
}

fn failed(error: &dyn core::fmt::Display) -> StatusCode {
    tracing::error!(%error, "a call of the older shape could not be answered");
    StatusCode::SERVICE_UNAVAILABLE
}

fn shown(answered: Result<String, StatusCode>) -> Response {
    match answered {
        Ok(key) => Json(Key { key }).into_response(),
        Err(status) => (status, Json(NoKey { error: true })).into_response(),
    }
}
