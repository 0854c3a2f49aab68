//! Webhooks: endpoints, their keys, what became of deliveries, and the account's secret token.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sottovoce::wire::Time;
use sottovoce_server::problem::{Json, Path, Problem, Query};
use sottovoce_webhooks::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryId, DeliveryState};
use sottovoce_webhooks::endpoint::{
    Endpoint, EndpointChange, EndpointError, EndpointId, EndpointKeys, HmacHeader, Registration,
    Settings, Shape,
};
use sottovoce_webhooks::event::{EventKind, Kinds};
use sottovoce_webhooks::keys::TokenUse;
use sottovoce_webhooks::store::{AccountToken, OVERLAP, StoreError};
use sottovoce_webhooks::target::Targets;
use utoipa::{IntoParams, ToSchema};

use super::caller::{Caller, Scope};
use super::error::ApiError;
use super::path::{self, AccountPath};
use super::{cursor, secret};
use crate::clock;
use crate::relay::Shared;

/// An endpoint of an account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct EndpointPath {
    /// The account's id.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    #[allow(dead_code, reason = "the caller's token says which account is meant")]
    account: String,
    /// The endpoint's id.
    #[param(pattern = "^whe_[A-Za-z0-9_-]{22}$")]
    endpoint: String,
}

/// A delivery of an account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct DeliveryPath {
    /// The account's id.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    #[allow(dead_code, reason = "the caller's token says which account is meant")]
    account: String,
    /// The delivery's id.
    #[param(pattern = "^[0-9]{1,19}$")]
    delivery: String,
}

/// Which deliveries are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveriesQuery {
    /// How many at most; 50 if it is not said.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Where to go on: the last page's `next`.
    cursor: Option<String>,
    /// To this endpoint only.
    endpoint: Option<String>,
    /// Of this state only: `pending`, `delivered` or `failed`.
    state: Option<String>,
}

/// How the secret token is the key of HMAC-SHA1.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenUseName {
    /// Its characters as they are.
    Text,
    /// The bytes that they spell.
    Hex,
}

/// The form of calls.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ShapeName {
    /// What this version describes.
    Current,
    /// The older body and header set.
    Older,
}

/// An endpoint to register, or to put in place of another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointRequest {
    /// Where: `https`, or `http`, which is marked as insecure.
    #[schema(max_length = 2048)]
    url: String,
    /// What is told: `contact.created`, `contact.claimed`, `contact.transferred`, `contact.message`,
    /// `contact.closed`, `contact.erased`, `device.revoked`.
    events: Vec<String>,
    /// Which header carries HMAC-SHA1; `x-sottovoce-hmac-sha1` if it is not said.
    header: Option<String>,
    /// How the secret token is its key; as text if it is not said.
    token_use: Option<TokenUseName>,
    /// The form of calls; the current one if it is not said.
    shape: Option<ShapeName>,
    /// Whether it is called; it is if nothing is said.
    enabled: Option<bool>,
}

/// For how long what is replaced stays valid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// Seconds; at most 30 days.
    #[schema(maximum = 2_592_000)]
    overlap: u64,
}

/// Which failed deliveries are sent again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayRequest {
    /// Those of events at this time or later, in milliseconds since 1970.
    #[schema(maximum = 253_402_300_799_999_u64)]
    since: u64,
}

/// How many deliveries are sent again.
#[derive(Serialize, ToSchema)]
pub(super) struct Replayed {
    /// So many.
    replayed: u64,
}

/// A registered endpoint.
#[derive(Serialize, ToSchema)]
pub(super) struct EndpointView {
    /// Its id.
    id: String,
    /// Where.
    url: String,
    /// Whether calls travel in clear.
    insecure: bool,
    /// What is told.
    events: Vec<&'static str>,
    /// Which header carries HMAC-SHA1.
    header: String,
    /// How the secret token is its key.
    token_use: TokenUseName,
    /// The form of calls.
    shape: ShapeName,
    /// Why it is not called, if so: `by-account`, `gone` or `backlog`.
    disabled: Option<&'static str>,
    /// Since when it is there.
    created: u64,
}

/// The endpoints of an account, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct EndpointList {
    /// They.
    endpoints: Vec<EndpointView>,
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

/// An event on its way to one endpoint.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryView {
    /// Its id.
    id: String,
    /// Where to.
    endpoint: String,
    /// The event's id, as in `webhook-id`.
    event: String,
    /// What happened.
    kind: &'static str,
    /// The contact, where the event is about one.
    contact: Option<String>,
    /// `pending`, `delivered` or `failed`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// When the event was recorded.
    created: u64,
    /// When it was delivered or given up.
    finished: Option<u64>,
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryPage {
    /// Deliveries, newest first.
    deliveries: Vec<DeliveryView>,
    /// The cursor of the next page, if there is one.
    next: Option<String>,
}

