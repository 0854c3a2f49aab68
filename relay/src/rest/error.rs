//! What goes wrong in the REST API, as problem documents.

use axum::http::StatusCode;
use sottovoce::account::AccountError;
use sottovoce::contact::CommitError;
use sottovoce::wire::DecodeError;
use sottovoce_server::problem::Problem;

use super::caller::Scope;
use crate::refusal::Refusal;
use crate::store::StoreError;

/// A mistake that only the REST API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ApiError {
    /// No API token came with the request.
    #[error("an API token is missing")]
    TokenMissing,
    /// There is no such token.
    #[error("there is no such API token")]
    TokenUnknown,
    /// The token's time is over.
    #[error("the API token has expired")]
    TokenExpired,
    /// The token was revoked, or the administrator who signed for it is none any more.
    #[error("the API token was revoked")]
    TokenRevoked,
    /// The token is another account's.
    #[error("the API token is for another account")]
    ForeignToken,
    /// The token may not do that.
    #[error("the API token does not have the scope for this")]
    ScopeMissing(Scope),
    /// The signed request was used before.
    #[error("the signed request was used before")]
    NonceUsed,
    /// The scopes are not ascending names of scopes.
    #[error("the scopes are not what they have to be")]
    ScopesInvalid,
    /// A name is empty, too long, or has control characters.
    #[error("a name is not what it has to be")]
    NameInvalid,
    /// Something that should be base64url is not.
    #[error("not base64url without padding")]
    NotBase64url,
    /// A cursor is of another list, or not one of this API.
    #[error("the cursor is not one of this list")]
    CursorInvalid,
    /// A key that names a request has a strange form.
    #[error("an idempotency key has 1 to 128 visible ASCII characters")]
    RepeatKeyInvalid,
    /// A key that names a request was used for another one.
    #[error("the idempotency key was used for another request")]
    RepeatKeyReused,
    /// The same request is still under way.
    #[error("the request with this idempotency key is still under way")]
    RepeatUnderWay,
    /// The answer has secrets in it, so it is not kept to be given again.
    #[error("answers with secrets in them are not kept: this route takes no idempotency key")]
    RepeatKeyUnsupported,
    /// A number is outside what is allowed, or a range ends before it begins: which, and what is.
    #[error("a number is outside what is allowed, or a range ends before it begins")]
    RangeInvalid(&'static str),
    /// There is no such credential.
    #[error("there is no such credential")]
    UnknownCredential,
    /// There is no such token.
    #[error("there is no such token in this account")]
    UnknownToken,
    /// The device is not kept away.
    #[error("there is no ban of this device in this account")]
    UnknownBan,
    /// There is no such webhook endpoint.
    #[error("there is no such webhook endpoint in this account")]
    UnknownEndpoint,
    /// There is no such delivery.
    #[error("there is no such delivery in this account")]
    UnknownDelivery,
    /// A delivery can't be sent again before it was sent.
    #[error("the delivery still waits for its first time")]
    DeliveryPending,
    /// A delivery that was delivered or given up can't be tried, only sent again.
    #[error("the delivery was delivered or given up: it can be replayed")]
    DeliveryEnded,
    /// Nothing is sent to the endpoint now.
    #[error("the webhook endpoint is disabled")]
    EndpointDisabled,
}

