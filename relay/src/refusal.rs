//! Why the relay refuses something: one stable code for each reason.

use sottovoce::account::AccountError;
use sottovoce::contact::CommitError;
use sottovoce::message::MessageError;
use sottovoce::wire::DecodeError;

use crate::plans::PlanError;

/// A refusal, as it goes into `Refused` and `Goodbye` frames.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The account's own rules refuse it.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The contact's own rules refuse it.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The envelope cannot be read or its author did not sign it.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The operator's table of plans does not allow the policy.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// This relay does not serve the account.
    #[error("this relay does not serve the account")]
    UnknownAccount,
    /// The proof was made for another host.
    #[error("the proof was made for another host")]
    WrongHost,
    /// The proof answers another challenge.
    #[error("the proof answers another challenge")]
    WrongNonce,
    /// The device's key is not a usable Ed25519 key.
    #[error("the key is weak")]
    WeakKey,
    /// The sender's clock is more than ten minutes off.
    #[error("the clock is off")]
    TimeOff,
    /// Nothing was heard in time.
    #[error("nothing was heard in time")]
    TimedOut,
    /// Nothing but the proof may come first.
    #[error("the device has not authenticated")]
    NotAuthenticated,
    /// The frame may not come now.
    #[error("the frame may not come now")]
    Unexpected,
    /// The device is not what it would have to be: administrator, staff, member of the team.
    #[error("the device may not do that")]
    NotAllowed,
    /// It was made by another device.
    #[error("it was made by another device")]
    NotYours,
    /// The device's key is bound to somebody else already.
    #[error("the key is bound to somebody else")]
    DeviceTaken,
    /// The team has a key of that generation already.
    #[error("the team has a key of that generation")]
    GenerationTaken,
    /// The team key record that it belongs to is not known.
    #[error("the team key record is not known")]
    UnknownRecord,
    /// There is no such contact, or it is none of the device's business.
    #[error("no such contact")]
    UnknownContact,
    /// The contact was erased.
    #[error("the contact was erased")]
    Erased,
    /// The contact's entries were dropped when their time was over.
    #[error("the contact's entries were dropped when their time was over")]
    Dropped,
    /// Neither the device nor a team of its own is on the contact's roster now.
    #[error("not on the roster")]
    NotOnRoster,
    /// A contact of this id exists.
    #[error("a contact of this id exists")]
    ContactTaken,
    /// Another commit started that epoch.
    #[error("another commit started that epoch")]
    EpochTaken,
    /// The envelope's epoch is not the one in force.
    #[error("the epoch is not the one in force")]
    StaleEpoch,
    /// The append id was used for something else.
    #[error("the append id was used for something else")]
    IdReused,
    /// The device or its address is kept away for a while.
    #[error("kept away for a while")]
    Banned,
    /// The work was not done.
    #[error("the work was not done")]
    NotWorked,
    /// Too much of something.
    #[error("too much at once")]
    Throttled,
    /// The device does not read what it is sent.
    #[error("too slow in reading")]
    TooSlow,
    /// The relay is ending.
    #[error("the relay is ending")]
    GoingAway,
    /// The relay cannot store anything now.
    #[error("the relay cannot do that now")]
    Unavailable,
}

impl Refusal {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Decode(error) => error.code(),
            Self::Account(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::Message(error) => error.code(),
            Self::Plan(error) => error.code(),
            Self::UnknownAccount => "unknown-account",
            Self::WrongHost => "wrong-host",
            Self::WrongNonce => "wrong-nonce",
            Self::WeakKey => "weak-key",
            Self::TimeOff => "time-off",
            Self::TimedOut => "timed-out",
            Self::NotAuthenticated => "not-authenticated",
            Self::Unexpected => "unexpected",
            Self::NotAllowed => "not-allowed",
            Self::NotYours => "not-yours",
            Self::DeviceTaken => "device-taken",
            Self::GenerationTaken => "generation-taken",
            Self::UnknownRecord => "unknown-record",
            Self::UnknownContact => "unknown-contact",
            Self::Erased => "erased",
            Self::Dropped => "expired",
            Self::NotOnRoster => "not-on-roster",
            Self::ContactTaken => "contact-taken",
            Self::EpochTaken => "epoch-taken",
            Self::StaleEpoch => "stale-epoch",
            Self::IdReused => "id-reused",
            Self::Banned => "banned",
            Self::NotWorked => "not-authenticated",
            Self::Throttled => "throttled",
            Self::TooSlow => "too-slow",
            Self::GoingAway => "going-away",
            Self::Unavailable => "unavailable",
        }
    }
}

impl From<crate::store::StoreError> for Refusal {
    fn from(error: crate::store::StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::Unavailable
    }
}
