//! Accounts, contacts and people as they are shown. See [`client::AccountView`] and its siblings.

use sottovoce::account::{Level, Role, Via};
use sottovoce::client;
use sottovoce::client::{
    AccountView, Author, ContactState, Detail, EntryPointView, InboxEntry, Participant,
    PresenceView, TeamMember, TeamView,
};
use sottovoce::wire::{ContactId, DeviceId, Time};

/// What is known and believed of the account.
#[uniffi::remote(Record)]
pub struct AccountView {
    /// The current policy's version.
    pub policy: u64,
    /// Until when it is valid.
    pub expires: Time,
    /// Whether staff should be warned: fewer than three days are left.
    pub expires_soon: bool,
    /// The entry points: id, name, level, teams.
    pub entry_points: Vec<EntryPointView>,
    /// The teams: id and name.
    pub teams: Vec<TeamView>,
    /// Days that servers keep ciphertext.
    pub retention_days: u64,
    /// Whether new contacts are archived at the key manager, through which they can be opened later.
    pub archived: bool,
    /// A link for those whose browser cannot run the client.
    pub fallback_link: Option<String>,
    /// The own device.
    pub own: Author,
    /// The own teams.
    pub own_teams: Vec<String>,
    /// Staff: whether new contacts are welcome at this device.
    pub presence: Option<PresenceView>,
}

/// Whether new contacts are welcome at the own device.
#[uniffi::remote(Record)]
pub struct PresenceView {
    /// What the person chose.
    pub available: bool,
    /// From how many own contacts on the device counts as away, if the person chose that.
    pub capacity: Option<u64>,
    /// Open contacts that the device is responsible for.
    pub own: u64,
    /// What follows from that, and what others are told.
    pub welcome: bool,
}

/// An entry point as people see it.
#[uniffi::remote(Record)]
pub struct EntryPointView {
    /// Its id.
    pub id: String,
    /// Its name, such as `ACME`.
    pub name: String,
    /// The level of new contacts there.
    pub level: Level,
    /// Ids of the teams that answer.
    pub teams: Vec<String>,
}

/// A team as people see it.
#[uniffi::remote(Record)]
pub struct TeamView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many devices can read what is addressed to it, where that is known.
    pub readers: Option<u64>,
}

/// A contact as people see it.
#[derive(uniffi::Record)]
pub struct ContactView {
    /// The contact.
    pub contact: ContactId,
    /// Id of its entry point.
    pub entry_point: String,
    /// The entry point's name when it was created.
    pub entry_point_name: String,
    /// Its level, fixed for its life.
    pub level: Level,
    /// Number of its suite, fixed for its life.
    pub suite: u64,
    /// The epoch in force.
    pub epoch: u64,
    /// Where it stands.
    pub state: ContactState,
    /// Whether messages can be sent now.
    pub can_send: bool,
    /// The code of the alarm that stopped sending, if one did.
    pub stopped_by: Option<String>,
    /// Who can read what is written now.
    pub participants: Vec<Participant>,
    /// Teams that can read what is written now.
    pub teams: Vec<TeamView>,
    /// Whether this device may take the contact now.
    pub can_claim: bool,
    /// Whether every entry up to the head has been seen and verified.
    pub caught_up: bool,
    /// The last position seen.
    pub head: u64,
    /// Whether its secrets are archived at the key manager, through which it can be opened later.
    pub archived: bool,
    /// The visitor's identity, where a token proved it: the `sub` claim.
    pub verified_identity: Option<String>,
    /// What the visitor's page or app said of the visitor, and nobody verified.
    pub details: Vec<Detail>,
    /// Staff: the contact's labels.
    pub labels: Vec<String>,
}

/// One thing that a page or app knows of its visitor.
#[uniffi::remote(Record)]
pub struct Detail {
    /// What it is: 1 to 64 bytes.
    pub name: String,
    /// What it is worth now: at most 1,024 bytes.
    pub value: String,
}

impl From<client::ContactView> for ContactView {
    fn from(view: client::ContactView) -> Self {
        Self {
            contact: view.contact,
            entry_point: view.entry_point,
            entry_point_name: view.entry_point_name,
            level: view.level,
            suite: view.suite,
            epoch: view.epoch,
            state: view.state,
            can_send: view.can_send,
            stopped_by: view.stopped_by.map(str::to_owned),
            participants: view.participants,
            teams: view.teams,
            can_claim: view.can_claim,
            caught_up: view.caught_up,
            head: view.head,
            archived: view.archived,
            verified_identity: view.verified_identity,
            details: view.details,
            labels: view.labels,
        }
    }
}

/// Where a contact stands.
#[uniffi::remote(Enum)]
pub enum ContactState {
    /// Waits for somebody to claim it.
    Waiting,
    /// Somebody is responsible for it.
    Open,
    /// Somebody is responsible and has handed it on; it is not yet claimed.
    Transferring,
    /// Ended with a valid close.
    Closed,
}

/// A participant.
#[uniffi::remote(Record)]
pub struct Participant {
    /// Who.
    pub author: Author,
    /// Whether it was handed the contact and has not claimed it yet.
    pub pending: bool,
}

/// Who did or wrote something, as verified.
#[uniffi::remote(Record)]
pub struct Author {
    /// The device.
    pub device: DeviceId,
    /// The name in its credential; empty for visitors.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Whether a gateway acts for it.
    pub via: Via,
    /// Whether it is this device.
    pub own: bool,
}

/// A contact in the inbox.
#[uniffi::remote(Record)]
pub struct InboxEntry {
    /// The contact.
    pub contact: ContactId,
    /// Id of its entry point.
    pub entry_point: String,
    /// When its creator says it was created.
    pub created: Time,
    /// Last position.
    pub head: u64,
    /// Ids of the teams it waits for.
    pub teams: Vec<String>,
    /// Whether this device is on the roster.
    pub mine: bool,
    /// Whether it waits and this device may take it.
    pub can_claim: bool,
    /// Whether it was closed.
    pub closed: bool,
    /// Since when somebody waits, for a claim or for an answer of this device.
    pub waiting_since: Option<Time>,
    /// Who is responsible. Contacts of the own teams that others hold are listed, too.
    pub held_by: Option<Author>,
}

/// A member of a team.
#[uniffi::remote(Record)]
pub struct TeamMember {
    /// Who.
    pub author: Author,
    /// Whether it is connected and available.
    pub available: bool,
}
