//! SPEC 11: why an account's objects are not believed.

use crate::wire::{DecodeError, Detail};

/// Why an account object is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// It cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It belongs to another account.
    #[error("the object belongs to another account")]
    ForeignAccount,
    /// No valid signature by somebody who may sign it.
    #[error("nobody who may sign it did")]
    NotSigned,
    /// Who signed it is not, or no longer, a member of the team that it is for.
    #[error("who signed it is no member of the team")]
    NotMember,
    /// Its version is lower than one already known.
    #[error("the version is lower than one already known")]
    RolledBack,
    /// Another object of the same version is known: somebody shows people different things.
    #[error("two different objects of one version")]
    Conflict,
    /// It is not valid yet.
    #[error("not valid yet")]
    NotYetValid,
    /// It is no longer valid.
    #[error("expired")]
    Expired,
    /// It would live longer than allowed.
    #[error("lives longer than allowed")]
    LivesTooLong,
    /// The device or credential is revoked.
    #[error("revoked")]
    Revoked,
    /// It contradicts itself, the plan, the root statement or the pin.
    #[error("contradicts {0}")]
    Contradiction(Detail),
    /// A policy that is named by hash is not known.
    #[error("the policy is not known")]
    UnknownPolicy,
    /// No root statement or policy has arrived yet.
    #[error("the account is not known yet")]
    UnknownAccount,
}

impl AccountError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Decode(error) => error.code(),
            Self::ForeignAccount => "foreign-account",
            Self::NotSigned | Self::NotMember => "not-signed",
            Self::RolledBack => "rolled-back",
            Self::Conflict => "conflict",
            Self::NotYetValid => "not-yet-valid",
            Self::Expired => "expired",
            Self::LivesTooLong => "lives-too-long",
            Self::Revoked => "revoked",
            Self::Contradiction(_) => "contradiction",
            Self::UnknownPolicy => "unknown-policy",
            Self::UnknownAccount => "unknown-account",
        }
    }
}
