//! `/healthz`: whether the process answers at all.

use axum::Router;
use axum::routing::get;

/// A router with `GET /healthz`, which answers 200 and `ok`.
pub fn routes() -> Router {
    Router::new().route("/healthz", get(|| async { "ok" }))
}
