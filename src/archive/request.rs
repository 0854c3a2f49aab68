//! SPEC 7.3 and 7.4: what a key manager is asked, and what it answers.

use crate::wire::codec::{array, number, variants};

use super::audit::AuditHead;
use super::parcel::Parcel;
use crate::contact::EpochSecret;
use crate::crypto::hash::{hash, sha256};
use crate::crypto::seal::{SealError, SealPrivateKey, SealPublicKey};
use crate::crypto::sign::{PublicKey, SigningKey};
use crate::crypto::{Hash, Random, Secret};
use crate::gather::Gather;
use crate::wire::frame::Object;
use crate::wire::{
    AccountId, Bytes, ContactId, ContentId, DeviceId, Signed, SignedKind, Suite, Time, Version,
    decode, encode, limits,
};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A contact's archive key.
    Issue {
        /// The contact.
        contact: ContactId,
    },
    /// One-time keys and the last-resort key, for contacts that begin later.
    Prekeys {
        /// How many one-time keys, at most 64.
        count: u64,
    },
    /// A contact's data key.
    DataKey {
        /// The contact.
        contact: ContactId,
    },
    /// No more releases of a contact.
    Revoke {
        /// The contact.
        contact: ContactId,
    },
    /// No more releases of a contact, and its secret is destroyed.
    Erase {
        /// The contact.
        contact: ContactId,
    },
    /// Where a contact stands.
    Status {
        /// The contact.
        contact: ContactId,
    },
    /// Entries of the audit log.
    Audit {
        /// Those after this number.
        after: u64,
    },
    /// The epoch secrets of a contact whose commits are attached.
    Release {
        /// The contact.
        contact: ContactId,
        /// What they are wanted for, such as `transcript`; 1 to 128 bytes.
        purpose: String,
        /// Why, in a person's own words; at most 1,024 bytes.
        reason: String,
    },
    /// Takes the epoch secrets of a contact whose commits are attached into the contact's own keeping:
    /// a key that was issued ahead is the contact's alone from then on, and what was sealed to the
    /// last-resort key is kept under the contact's secret.
    Rewrap {
        /// The contact.
        contact: ContactId,
    },
}

variants!(Operation {
    0 => Issue { contact },
    1 => Prekeys { count },
    2 => DataKey { contact },
    3 => Revoke { contact },
    4 => Erase { contact },
    5 => Status { contact },
    6 => Audit { after },
    7 => Release { contact, purpose, reason },
    8 => Rewrap { contact },
});

impl Operation {
    /// The contact that it is about, where it is about one.
    pub const fn contact(&self) -> Option<&ContactId> {
        match self {
            Self::Issue { contact }
            | Self::DataKey { contact }
            | Self::Revoke { contact }
            | Self::Erase { contact }
            | Self::Status { contact }
            | Self::Release { contact, .. }
            | Self::Rewrap { contact } => Some(contact),
            Self::Prekeys { .. } | Self::Audit { .. } => None,
        }
    }

    /// Its name, as rules and audit logs have it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Issue { .. } => "issue",
            Self::Prekeys { .. } => "prekeys",
            Self::DataKey { .. } => "data-key",
            Self::Revoke { .. } => "revoke",
            Self::Erase { .. } => "erase",
            Self::Status { .. } => "status",
            Self::Audit { .. } => "audit",
            Self::Release { .. } => "release",
            Self::Rewrap { .. } => "rewrap",
        }
    }
}

/// A request, signed by the device that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// Protocol version.
    pub version: Version,
    /// The suite of `reply`.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// Random: a request is answered once.
    pub id: ContentId,
    /// Who asks.
    pub device: DeviceId,
    /// The identity of the key manager that is meant: no other one can use it.
    pub audience: PublicKey,
    /// When.
    pub time: Time,
    /// A public key made for this request, that the answer's payload is sealed to.
    pub reply: Bytes,
    /// Root statement, policy, renewals and the requester's credential.
    pub evidence: Vec<Object>,
    /// What.
    pub operation: Operation,
    /// The hash of what comes with it; [`KeyRequest::pack`] fills it in.
    pub attached: Option<Hash>,
}

array!(KeyRequest {
    version,
    suite,
    account,
    id,
    device,
    audience,
    time,
    reply,
    evidence,
    operation,
    attached
});

impl SignedKind for KeyRequest {
    const KIND: &'static str = "key-request";
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The payload is what was asked for.
    Granted,
    /// The requester may not.
    Denied,
    /// The key manager knows no such contact.
    Unknown,
    /// Releases of the contact were ended.
    Revoked,
    /// The contact's secret was destroyed.
    Erased,
    /// Too much at once, or too often.
    Throttled,
    /// Not now.
    Unavailable,
    /// It cannot be read, or contradicts itself.
    Malformed,
}

