//! SPEC 9.3: state as named records, each sealed by the core.

use minicbor::{Decode, Encode};

use super::{OpenError, Record};
use crate::contact::EpochSecret;
use crate::crypto::hash::labelled;
use crate::crypto::random::NoRandomness;
use crate::crypto::seal::SealPrivateKey;
use crate::crypto::{Hash, Random, Secret, aead, kdf};
use crate::wire::frame::Object;
use crate::wire::log::Seen;
use crate::wire::{Bytes, ContactId, ContentId, DeviceId, Suite, Time, decode, encode};

/// Name of the record with the device's keys.
pub(super) const DEVICE: &str = "device";
/// Name of the record with the account's objects.
pub(super) const ACCOUNT: &str = "account";
const CONTACT: &str = "contact.";
/// Larger than any record can be: 4 MiB.
const LIMIT: usize = 4 * 1024 * 1024;

/// The name of a contact's record.
pub(super) fn contact_name(contact: &ContactId) -> String {
    format!("{CONTACT}{contact}")
}

/// The contact of a record's name.
pub(super) fn contact_of(name: &str) -> Option<ContactId> {
    name.strip_prefix(CONTACT)?.parse().ok()
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
    pub(super) fn seal<T: Encode<()>>(
        &self,
        random: &mut Random,
        name: &str,
        value: &T,
    ) -> Result<Record, NoRandomness> {
        let salt: [u8; 16] = random.bytes()?;
        let plaintext = zeroize::Zeroizing::new(encode(value));
        let (key, aad) = self.key(name, &salt);
        let ciphertext = aead::encrypt(&key, &[0; 12], &aad, &plaintext);
        Ok(Record {
            name: name.to_owned(),
            bytes: [salt.as_slice(), &ciphertext].concat(),
        })
    }

    pub(super) fn open<T>(&self, record: &Record) -> Result<T, OpenError>
    where
        T: for<'b> Decode<'b, ()> + Encode<()>,
    {
        let (salt, ciphertext) = record
            .bytes
            .split_first_chunk::<16>()
            .ok_or(OpenError::State)?;
        let (key, aad) = self.key(&record.name, salt);
        let plaintext =
            aead::decrypt(&key, &[0; 12], &aad, ciphertext).map_err(|_| OpenError::State)?;
        decode(&plaintext, LIMIT).map_err(|_| OpenError::State)
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
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct DeviceRecord {
    /// Seed of the Ed25519 key.
    #[n(0)]
    pub(super) seed: Secret<32>,
    /// Published seal keys whose private halves are still needed.
    #[n(1)]
    pub(super) seal_keys: Vec<OwnSealKey>,
    /// Private halves of team keys.
    #[n(2)]
    pub(super) team_keys: Vec<OwnTeamKey>,
    /// The device's `Signed<Credential>`.
    #[n(3)]
    pub(super) credential: Option<Bytes>,
}

/// A published seal key of the own device.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct OwnSealKey {
    #[n(0)]
    pub(super) suite: Suite,
    #[n(1)]
    pub(super) generation: u64,
    #[n(2)]
    pub(super) seed: Secret<32>,
    #[n(3)]
    pub(super) until: Time,
    /// The published `Signed<SealKey>`.
    #[n(4)]
    pub(super) record: Bytes,
}

/// A team's private key that was sealed to this device.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct OwnTeamKey {
    #[n(0)]
    pub(super) team: String,
    #[n(1)]
    pub(super) suite: Suite,
    #[n(2)]
    pub(super) generation: u64,
    #[n(3)]
    pub(super) seed: Secret<32>,
    #[n(4)]
    pub(super) until: Time,
}

/// The same, as it is written.
#[derive(Debug, Encode)]
#[cbor(array)]
pub(super) struct DeviceRecordRef<'a> {
    #[n(0)]
    pub(super) seed: Secret<32>,
    #[n(1)]
    pub(super) seal_keys: &'a Vec<OwnSealKey>,
    #[n(2)]
    pub(super) team_keys: &'a Vec<OwnTeamKey>,
    #[n(3)]
    pub(super) credential: Option<Bytes>,
}

/// What was last believed of the account, so that nothing older is believed again.
#[derive(Debug, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct AccountRecord {
    #[n(0)]
    pub(super) objects: Vec<Object>,
}

/// The secret and unsent side of one contact.
#[derive(Debug, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct ContactRecord {
    /// HPKE keys made for this contact, oldest first.
    #[n(0)]
    pub(super) keys: Vec<OwnContactKey>,
    /// Epoch secrets that this device knows.
    #[n(1)]
    pub(super) secrets: Vec<StoredSecret>,
    /// Sequence of the next own envelope.
    #[n(2)]
    pub(super) next_sequence: u64,
    /// `h_{i-1}` for it; none before the first.
    #[n(3)]
    pub(super) previous: Option<Hash>,
    /// The last position verified and what the log was there.
    #[n(4)]
    pub(super) seen: Option<Seen>,
    /// Messages that the relay has not acknowledged, in order.
    #[n(5)]
    pub(super) outbox: Vec<Outgoing>,
    /// An own commit that the relay has not answered.
    #[n(6)]
    pub(super) proposal: Option<StoredProposal>,
    /// When the contact was found closed.
    #[n(7)]
    pub(super) closed: Option<Time>,
}

impl ContactRecord {
    /// Whether losing it would lose anything.
    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
            && self.secrets.is_empty()
            && self.outbox.is_empty()
            && self.proposal.is_none()
            && self.next_sequence == 0
    }
}

/// An HPKE key made for one contact.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct OwnContactKey {
    #[n(0)]
    pub(super) suite: Suite,
    #[n(1)]
    pub(super) seed: Secret<32>,
}

impl OwnContactKey {
    pub(super) fn private(&self) -> SealPrivateKey {
        SealPrivateKey::from_seed(self.suite, self.seed.duplicate())
    }
}

/// The secrets of one epoch that this device knows.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct StoredSecret {
    #[n(0)]
    pub(super) epoch: u64,
    #[n(1)]
    pub(super) all: Option<EpochSecret>,
    #[n(2)]
    pub(super) staff: Option<EpochSecret>,
}

/// A message on its way.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct Outgoing {
    #[n(0)]
    pub(super) id: ContentId,
    #[n(1)]
    pub(super) kind: String,
    #[n(2)]
    pub(super) body: Bytes,
    #[n(3)]
    pub(super) reply_to: Option<ContentId>,
    #[n(4)]
    pub(super) sent: Time,
    /// Whether it is for staff only.
    #[n(5)]
    pub(super) staff: bool,
    /// Participants other than people's own devices that its author was shown.
    #[n(6)]
    pub(super) shown: Vec<DeviceId>,
    /// The envelope, once encrypted: resent byte for byte within its epoch.
    #[n(7)]
    pub(super) envelope: Option<Sealed>,
    /// The stable code of a refusal that a person has to decide about.
    #[n(8)]
    pub(super) failed: Option<String>,
}

/// An encrypted message that waits for its acknowledgement.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct Sealed {
    #[n(0)]
    pub(super) append: ContentId,
    #[n(1)]
    pub(super) epoch: u64,
    #[n(2)]
    pub(super) sequence: u64,
    #[n(3)]
    pub(super) entry: Bytes,
}

/// An own commit on its way. Its secrets need no place here: the committer is among those whom
/// they are sealed to.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct StoredProposal {
    #[n(0)]
    pub(super) append: ContentId,
    #[n(1)]
    pub(super) epoch: u64,
    #[n(2)]
    pub(super) entry: Bytes,
}