/// A delivery and its attempts.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryDetail {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// Attempts, oldest first.
    tries: Vec<AttemptView>,
}

/// An attempt to deliver.
#[derive(Serialize, ToSchema)]
pub(super) struct AttemptView {
    /// When it began.
    started: u64,
    /// How many milliseconds it took.
    duration: u64,
    /// The answer's status, if there was one.
    status: Option<u16>,
    /// What was wrong, as a stable code.
    error: Option<String>,
    /// The beginning of a failure's answer.
    excerpt: Option<String>,
}

/// List webhook endpoints.
#[utoipa::path(get, path = "/webhooks", operation_id = "list_webhooks", tag = "webhooks", params(AccountPath),
    security(("token" = ["webhooks:read"])),
    responses((status = 200, description = "Endpoints, oldest first", body = EndpointList)))]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<axum::Json<EndpointList>, Problem> {
    caller.may(Scope::WebhooksRead)?;
    let found = shared
        .webhooks
        .endpoints(&caller.account())
        .await
        .map_err(failed)?;
    let endpoints = found.iter().map(EndpointView::from).collect();
    Ok(axum::Json(EndpointList { endpoints }))
}

/// Register a webhook endpoint.
#[utoipa::path(post, path = "/webhooks", operation_id = "create_webhook", tag = "webhooks", params(AccountPath),
    request_body = EndpointRequest, security(("token" = ["webhooks:write"])),
    responses((status = 201, description = "It is called from now on; read its keys to verify calls", body = EndpointView)))]
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    body: Json<EndpointRequest>,
) -> Result<(StatusCode, axum::Json<EndpointView>), Problem> {
    caller.may(Scope::WebhooksWrite)?;
    let (account, now) = (caller.account(), clock::now());
    let registration = registration(&body.0, &shared.targets)?;
    let mut made = shared
        .webhooks
        .create_endpoint(&account, &registration, now)
        .await
        .map_err(failed)?;
    if body.0.enabled == Some(false) {
        let change = EndpointChange {
            registration: None,
            enabled: Some(false),
        };
        let changed = shared
            .webhooks
            .change_endpoint(&account, &made.id, &change, now)
            .await
            .map_err(failed)?;
        made = changed.ok_or(ApiError::UnknownEndpoint)?;
    }
    Ok((StatusCode::CREATED, axum::Json(EndpointView::from(&made))))
}

/// Read a webhook endpoint.
#[utoipa::path(get, path = "/webhooks/{endpoint}", operation_id = "read_webhook", tag = "webhooks", params(EndpointPath),
    security(("token" = ["webhooks:read"])),
    responses((status = 200, description = "The endpoint", body = EndpointView)))]
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<EndpointPath>,
) -> Result<axum::Json<EndpointView>, Problem> {
    caller.may(Scope::WebhooksRead)?;
    let id = endpoint_id(&path)?;
    let found = shared
        .webhooks
        .endpoint(&caller.account(), &id)
        .await
        .map_err(failed)?;
    let found = found.ok_or(ApiError::UnknownEndpoint)?;
    Ok(axum::Json(EndpointView::from(&found)))
}

/// Put a webhook endpoint's settings in place of the ones before.
///
/// One that is enabled again goes on with what waits.
#[utoipa::path(put, path = "/webhooks/{endpoint}", operation_id = "change_webhook", tag = "webhooks", params(EndpointPath),
    request_body = EndpointRequest, security(("token" = ["webhooks:write"])),
    responses((status = 200, description = "The endpoint as it is now", body = EndpointView)))]
pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<EndpointPath>,
    body: Json<EndpointRequest>,
) -> Result<axum::Json<EndpointView>, Problem> {
    caller.may(Scope::WebhooksWrite)?;
    let id = endpoint_id(&path)?;
    let change = EndpointChange {
        registration: Some(registration(&body.0, &shared.targets)?),
        enabled: Some(body.0.enabled.unwrap_or(true)),
    };
    let changed = shared
        .webhooks
        .change_endpoint(&caller.account(), &id, &change, clock::now())
        .await
        .map_err(failed)?;
    shared.dispatch.wake();
    let changed = changed.ok_or(ApiError::UnknownEndpoint)?;
    Ok(axum::Json(EndpointView::from(&changed)))
}

