//! Webhook endpoints of the vault, and what became of what they were told.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sottovoce::wire::Time;
use sottovoce_server::clock;
use sottovoce_server::problem::{Json, Path, Problem};
use sottovoce_webhooks::delivery::DeliveryFilter;
use sottovoce_webhooks::endpoint::{Disabled, Endpoint, EndpointId, Registration, Settings};
use sottovoce_webhooks::event::{EventKind, Kinds};
use sottovoce_webhooks::store::StoreError;
use utoipa::{IntoParams, ToSchema};

use super::{AccountPath, Api, Caller};
use crate::token::Scope;

/// Most deliveries of one answer.
const DELIVERIES: u32 = 100;

/// An endpoint to be told of messages.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEndpoint {
    /// Where: `https`, or `http` where the operator allows it.
    #[schema(max_length = 2048)]
    url: String,
}

/// An endpoint.
#[derive(Serialize, ToSchema)]
pub(super) struct EndpointView {
    /// Its id.
    id: String,
    /// Where.
    url: String,
    /// Why it is not called, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<&'static str>,
    /// Since when it is there.
    created: u64,
}

/// A new endpoint, with what its receiver verifies calls with. `GET` tells no secrets.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedEndpoint {
    #[serde(flatten)]
    endpoint: EndpointView,
    /// Verifies `v1` of Standard Webhooks.
    secret: String,
    /// Verifies `v1a`.
    public_key: String,
    /// The account's secret token: the key of HMAC-SHA1.
    secret_token: String,
}

/// Endpoints, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct EndpointList {
    /// They.
    webhooks: Vec<EndpointView>,
}

/// What became of an event at an endpoint.
#[derive(Serialize, ToSchema)]
struct DeliveryView {
    /// The event's id, as in `webhook-id`.
    event: String,
    /// The contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    /// `pending`, `delivered` or `failed`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// When it was recorded.
    created: u64,
    /// When it was delivered or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished: Option<u64>,
}

/// Deliveries, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryList {
    /// They.
    deliveries: Vec<DeliveryView>,
}

/// An endpoint of an account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct EndpointPath {
    /// The account's id.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    account: String,
    /// The endpoint's id.
    #[param(pattern = "^whe_[A-Za-z0-9_-]{22}$")]
    webhook: String,
}

/// Register an endpoint.
///
/// It is told `contact.message` of every message that is stored from now on, with what it says, at levels
/// `transport` and `storage`.
#[utoipa::path(post, path = "/v1/accounts/{account}/webhooks", operation_id = "create_webhook",
    params(AccountPath), request_body = NewEndpoint, security(("token" = ["webhooks:write"])),
    responses((status = 201, description = "It, with its secrets", body = CreatedEndpoint)))]
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    Path(path): Path<AccountPath>,
    caller: Caller,
    body: Json<NewEndpoint>,
) -> Result<(StatusCode, axum::Json<CreatedEndpoint>), Problem> {
    api.may(&caller, &path.account, Scope::WebhooksWrite)?;
    let kinds = Kinds::from_iter([EventKind::ContactMessage]);
    let registration = Registration::new(&body.0.url, kinds, Settings::default(), &api.targets)
        .map_err(|error| {
            let title = error.to_string();
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.code(), title)
        })?;
    let (account, now) = (api.archive.store.account(), clock::now());
    let endpoint = api.webhooks.create_endpoint(&account, &registration, now);
    let endpoint = endpoint.await.map_err(failed)?;
    let keys = api.webhooks.endpoint_keys(&account, &endpoint.id, now);
    let keys = keys.await.map_err(failed)?;
    let tokens = api.webhooks.secret_tokens(&account, now).await;
    let tokens = tokens.map_err(failed)?;
    let (Some(keys), Some(token)) = (keys.first(), tokens.first()) else {
        return Err(Problem::internal());
    };
    let created = CreatedEndpoint {
        endpoint: view(&endpoint),
        secret: keys.secret.expose().to_string(),
        public_key: keys.public.to_string(),
        secret_token: token.token.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, axum::Json(created)))
}

/// List endpoints.
#[utoipa::path(get, path = "/v1/accounts/{account}/webhooks", operation_id = "list_webhooks",
    params(AccountPath), security(("token" = ["webhooks:read"])),
    responses((status = 200, description = "Endpoints, oldest first", body = EndpointList)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Path(path): Path<AccountPath>,
    caller: Caller,
) -> Result<axum::Json<EndpointList>, Problem> {
    api.may(&caller, &path.account, Scope::WebhooksRead)?;
    let endpoints = api.webhooks.endpoints(&api.archive.store.account()).await;
    let webhooks = endpoints.map_err(failed)?.iter().map(view).collect();
    Ok(axum::Json(EndpointList { webhooks }))
}

/// Remove an endpoint and all that waits for it.
#[utoipa::path(delete, path = "/v1/accounts/{account}/webhooks/{webhook}", operation_id = "delete_webhook",
    params(EndpointPath), security(("token" = ["webhooks:write"])),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Path(path): Path<EndpointPath>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    api.may(&caller, &path.account, Scope::WebhooksWrite)?;
    let id = EndpointId::parse(&path.webhook).ok_or_else(unknown)?;
    let account = api.archive.store.account();
    let deleted = api.webhooks.delete_endpoint(&account, &id).await;
    if deleted.map_err(failed)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}

/// See the last 100 deliveries to an endpoint.
#[utoipa::path(get, path = "/v1/accounts/{account}/webhooks/{webhook}/deliveries",
    operation_id = "list_deliveries", params(EndpointPath), security(("token" = ["webhooks:read"])),
    responses((status = 200, description = "Deliveries, newest first", body = DeliveryList)))]
pub(super) async fn deliveries(
    State(api): State<Arc<Api>>,
    Path(path): Path<EndpointPath>,
    caller: Caller,
) -> Result<axum::Json<DeliveryList>, Problem> {
    api.may(&caller, &path.account, Scope::WebhooksRead)?;
    let id = EndpointId::parse(&path.webhook).ok_or_else(unknown)?;
    let account = api.archive.store.account();
    let endpoint = api.webhooks.endpoint(&account, &id).await;
    endpoint.map_err(failed)?.ok_or_else(unknown)?;
    let filter = DeliveryFilter {
        endpoint: Some(id),
        ..DeliveryFilter::default()
    };
    let found = api.webhooks.deliveries(&account, &filter, DELIVERIES).await;
    let deliveries = found.map_err(failed)?.into_iter();
    Ok(axum::Json(DeliveryList {
        deliveries: deliveries
            .map(|delivery| DeliveryView {
                event: delivery.event,
                contact: delivery.contact.map(|contact| contact.to_string()),
                state: delivery.state.name(),
                attempts: delivery.attempts,
                created: delivery.created.millis(),
                finished: delivery.finished.map(Time::millis),
            })
            .collect(),
    }))
}

fn view(endpoint: &Endpoint) -> EndpointView {
    EndpointView {
        id: endpoint.id.as_str().to_owned(),
        url: endpoint.registration.url().to_string(),
        disabled: endpoint.disabled.map(Disabled::code),
        created: endpoint.created.millis(),
    }
}

fn unknown() -> Problem {
    let title = "there is no such webhook";
    Problem::new(StatusCode::NOT_FOUND, "unknown-webhook", title)
}

fn failed(error: StoreError) -> Problem {
    if let StoreError::Endpoint(error) = error {
        return Problem::new(StatusCode::CONFLICT, error.code(), error.to_string());
    }
    tracing::error!(%error, "webhooks cannot use the database");
    let title = "the database does not answer";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database-unusable", title).with_retry_after(1)
}
