//! Idempotency keys: a POST with one may be sent again, and is answered as the first time for 24
//! hours. Answers that hold secrets are not kept: their routes refuse one.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use sottovoce::crypto::Hash;
use sottovoce::wire::Time;
use sottovoce_server::problem::Problem;

use super::caller::Caller;
use super::error::ApiError;
use crate::relay::Shared;
use crate::store::{KeptAnswer, Repeat, RepeatKey};
use sottovoce_server::clock;

/// The header that names a request.
pub(super) const HEADER: &str = "idempotency-key";
/// Says that an answer was given before.
const REPLAYED: &str = "idempotency-replayed";
/// Longest key.
const LONGEST: usize = 128;
/// After so many milliseconds without an answer a request's node is taken for dead.
const STALE: u64 = 60_000;
/// Longest answer that is kept.
const ANSWER: usize = 1 << 20;

/// Runs a request with a key once.
pub(super) async fn once(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(key) = key(request.headers())? else {
        return Ok(next.run(request).await);
    };
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, &shared).await?;
    let body = to_bytes(body, super::BODY).await.map_err(|_| {
        let title = "the body is longer than its limit";
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title)
    })?;
    let target = parts.uri.path_and_query().map_or("", |it| it.as_str());
    let fingerprint = fingerprint(target, &body);
    let key = RepeatKey {
        account: caller.account(),
        token: caller.token.hash,
        key,
    };
    parts.extensions.insert(caller);
    let now = clock::now();
    let stale = Time::from_millis(now.millis().saturating_sub(STALE));
    let store = &shared.store;
    match store.begin(&key, &fingerprint, now, stale).await? {
        Repeat::New => {}
        Repeat::Same(answer) => return Ok(again(answer)),
        Repeat::UnderWay => return Err(ApiError::RepeatUnderWay.into()),
        Repeat::Other => return Err(ApiError::RepeatKeyReused.into()),
    }
    // A task of its own: whoever hangs up leaves nothing half done.
    let request = Request::from_parts(parts, Body::from(body));
    let shared = Arc::clone(&shared);
    let run = tokio::spawn(async move {
        let answer = keep(next.run(request).await).await;
        let kept = answer.as_ref().ok().filter(|(kept, _)| kept.status < 500);
        let kept = kept
            .filter(|(kept, _)| kept.status != 429)
            .map(|(kept, _)| kept);
        shared.store.end(&key, kept).await?;
        answer.map(|(_, response)| response)
    });
    run.await.unwrap_or_else(|_| Err(Problem::internal()))
}

/// Refuses a POST with a key where answers are not kept: whoever sent it would take a second secret
/// for the first.
pub(super) async fn never(request: Request, next: Next) -> Result<Response, Problem> {
    if request.method() == Method::POST && request.headers().contains_key(HEADER) {
        return Err(ApiError::RepeatKeyUnsupported.into());
    }
    Ok(next.run(request).await)
}

/// The key, if there is one.
fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let key = value.to_str().map_err(|_| ApiError::RepeatKeyInvalid)?;
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if key.is_empty() || key.len() > LONGEST || !visible {
        return Err(ApiError::RepeatKeyInvalid);
    }
    Ok(Some(key.to_owned()))
}

fn fingerprint(target: &str, body: &Bytes) -> Hash {
    let hash = Sha256::new()
        .chain_update(target.as_bytes())
        .chain_update([0])
        .chain_update(body)
        .finalize();
    Hash::new(hash.into())
}

/// An answer, and what is kept of it.
async fn keep(response: Response) -> Result<(KeptAnswer, Response), Problem> {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, ANSWER)
        .await
        .map_err(|_| Problem::internal())?;
    let media_type = parts.headers.get(CONTENT_TYPE);
    let kept = KeptAnswer {
        status: parts.status.as_u16(),
        media_type: media_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        body: body.to_vec(),
    };
    Ok((kept, Response::from_parts(parts, Body::from(body))))
}

fn again(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    if let Ok(value) = HeaderValue::from_str(&answer.media_type)
        && !answer.media_type.is_empty()
    {
        headers.insert(CONTENT_TYPE, value);
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
