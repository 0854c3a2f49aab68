//! SPEC 7.5: the log of everything that a key manager was asked, each entry signed and bound to the
//! one before.

use crate::wire::codec::array;

use super::request::Outcome;
use crate::crypto::Hash;
use crate::crypto::sign::PublicKey;
use crate::wire::{AccountId, ContactId, DeviceId, Signed, SignedKind, Suite, Time, Version};

/// How far an audit log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// How many entries it has.
    pub number: u64,
    /// The hash of the last one; none of an empty log.
    pub hash: Option<Hash>,
}

array!(AuditHead { number, hash });

/// One line of an audit log: who asked what, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// Counts from 1.
    pub number: u64,
    /// The hash of the entry before.
    pub previous: Option<Hash>,
    /// When it was answered.
    pub time: Time,
    /// Who asked.
    pub device: DeviceId,
    /// What for, by the name of the operation.
    pub operation: String,
    /// About which contact.
    pub contact: Option<ContactId>,
    /// The hash of the request as it was sent.
    pub request: Hash,
    /// What became of it.
    pub outcome: Outcome,
    /// The stable code of why; empty if it was granted.
    pub code: String,
}

array!(AuditEntry {
    version,
    suite,
    account,
    number,
    previous,
    time,
    device,
    operation,
    contact,
    request,
    outcome,
    code
});

impl SignedKind for AuditEntry {
    const KIND: &'static str = "audit";
}

/// An audit log is not what the key manager wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// An entry cannot be read.
    #[error("it cannot be read")]
    Malformed,
    /// An entry is another account's.
    #[error("it is another account's")]
    ForeignAccount,
    /// An entry was not signed by the identity.
    #[error("it is not signed by the key manager")]
    BadSignature,
    /// An entry is missing or out of its place.
    #[error("an entry before it is missing")]
    Missing,
    /// An entry does not follow the one before: one of them was changed.
    #[error("it does not follow the entry before")]
    Broken,
    /// It is dated before the entry before.
    #[error("it is older than the entry before")]
    TimeRunsBack,
}

impl AuditError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::ForeignAccount => "foreign-account",
            Self::BadSignature => "bad-signature",
            Self::Missing => "gap",
            Self::Broken => "fork",
            Self::TimeRunsBack => "time-runs-back",
        }
    }
}

/// Checks an audit log entry by entry, from its beginning or from a head that is believed.
#[derive(Clone, Debug)]
pub struct Auditor {
    account: AccountId,
    identity: PublicKey,
    head: AuditHead,
    time: Time,
}

impl Auditor {
    /// For the log of an account, kept by the key manager with this identity, after `head`.
    pub fn new(account: AccountId, identity: PublicKey, head: AuditHead) -> Self {
        Self {
            account,
            identity,
            head,
            time: Time::default(),
        }
    }

    /// How far it has come.
    pub const fn head(&self) -> &AuditHead {
        &self.head
    }

    /// Checks the next entry and takes it in.
    ///
    /// # Errors
    /// [`AuditError`]; then nothing has changed.
    pub fn take(&mut self, signed: &Signed<AuditEntry>) -> Result<AuditEntry, AuditError> {
        let entry = signed.parse().map_err(|_| AuditError::Malformed)?;
        if entry.account != self.account {
            return Err(AuditError::ForeignAccount);
        }
        signed
            .verify_by(&self.identity)
            .map_err(|_| AuditError::BadSignature)?;
        if entry.number != self.head.number + 1 {
            return Err(AuditError::Missing);
        }
        if entry.previous != self.head.hash {
            return Err(AuditError::Broken);
        }
        if entry.time < self.time {
            return Err(AuditError::TimeRunsBack);
        }
        self.time = entry.time;
        self.head = AuditHead {
            number: entry.number,
            hash: Some(signed.hash()),
        };
        Ok(entry)
    }
}
