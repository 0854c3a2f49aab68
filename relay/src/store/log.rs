//! What a store keeps of contacts.

use async_trait::async_trait;
use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId, Time};

use super::StoreError;
use crate::outcome::{Fact, Tally};
use crate::webhooks::NewEvent;

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
    /// Its position: the one after the last.
    pub position: u64,
    /// Whether it is a commit.
    pub is_commit: bool,
    /// The relay's clock.
    pub received: Time,
    /// What it adds to the contact's tally.
    pub fact: Fact,
    /// What webhooks are told of it.
    pub event: Option<NewEvent>,
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

impl Party {
    /// The device, if it is one.
    pub const fn device(&self) -> Option<&DeviceId> {
        match self {
            Self::Device(device) => Some(device),
            Self::Team(_) => None,
        }
    }

    /// The team, if it is one.
    pub const fn team(&self) -> Option<&String> {
        match self {
            Self::Team(team) => Some(team),
            Self::Device(_) => None,
        }
    }
}

/// Someone joined or left a contact.
#[derive(Clone, Debug)]
pub struct RosterChange {
    /// Who.
    pub party: Party,
    /// Whether they joined; otherwise they left.
    pub joined: bool,
    /// With the commit at this position.
    pub position: u64,
}

/// What names a contact.
pub type ContactKey = (AccountId, ContactId);

/// What is added to one contact, and what the judgement about it rests on.
#[derive(Clone, Debug)]
pub struct Addition {
    /// The account.
    pub account: AccountId,
    /// The contact's last position before; 0 where it begins.
    pub base: u64,
    /// The version of the account's objects.
    pub version: u64,
    /// Entries at the positions after `base`.
    pub entries: Vec<NewEntry>,
    /// Roster changes, in the order of their commits.
    pub roster: Vec<RosterChange>,
    /// The contact as it is afterwards.
    pub summary: ContactSummary,
}

impl Addition {
    /// Which contact it is added to.
    pub const fn key(&self) -> ContactKey {
        (self.account, self.summary.contact)
    }

    /// What it adds to the contact's tally.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for entry in &self.entries {
            tally.add(&entry.fact);
        }
        tally
    }

    /// The relay's clock at the last entry.
    pub(super) fn changed(&self) -> Time {
        self.entries
            .iter()
            .map(|entry| entry.received)
            .max()
            .unwrap_or_default()
    }
}

/// What webhooks are told of additions, but for contacts that were left as they are.
pub(super) fn events<'a>(
    additions: impl IntoIterator<Item = &'a Addition>,
    refused: &[ContactKey],
) -> Vec<NewEvent> {
    let written = additions
        .into_iter()
        .filter(|addition| !refused.contains(&addition.key()));
    let entries = written.flat_map(|addition| &addition.entries);
    entries.filter_map(|entry| entry.event.clone()).collect()
}

/// A contact that somebody, perhaps another node, has added to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The contact.
    pub key: ContactKey,
    /// Its last position.
    pub head: u64,
    /// Who left it lately.
    pub left: Vec<Party>,
}

/// How far a node has looked for what others added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark(pub(super) Option<String>);

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
/// Most open contacts that others hold that [`LogStore::contacts_of`] returns.
pub const HELD_CONTACTS: u32 = 500;
/// Most open contacts that [`LogStore::contacts_of`] returns.
pub const OPEN_CONTACTS: u32 = 2000;

/// Keeps contacts and their logs.
#[async_trait]
pub trait LogStore: Send + Sync + 'static {
    /// Which of these appends were accepted before.
    async fn known_appends(&self, keys: &[AppendKey]) -> Result<Vec<KnownAppend>, StoreError>;

    /// How many transactions are worth having in flight.
    fn lanes(&self) -> usize;

    /// Whether [`Self::append`] leaves a contact as it is when an append's id is known, and others
    /// alone, so that nobody has to look before.
    fn finds_repeats(&self) -> bool {
        false
    }

    /// Appends durably, one addition for each contact, each whole or not at all. Compares and swaps:
    /// a contact whose last position is another one by now, or whose account has other objects, is
    /// left as it is and returned; all others are added to. After an error nobody knows which.
    async fn append(&self, additions: &[Addition]) -> Result<Vec<ContactKey>, StoreError>;

    /// Contacts as they are now. Those that do not exist are left out.
    async fn summaries(
        &self,
        contacts: &[ContactKey],
    ) -> Result<Vec<(AccountId, ContactSummary)>, StoreError>;

    /// The contacts that were added to since a mark, by this node or another, and the next mark.
    /// The first mark finds none. Some may be found twice.
    async fn advances(&self, since: &Mark) -> Result<(Vec<Advance>, Mark), StoreError>;

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

    /// The open contacts whose roster has the device or one of the teams, the newest closed ones whose
    /// roster has the device, and the newest open ones whose roster had one of the teams.
    async fn contacts_of(
        &self,
        account: &AccountId,
        device: &DeviceId,
        teams: &[String],
    ) -> Result<Vec<ContactSummary>, StoreError>;
}
