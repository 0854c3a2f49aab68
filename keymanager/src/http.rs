//! How requests reach a key manager. Both ways they are opaque to whoever carries them: sealed to
//! the key manager, signed by it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::routing::get;
use axum::{Router, middleware};
use serde::{Deserialize, Serialize};
use sottovoce::wire::codec::{from_base64url, to_base64url};
use sottovoce::wire::{AccountId, limits};
use sottovoce_server::listen::ListenError;
use sottovoce_server::problem::{self, Json, Path, Problem, ProblemDocument};
use sottovoce_server::{Listen, Listener, Readiness, health};
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::config::Config;
use crate::older::{self, OlderShape};
use crate::service::{KeyManager, Parts, ServiceError};
use crate::store::{Store, StoreError};
use sottovoce_server::clock;

/// Longest body: the longest parcel as base64url, and room around it.
const BODY: usize = limits::FRAME / 3 * 4 + 4096;
/// How often the database is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A key manager cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It cannot listen where it should.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Its database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot do its work.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl StartError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Listen(error) => error.code(),
            Self::Store(_) => "database-unusable",
            Self::Service(_) => "key-manager-unusable",
        }
    }
}

/// A key manager that listens.
pub struct Server {
    listener: Listener,
    manager: Arc<KeyManager>,
    older: Option<OlderShape>,
    readiness: Readiness,
}

impl Server {
    /// Opens the database and begins to listen.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let listener = Listener::bind(&Listen {
            address: config.listen,
            tls: config.tls,
        })
        .await?;
        let parts = Parts {
            accounts: config.accounts,
            identity: config.identity,
            master: config.master,
            rules: config.rules,
            store: Store::open(&config.database).await?,
            tombstones: config.tombstones,
        };
        let manager = KeyManager::start(parts, clock::now()).await?;
        Ok(Self {
            listener,
            manager: Arc::new(manager),
            older: config.older,
            readiness: Readiness::ready(),
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Its identity, which root statements name.
    pub fn identity(&self) -> String {
        self.manager.identity().to_string()
    }

    /// Serves until `shutdown`.
    pub async fn serve(self, shutdown: CancellationToken) {
        let mut router = router(&self.manager, self.readiness.clone());
        if let Some(shape) = self.older {
            router = router.merge(older::routes(Arc::clone(&self.manager), shape));
        }
        let watch = watch(Arc::clone(&self.manager), self.readiness, shutdown.clone());
        tokio::join!(
            sottovoce_server::serve(self.listener, router, shutdown),
            watch
        );
        self.manager.store().close().await;
    }
}

/// Says all the time whether the database can be used.
async fn watch(manager: Arc<KeyManager>, readiness: Readiness, shutdown: CancellationToken) {
    loop {
        let probe = manager.store().probe(clock::now());
        let obstacle = match tokio::time::timeout(PATIENCE, probe).await {
            Ok(Ok(())) => None,
            Ok(Err(_)) => Some("database-unusable"),
            Err(_) => Some("database-slow"),
        };
        if readiness.set(obstacle)
            && let Some(code) = obstacle
        {
            tracing::error!(code, "the key manager is not ready");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => return readiness.drain(),
        }
    }
}

/// What the description begins with.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Sottovoce key manager",
        description = "Requests and answers are signed and sealed objects of the protocol (SPEC 7) as base64url without \
            padding. One endpoint takes all of them: `issue` (a contact's archive key), `prekeys` (one-time and last-resort \
            keys), `data-key`, `revoke`, `erase`, `status`, `audit`, `release` (the secrets of an archived contact), `rewrap`. What became of a request stands in its signed answer: \
            `granted`, `denied`, `unknown`, `revoked`, `erased`, `throttled`, `malformed`, each with a code. No signed answer is \
            `unavailable`.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    components(schemas(ProblemDocument))
)]
struct Description;

fn router(manager: &Arc<KeyManager>, readiness: Readiness) -> Router {
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(request_keys))
        .routes(routes!(answer))
        .split_for_parts();
    router
        .route(
            "/v1/openapi.json",
            get(move || async { axum::Json(description) }),
        )
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::map_response(no_store))
        .layer(problem::catch_panics())
        .with_state(Arc::clone(manager))
        .merge(health::routes(readiness))
}

/// Nobody on the way keeps anything.
pub(crate) async fn no_store(mut response: axum::response::Response) -> axum::response::Response {
    let value = header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
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

/// What requests are sealed to.
#[derive(Serialize, ToSchema)]
struct RequestKeys {
    /// A signed `ArchiveKey` of kind `request` for each suite, good for a day.
    keys: Vec<String>,
}

/// A request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// A `Parcel` with a signed `KeyRequest`.
    #[schema(pattern = "^[A-Za-z0-9_-]+$")]
    request: String,
}

/// An answer.
#[derive(Serialize, ToSchema)]
struct Answered {
    /// A signed `KeyAnswer`.
    answer: String,
}

/// Read the keys that requests are sealed to.
#[utoipa::path(get, path = "/v1/accounts/{account}/request-keys", params(AccountPath),
    responses((status = 200, description = "One for each suite", body = RequestKeys),
        (status = 404, description = "`unknown-account`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json")))]
async fn request_keys(
    State(manager): State<Arc<KeyManager>>,
    Path(path): Path<AccountPath>,
) -> Result<axum::Json<RequestKeys>, Problem> {
    let account = account(&path)?;
    let keys = manager.request_keys(&account, clock::now()).await;
    let keys = keys.map_err(failed)?;
    Ok(axum::Json(RequestKeys {
        keys: keys.iter().map(|key| to_base64url(key)).collect(),
    }))
}

/// Ask something.
#[utoipa::path(post, path = "/v1/accounts/{account}/requests", params(AccountPath), request_body = Asked,
    responses((status = 200, description = "The signed answer, whatever it is", body = Answered),
        (status = 400, description = "`malformed-body`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`unknown-account`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`too-large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`media-type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-body`, `not-base64url`", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json")))]
async fn answer(
    State(manager): State<Arc<KeyManager>>,
    Path(path): Path<AccountPath>,
    body: Json<Asked>,
) -> Result<axum::Json<Answered>, Problem> {
    let account = account(&path)?;
    let parcel = from_base64url(&body.0.request).ok_or_else(|| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not-base64url",
            "the request is not base64url without padding",
        )
    })?;
    let answer = manager.answer(&account, &parcel, clock::now()).await;
    let answer = to_base64url(&answer.map_err(failed)?);
    Ok(axum::Json(Answered { answer }))
}

fn account(path: &AccountPath) -> Result<AccountId, Problem> {
    path.account.parse().map_err(|_| unknown())
}

fn unknown() -> Problem {
    let title = "the account is not served here";
    Problem::new(StatusCode::NOT_FOUND, "unknown-account", title)
}

fn failed(error: ServiceError) -> Problem {
    match error {
        ServiceError::UnknownAccount => unknown(),
        error => {
            tracing::error!(%error, "a request could not be answered");
            let title = "the key manager cannot do that now";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title).with_retry_after(1)
        }
    }
}
