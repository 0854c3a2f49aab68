//! SPEC 4.1: the commit as it travels. A commit starts an epoch.

use crate::wire::codec::{array, number};

use super::roster::Roster;
use crate::account::{AccountError, Archive, Level};
use crate::crypto::Hash;
use crate::crypto::hash::{hash, labelled, listed};
use crate::crypto::seal::Seal;
use crate::crypto::sign::{Proven, Signature, SigningKey};
use crate::wire::frame::Object;
use crate::wire::log::Seen;
use crate::wire::{
    AccountId, Bytes, ContactId, DecodeError, Detail, DeviceId, Suite, Time, Version, decode,
    encode, limits,
};

/// What a commit says, all of it public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    /// Protocol version.
    pub version: Version,
    /// The contact's suite, fixed by `create`.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: ContactId,
    /// The contact's level, fixed by `create`.
    pub level: Level,
    /// The epoch that it starts.
    pub epoch: u64,
    /// `T_{n-1}`.
    pub previous: Hash,
    /// The committer's clock, not before the previous commit's.
    pub time: Time,
    /// Who commits.
    pub committer: DeviceId,
    /// What for.
    pub reason: Reason,
    /// The policy that allows it.
    pub policy: PolicyRef,
    /// Who holds keys from now on.
    pub roster: Roster,
    /// Id of the archive's key, where the contact's archive rule demands one.
    pub archive: Option<Hash>,
    /// How far the committer has read the log.
    pub seen: Option<Seen>,
    /// Commitment to the epoch secret; absent in `close`.
    pub commitment: Option<Hash>,
    /// Joiners may read back to this epoch; none: nothing before this one.
    pub history: Option<u64>,
    /// The previous epoch secret under the back-link key, 48 bytes; present with `history`.
    pub back_link: Option<Bytes>,
    /// The staff secret's commitment and back-link, in commits by staff.
    pub staff: Option<StaffField>,
    /// The committer's own HPKE public key made for this contact.
    pub new_key: Option<Bytes>,
    /// In `create`: what is fixed for the contact's life.
    pub setup: Option<Setup>,
}

array!(Core {
    version,
    suite,
    account,
    contact,
    level,
    epoch,
    previous,
    time,
    committer,
    reason,
    policy,
    roster,
    archive,
    seen,
    commitment,
    history,
    back_link,
    staff,
    new_key,
    setup
});

/// Why someone commits. Who may is in SPEC 4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The contact begins.
    Create,
    /// An agent takes it.
    Claim,
    /// It is handed to a team or device.
    Transfer,
    /// Somebody joins besides.
    Invite,
    /// Somebody leaves.
    Remove,
    /// A new secret, no other change.
    Rekey,
    /// It ends.
    Close,
}

number!(Reason { Create = 0, Claim = 1, Transfer = 2, Invite = 3, Remove = 4, Rekey = 5, Close = 6 });

/// A policy by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyRef {
    /// Its version.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
}

array!(PolicyRef { number, hash });

/// The staff secret's public side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffField {
    /// Commitment to the staff secret.
    pub commitment: Hash,
    /// The staff secret of the last epoch that had one, 48 bytes.
    pub back_link: Option<Bytes>,
}

array!(StaffField {
    commitment,
    back_link
});

/// What `create` fixes for the contact's life, beside level and suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Id of the entry point.
    pub entry_point: String,
    /// Whether epoch secrets are archived.
    pub archive: Archive,
}

array!(Setup {
    entry_point,
    archive
});

/// Every seal of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Seals {
    /// The epoch secret: one for each member, then one for each team.
    pub all: Vec<Seal>,
    /// The staff secret: one for each agent and supervisor, then one for each team.
    pub staff: Vec<Seal>,
    /// The epoch secret for the archive.
    pub archive: Option<Seal>,
}

array!(Seals {
    all,
    staff,
    archive
});

/// A commit that cannot be read or does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// It cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It is for another account or contact.
    #[error("for another contact")]
    ForeignContact,
    /// Its epoch does not follow the one in force: somebody else was first, or it is late.
    #[error("the epoch is not the next one")]
    StaleEpoch,
    /// It follows another history.
    #[error("follows another history")]
    Fork,
    /// The contact is closed.
    #[error("the contact is closed")]
    Closed,
    /// It is older than the commit before.
    #[error("older than the commit before")]
    TimeRunsBack,
    /// Level, suite, entry point or archive rule differ from what `create` fixed.
    #[error("what the first commit fixed was changed")]
    FixedFieldChanged,
    /// Its fields contradict each other.
    #[error("contradicts itself: {0}")]
    Contradiction(Detail),
    /// The policy or a credential or key does not allow it.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A credential or key that the roster names is missing.
    #[error("a credential or key is missing")]
    MissingEvidence,
    /// The committer may not do that.
    #[error(transparent)]
    Authority(#[from] super::AuthorityError),
    /// The committer's signature does not verify.
    #[error("the signature does not verify")]
    BadSignature,
}