/// Remove a webhook endpoint and all its deliveries.
#[utoipa::path(delete, path = "/webhooks/{endpoint}", operation_id = "delete_webhook", tag = "webhooks", params(EndpointPath),
    security(("token" = ["webhooks:write"])),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<EndpointPath>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::WebhooksWrite)?;
    let id = endpoint_id(&path)?;
    if shared
        .webhooks
        .delete_endpoint(&caller.account(), &id)
        .await
        .map_err(failed)?
    {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::UnknownEndpoint.into())
    }
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

/// Send failed deliveries to an endpoint again.
#[utoipa::path(post, path = "/webhooks/{endpoint}/replay", operation_id = "replay_webhook", tag = "webhooks",
    params(EndpointPath), request_body = ReplayRequest, security(("token" = ["webhooks:write"])),
    responses((status = 202, description = "They are sent again, in their order", body = Replayed)))]
pub(super) async fn replay_failed(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<EndpointPath>,
    body: Json<ReplayRequest>,
) -> Result<(StatusCode, axum::Json<Replayed>), Problem> {
    caller.may(Scope::WebhooksWrite)?;
    let (account, id) = (caller.account(), endpoint_id(&path)?);
    if i64::try_from(body.0.since).is_err() {
        return Err(ApiError::RangeInvalid.into());
    }
    if shared
        .webhooks
        .endpoint(&account, &id)
        .await
        .map_err(failed)?
        .is_none()
    {
        return Err(ApiError::UnknownEndpoint.into());
    }
    let since = Time::from_millis(body.0.since);
    let replayed = shared
        .webhooks
        .replay_failed(&account, &id, since, clock::now())
        .await
        .map_err(failed)?;
    shared.dispatch.wake();
    Ok((StatusCode::ACCEPTED, axum::Json(Replayed { replayed })))
}

/// List deliveries.
#[utoipa::path(get, path = "/deliveries", operation_id = "list_deliveries", tag = "webhooks",
    params(AccountPath, DeliveriesQuery), security(("token" = ["webhooks:read"])),
    responses((status = 200, description = "Deliveries, newest first", body = DeliveryPage)))]
pub(super) async fn deliveries(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<DeliveriesQuery>,
) -> Result<axum::Json<DeliveryPage>, Problem> {
    caller.may(Scope::WebhooksRead)?;
    let account = caller.account();
    let limit = path::limit(query.limit)?;
    let endpoint = query
        .endpoint
        .as_deref()
        .map(|text| EndpointId::parse(text).ok_or(ApiError::UnknownEndpoint));
    let state = query
        .state
        .as_deref()
        .map(|name| DeliveryState::named(name).ok_or(ApiError::RangeInvalid));
    let (endpoint, state) = (endpoint.transpose()?, state.transpose()?);
    let list = format!("deliveries {account} {endpoint:?} {state:?}");
    let before = match &query.cursor {
        None => None,
        Some(given) => {
            let place: [u8; 8] = cursor::read(&list, given)?
                .try_into()
                .map_err(|_| ApiError::CursorInvalid)?;
            Some(DeliveryId::new(i64::from_be_bytes(place)))
        }
    };
    let filter = DeliveryFilter {
        endpoint,
        state,
        before,
    };
    let mut found = shared
        .webhooks
        .deliveries(&account, &filter, limit + 1)
        .await
        .map_err(failed)?;
    let asked = usize::try_from(limit).unwrap_or(1);
    let more = found.len() > asked;
    found.truncate(asked);
    let next = found.last().filter(|_| more);
    Ok(axum::Json(DeliveryPage {
        next: next.map(|last| cursor::make(&list, &last.id.number().to_be_bytes())),
        deliveries: found.iter().map(DeliveryView::from).collect(),
    }))
}

/// Read a delivery and its attempts.
#[utoipa::path(get, path = "/deliveries/{delivery}", operation_id = "read_delivery", tag = "webhooks",
    params(DeliveryPath), security(("token" = ["webhooks:read"])),
    responses((status = 200, description = "The delivery", body = DeliveryDetail)))]
pub(super) async fn delivery(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<DeliveryPath>,
) -> Result<axum::Json<DeliveryDetail>, Problem> {
    caller.may(Scope::WebhooksRead)?;
    let (account, id) = (caller.account(), delivery_id(&path)?);
    let found = shared
        .webhooks
        .delivery(&account, id)
        .await
        .map_err(failed)?;
    let found = found.ok_or(ApiError::UnknownDelivery)?;
    let tries = shared
        .webhooks
        .attempts(&account, id)
        .await
        .map_err(failed)?;
    Ok(axum::Json(DeliveryDetail {
        delivery: DeliveryView::from(&found),
        tries: tries.into_iter().map(AttemptView::from).collect(),
    }))
}

