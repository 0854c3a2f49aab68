//! The REST API under `/v1`: what integrators need, described by `/v1/openapi.json`, which is made
//! from this code.
//!
//! Every route but the one that makes tokens wants an API token with the scope that its description
//! names. Everything that goes wrong is a problem document.

mod bans;
mod caller;
mod contacts;
mod cursor;
mod deliveries;
mod describe;
mod error;
mod objects;
mod origins;
mod path;
mod rates;
mod repeat;
mod secrets;
mod tokens;
mod usage;
mod views;
mod webhooks;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::http::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use axum::http::{Extensions, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sottovoce::account::is_name;
use sottovoce::wire::codec::{from_base64url, to_base64url};
use sottovoce::wire::limits;
use sottovoce_server::problem::{self, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use caller::Scope;
use error::ApiError;

pub(crate) use rates::Rates;

use crate::relay::Shared;

/// Longest body: the longest object as base64url, and room around it.
const BODY: usize = limits::OBJECT / 3 * 4 + 4096;

/// What API tokens may be for, by name, ascending.
pub fn scopes() -> impl Iterator<Item = &'static str> {
    Scope::ALL.into_iter().map(Scope::name)
}

/// All routes of the API.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let repeatable = OpenApiRouter::new()
        .routes(routes!(objects::root, objects::publish_root))
        .routes(routes!(objects::policy))
        .routes(routes!(objects::publish_policy))
        .routes(routes!(objects::policy_by_hash))
        .routes(routes!(objects::publish_renewal))
        .routes(routes!(objects::credentials, objects::publish_credential))
        .routes(routes!(objects::credential))
        .routes(routes!(objects::revocations))
        .routes(routes!(objects::team_keys, objects::publish_team_key))
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::one, contacts::erase))
        .routes(routes!(contacts::entries))
        .routes(routes!(bans::list))
        .routes(routes!(bans::lift))
        .routes(routes!(usage::usage))
        .routes(routes!(usage::retention))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::one, webhooks::change, webhooks::delete))
        .routes(routes!(deliveries::replay_failed))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::one))
        .routes(routes!(deliveries::replay))
        .routes(routes!(deliveries::attempt))
        .layer(middleware::from_fn_with_state(
            Arc::clone(shared),
            repeat::once,
        ));
    // Answers with secrets in them are not kept to be given again.
    let once = OpenApiRouter::new()
        .routes(routes!(tokens::create, tokens::list))
        .routes(routes!(tokens::revoke))
        .routes(routes!(secrets::keys, secrets::rotate_keys))
        .routes(routes!(secrets::secret_token, secrets::rotate_secret_token))
        .layer(middleware::from_fn(repeat::never));
    let (router, mut description) = OpenApiRouter::with_openapi(describe::api())
        .nest("/v1/accounts/{account}", repeatable.merge(once))
        .split_for_parts();
    describe::complete(&mut description);
    let description: axum::body::Bytes =
        serde_json::to_vec(&description).unwrap_or_default().into();
    router
        .route("/v1", get(start))
        .route("/v1/", get(start))
        .route(
            "/v1/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], description) }),
        )
        .route("/v1/{*rest}", any(problem::not_found))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(problem::catch_panics())
        .layer(origins::any())
        .layer(middleware::from_fn_with_state(
            Arc::clone(shared),
            origins::count,
        ))
        .with_state(Arc::clone(shared))
}

/// Where to go on from the API's address.
async fn start() -> axum::Json<Value> {
    axum::Json(json!({
        "description": "/v1/openapi.json",
        "account": "/v1/accounts/{account}",
    }))
}

/// The caller's network address, as trusted proxies say it.
fn address(shared: &Shared, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
    let known = extensions.get::<ConnectInfo<SocketAddr>>();
    known.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| {
        shared.proxies.origin(*peer, headers)
    })
}

/// An answer that the caller may have already.
fn cached(headers: &HeaderMap, answer: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(answer).map_err(|_| Problem::internal())?;
    let hash: [u8; 32] = Sha256::digest(&body).into();
    let tag = format!("\"{}\"", to_base64url(&hash));
    let has = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            text.split(',')
                .any(|known| known.trim().trim_start_matches("W/") == tag)
        })
    };
    let known = headers.get_all(IF_NONE_MATCH).iter().any(has);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// An answer that nobody may keep.
fn secret(answer: impl Serialize) -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], axum::Json(answer))
}

/// The bytes of a signed object.
fn signed_bytes(text: &str) -> Result<Vec<u8>, ApiError> {
    from_base64url(text).ok_or(ApiError::NotBase64url)
}

/// Names are shown to people.
fn check_name(name: &str) -> Result<(), ApiError> {
    if is_name(name) {
        Ok(())
    } else {
        Err(ApiError::NameInvalid)
    }
}
