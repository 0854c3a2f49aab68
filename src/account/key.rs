//! SPEC 3.5, 3.6 and 7.1: the keys that others seal to before a participant has committed.

use crate::wire::codec::{array, number};

use crate::crypto::Hash;
use crate::crypto::hash::labelled;
use crate::crypto::seal::{Seal, SealError, SealPrivateKey, SealPublicKey};
use crate::wire::{
    AccountId, Bytes, ContactId, DeviceId, SignedKind, Suite, Time, Version, encode,
};

/// A device's published seal key, signed by the device: sealed to for 24 hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealKey {
    /// Protocol version.
    pub version: Version,
    /// The suite whose KEM the key is for.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The device.
    pub device: DeviceId,
    /// Counts from 0, per device and suite.
    pub generation: u64,
    /// 32 bytes in suite 1, 1,216 in suite 2.
    pub public_key: Bytes,
    /// Sealed to from.
    pub from: Time,
    /// Sealed to until, at most 24 hours later.
    pub until: Time,
}

array!(SealKey {
    version,
    suite,
    account,
    device,
    generation,
    public_key,
    from,
    until
});

impl SignedKind for SealKey {
    const KIND: &'static str = "seal-key";
}

/// A team's key, signed by an administrator's or a member's device: sealed to for 24 hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamKey {
    /// Protocol version.
    pub version: Version,
    /// The suite whose KEM the key is for.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The team's id.
    pub team: String,
    /// Counts from 0, per team and suite.
    pub generation: u64,
    /// 32 bytes in suite 1, 1,216 in suite 2.
    pub public_key: Bytes,
    /// Hash of the record of the generation before.
    pub previous: Option<Hash>,
    /// Sealed to from.
    pub from: Time,
    /// Sealed to until, at most 24 hours later.
    pub until: Time,
    /// The devices that the private half was sealed to, ascending.
    pub holders: Vec<DeviceId>,
}

array!(TeamKey {
    version,
    suite,
    account,
    team,
    generation,
    public_key,
    previous,
    from,
    until,
    holders
});

impl SignedKind for TeamKey {
    const KIND: &'static str = "team-key";
}

/// The private half of a team key, sealed to each holder's published seal key. It needs no
/// signature: what opens must be the private half of the signed public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamSeals {
    /// The record's hash.
    pub record: Hash,
    /// One for each holder.
    pub seals: Vec<TeamSeal>,
}

array!(TeamSeals { record, seals });

impl TeamSeals {
    /// The seals of a record, encoded in as many objects as it takes.
    pub fn published(record: Hash, seals: &[TeamSeal]) -> impl Iterator<Item = Bytes> {
        /// A seal of suite 2 has 1,216 bytes; 64 of them are well within an object's limit.
        const TOGETHER: usize = 64;
        seals.chunks(TOGETHER).map(move |seals| {
            let seals = seals.to_vec();
            encode(&Self { record, seals }).into()
        })
    }
}

/// A team's private key for one holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamSeal {
    /// The holder.
    pub holder: DeviceId,
    /// The id of the holder's seal key.
    pub key: Hash,
    /// The sealed 32-byte seed.
    pub seal: Seal,
}

array!(TeamSeal { holder, key, seal });

impl TeamSeal {
    /// The `info` of the seal.
    fn info(record: &Hash, holder: &DeviceId, key: &Hash) -> Vec<u8> {
        labelled("team-seal", &[record.into(), holder.into(), key.into()])
    }

    /// Seals a team's private key to one holder.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn make(
        random: &mut crate::crypto::Random,
        record: &Hash,
        team_key: &SealPrivateKey,
        holder: DeviceId,
        holder_key: &SealPublicKey,
    ) -> Result<Self, SealError> {
        let key = holder_key.id();
        let info = Self::info(record, &holder, &key);
        Ok(Self {
            holder,
            key,
            seal: holder_key.seal_fresh(random, &info, team_key.seed().expose())?,
        })
    }

    /// Opens it and checks that it is the private half of `record`'s key.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(
        &self,
        record: &Hash,
        team_key: &TeamKey,
        holder_key: &SealPrivateKey,
    ) -> Result<SealPrivateKey, SealError> {
        let info = Self::info(record, &self.holder, &self.key);
        let seed = holder_key.open(&info, &self.seal)?;
        let seed = crate::crypto::Secret::from_slice(&seed).ok_or(SealError)?;
        let private = SealPrivateKey::from_seed(team_key.suite, seed);
        if private.public().as_bytes() == &*team_key.public_key {
            Ok(private)
        } else {
            Err(SealError)
        }
    }
}

/// What an archive key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The epoch secrets of one contact.
    Contact,
    /// Those of the first contact that uses it: issued ahead, for contacts that begin while the key
    /// manager cannot be reached.
    OneTime,
    /// Those of any contact, when nothing else is left.
    LastResort,
    /// Requests to the key manager itself.
    Request,
}

number!(KeyKind { Contact = 0, OneTime = 1, LastResort = 2, Request = 3 });

/// A public key of a key manager, signed by its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveKey {
    /// Protocol version.
    pub version: Version,
    /// The suite whose KEM the key is for.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// What it is for.
    pub kind: KeyKind,
    /// The contact, where it is for one.
    pub contact: Option<ContactId>,
    /// 32 bytes in suite 1, 1,216 in suite 2.
    pub public_key: Bytes,
    /// Sealed to from.
    pub from: Time,
    /// Sealed to until.
    pub until: Time,
}

array!(ArchiveKey {
    version,
    suite,
    account,
    kind,
    contact,
    public_key,
    from,
    until
});

impl SignedKind for ArchiveKey {
    const KIND: &'static str = "archive-key";
}

impl ArchiveKey {
    /// The key itself, checked.
    ///
    /// # Errors
    /// [`SealError`]: it cannot be sealed to.
    pub fn key(&self) -> Result<SealPublicKey, SealError> {
        SealPublicKey::parse(self.suite, &self.public_key)
    }
}