impl CommitError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Decode(error) => error.code(),
            Self::ForeignContact => "foreign-contact",
            Self::StaleEpoch => "stale-epoch",
            Self::Fork => "fork",
            Self::Closed => "closed",
            Self::TimeRunsBack => "time-runs-back",
            Self::FixedFieldChanged => "fixed-field-changed",
            Self::Contradiction(_) => "contradiction",
            Self::Account(error) => error.code(),
            Self::MissingEvidence => "missing-evidence",
            Self::Authority(error) => error.code(),
            Self::BadSignature => "bad-signature",
        }
    }
}

#[derive(Clone, Debug)]
struct Wire {
    core: Bytes,
    seals: Bytes,
    tag: Option<Hash>,
    signature: Signature,
    evidence: Vec<Object>,
}

array!(Wire {
    core,
    seals,
    tag,
    signature,
    evidence
});

/// A commit, with the very bytes that were received.
#[derive(Clone, Debug)]
pub struct Commit {
    wire: Wire,
    core: Core,
    seals: Seals,
    core_hash: Hash,
    seals_hash: Hash,
}

impl Commit {
    /// Reads a commit. It says nothing about whether it counts.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::from_wire(decode(bytes, limits::ENTRY)?)
    }

    fn from_wire(wire: Wire) -> Result<Self, DecodeError> {
        let core = decode(&wire.core, limits::ENTRY)?;
        let seals = decode(&wire.seals, limits::ENTRY)?;
        Ok(Self {
            core,
            seals,
            core_hash: core_hash(&wire.core),
            seals_hash: seals_hash(&wire.seals),
            wire,
        })
    }

    /// Puts a commit together and signs it.
    pub(super) fn sign(
        core: &Core,
        seals: &Seals,
        evidence: Vec<Object>,
        tag: impl FnOnce(&Hash, &Hash) -> Option<Hash>,
        key: &SigningKey,
    ) -> Result<Self, DecodeError> {
        let core_bytes = encode(core);
        let seals_bytes = encode(seals);
        let (hc, hs) = (core_hash(&core_bytes), seals_hash(&seals_bytes));
        let wire = Wire {
            tag: tag(&hc, &hs),
            signature: key.sign("commit", &signed_body(core, &hc, &hs)),
            core: core_bytes.into(),
            seals: seals_bytes.into(),
            evidence,
        };
        Self::from_wire(wire)
    }

    /// Verifies the committer's signature, unless it is known that it is valid.
    ///
    /// # Errors
    /// [`CommitError::BadSignature`].
    pub fn verify_signature(&self, proven: &Proven) -> Result<(), CommitError> {
        let body = signed_body(&self.core, &self.core_hash, &self.seals_hash);
        self.core
            .committer
            .verify_once(proven, "commit", &body, &self.wire.signature)
            .map_err(|_| CommitError::BadSignature)
    }

    /// What it says.
    pub const fn core(&self) -> &Core {
        &self.core
    }

    /// `H("core", core)`.
    pub const fn core_hash(&self) -> &Hash {
        &self.core_hash
    }

    /// Its seals.
    pub const fn seals(&self) -> &Seals {
        &self.seals
    }

    /// The membership tag.
    pub const fn tag(&self) -> Option<&Hash> {
        self.wire.tag.as_ref()
    }

    /// What the membership tag is made over.
    pub(super) fn tagged(&self) -> Vec<u8> {
        tagged(&self.core_hash, &self.seals_hash)
    }

    /// The account objects that it brings along.
    pub fn evidence(&self) -> &[Object] {
        &self.wire.evidence
    }

    /// `T_n = H("transcript", T_{n-1}, H(core), H(seals))`.
    pub fn transcript(&self) -> Hash {
        hash(
            "transcript",
            &[
                (&self.core.previous).into(),
                (&self.core_hash).into(),
                (&self.seals_hash).into(),
            ],
        )
    }

    /// The commit as it travels.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(&self.wire)
    }
}

/// What the membership tag of two hashes is made over.
pub(super) fn tagged(core: &Hash, seals: &Hash) -> Vec<u8> {
    labelled("membership", &[core.into(), seals.into()])
}

pub(super) fn core_hash(core: &[u8]) -> Hash {
    hash("core", &[core.into()])
}

fn seals_hash(seals: &[u8]) -> Hash {
    hash("seals", &[seals.into()])
}

fn signed_body(core: &Core, core_hash: &Hash, seals_hash: &Hash) -> Vec<u8> {
    listed(&[
        0.into(),
        core.suite.number().into(),
        (&core.account).into(),
        core_hash.into(),
        seals_hash.into(),
    ])
}
