//! What a store keeps of keys that a key manager issued ahead.

use async_trait::async_trait;
use sottovoce::crypto::Hash;
use sottovoce::wire::{AccountId, Suite, Time};

use super::StoreError;

/// A one-time key as it is kept.
#[derive(Clone, Debug)]
pub struct Prekey {
    /// The key's id.
    pub id: Hash,
    /// The suite that it is for.
    pub suite: Suite,
    /// Until when it is sealed to.
    pub until: Time,
    /// The encoded `Signed<ArchiveKey>`.
    pub record: Vec<u8>,
}

/// Keeps one-time keys, and gives each away once.
#[async_trait]
pub trait PrekeyStore: Send + Sync + 'static {
    /// Keeps a key, unless it was kept or given away before. Forgets those that ended before `now`.
    async fn add_prekey(
        &self,
        account: &AccountId,
        key: &Prekey,
        now: Time,
    ) -> Result<(), StoreError>;

    /// Gives one away that is good at `now`: the encoded `Signed<ArchiveKey>`.
    async fn take_prekey(
        &self,
        account: &AccountId,
        suite: Suite,
        now: Time,
    ) -> Result<Option<Vec<u8>>, StoreError>;

    /// How many are left that are good at `now`.
    async fn prekeys_left(
        &self,
        account: &AccountId,
        suite: Suite,
        now: Time,
    ) -> Result<u64, StoreError>;
}
