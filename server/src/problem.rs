//! Problem documents (RFC 9457): the one form in which an HTTP API says that something went wrong.
//!
//! Every problem has a stable code; nobody has to read the words. What axum itself refuses
//! (unknown paths, methods, media types, bodies) and what panics is answered in the same form.

use std::any::Any;
use std::borrow::Cow;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;

/// The media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What a problem's type begins with; its code follows.
const TYPE: &str = "urn:sottovoce:problem:";

/// Something went wrong. It is an answer, and an error of handlers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<String>,
    instance: Option<String>,
    retry_after: Option<u64>,
}

/// A problem as it travels.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// `urn:sottovoce:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:sottovoce:problem:unknown-contact")]
    kind: String,
    /// What kind of problem it is, in words.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What went wrong this time, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// The stable code.
    #[schema(example = "unknown-contact")]
    code: String,
}

impl Problem {
    /// A problem with its stable code, and words that are the same for every one of this code.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            title: title.into(),
            detail: None,
            instance: None,
            retry_after: None,
        }
    }

    /// A mistake of the server, of which nothing is told.
    pub fn internal() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "internal", "the server made a mistake")
    }

    /// Adds words about this one.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what was asked for.
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// Adds after how many seconds it may be tried again.
    #[must_use]
    pub const fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    fn document(self) -> ProblemDocument {
        ProblemDocument {
            kind: format!("{TYPE}{}", self.code),
            title: self.title.into_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            instance: self.instance,
            code: self.code.into_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = (status, axum::Json(self.document())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Answers what no route serves.
pub async fn not_found(uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "there is nothing at this path",
    )
    .with_instance(uri.path())
}

/// Answers methods that a path does not have.
pub async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "the path does not have this method",
    )
    .with_detail(format!("{method} is not for this path"))
    .with_instance(uri.path())
}

/// A layer that answers for handlers that panic.
pub fn catch_panics() -> CatchPanicLayer<fn(Box<dyn Any + Send + 'static>) -> Response> {
    CatchPanicLayer::custom(panicked)
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    // The panic's own words went to the log, through the panic hook.
    tracing::error!(code = "internal", "a handler panicked");
    Problem::internal().into_response()
}

/// `axum::Json` that is refused with a problem document.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// `axum::extract::Query` that is refused with a problem document.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// `axum::extract::Path` that is refused with a problem document.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let (code, title) = match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("media-type", "the body has to be application/json")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "the body is longer than its limit"),
            StatusCode::UNPROCESSABLE_ENTITY => ("invalid-body", "the body does not have its form"),
            _ => ("malformed-body", "the body is not JSON"),
        };
        Self::new(rejection.status(), code, title).with_detail(short(&rejection.body_text()))
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        let title = "a parameter of the query does not have its form";
        Self::new(StatusCode::BAD_REQUEST, "invalid-query", title)
            .with_detail(short(&rejection.body_text()))
    }
}

/// What is no id of anything names nothing that exists.
impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "there is nothing at this path",
        )
    }
}

