//! SPEC 9.4: state as named records, each sealed by the core.

use crate::wire::codec::{Decode, Encode, Writer, array};

use super::{OpenError, Record};
use crate::archive::AuditHead;
use crate::contact::EpochSecret;
use crate::crypto::hash::labelled;
use crate::crypto::random::NoRandomness;
use crate::crypto::seal::SealPrivateKey;
use crate::crypto::secret::SecretBytes;
use crate::crypto::{Hash, Random, Secret, aead, kdf};
use crate::message::Audience;
use crate::wire::frame::Object;
use crate::wire::log::Seen;
use crate::wire::{Bytes, ContactId, ContentId, DeviceId, Suite, Time, decode, encode};

/// Name of the record with the device's keys.
pub(super) const DEVICE: &str = "device";
/// Name of the record with the account's objects.
pub(super) const ACCOUNT: &str = "account";
/// Name of the record of what staff keep beside contacts.
#[cfg(feature = "staff")]
pub(super) const DESK: &str = "desk";
const CONTACT: &str = "contact.";
const MESSAGE: &str = "message.";
/// Length of a contact's id as text.
const ID: usize = 22;
/// Larger than any record can be: 4 MiB.
const LIMIT: usize = 4 * 1024 * 1024;

/// The name of a contact's record.
pub(super) fn contact_name(contact: &ContactId) -> String {
    CONTACT.to_owned() + &contact.to_base64url()
}

/// The contact of a record's name.
pub(super) fn contact_of(name: &str) -> Option<ContactId> {
    name.strip_prefix(CONTACT)?.parse().ok()
}

/// The name of an unsent message's record.
pub(super) fn message_name(contact: &ContactId, id: &ContentId) -> String {
    [MESSAGE, &contact.to_base64url(), ".", &id.to_base64url()].concat()
}

/// Contact and id of an unsent message, from its record's name.
pub(super) fn message_of(name: &str) -> Option<(ContactId, ContentId)> {
    let (contact, id) = name.strip_prefix(MESSAGE)?.split_at_checked(ID)?;
    Some((contact.parse().ok()?, id.strip_prefix('.')?.parse().ok()?))
}

/// Seals and opens records under the host's storage key.
#[derive(Debug)]
pub(super) struct Sealer {
    key: Secret<32>,
    generation: u64,
}

impl Sealer {
    pub(super) const fn new(key: Secret<32>, generation: u64) -> Self {
        Self { key, generation }
    }

    /// salt (16) || AES-256-GCM under Expand(storage key, "record", name, generation, salt).
    pub(super) fn seal<T: Encode>(
        &self,
        random: &mut Random,
        name: &str,
        value: &T,
    ) -> Result<Record, NoRandomness> {
        self.seal_bytes(random, name, &zeroize::Zeroizing::new(encode(value)))
    }

    fn seal_bytes(
        &self,
        random: &mut Random,
        name: &str,
        plaintext: &[u8],
    ) -> Result<Record, NoRandomness> {
        let salt: [u8; 16] = random.bytes()?;
        let (key, aad) = self.key(name, &salt);
        let ciphertext = aead::encrypt(&key, &[0; 12], &aad, plaintext);
        Ok(Record {
            name: name.to_owned(),
            bytes: [salt.as_slice(), &ciphertext].concat(),
        })
    }

    pub(super) fn open<T: Decode>(&self, record: &Record) -> Result<T, OpenError> {
        decode(&self.open_bytes(record)?, LIMIT).map_err(|_| OpenError::State)
    }

    fn open_bytes(&self, record: &Record) -> Result<SecretBytes, OpenError> {
        let (salt, ciphertext) = record
            .bytes
            .split_first_chunk::<16>()
            .ok_or(OpenError::State)?;
        let (key, aad) = self.key(&record.name, salt);
        aead::decrypt(&key, &[0; 12], &aad, ciphertext).map_err(|_| OpenError::State)
    }

    /// The key is used for one record version only, so its nonce is zero.
    fn key(&self, name: &str, salt: &[u8; 16]) -> (Secret<32>, Vec<u8>) {
        let parts = [name.into(), self.generation.into(), salt.into()];
        (
            kdf::derive(&self.key, "record", &parts),
            labelled("record", &[name.into(), self.generation.into()]),
        )
    }
}

/// The device's own keys.
#[derive(Debug)]
pub(super) struct DeviceRecord {
    /// Seed of the Ed25519 key.
    pub(super) seed: Secret<32>,
    /// Published seal keys whose private halves are still needed.
    pub(super) seal_keys: Vec<OwnSealKey>,
    /// Private halves of team keys.
    pub(super) team_keys: Vec<OwnTeamKey>,
    /// The device's `Signed<Credential>`.
    pub(super) credential: Option<Bytes>,
    /// How far the key manager's audit log was seen.
    pub(super) audit: Option<KnownAudit>,
}

array!(DeviceRecord {
    seed,
    seal_keys,
    team_keys,
    credential,
    audit
});

/// How far the key manager's audit log was, by an answer of a time.
#[derive(Debug)]
pub(super) struct KnownAudit {
    pub(super) head: AuditHead,
    pub(super) time: Time,
}

array!(KnownAudit { head, time });

/// A published seal key of the own device.
#[derive(Debug)]
pub(super) struct OwnSealKey {
    pub(super) suite: Suite,
    pub(super) generation: u64,
    pub(super) seed: Secret<32>,
    pub(super) until: Time,
    /// The published `Signed<SealKey>`.
    pub(super) record: Bytes,
}

