//! What signs webhooks: an endpoint's keys and the account's secret token.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sottovoce::wire::Time;
use sottovoce_server::problem::{Json, Path, Problem};
use sottovoce_webhooks::endpoint::EndpointKeys;
use sottovoce_webhooks::store::{AccountToken, OVERLAP};
use utoipa::ToSchema;

use super::caller::{Caller, Scope};
use super::error::ApiError;
use super::path::AccountPath;
use super::secret;
use super::webhooks::{EndpointPath, endpoint_id, failed};
use crate::relay::Shared;
use sottovoce_server::clock;

/// For how long what is replaced stays valid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// Seconds; at most 30 days.
    #[schema(maximum = 2_592_000)]
    overlap: u64,
}

/// What verifies an endpoint's Standard Webhooks signatures.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyView {
    /// For `v1`, HMAC-SHA256: `whsec_…`.
    secret: String,
    /// For `v1a`, Ed25519: `whpk_…`.
    public_key: String,
    /// Until when it signs; nothing for the newest.
    until: Option<u64>,
}

/// Keys that sign, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyList {
    /// They.
    keys: Vec<KeyView>,
}

/// A secret token of the account: it signs webhooks and does nothing else.
#[derive(Serialize, ToSchema)]
pub(super) struct SecretTokenView {
    /// 96 hexadecimal characters.
    token: String,
    /// Since when it is there.
    created: u64,
    /// Until when it is valid; nothing for the newest.
    until: Option<u64>,
}

/// Valid secret tokens, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct SecretTokenList {
    /// One, or two while they change.
    secret_tokens: Vec<SecretTokenView>,
}

/// Read a webhook endpoint's Standard Webhooks keys.
#[utoipa::path(get, path = "/webhooks/{endpoint}/keys", operation_id = "read_webhook_keys", tag = "webhooks",
    params(EndpointPath), security(("token" = ["secrets:read"])),
    responses((status = 200, description = "Keys that sign, newest first", body = KeyList)))]
pub(super) async fn keys(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<EndpointPath>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Scope::SecretsRead)?;
    let id = endpoint_id(&path)?;
    let found = shared
        .webhooks
        .endpoint_keys(&caller.account(), &id, clock::now())
        .await
        .map_err(failed)?;
    key_list(&found).map(secret)
}

/// Replace a webhook endpoint's Standard Webhooks keys.
///
/// Those before sign until the overlap is over, older ones until their own is; eight sign at the
/// same time at most. With an overlap of 0 all former ones end at once.
#[utoipa::path(post, path = "/webhooks/{endpoint}/keys", operation_id = "rotate_webhook_keys", tag = "webhooks",
    params(EndpointPath), request_body = Rotation, security(("token" = ["secrets:rotate"])),
    responses((status = 200, description = "Keys that sign, newest first", body = KeyList)))]
pub(super) async fn rotate_keys(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<EndpointPath>,
    body: Json<Rotation>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Scope::SecretsRotate)?;
    let id = endpoint_id(&path)?;
    let found = shared
        .webhooks
        .rotate_endpoint_keys(&caller.account(), &id, overlap(&body.0)?, clock::now())
        .await
        .map_err(failed)?;
    key_list(&found).map(secret)
}

/// Show the account's secret token.
///
/// It signs webhooks with HMAC-SHA1 and does nothing else.
#[utoipa::path(get, path = "/secret-token", operation_id = "read_secret_token", tag = "webhooks", params(AccountPath),
    security(("token" = ["secrets:read"])),
    responses((status = 200, description = "Valid tokens, newest first", body = SecretTokenList)))]
pub(super) async fn secret_token(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Scope::SecretsRead)?;
    let tokens = shared
        .webhooks
        .secret_tokens(&caller.account(), clock::now())
        .await
        .map_err(failed)?;
    Ok(secret(SecretTokenList::from(tokens)))
}

/// Replace the account's secret token.
///
/// The new one signs at once; the one before stays valid for the overlap. Until that is over,
/// another change is refused with 409 `rotation-under-way`, except with an overlap of 0, which ends
/// all former ones at once.
#[utoipa::path(post, path = "/secret-token", operation_id = "rotate_secret_token", tag = "webhooks", params(AccountPath),
    request_body = Rotation, security(("token" = ["secrets:rotate"])),
    responses((status = 200, description = "Valid tokens, newest first", body = SecretTokenList)))]
pub(super) async fn rotate_secret_token(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    body: Json<Rotation>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Scope::SecretsRotate)?;
    let tokens = shared
        .webhooks
        .rotate_secret_token(&caller.account(), overlap(&body.0)?, clock::now())
        .await
        .map_err(failed)?;
    Ok(secret(SecretTokenList::from(tokens)))
}

fn overlap(rotation: &Rotation) -> Result<Duration, ApiError> {
    let overlap = Duration::from_secs(rotation.overlap);
    if overlap <= OVERLAP {
        Ok(overlap)
    } else {
        Err(ApiError::RangeInvalid("`overlap` is 0 to 2592000 seconds"))
    }
}

/// An endpoint always has keys.
fn key_list(keys: &[EndpointKeys]) -> Result<KeyList, Problem> {
    if keys.is_empty() {
        return Err(ApiError::UnknownEndpoint.into());
    }
    let keys = keys
        .iter()
        .map(|keys| KeyView {
            secret: keys.secret.expose().to_string(),
            public_key: keys.public.to_string(),
            until: keys.until.map(Time::millis),
        })
        .collect();
    Ok(KeyList { keys })
}

impl From<Vec<AccountToken>> for SecretTokenList {
    fn from(tokens: Vec<AccountToken>) -> Self {
        let view = |it: &AccountToken| SecretTokenView {
            token: it.token.expose().to_owned(),
            created: it.created.millis(),
            until: it.until.map(Time::millis),
        };
        Self {
            secret_tokens: tokens.iter().map(view).collect(),
        }
    }
}
