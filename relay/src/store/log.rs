//! What a store keeps of contacts.

use async_trait::async_trait;
use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId, Time};

use super::StoreError;
use crate::outcome::{Fact, Tally};

/// What names an append: repeating it is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AppendKey {
    /// The account.
    pub account: AccountId,
    /// Who appends.
    pub device: DeviceId,
    /// The append's id.
    pub id: ContentId,
}

/// An append that was accepted before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAppend {
    /// What names it.
    pub key: AppendKey,
    /// To which contact.
    pub contact: ContactId,
    /// Where.
    pub position: u64,
    /// What.
    pub entry: Vec<u8>,
}

/// An entry to append.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// What names the append.
    pub key: AppendKey,
    /// The contact.
    pub contact: ContactId,
    /// Its position: the one after the last.
    pub position: u64,
    /// Whether it is a commit.
    pub is_commit: bool,
    /// The relay's clock.
    pub received: Time,
    /// What it adds to the contact's tally.
    pub fact: Fact,
    /// The encoded entry.
    pub bytes: Vec<u8>,
}

/// Someone on a roster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// A device.
    Device(DeviceId),
    /// A team.
    Team(String),
}

/// Someone joined or left a contact.
#[derive(Clone, Debug)]
pub struct RosterChange {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: ContactId,
    /// Who.
    pub party: Party,
    /// Whether they joined; otherwise they left.
    pub joined: bool,
    /// With the commit at this position.
    pub position: u64,
}

/// What one durable transaction adds.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Entries, each at the position after the last of its contact.
    pub entries: Vec<NewEntry>,
    /// Contacts as they are afterwards.
    pub contacts: Vec<(AccountId, ContactSummary)>,
    /// Roster changes, in the order of their commits.
    pub roster: Vec<RosterChange>,
}

impl Batch {
    /// What the batch adds to a contact's tally.
    pub(super) fn tally(&self, account: &AccountId, contact: &ContactId) -> Tally {
        let mut tally = Tally::default();
        for entry in &self.entries {
            if entry.key.account == *account && entry.contact == *contact {
                tally.add(&entry.fact);
            }
        }
        tally
    }
}

/// How far somebody may read a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The contact as it is.
    pub summary: ContactSummary,
    /// The position of the commit that removed them; none while they are on the roster.
    pub until: Option<u64>,
    /// Whether its entries' bytes were dropped.
    pub dropped: bool,
}

/// Most entries that [`LogStore::entries`] returns.
pub const CHUNK_ENTRIES: u32 = 64;
/// Most bytes that [`LogStore::entries`] returns, unless the first entry alone is longer.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// Most closed contacts that [`LogStore::contacts_of`] returns.
pub const CLOSED_CONTACTS: u32 = 200;
/// Most open contacts that [`LogStore::contacts_of`] returns.
pub const OPEN_CONTACTS: u32 = 2000;

/// Keeps contacts and their logs.
#[async_trait]
pub trait LogStore: Send + Sync + 'static {
    /// Which of these appends were accepted before.
    async fn known_appends(&self, keys: &[AppendKey]) -> Result<Vec<KnownAppend>, StoreError>;

    /// Appends, all or nothing, in one durable transaction.
    async fn append(&self, batch: &Batch) -> Result<(), StoreError>;

    /// A contact, and the commits of its log in order.
    async fn contact(
        &self,
        account: &AccountId,
        contact: &ContactId,
    ) -> Result<Option<(ContactSummary, Vec<Vec<u8>>)>, StoreError>;

    /// How far a device, itself or as a member of teams, may read a contact.
    async fn access(
        &self,
        account: &AccountId,
        contact: &ContactId,
        device: &DeviceId,
        teams: &[String],
    ) -> Result<Option<Access>, StoreError>;

    /// Consecutive entries after a position, up to and including another: at least one if there
    /// is one, at most [`CHUNK_ENTRIES`] and about [`CHUNK_BYTES`].
    async fn entries(
        &self,
        account: &AccountId,
        contact: &ContactId,
        after: u64,
        until: u64,
    ) -> Result<Vec<Vec<u8>>, StoreError>;

    /// The open contacts whose roster has the device or one of the teams, and the newest closed
    /// ones whose roster has the device.
    async fn contacts_of(
        &self,
        account: &AccountId,
        device: &DeviceId,
        teams: &[String],
    ) -> Result<Vec<ContactSummary>, StoreError>;
}
