//! Pages of other origins may use the API (CORS): a console that its customer serves does.
//!
//! That gives such a page nothing that any program does not have: who asks is said by a bearer token,
//! which the page itself must hold, and by nothing that a browser adds by itself. There are no cookies,
//! and answers never allow credentials.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, RETRY_AFTER,
};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sottovoce_server::problem::Problem;
use tower_http::cors::{Any, CorsLayer};

use super::rates::Asker;
use crate::refusal::Refusal;
use crate::relay::Shared;

/// Names a request, so that it may be sent again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks the answer to a repeated request.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// For how long a browser need not ask again; the most that browsers accept.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 * 60);

/// Answers what browsers ask before a request of another origin, without a look at the account, and
/// marks every answer as one that any page may read.
pub(super) fn any() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IDEMPOTENCY_KEY, IF_NONE_MATCH])
        .expose_headers([ETAG, IDEMPOTENCY_REPLAYED, RETRY_AFTER])
        .max_age(REMEMBERED)
}

/// Nobody is known yet when a browser asks beforehand, so these requests are counted by address.
pub(super) async fn count(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let asks = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let address = super::address(&shared, request.extensions(), request.headers());
    if asks && !shared.rates.take(Asker::at(address)) {
        return Problem::from(Refusal::Throttled).into_response();
    }
    next.run(request).await
}