/// Send a delivery again.
#[utoipa::path(post, path = "/deliveries/{delivery}/replay", operation_id = "replay_delivery", tag = "webhooks",
    params(DeliveryPath), security(("token" = ["webhooks:write"])),
    responses((status = 202, description = "It is sent again", body = Replayed),
        (status = 409, description = "It still waits for its first time: `delivery-pending`; or `request-under-way`",
            body = sottovoce_server::problem::ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn replay(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<DeliveryPath>,
) -> Result<(StatusCode, axum::Json<Replayed>), Problem> {
    caller.may(Scope::WebhooksWrite)?;
    let (account, id) = (caller.account(), delivery_id(&path)?);
    if shared
        .webhooks
        .delivery(&account, id)
        .await
        .map_err(failed)?
        .is_none()
    {
        return Err(ApiError::UnknownDelivery.into());
    }
    if !shared
        .webhooks
        .replay(&account, id, clock::now())
        .await
        .map_err(failed)?
    {
        return Err(ApiError::DeliveryPending.into());
    }
    shared.dispatch.wake();
    let replayed = Replayed { replayed: 1 };
    Ok((StatusCode::ACCEPTED, axum::Json(replayed)))
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
/// The new one signs at once; the one before stays valid for the overlap.
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

/// What the webhooks' store says.
fn failed(error: StoreError) -> Problem {
    match error {
        StoreError::Endpoint(error) => refused(&error),
        error => crate::store::StoreError::from(error).into(),
    }
}

fn refused(error: &EndpointError) -> Problem {
    let status = match error {
        EndpointError::TooMany => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status, error.code(), error.to_string())
}

fn registration(asked: &EndpointRequest, targets: &Targets) -> Result<Registration, Problem> {
    let kinds: Option<Kinds> = asked
        .events
        .iter()
        .map(|name| EventKind::named(name))
        .collect();
    let kinds = kinds.ok_or_else(|| refused(&EndpointError::Kinds))?;
    let header = asked.header.as_deref().map(HmacHeader::parse).transpose();
    let settings = Settings {
        header: header.map_err(|error| refused(&error))?.unwrap_or_default(),
        token_use: match asked.token_use {
            Some(TokenUseName::Hex) => TokenUse::Hex,
            _ => TokenUse::Text,
        },
        shape: match asked.shape {
            Some(ShapeName::Older) => Shape::Older,
            _ => Shape::Current,
        },
    };
    Registration::new(&asked.url, kinds, settings, targets).map_err(|error| refused(&error))
}

fn overlap(rotation: &Rotation) -> Result<Duration, ApiError> {
    let overlap = Duration::from_secs(rotation.overlap);
    if overlap <= OVERLAP {
        Ok(overlap)
    } else {
        Err(ApiError::RangeInvalid)
    }
}

fn endpoint_id(path: &EndpointPath) -> Result<EndpointId, ApiError> {
    EndpointId::parse(&path.endpoint).ok_or(ApiError::UnknownEndpoint)
}

fn delivery_id(path: &DeliveryPath) -> Result<DeliveryId, ApiError> {
    let number = path
        .delivery
        .parse()
        .map_err(|_| ApiError::UnknownDelivery)?;
    Ok(DeliveryId::new(number))
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

impl From<&Endpoint> for EndpointView {
    fn from(endpoint: &Endpoint) -> Self {
        let registration = &endpoint.registration;
        let settings = registration.settings();
        Self {
            id: endpoint.id.as_str().to_owned(),
            url: registration.url().to_string(),
            insecure: endpoint.is_insecure(),
            events: registration.kinds().iter().map(EventKind::name).collect(),
            header: settings.header.as_str().to_owned(),
            token_use: match settings.token_use {
                TokenUse::Text => TokenUseName::Text,
                TokenUse::Hex => TokenUseName::Hex,
            },
            shape: match settings.shape {
                Shape::Current => ShapeName::Current,
                Shape::Older => ShapeName::Older,
            },
            disabled: endpoint
                .disabled
                .map(sottovoce_webhooks::endpoint::Disabled::code),
            created: endpoint.created.millis(),
        }
    }
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id.number().to_string(),
            endpoint: delivery.endpoint.as_str().to_owned(),
            event: delivery.event.clone(),
            kind: delivery.kind.name(),
            contact: delivery.contact.map(|contact| contact.to_string()),
            state: delivery.state.name(),
            attempts: delivery.attempts,
            created: delivery.created.millis(),
            finished: delivery.finished.map(Time::millis),
        }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            started: attempt.started.millis(),
            duration: attempt.duration,
            status: attempt.status,
            error: attempt.error,
            excerpt: attempt.excerpt,
        }
    }
}
