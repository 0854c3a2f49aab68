//! `/healthz`: whether the process answers at all; `/readyz`: whether it should be sent anybody.

use std::sync::{Arc, RwLock};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Whether a server is ready, and if not, why. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<RwLock<State>>);

#[derive(Debug)]
struct State {
    is_draining: bool,
    /// A stable code; none when all is well.
    obstacle: Option<&'static str>,
}

impl Default for Readiness {
    /// Not ready: `starting`.
    fn default() -> Self {
        Self(Arc::new(RwLock::new(State {
            is_draining: false,
            obstacle: Some("starting"),
        })))
    }
}

impl Readiness {
    /// Ready from the start, for servers that depend on nothing.
    pub fn ready() -> Self {
        let readiness = Self::default();
        readiness.set(None);
        readiness
    }

    /// Says what is in the way now, as a stable code, or that nothing is. Returns whether that is
    /// news.
    pub fn set(&self, obstacle: Option<&'static str>) -> bool {
        // No code panics while it holds the lock.
        let mut state = self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_news = state.obstacle != obstacle;
        state.obstacle = obstacle;
        is_news
    }

    /// The server is ending: it is never ready again.
    pub fn drain(&self) {
        let mut state = self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        state.is_draining = true;
    }

    /// Why the server is not ready, if it is not: a stable code.
    pub fn obstacle(&self) -> Option<&'static str> {
        let state = self
            .0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if state.is_draining {
            Some("draining")
        } else {
            state.obstacle
        }
    }
}

/// A router with `GET /healthz`, which answers 200 and `ok`, and `GET /readyz`, which answers 200
/// and `{"ready":true}`, or 503 and `{"ready":false,"code":"…"}`.
pub fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(move || async move { answer(&readiness) }))
}

fn answer(readiness: &Readiness) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    match readiness.obstacle() {
        None => (json, r#"{"ready":true}"#).into_response(),
        Some(code) => {
            let body = format!(r#"{{"ready":false,"code":"{code}"}}"#);
            (StatusCode::SERVICE_UNAVAILABLE, json, body).into_response()
        }
    }
}
