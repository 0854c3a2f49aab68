//! What is sent: one POST with its signatures.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use sottovoce::wire::Time;
use url::{Position, Url};

use crate::body;
use crate::endpoint::Shape;
use crate::signature::{self, ID_HEADER, PREVIOUS, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use crate::store::Job;

const AGENT: &str = concat!("sottovoce-webhooks/", env!("CARGO_PKG_VERSION"));
const OLDER_HMAC: &str = "x-vvc-hmac";

/// The request for a job with its event's body, made at a time; `None` if they make no request.
pub(super) fn build(
    job: &Job,
    body: Vec<u8>,
    host: &str,
    now: Time,
) -> Option<Request<Full<Bytes>>> {
    let body = body::shaped(body, job.settings.shape)?;
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&job.url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, authority(&job.url)?)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, AGENT);
    let headers = request.headers_mut()?;
    let mut add = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(value).ok()?);
        Some(())
    };
    let seconds = now.millis() / 1000;
    add(ID_HEADER, &job.event)?;
    add(TIMESTAMP_HEADER, &seconds.to_string())?;
    let mut signatures = Vec::new();
    for (secret, key) in &job.keys {
        signatures.push(signature::v1(secret, &job.event, seconds, &body));
        signatures.push(signature::v1a(key, &job.event, seconds, &body));
    }
    add(SIGNATURE_HEADER, &signatures.join(" "))?;
    let hmac = match job.settings.shape {
        Shape::Current => job.settings.header.as_str(),
        Shape::Older => {
            add("x-vvc-host", host)?;
            add("x-vvc-acct", &job.account.to_string())?;
            OLDER_HMAC
        }
    };
    let previous = format!("{hmac}{PREVIOUS}");
    for (token, name) in job.tokens.iter().zip([hmac, &previous]) {
        let tag = signature::hmac_sha1(token, job.settings.token_use, &body);
        add(name, &tag)?;
    }
    request.body(Full::new(Bytes::from(body))).ok()
}

/// Host and port as they stand in the `Host` header.
pub(super) fn authority(url: &Url) -> Option<HeaderValue> {
    HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).ok()
}