impl ApiError {
    /// The stable code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::TokenMissing => "token-missing",
            Self::TokenUnknown => "token-unknown",
            Self::TokenExpired => "token-expired",
            Self::TokenRevoked => "token-revoked",
            Self::ForeignToken => "foreign-token",
            Self::ScopeMissing(_) => "scope-missing",
            Self::NonceUsed => "nonce-used",
            Self::ScopesInvalid => "scopes-invalid",
            Self::NameInvalid => "name-invalid",
            Self::NotBase64url => "not-base64url",
            Self::CursorInvalid => "cursor-invalid",
            Self::RepeatKeyInvalid => "idempotency-key-invalid",
            Self::RepeatKeyReused => "idempotency-key-reused",
            Self::RepeatUnderWay => "request-under-way",
            Self::RepeatKeyUnsupported => "idempotency-key-unsupported",
            Self::RangeInvalid(_) => "range-invalid",
            Self::UnknownCredential => "unknown-credential",
            Self::UnknownToken => "unknown-token",
            Self::UnknownBan => "unknown-ban",
            Self::UnknownEndpoint => "unknown-endpoint",
            Self::UnknownDelivery => "unknown-delivery",
            Self::DeliveryPending => "delivery-pending",
            Self::DeliveryEnded => "delivery-ended",
            Self::EndpointDisabled => "endpoint-disabled",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::TokenMissing | Self::TokenUnknown | Self::TokenExpired | Self::TokenRevoked => {
                StatusCode::UNAUTHORIZED
            }
            Self::ForeignToken | Self::ScopeMissing(_) => StatusCode::FORBIDDEN,
            Self::UnknownCredential
            | Self::UnknownToken
            | Self::UnknownBan
            | Self::UnknownEndpoint
            | Self::UnknownDelivery => StatusCode::NOT_FOUND,
            Self::NonceUsed
            | Self::RepeatUnderWay
            | Self::DeliveryPending
            | Self::DeliveryEnded
            | Self::EndpointDisabled => StatusCode::CONFLICT,
            Self::CursorInvalid
            | Self::RepeatKeyInvalid
            | Self::RepeatKeyUnsupported
            | Self::RangeInvalid(_) => StatusCode::BAD_REQUEST,
            Self::ScopesInvalid
            | Self::NameInvalid
            | Self::NotBase64url
            | Self::RepeatKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let problem = Self::new(error.status(), error.code(), error.to_string());
        match error {
            ApiError::ScopeMissing(scope) => {
                problem.with_detail(format!("it needs {}", scope.name()))
            }
            ApiError::ScopesInvalid => {
                let known: Vec<_> = super::scopes().collect();
                let known = known.join(", ");
                problem.with_detail(format!("each once, ascending, of {known}"))
            }
            ApiError::RangeInvalid(what) => problem.with_detail(what),
            _ => problem,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let title = match &refusal {
            Refusal::Plan(_) => "the table of plans does not allow the policy".to_owned(),
            other => other.to_string(),
        };
        let problem = Self::new(status(&refusal), refusal.code(), title);
        match refusal {
            Refusal::Plan(error) => problem.with_detail(error.to_string()),
            Refusal::Throttled => problem.with_retry_after(1),
            Refusal::Unavailable => problem.with_retry_after(5),
            _ => problem,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

/// The status of what the protocol's own rules refuse.
const fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Account(error) | Refusal::Commit(CommitError::Account(error)) => match error {
            AccountError::Decode(error) => decode_status(error),
            AccountError::UnknownAccount | AccountError::UnknownPolicy => StatusCode::NOT_FOUND,
            AccountError::NotSigned | AccountError::NotMember | AccountError::Revoked => {
                StatusCode::FORBIDDEN
            }
            AccountError::RolledBack | AccountError::Conflict => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        },
        Refusal::Decode(error) => decode_status(error),
        Refusal::UnknownAccount | Refusal::UnknownContact | Refusal::UnknownRecord => {
            StatusCode::NOT_FOUND
        }
        Refusal::NotAllowed | Refusal::NotYours | Refusal::WrongHost | Refusal::Plan(_) => {
            StatusCode::FORBIDDEN
        }
        Refusal::DeviceTaken | Refusal::GenerationTaken => StatusCode::CONFLICT,
        Refusal::Erased | Refusal::Dropped => StatusCode::GONE,
        Refusal::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Unavailable | Refusal::GoingAway => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

const fn decode_status(error: &DecodeError) -> StatusCode {
    match error {
        DecodeError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
