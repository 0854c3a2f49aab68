//! What a store keeps for those who manage an account: contacts as lists, and tombstones of erased
//! ones.

pub(super) mod queries;

use async_trait::async_trait;
use sottovoce::crypto::Hash;
use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, ContactId, DeviceId, Time};

use super::StoreError;
use crate::outcome::Tally;

/// A contact in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedContact {
    /// What consoles are shown of it.
    pub summary: ContactSummary,
    /// When it began, by the relay's clock.
    pub began: Time,
    /// When its last entry arrived.
    pub changed: Time,
    /// What is counted of it.
    pub tally: Tally,
    /// When its entries' bytes were dropped, if they were.
    pub dropped: Option<Time>,
}

/// Which contacts are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactFilter {
    /// Closed ones, or those that are not.
    pub closed: Option<bool>,
    /// Of an entry point.
    pub entry_point: Option<String>,
    /// That are or were addressed to a team.
    pub team: Option<String>,
    /// That began at this time or later,
    pub began_from: Option<Time>,
    /// and before this one.
    pub began_until: Option<Time>,
    /// That changed at this time or later,
    pub changed_from: Option<Time>,
    /// and before this one.
    pub changed_until: Option<Time>,
}

/// A place in a list of contacts, which is in the order of their beginning, newest first.
pub type ContactPlace = (Time, ContactId);

/// An entry in a contact's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEntry {
    /// Its position.
    pub position: u64,
    /// The device that appended it.
    pub device: DeviceId,
    /// Whether it is a commit.
    pub is_commit: bool,
    /// When it arrived.
    pub received: Time,
    /// SHA-256 of its bytes.
    pub hash: Hash,
    /// Its bytes, unless they were dropped.
    pub bytes: Option<Vec<u8>>,
}

/// Why a contact has no entries to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Their bytes were dropped when their time was over.
    Dropped,
    /// It was erased; a signed tombstone is left.
    Erased(Vec<u8>),
}

/// Makes a contact's tombstone, given how many entries it had.
pub type Bury<'a> = &'a (dyn Fn(u64) -> Vec<u8> + Send + Sync);

/// Keeps what management needs.
#[async_trait]
pub trait ManagementStore: Send + Sync + 'static {
    /// One contact.
    async fn listed_contact(
        &self,
        account: &AccountId,
        contact: &ContactId,
    ) -> Result<Option<ListedContact>, StoreError>;

    /// Contacts that began before a place, newest first.
    async fn list_contacts(
        &self,
        account: &AccountId,
        filter: &ContactFilter,
        after: Option<ContactPlace>,
        most: u32,
    ) -> Result<Vec<ListedContact>, StoreError>;

    /// Entries of a contact after a position, in order.
    async fn list_entries(
        &self,
        account: &AccountId,
        contact: &ContactId,
        after: u64,
        most: u32,
    ) -> Result<Vec<ListedEntry>, StoreError>;

    /// Why a contact has no entries to give, if so.
    async fn gone(
        &self,
        account: &AccountId,
        contact: &ContactId,
    ) -> Result<Option<Gone>, StoreError>;

    /// Erases a contact: all that is kept of it but its tombstone. False if there is none, or
    /// no longer.
    async fn erase(
        &self,
        account: &AccountId,
        contact: &ContactId,
        now: Time,
        bury: Bury<'_>,
    ) -> Result<bool, StoreError>;

    /// Contacts of an account that were erased, or whose bytes were dropped, since a time.
    async fn gone_since(
        &self,
        account: &AccountId,
        since: Time,
    ) -> Result<Vec<ContactId>, StoreError>;

    /// Contacts of an account whose bytes are still there and whose last entry arrived before a
    /// time.
    async fn outdated(
        &self,
        account: &AccountId,
        before: Time,
        most: u32,
    ) -> Result<Vec<ContactId>, StoreError>;

    /// Replaces a contact's entries by their hashes, unless one arrived meanwhile. Whether it did.
    async fn drop_entries(
        &self,
        account: &AccountId,
        contact: &ContactId,
        before: Time,
        now: Time,
    ) -> Result<bool, StoreError>;

    /// Removes remains of what was deleted from the database's files, as far as the database can.
    async fn scour(&self) -> Result<(), StoreError>;

    /// The relay's own signing seed: the one that is kept, or this one from now on.
    async fn signing_seed(&self, fresh: &[u8; 32]) -> Result<[u8; 32], StoreError>;
}
