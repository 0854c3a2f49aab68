//! API tokens: an administrator signs for one, it is told once, and only its hash is kept.

use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sottovoce::account::{AccountError, ApiTokenRequest};
use sottovoce::crypto::Hash;
use sottovoce::wire::{DeviceId, Signed, Suite, Time, limits};
use sottovoce_server::bearer;
use sottovoce_server::problem::{Json, Path, Problem};
use utoipa::ToSchema;

use super::caller::{self, Caller, Scope};
use super::error::ApiError;
use super::path::{AccountPath, TokenPath};
use super::signed_bytes;
use crate::account::AccountHub;
use crate::http::host;
use crate::refusal::Refusal;
use crate::relay::Shared;
use crate::store::{ApiToken, Ending};
use sottovoce_server::clock;

/// How far a request's time may be from the relay's clock, in milliseconds.
const FRESH: u64 = 5 * 60 * 1000;
/// Longest life of a token, in seconds.
const LIFE: u64 = 366 * limits::DAY;

/// An administrator's signed request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// A signed `ApiTokenRequest` (SPEC 3.10) as base64url; `sottovoce token create` makes it.
    #[schema(pattern = "^[A-Za-z0-9_-]+$", max_length = 8192)]
    request: String,
}

/// A new token. It is told this once.
#[derive(Serialize, ToSchema)]
pub(super) struct IssuedToken {
    /// The token.
    #[schema(pattern = "^svt_[A-Za-z0-9_-]{43}$")]
    token: String,
    #[serde(flatten)]
    about: TokenView,
}

/// A token, without itself.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenView {
    /// Its id: the SHA-256 of the token as base64url.
    id: String,
    /// What people call it.
    name: String,
    /// What it may do.
    #[schema(value_type = Vec<Scope>)]
    scopes: Vec<String>,
    /// The administrator's device that signed for it.
    signed_by: String,
    /// When it was made, in milliseconds since 1970.
    created: u64,
    /// Until when it is good.
    expires: u64,
    /// Since when it is revoked, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<u64>,
}

/// The tokens of an account, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenList {
    /// They.
    tokens: Vec<TokenView>,
}

/// Make an API token.
///
/// Needs no API token: the request itself is signed by an administrator's device, names the host
/// that it is sent to, is at most five minutes old and good once.
#[utoipa::path(post, path = "/tokens", operation_id = "create_token", tag = "tokens", params(AccountPath),
    request_body = NewToken, security(),
    responses((status = 201, description = "The token, told this once", body = IssuedToken)))]
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    mut parts: Parts,
    body: Json<NewToken>,
) -> Result<Response, Problem> {
    let hub = caller::hub(&mut parts, &shared).await?;
    let address = super::address(&shared, &parts.extensions, &parts.headers);
    if !shared.throttle.may_try(address) {
        return Err(Refusal::Throttled.into());
    }
    let now = clock::now();
    let (request, by) = verify(&hub, &parts.headers, &body.0.request, now)
        .await
        .inspect_err(|_| shared.throttle.failed(address))?;
    let token = bearer::fresh().map_err(|_| Refusal::Unavailable)?;
    let issued = ApiToken {
        hash: bearer::hash(&token),
        account: hub.id(),
        name: request.name,
        scopes: request.scopes,
        by,
        created: now,
        expires: request.expires,
        revoked: None,
    };
    if !shared.store.add_token(&issued, &request.nonce).await? {
        return Err(ApiError::NonceUsed.into());
    }
    tracing::info!(account = %hub.id(), token = %issued.hash, "an API token was made");
    let about = TokenView::from(&issued);
    Ok((
        StatusCode::CREATED,
        super::secret(IssuedToken { token, about }),
    )
        .into_response())
}

/// Reads and judges a request: what it asks, and who signed.
async fn verify(
    hub: &AccountHub,
    headers: &HeaderMap,
    request: &str,
    now: Time,
) -> Result<(ApiTokenRequest, DeviceId), Problem> {
    let signed =
        Signed::<ApiTokenRequest>::from_bytes(&signed_bytes(request)?).map_err(Refusal::from)?;
    let request = signed.parse().map_err(Refusal::from)?;
    if request.account != hub.id() {
        return Err(Refusal::from(AccountError::ForeignAccount).into());
    }
    if request.suite != Suite::X25519 {
        return Err(
            Refusal::from(AccountError::Contradiction("the suite of its kind".into())).into(),
        );
    }
    let book = hub.book().await;
    let by = signed
        .signers()
        .find(|signer| {
            book.standing(signer, now).is_administrator && signed.verify_by(signer).is_ok()
        })
        .copied()
        .ok_or(Refusal::from(AccountError::NotSigned))?;
    drop(book);
    if Some(request.host.as_str()) != host(headers) {
        return Err(Refusal::WrongHost.into());
    }
    if request.time.millis().abs_diff(now.millis()) > FRESH {
        return Err(Refusal::TimeOff.into());
    }
    if request.expires <= now {
        return Err(Refusal::from(AccountError::Expired).into());
    }
    if request.expires > now.plus_seconds(LIFE) {
        return Err(Refusal::from(AccountError::LivesTooLong).into());
    }
    let scopes = &request.scopes;
    let known = scopes.iter().all(|name| Scope::named(name).is_some());
    if scopes.is_empty() || !known || !scopes.is_sorted_by(|a, b| a < b) {
        return Err(ApiError::ScopesInvalid.into());
    }
    super::check_name(&request.name)?;
    Ok((request, by))
}

/// List API tokens.
#[utoipa::path(get, path = "/tokens", operation_id = "list_tokens", tag = "tokens", params(AccountPath),
    security(("token" = ["tokens:read"])),
    responses((status = 200, description = "Tokens, newest first; those that ended are kept for 30 days",
        body = TokenList)))]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<axum::Json<TokenList>, Problem> {
    caller.may(Scope::TokensRead)?;
    let tokens = shared.store.tokens(&caller.account()).await?;
    let tokens = tokens.iter().map(TokenView::from).collect();
    Ok(axum::Json(TokenList { tokens }))
}

/// Revoke an API token.
///
/// Revoking one that is revoked already changes nothing.
#[utoipa::path(delete, path = "/tokens/{token}", operation_id = "revoke_token", tag = "tokens", params(TokenPath),
    security(("token" = ["tokens:revoke"])),
    responses((status = 204, description = "It is good for nothing any more")))]
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<TokenPath>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::TokensRevoke)?;
    let hash: Hash = path.token.parse().map_err(|_| ApiError::UnknownToken)?;
    let account = caller.account();
    let revoked = shared
        .store
        .revoke_token(&account, &hash, clock::now())
        .await?;
    let known = shared.store.token(&hash).await?.filter(|_| revoked);
    let at = known.and_then(|token| token.revoked);
    let at = at.ok_or(ApiError::UnknownToken)?;
    let ending = Ending::Revoked {
        account,
        token: hash,
        at,
    };
    shared.endings.add(ending).await.map_err(|error| {
        tracing::error!(code = error.code(), %error, "a revocation was not written down");
        Refusal::Unavailable
    })?;
    tracing::info!(%account, token = %hash, "an API token was revoked");
    Ok(StatusCode::NO_CONTENT)
}

impl From<&ApiToken> for TokenView {
    fn from(token: &ApiToken) -> Self {
        Self {
            id: token.hash.to_string(),
            name: token.name.clone(),
            scopes: token.scopes.clone(),
            signed_by: token.by.to_string(),
            created: token.created.millis(),
            expires: token.expires.millis(),
            revoked: token.revoked.map(Time::millis),
        }
    }
}