number!(Outcome {
    Granted = 0,
    Denied = 1,
    Unknown = 2,
    Revoked = 3,
    Erased = 4,
    Throttled = 5,
    Unavailable = 6,
    Malformed = 7,
});

impl Outcome {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Erased => "erased",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
        }
    }
}

/// Where a contact stands at its key manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactState {
    /// Its keys can be asked for.
    Live,
    /// Releases were ended.
    Revoked,
    /// It is being erased: what was sealed to a shared key waits to be wrapped anew.
    Pending,
    /// Its secret was destroyed.
    Erased,
}

number!(ContactState { Live = 0, Revoked = 1, Pending = 2, Erased = 3 });

/// What is granted.
#[derive(Debug, PartialEq, Eq)]
pub enum Grant {
    /// `issue`: the contact's key, an encoded `Signed<ArchiveKey>`.
    Key {
        /// It.
        key: Bytes,
    },
    /// `prekeys`: as many one-time keys as were asked for or may be had, then the last-resort key.
    Keys {
        /// Encoded `Signed<ArchiveKey>`.
        keys: Vec<Bytes>,
    },
    /// `data-key`: the contact's data key.
    DataKey {
        /// 32 bytes.
        key: Secret<32>,
    },
    /// `status`.
    Status {
        /// Where the contact stands.
        state: ContactState,
        /// When its secret was made.
        created: Time,
        /// How often it was released.
        releases: u64,
    },
    /// `audit`: entries in their order, as many as fit.
    Audit {
        /// Encoded `Signed<AuditEntry>`.
        entries: Vec<Bytes>,
    },
    /// `revoke`, `erase` and `rewrap`: it is done, or will be.
    Done {
        /// Where the contact stands now.
        state: ContactState,
    },
    /// `release`: the secrets for everyone on the roster, those among staff are not archived.
    Secrets {
        /// Ascending by epoch.
        secrets: Vec<ReleasedSecret>,
    },
}

/// The secret of one epoch, as a key manager releases it.
#[derive(Debug, PartialEq, Eq)]
pub struct ReleasedSecret {
    /// The epoch.
    pub epoch: u64,
    /// Its secret, 32 bytes.
    pub secret: EpochSecret,
}

array!(ReleasedSecret { epoch, secret });

variants!(Grant {
    0 => Key { key },
    1 => Keys { keys },
    2 => DataKey { key },
    3 => Status { state, created, releases },
    4 => Audit { entries },
    5 => Done { state },
    6 => Secrets { secrets },
});

/// An answer, signed by the key manager's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAnswer {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The hash of the parcel that it answers.
    pub request: Hash,
    /// What became of it.
    pub outcome: Outcome,
    /// The stable code of why; empty if it was granted.
    pub code: String,
    /// What was granted, for the request's reply key.
    pub payload: Option<Parcel>,
    /// When.
    pub time: Time,
    /// How far the audit log is, this request included.
    pub audit: AuditHead,
}

array!(KeyAnswer {
    version,
    suite,
    account,
    request,
    outcome,
    code,
    payload,
    time,
    audit
});

impl SignedKind for KeyAnswer {
    const KIND: &'static str = "key-answer";
}

/// An answer is not what the key manager said to this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyAnswerError {
    /// It cannot be read.
    #[error("the answer cannot be read")]
    Malformed,
    /// It was not signed by the pinned identity.
    #[error("the answer is not signed by the key manager")]
    BadSignature,
    /// It answers another request, maybe an old one.
    #[error("the answer is to another request")]
    AnotherRequest,
    /// What was granted does not open, or is not what was asked for.
    #[error("what was granted does not open")]
    WrongPayload,
}

impl KeyAnswerError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::BadSignature => "bad-signature",
            Self::AnotherRequest => "replayed",
            Self::WrongPayload => "undecryptable",
        }
    }
}

/// What a parcel for a key manager holds.
struct Packed {
    request: Bytes,
    attached: Vec<Bytes>,
}

array!(Packed { request, attached });

