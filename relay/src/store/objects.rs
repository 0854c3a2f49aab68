//! What a store keeps of accounts.

use async_trait::async_trait;
use sottovoce::wire::AccountId;
use sottovoce::wire::frame::ObjectKind;

use super::StoreError;
use crate::webhooks::NewEvent;

/// An account object and the slot that it occupies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its type.
    pub kind: ObjectKind,
    /// What a newer one of the same slot replaces.
    pub slot: Vec<u8>,
    /// The encoded object.
    pub bytes: Vec<u8>,
}

/// A change of an account's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectChange {
    /// Keep it, in place of what was in its slot.
    Put(StoredObject),
    /// Forget what is in the slot.
    Remove(ObjectKind, Vec<u8>),
}

/// Keeps account objects.
#[async_trait]
pub trait ObjectStore: Send + Sync + 'static {
    /// All objects of an account, and their version: how often they have changed.
    async fn objects(&self, account: &AccountId) -> Result<(u64, Vec<StoredObject>), StoreError>;

    /// The version of an account's objects.
    async fn object_version(&self, account: &AccountId) -> Result<u64, StoreError>;

    /// Changes objects of an account, all or none, and counts their version up. Compares and
    /// swaps: nothing changes and the answer is no if the version is another one by now.
    async fn change_objects(
        &self,
        account: &AccountId,
        version: u64,
        changes: &[ObjectChange],
        events: &[NewEvent],
    ) -> Result<bool, StoreError>;
}
