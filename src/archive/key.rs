//! SPEC 7.1: the secret that a key manager holds for a contact, and the keys that come from it.

use crate::wire::codec::{array, number};

use crate::crypto::random::NoRandomness;
use crate::crypto::seal::{SealError, SealPrivateKey, SealPublicKey};
use crate::crypto::{Random, Secret, kdf};
use crate::wire::{AccountId, Bytes, ContactId, SignedKind, Suite, Time, Version};

/// The 32-byte secret from which a key manager derives one contact's keys, or those of one key that
/// it issued ahead.
#[derive(Debug, PartialEq, Eq)]
pub struct ArchiveSecret(Secret<32>);

impl ArchiveSecret {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system refuses.
    pub fn generate(random: &mut Random) -> Result<Self, NoRandomness> {
        random.secret().map(Self)
    }

    /// From 32 stored bytes.
    pub const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }

    /// The 32 bytes, for wrapped storage.
    pub const fn secret(&self) -> &Secret<32> {
        &self.0
    }

    /// `Expand(Extract(account, secret), "archive-key", suite)`: what epoch secrets are sealed to.
    pub fn private_key(&self, account: &AccountId, suite: Suite) -> SealPrivateKey {
        let seed = kdf::derive(&self.base(account), "archive-key", &[suite.number().into()]);
        SealPrivateKey::from_seed(suite, seed)
    }

    /// `Expand(Extract(account, secret), "data-key", contact)`: what a vault encrypts the contact's
    /// records under at level `storage`, 32 bytes.
    pub fn data_key(&self, account: &AccountId, contact: &ContactId) -> Secret<32> {
        kdf::derive(&self.base(account), "data-key", &[contact.into()])
    }

    fn base(&self, account: &AccountId) -> Secret<32> {
        kdf::extract(account.as_array(), self.0.expose())
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