array!(OwnSealKey {
    suite,
    generation,
    seed,
    until,
    record
});

/// A team's private key that was sealed to this device.
#[derive(Debug)]
pub(super) struct OwnTeamKey {
    pub(super) team: String,
    pub(super) suite: Suite,
    pub(super) generation: u64,
    pub(super) seed: Secret<32>,
    pub(super) until: Time,
}

array!(OwnTeamKey {
    team,
    suite,
    generation,
    seed,
    until
});

/// The same, as it is written.
#[derive(Debug)]
pub(super) struct DeviceRecordRef<'a> {
    pub(super) seed: Secret<32>,
    pub(super) seal_keys: &'a Vec<OwnSealKey>,
    pub(super) team_keys: &'a Vec<OwnTeamKey>,
    pub(super) credential: Option<Bytes>,
    pub(super) audit: &'a Option<KnownAudit>,
}

impl Encode for DeviceRecordRef<'_> {
    fn encode(&self, out: &mut Writer) {
        out.array(5);
        self.seed.encode(out);
        self.seal_keys.encode(out);
        self.team_keys.encode(out);
        self.credential.encode(out);
        self.audit.encode(out);
    }
}

/// What was last believed of the account, so that nothing older is believed again.
#[derive(Debug, Default)]
pub(super) struct AccountRecord {
    pub(super) objects: Vec<Object>,
}

array!(AccountRecord { objects });

/// The secret side of one contact.
#[derive(Debug, Default)]
pub(super) struct ContactRecord {
    /// HPKE keys made for this contact, oldest first.
    pub(super) keys: Vec<OwnContactKey>,
    /// Epoch secrets that this device knows.
    pub(super) secrets: Vec<StoredSecret>,
    /// Sequence of the next own envelope.
    pub(super) next_sequence: u64,
    /// `h_{i-1}` for it; none before the first.
    pub(super) previous: Option<Hash>,
    /// The last position verified and what the log was there.
    pub(super) seen: Option<Seen>,
    /// An own commit that the relay has not answered.
    pub(super) proposal: Option<StoredProposal>,
    /// When the contact was found closed.
    pub(super) closed: Option<Time>,
}

array!(ContactRecord {
    keys,
    secrets,
    next_sequence,
    previous,
    seen,
    proposal,
    closed
});

impl ContactRecord {
    /// Whether losing it would lose anything.
    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
            && self.secrets.is_empty()
            && self.proposal.is_none()
            && self.next_sequence == 0
    }
}

/// An HPKE key made for one contact.
#[derive(Debug)]
pub(super) struct OwnContactKey {
    pub(super) suite: Suite,
    pub(super) seed: Secret<32>,
}

array!(OwnContactKey { suite, seed });

impl OwnContactKey {
    pub(super) fn private(&self) -> SealPrivateKey {
        SealPrivateKey::from_seed(self.suite, self.seed.duplicate())
    }
}

/// The secrets of one epoch that this device knows.
#[derive(Debug)]
pub(super) struct StoredSecret {
    pub(super) epoch: u64,
    pub(super) all: Option<EpochSecret>,
    pub(super) staff: Option<EpochSecret>,
}

array!(StoredSecret { epoch, all, staff });

/// A message that the relay has not acknowledged, in a record of its own: however many wait, a
/// change of one writes one.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    /// Higher than that of every message that waited before it.
    pub(super) number: u64,
    pub(super) id: ContentId,
    pub(super) kind: String,
    pub(super) body: Bytes,
    pub(super) reply_to: Option<ContentId>,
    pub(super) sent: Time,
    /// Whether it is for staff only.
    pub(super) staff: bool,
    /// Participants other than people's own devices that its author was shown.
    pub(super) shown: Vec<DeviceId>,
    /// The envelope, once encrypted: resent byte for byte within its epoch.
    pub(super) envelope: Option<Sealed>,
    /// The stable code of a refusal that a person has to decide about.
    pub(super) failed: Option<String>,
}

array!(Outgoing {
    number,
    id,
    kind,
    body,
    reply_to,
    sent,
    staff,
    shown,
    envelope,
    failed
});

impl Outgoing {
    /// Who can read it.
    pub(super) const fn audience(&self) -> Audience {
        if self.staff {
            Audience::Staff
        } else {
            Audience::All
        }
    }

    /// Its place in the outbox: what is sealed in the order of the own chain, then what waits.
    pub(super) fn place(&self) -> (u64, u64) {
        let sealed = self.envelope.as_ref();
        (
            sealed.map_or(u64::MAX, |sealed| sealed.sequence),
            self.number,
        )
    }
}

/// An encrypted message that waits for its acknowledgement.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    pub(super) append: ContentId,
    pub(super) epoch: u64,
    pub(super) sequence: u64,
    /// `h_i` of the envelope.
    pub(super) hash: Hash,
    pub(super) entry: Bytes,
}

array!(Sealed {
    append,
    epoch,
    sequence,
    hash,
    entry
});

/// An own commit on its way. Its secrets need no place here: the committer is among those whom
/// they are sealed to.
#[derive(Clone, Debug)]
pub(super) struct StoredProposal {
    pub(super) append: ContentId,
    pub(super) epoch: u64,
    pub(super) entry: Bytes,
    /// A private note for whoever takes over, sealed for the epoch that the commit starts: the
    /// two are appended together.
    pub(super) note: Option<Outgoing>,
}

array!(StoredProposal {
    append,
    epoch,
    entry,
    note
});
