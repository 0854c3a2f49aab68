//! Webhook endpoints.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sottovoce_server::problem::{Json, Path, Problem};
use sottovoce_webhooks::endpoint::{
    Endpoint, EndpointChange, EndpointError, EndpointId, HmacHeader, Registration, Settings, Shape,
};
use sottovoce_webhooks::event::{EventKind, Kinds};
use sottovoce_webhooks::keys::TokenUse;
use sottovoce_webhooks::store::StoreError;
use sottovoce_webhooks::target::Targets;
use utoipa::{IntoParams, ToSchema};

use super::caller::{Caller, Scope};
use super::error::ApiError;
use super::path::AccountPath;
use crate::relay::Shared;
use sottovoce_server::clock;

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

/// What the webhooks' store says.
pub(super) fn failed(error: StoreError) -> Problem {
    match error {
        StoreError::Endpoint(error) => refused(&error),
        StoreError::RotationUnderWay => {
            Problem::new(StatusCode::CONFLICT, error.code(), error.to_string())
        }
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

pub(super) fn endpoint_id(path: &EndpointPath) -> Result<EndpointId, ApiError> {
    EndpointId::parse(&path.endpoint).ok_or(ApiError::UnknownEndpoint)
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
