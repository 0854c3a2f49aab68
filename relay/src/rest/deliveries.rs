//! What became of events on their way to webhook endpoints.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sottovoce::wire::Time;
use sottovoce_server::problem::{Json, Path, Problem, Query};
use sottovoce_webhooks::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryId, DeliveryState};
use sottovoce_webhooks::endpoint::EndpointId;
use utoipa::{IntoParams, ToSchema};

use super::caller::{Caller, Scope};
use super::cursor;
use super::error::ApiError;
use super::path::{self, AccountPath};
use super::webhooks::{EndpointPath, endpoint_id, failed};
use crate::relay::Shared;
use sottovoce_server::clock;

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
    /// When it is tried next, at the earliest. None while it is being tried, waits for an earlier one
    /// about the same contact, or has ended.
    next_attempt: Option<u64>,
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
        return Err(ApiError::RangeInvalid("`since` is at most 253402300799999").into());
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
pub(super) async fn list(
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
        .map(|name| DeliveryState::named(name).ok_or_else(unknown_state));
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
pub(super) async fn one(
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

/// Try a delivery that waits now.
///
/// Not before earlier ones about the same contact: the first of those that wait is tried, and the others follow as
/// soon as it is delivered.
#[utoipa::path(post, path = "/deliveries/{delivery}/attempt", operation_id = "attempt_delivery", tag = "webhooks",
    params(DeliveryPath), security(("token" = ["webhooks:write"])),
    responses((status = 202, description = "The first of those that wait is tried now", body = DeliveryView),
        (status = 409, description = "It waits no longer: `delivery-ended`; its endpoint is not called: \
            `endpoint-disabled`; or `request-under-way`",
            body = sottovoce_server::problem::ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn attempt(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<DeliveryPath>,
) -> Result<(StatusCode, axum::Json<DeliveryView>), Problem> {
    caller.may(Scope::WebhooksWrite)?;
    let (account, id) = (caller.account(), delivery_id(&path)?);
    let webhooks = &shared.webhooks;
    let found = webhooks.delivery(&account, id).await.map_err(failed)?;
    let found = found.ok_or(ApiError::UnknownDelivery)?;
    let endpoint = webhooks.endpoint(&account, &found.endpoint).await;
    if endpoint
        .map_err(failed)?
        .is_none_or(|endpoint| endpoint.disabled.is_some())
    {
        return Err(ApiError::EndpointDisabled.into());
    }
    let waits = webhooks.hasten(&account, id, clock::now()).await;
    if !waits.map_err(failed)? {
        return Err(ApiError::DeliveryEnded.into());
    }
    let now = webhooks.delivery(&account, id).await.map_err(failed)?;
    shared.dispatch.wake();
    let view = DeliveryView::from(&now.unwrap_or(found));
    Ok((StatusCode::ACCEPTED, axum::Json(view)))
}

fn unknown_state() -> Problem {
    let title = "a parameter of the query does not have its form";
    Problem::new(StatusCode::BAD_REQUEST, "invalid-query", title)
        .with_detail("`state` is `pending`, `delivered` or `failed`")
}

fn delivery_id(path: &DeliveryPath) -> Result<DeliveryId, ApiError> {
    let number = path
        .delivery
        .parse()
        .map_err(|_| ApiError::UnknownDelivery)?;
    Ok(DeliveryId::new(number))
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
            next_attempt: delivery.next.map(Time::millis),
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
