//! SPEC 7.1: the secret that a key manager holds for a contact, and the keys that come from it.

use crate::crypto::random::NoRandomness;
use crate::crypto::seal::SealPrivateKey;
use crate::crypto::{Random, Secret, kdf};
use crate::wire::{AccountId, ContactId, Suite};

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

    /// `Expand(Extract(account, secret), "archived", contact)`: what the key manager itself keeps the
    /// contact's epoch secrets under, where they were sealed to a key that is not the contact's; 32
    /// bytes.
    pub fn keeping_key(&self, account: &AccountId, contact: &ContactId) -> Secret<32> {
        kdf::derive(&self.base(account), "archived", &[contact.into()])
    }

    fn base(&self, account: &AccountId) -> Secret<32> {
        kdf::extract(account.as_array(), self.0.expose())
    }
}
