//! The REST API: contacts, transcripts, search, erasure, and how the vault does.

mod contacts;
mod cursor;
mod render;
mod search;
mod transcript;
mod webhooks;

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, middleware};
use serde::Deserialize;
use sottovoce::wire::ContactId;
use sottovoce_server::problem::{self, Problem, ProblemDocument};
use sottovoce_server::{Readiness, bearer, clock, health};
use sottovoce_webhooks::target::Targets;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoParams, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::erasure::{EraseError, Erasures};
use crate::keys::KeyError;
use crate::reading::{Archive, ReadError};
use crate::status::Status;
use crate::store::{StoreError, StoredContact};
use crate::token::{self, Refused, Scope, Token};

/// What requests are answered from.
pub(crate) struct Api {
    pub(crate) archive: Archive,
    pub(crate) status: Arc<Status>,
    pub(crate) erasures: Arc<Erasures>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) webhooks: Arc<dyn sottovoce_webhooks::store::Store>,
    pub(crate) targets: Targets,
}

/// What the description begins with.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Sottovoce vault",
        description = "Contacts of an account below level `e2ee`, as its vault stores them. Times are milliseconds since \
            1970-01-01T00:00:00Z. Every route needs an API token (`sottovoce vault token` makes one) whose scopes it names. \
            Problems are RFC 9457 documents with stable codes: 400 `invalid-query`, `cursor-invalid`; 401 `token-missing`, \
            `token-unknown`, `token-expired`; 403 `scope-missing`; 404 `unknown-account`, `unknown-contact`, \
            `unknown-webhook`; 409 `too-many-endpoints`; 410 `erased`; 422 `url-…`; 500 `record-damaged`; 503 `database-unusable`, `key-manager-unavailable`, `key-denied`, `key-revoked`, \
            `key-lost`, `wrong-key`.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    components(schemas(ProblemDocument, Scope))
)]
struct Description;

pub(crate) fn router(api: Arc<Api>, readiness: Readiness) -> Router {
    let mut description = Description::openapi();
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("svt_ and 43 characters")
        .build();
    description
        .components
        .get_or_insert_default()
        .add_security_scheme("token", SecurityScheme::Http(token));
    let (router, description) = OpenApiRouter::with_openapi(description)
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::one, contacts::erase))
        .routes(routes!(transcript::transcript))
        .routes(routes!(search::search))
        .routes(routes!(contacts::status))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::delete))
        .routes(routes!(webhooks::deliveries))
        .split_for_parts();
    router
        .route(
            "/v1/openapi.json",
            get(move || async { axum::Json(description) }),
        )
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(middleware::map_response(no_store))
        .layer(problem::catch_panics())
        .with_state(api)
        .merge(health::routes(readiness))
}

/// Nobody on the way keeps anything.
async fn no_store(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// An account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AccountPath {
    /// The account's id.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    account: String,
}

/// A contact of an account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ContactPath {
    /// The account's id.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    account: String,
    /// The contact's id.
    #[param(pattern = "^[A-Za-z0-9_-]{22}$")]
    contact: String,
}

/// A caller's headers, before anybody judged them.
struct Caller(Parts);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.clone()))
    }
}

impl Api {
    /// Whether a caller may do something with an account.
    fn may(&self, caller: &Caller, account: &str, scope: Scope) -> Result<(), Problem> {
        let refused = |code: &'static str, title: &'static str| {
            Problem::new(StatusCode::UNAUTHORIZED, code, title)
        };
        let given = caller.0.headers.get(AUTHORIZATION);
        let given =
            given.ok_or_else(|| refused("token-missing", "the request has no API token"))?;
        let unknown = || refused("token-unknown", "there is no such API token");
        let hash = given.to_str().ok().and_then(bearer::of_header);
        let hash = hash.ok_or_else(unknown)?;
        token::may(&self.tokens, &hash, scope, clock::now()).map_err(|error| match error {
            Refused::Unknown => unknown(),
            Refused::Expired => refused("token-expired", "the API token's time is over"),
            Refused::ScopeMissing => {
                let title = "the API token may not do that";
                Problem::new(StatusCode::FORBIDDEN, "scope-missing", title)
            }
        })?;
        let own = self.archive.store.account();
        if account
            .parse()
            .is_ok_and(|account: sottovoce::wire::AccountId| account == own)
        {
            return Ok(());
        }
        let title = "the account is not served here";
        Err(Problem::new(
            StatusCode::NOT_FOUND,
            "unknown-account",
            title,
        ))
    }

    /// The contact of a path, if it is there and not erased.
    async fn contact(&self, path: &ContactPath) -> Result<StoredContact, Problem> {
        let contact: ContactId = path.contact.parse().map_err(|_| unknown_contact())?;
        let stored = self.archive.store.contact(&contact).await;
        let stored = stored.map_err(store_failed)?.ok_or_else(unknown_contact)?;
        if stored.erased.is_some() {
            return Err(erased());
        }
        Ok(stored)
    }

    /// Why a contact cannot be read. One whose key is erased opens never again, and is erased here too.
    async fn unreadable(&self, contact: ContactId, error: ReadError) -> Problem {
        if let ReadError::Key(KeyError::Erased) = error {
            let erasure = self.erasures.erase(contact, clock::now()).await;
            return erasure.map_or_else(erase_failed, |_| erased());
        }
        read_failed(error)
    }
}

fn erased() -> Problem {
    let title = "the contact was erased";
    Problem::new(StatusCode::GONE, "erased", title)
}

fn unknown_contact() -> Problem {
    let title = "the vault has no such contact";
    Problem::new(StatusCode::NOT_FOUND, "unknown-contact", title)
}

#[allow(clippy::needless_pass_by_value)]
fn store_failed(error: StoreError) -> Problem {
    tracing::error!(%error, "a request could not be answered");
    let title = "the database does not answer";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database-unusable", title).with_retry_after(1)
}

fn erase_failed(error: EraseError) -> Problem {
    match error {
        EraseError::Store(error) => store_failed(error),
        EraseError::Tombstones(error) => {
            tracing::error!(%error, "a contact could not be erased");
            let title = "the erasure cannot be written down";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "erasures-unusable", title)
        }
    }
}

fn read_failed(error: ReadError) -> Problem {
    match error {
        ReadError::Store(error) => store_failed(error),
        ReadError::Key(error) => {
            let (code, title) = (error.code(), "the contact's key cannot be had now");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, title).with_retry_after(30)
        }
        ReadError::Damaged(_) => {
            let title = "what is stored does not open";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "record-damaged", title)
        }
    }
}
