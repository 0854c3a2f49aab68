//! What is served over HTTP: the WebSocket, a health check, static files; all of it under strict
//! headers.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderMap,
    HeaderName, HeaderValue, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use sottovoce::wire::limits;
use sottovoce_server::read_limit::ReadLimit;
use tower_http::services::ServeDir;

use crate::config::Mount;
use crate::connection::{self, Peer};
use crate::refusal::Refusal;
use crate::relay::Shared;
use crate::rest;

/// Not among the names that the library knows.
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
/// The WebSocket subprotocol.
const SUBPROTOCOL: &str = "sottovoce.0";

/// All routes.
pub(crate) fn router(shared: Arc<Shared>, mounts: &[Mount]) -> Router {
    let readiness = shared.readiness.clone();
    let mut router = Router::new()
        .route("/v1/connect", get(connect))
        .with_state(Arc::clone(&shared))
        .merge(rest::router(&shared))
        .merge(sottovoce_server::health::routes(readiness));
    for mount in mounts {
        let files = ServeDir::new(&mount.directory);
        let prefix = mount.prefix.trim_end_matches('/');
        router = if prefix.is_empty() {
            router.fallback_service(files)
        } else {
            router.nest_service(prefix, files)
        };
    }
    router.layer(middleware::from_fn(strict_headers))
}

#[derive(serde::Deserialize)]
struct ConnectQuery {
    account: String,
}

async fn connect(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<ConnectQuery>,
    Extension(limit): Extension<ReadLimit>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if shared.drain.has_begun() {
        // Another node, or this one when it is back.
        let code = Refusal::GoingAway.code();
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], code).into_response();
    }
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .max_frame_size(limits::FRAME)
        .max_message_size(limits::FRAME)
        // Each connection keeps this buffer; nearly all frames fit, others make it grow for a while.
        .read_buffer_size(1024)
        .write_buffer_size(0);
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "unknown-protocol").into_response();
    }
    let peer = Peer {
        account: query.account,
        host: host(&headers).unwrap_or_default().to_owned(),
        address: shared.proxies.origin(peer, &headers),
        limit,
    };
    upgrade.on_upgrade(move |socket| {
        let connections = shared.connections.clone();
        connections.track_future(connection::run(shared, peer, socket))
    })
}

pub(crate) fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST).and_then(|host| host.to_str().ok())
}

async fn strict_headers(request: Request, next: Next) -> Response {
    let policy = content_security_policy(host(request.headers()));
    let path = request.uri().path();
    let (immutable, embedded) = (is_hashed(path), path.contains("/widget/"));
    let mut response = next.run(request).await;
    let found = response.status().is_success();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if embedded {
        // Pages of any origin embed the widget; nobody's credentials have a say in what is served.
        let (any, cross) = ("*", "cross-origin");
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static(any));
        headers.insert(
            CROSS_ORIGIN_RESOURCE_POLICY,
            HeaderValue::from_static(cross),
        );
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static(if immutable && found {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        }));
    response
}

/// Nothing but what the relay itself serves. The WebSocket's origin is named because not every
/// browser counts it as `'self'`.
fn content_security_policy(host: Option<&str>) -> String {
    let named = |host: &&str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        !host.is_empty() && host.chars().all(allowed)
    };
    let sockets = host
        .filter(named)
        .map(|host| format!(" ws://{host} wss://{host}"))
        .unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'{sockets}; font-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Whether a file's name carries a hash of its content, as bundlers write it: `index-BfX3aZ2k.js`.
/// Eight characters with a digit or capital; a plain word is taken for a name.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((stem, _)) = name.rsplit_once('.') else {
        return false;
    };
    let Some((start, hash)) = stem
        .len()
        .checked_sub(8)
        .and_then(|at| stem.split_at_checked(at))
    else {
        return false;
    };
    let in_hash = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let telling = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
    start.ends_with(['-', '.']) && hash.chars().all(in_hash) && hash.contains(telling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        for hashed in [
            "/assets/index-BfX3aZ2k.js",
            "/a/core.0a1b2c3d.wasm",
            "/x-_-aB12_c.css",
        ] {
            assert!(is_hashed(hashed), "{hashed}");
        }
        for plain in [
            "/",
            "/index.html",
            "/my-shipping.js",
            "/BfX3aZ2k.js",
            "/a-é2345678.js",
        ] {
            assert!(!is_hashed(plain), "{plain}");
        }
    }

    #[test]
    fn a_strange_host_does_not_reach_the_policy() {
        let strange = content_security_policy(Some("x; script-src *"));
        assert_eq!(strange, content_security_policy(None));
        let plain = content_security_policy(Some("127.0.0.1:8080"));
        assert!(plain.contains("connect-src 'self' ws://127.0.0.1:8080 wss://127.0.0.1:8080;"));
    }
}