/// Words that may repeat what the asker wrote, at a length that fits a document, without what only
/// means something in this program.
fn short(words: &str) -> String {
    const LONGEST: usize = 300;
    /// With what axum begins, which the title says already.
    const PREFIXES: [&str; 3] = [
        "Failed to deserialize the JSON body into the target type: ",
        "Failed to parse the request body as JSON: ",
        "Failed to deserialize query string: ",
    ];
    let mut rest = words;
    for prefix in PREFIXES {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    without_types(rest).chars().take(LONGEST).collect()
}

/// `struct Thing` and such, as serde says what it expected, in words of JSON.
fn without_types(words: &str) -> String {
    const TYPES: [(&str, &str); 6] = [
        ("internally tagged enum ", "an object"),
        ("struct variant ", "an object"),
        ("tuple struct ", "an array"),
        ("struct ", "an object"),
        ("unit struct ", "null"),
        ("enum ", "one of its names"),
    ];
    let Some((before, expected)) = words.split_once("expected ") else {
        return words.to_owned();
    };
    for (kind, json) in TYPES {
        let Some(rest) = expected.strip_prefix(kind) else {
            continue;
        };
        // The type's name ends where the place begins: `struct Thing at line 1 column 2`.
        let place = rest
            .find([' ', ','])
            .map_or("", |at| rest.get(at..).unwrap_or_default());
        return format!("{before}expected {json}{place}");
    }
    words.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::{get, post};
    use serde::Deserialize;
    use tower::ServiceExt;

    use super::*;

    #[derive(Deserialize)]
    struct Thing {
        #[allow(dead_code)]
        name: String,
    }

    async fn explode() -> &'static str {
        panic!("a secret")
    }

    fn router() -> Router {
        Router::new()
            .route("/things", post(|_: Json<Thing>| async { "made" }))
            .route("/search", get(|_: Query<Thing>| async { "found" }))
            .route("/things/{number}", get(|_: Path<u8>| async { "one" }))
            .route("/explode", get(explode))
            .fallback(not_found)
            .method_not_allowed_fallback(method_not_allowed)
            .layer(axum::extract::DefaultBodyLimit::max(64))
            .layer(catch_panics())
    }

    async fn ask(request: Request<Body>) -> (StatusCode, serde_json::Value) {
        let response = router().oneshot(request).await.unwrap();
        let status = response.status();
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        let body = axum::body::to_bytes(response.into_body(), 4096)
            .await
            .unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn json(body: &'static str) -> Request<Body> {
        Request::post("/things")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap()
    }

    #[tokio::test]
    async fn whatever_axum_refuses_is_a_problem_document() {
        let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
        let long = r#"{"name": "0123456789012345678901234567890123456789012345678901234567890"}"#;
        let plain = Request::post("/things").body(Body::from("{}")).unwrap();
        for (request, status, code) in [
            (get("/nothing"), 404, "not-found"),
            (get("/things/x"), 404, "not-found"),
            (get("/things"), 405, "method-not-allowed"),
            (get("/search"), 400, "invalid-query"),
            (get("/explode"), 500, "internal"),
            (json("{"), 400, "malformed-body"),
            (json("{}"), 422, "invalid-body"),
            (json(long), 413, "too-large"),
            (plain, 415, "media-type"),
        ] {
            let (found, document) = ask(request).await;
            assert_eq!(found.as_u16(), status, "{code}");
            assert_eq!(document["code"], code);
            assert_eq!(document["status"], status);
            assert_eq!(document["type"], format!("urn:sottovoce:problem:{code}"));
            assert!(document["title"].is_string());
            assert!(!document.to_string().contains("secret"));
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_body_is_said_without_this_programs_names() {
        for (body, detail) in [
            ("{}", "missing field `name` at line 1 column 2"),
            (
                "3",
                "invalid type: integer `3`, expected an object at line 1 column 1",
            ),
            (
                r#"{"name": 3}"#,
                "name: invalid type: integer `3`, expected a string at line 1 column 10",
            ),
        ] {
            let (_, document) = ask(json(body)).await;
            assert_eq!(document["detail"], detail);
        }
        let (_, document) = ask(json("{")).await;
        assert!(
            !document["detail"].to_string().contains("Thing"),
            "{document}"
        );
        let search = Request::get("/search?nam=x").body(Body::empty()).unwrap();
        assert_eq!(ask(search).await.1["detail"], "missing field `name`");
        let other = "unknown variant `x`, expected struct Thing with 2 elements";
        let said = "unknown variant `x`, expected an object with 2 elements";
        assert_eq!(without_types(other), said);
    }

    #[test]
    fn a_problem_says_when_to_try_again() {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let problem = Problem::new(status, "throttled", "too much at once").with_retry_after(3);
        let response = problem.into_response();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[RETRY_AFTER], "3");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
}