impl KeyRequest {
    /// Signs the request and packs it for the key manager, together with `attached`: the contact's
    /// encoded commits, from the first one on, where the operation is about them. What comes back is
    /// told by [`Awaited`]. The reply key is made here and filled in.
    ///
    /// # Errors
    /// [`SealError`]: the key manager's key cannot be sealed to, or there is no randomness.
    pub fn pack(
        mut self,
        attached: Vec<Bytes>,
        signer: &SigningKey,
        to: &SealPublicKey,
        random: &mut Random,
    ) -> Result<(Vec<u8>, Awaited), SealError> {
        let reply = SealPrivateKey::generate(self.suite, random).map_err(|_| SealError)?;
        self.reply = reply.public().as_bytes().to_vec().into();
        let (account, audience) = (self.account, self.audience);
        self.attached = Self::hash_of_attached(&attached);
        let request = Signed::sign(&self, &[signer]).to_bytes();
        let packed = encode(&Packed { request, attached });
        let parcel = Parcel::pack(to, &Self::context(&audience), &packed, random)?;
        let bytes = encode(&parcel);
        let awaited = Awaited {
            account,
            identity: audience,
            request: Self::hash_of(&bytes),
            reply,
        };
        Ok((bytes, awaited))
    }

    /// Opens a parcel with the private half of a request key: the request, and what comes with it.
    /// Nothing of it is verified, but that both belong together.
    ///
    /// # Errors
    /// [`SealError`], whatever is wrong.
    pub fn unpack(
        parcel: &Parcel,
        key: &SealPrivateKey,
        audience: &PublicKey,
    ) -> Result<(Signed<Self>, Vec<Bytes>), SealError> {
        let opened = parcel.unpack(key, &Self::context(audience))?;
        let packed: Packed = decode(&opened, limits::FRAME).map_err(|_| SealError)?;
        let signed = Signed::<Self>::from_bytes(&packed.request).map_err(|_| SealError)?;
        let request = signed.parse().map_err(|_| SealError)?;
        if request.attached == Self::hash_of_attached(&packed.attached) {
            Ok((signed, packed.attached))
        } else {
            Err(SealError)
        }
    }

    /// `H("attached", …)` over what comes with a request; none where nothing does.
    fn hash_of_attached(attached: &[Bytes]) -> Option<Hash> {
        let parts = attached.iter().map(|bytes| bytes.as_ref().into()).gather();
        (!parts.is_empty()).then(|| hash("attached", &parts))
    }

    /// The context of a request's parcel: `H("key-request", identity)`.
    pub fn context(audience: &PublicKey) -> Hash {
        hash("key-request", &[audience.into()])
    }

    /// What an answer names a request by: SHA-256 of the parcel as it was sent.
    pub fn hash_of(parcel: &[u8]) -> Hash {
        Hash::new(sha256(parcel))
    }
}

impl Grant {
    /// Packs it for the reply key of the request with this hash.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn pack(
        &self,
        reply: &SealPublicKey,
        request: &Hash,
        random: &mut Random,
    ) -> Result<Parcel, SealError> {
        let plaintext = zeroize::Zeroizing::new(encode(self));
        Parcel::pack(reply, &Self::context(request), &plaintext, random)
    }

    fn context(request: &Hash) -> Hash {
        hash("key-answer", &[request.into()])
    }
}

/// A request that was sent: what its answer is held against.
#[derive(Debug)]
pub struct Awaited {
    account: AccountId,
    identity: PublicKey,
    request: Hash,
    reply: SealPrivateKey,
}

impl Awaited {
    /// The answer's head, and what was granted if something was.
    ///
    /// # Errors
    /// [`KeyAnswerError`]: it is not the key manager's answer to this request.
    pub fn open(&self, answer: &[u8]) -> Result<(KeyAnswer, Option<Grant>), KeyAnswerError> {
        let signed = Signed::<KeyAnswer>::from_bytes(answer);
        let signed = signed.map_err(|_| KeyAnswerError::Malformed)?;
        signed
            .verify_by(&self.identity)
            .map_err(|_| KeyAnswerError::BadSignature)?;
        let answer = signed.parse().map_err(|_| KeyAnswerError::Malformed)?;
        if answer.request != self.request || answer.account != self.account {
            return Err(KeyAnswerError::AnotherRequest);
        }
        let is_granted = answer.outcome == Outcome::Granted;
        if is_granted != answer.payload.is_some() {
            return Err(KeyAnswerError::Malformed);
        }
        let grant = answer.payload.as_ref().map(|parcel| {
            let opened = parcel
                .unpack(&self.reply, &Grant::context(&self.request))
                .map_err(|_| KeyAnswerError::WrongPayload)?;
            decode(&opened, limits::OBJECT).map_err(|_| KeyAnswerError::Malformed)
        });
        Ok((answer, grant.transpose()?))
    }
}
