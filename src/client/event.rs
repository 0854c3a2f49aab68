//! What the client tells its host. SPEC 9.2.
//!
//! Events are complete views, not differences: a host shows the newest [`ContactView`] of a
//! contact and the newest [`Item`] of an id and needs no memory of its own.

use super::{DeviceEntry, EnrolmentEntry, KeyManagerCheck, SettingsView, Signature};
use crate::account::{Level, Role, Via};
use crate::archive::{AuditEntry, Outcome};
pub use crate::message::{Detail, Reply};
use crate::wire::{ContactId, ContentId, DeviceId, Time};

/// Something that a host shows or acts upon.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The connection's state changed.
    Connection(ConnectionState),
    /// What is known and believed of the account changed.
    Account(AccountView),
    /// This device has no credential; an administrator must approve its request.
    Unapproved {
        /// The signed enrolment request as base64url, for `sottovoce agent approve`.
        request: String,
    },
    /// Visitor: a contact has an id; it exists once `Contact` follows.
    Started {
        /// The contact.
        contact: ContactId,
    },
    /// A contact's state changed.
    Contact(ContactView),
    /// Something in a contact's transcript is new or changed.
    Item {
        /// The contact.
        contact: ContactId,
        /// It; replaces the one of the same key.
        item: Item,
    },
    /// An item is gone: a message that was given up or went back to the draft.
    ItemRemoved {
        /// The contact.
        contact: ContactId,
        /// The item's key.
        key: String,
    },
    /// Somebody is typing; good for 6 seconds.
    Typing {
        /// The contact.
        contact: ContactId,
        /// Who.
        author: Author,
    },
    /// Staff: a colleague looks at a contact, good for 15 seconds, or types there without being on the
    /// roster, good for 6.
    Attending {
        /// The contact.
        contact: ContactId,
        /// Who.
        author: Author,
        /// What they do.
        what: Attention,
    },
    /// Staff: what waits, what this device is on, and what others of its teams hold. Replaces the list
    /// before.
    Inbox(Vec<InboxEntry>),
    /// Staff: the answer to `LookUpTeam`.
    Team {
        /// The team's id.
        team: String,
        /// Its members, the own device left out.
        members: Vec<TeamMember>,
    },
    /// Staff: the notebook of an own team, as it was last read. Replaces the one before.
    Notebook {
        /// The team's id.
        team: String,
        /// Ascending by shortcut.
        replies: Vec<Reply>,
        /// Names of labels, ascending.
        labels: Vec<String>,
        /// When, by the author's clock.
        changed: Time,
        /// The author's name.
        author: String,
    },
    /// A claim came second: somebody else has the contact.
    ClaimLost {
        /// The contact.
        contact: ContactId,
        /// Who has it, if that is known.
        by: Option<Author>,
    },
    /// A text was not sent because someone joined that its author was not shown; it goes back
    /// to the draft.
    ReturnedToDraft {
        /// The contact.
        contact: ContactId,
        /// The text.
        text: String,
        /// The role that joined.
        joined: Role,
    },
    /// Staff: what the key manager said to `Release`. If it was granted, items follow that can be read
    /// now.
    Released {
        /// The contact.
        contact: ContactId,
        /// What became of the request; `unavailable` also where there was no answer that counts.
        outcome: Outcome,
        /// The stable code of why; empty if it was granted.
        code: String,
    },
    /// Staff: what the account has decided.
    Settings(Box<SettingsView>),
    /// Administrator: what was signed here is durable at the relay.
    Administered {
        /// What it was.
        what: Signature,
    },
    /// Administrator: nothing was signed, or the relay did not take it. Nothing changed.
    NotAdministered {
        /// A stable code of SPEC 11.
        code: &'static str,
        /// What it is about, in words, such as `the plan`; may be empty.
        detail: String,
    },
    /// Administrator: the account's devices, and those that ask to be let in. Replaces what was before.
    Devices {
        /// Those with a credential.
        devices: Vec<DeviceEntry>,
        /// Those that ask.
        requests: Vec<EnrolmentEntry>,
    },
    /// Administrator: a signed request for an API token, for
    /// `POST /v1/accounts/{account}/tokens` at the relay that this client dials.
    TokenRequest {
        /// The name that the token will have.
        name: String,
        /// The signed request as base64url; good once, for five minutes.
        request: String,
    },
    /// Administrator: how the key manager fared.
    KeyManagerTested {
        /// What was tried, in this order.
        checks: Vec<KeyManagerCheck>,
    },
    /// Part of the key manager's log, each entry signed by it and bound to the one before.
    Audit {
        /// Ascending by number.
        entries: Vec<AuditEntry>,
        /// How many entries the log had when it answered.
        head: u64,
        /// A stable code of SPEC 11 of why there are none; empty if there are.
        code: String,
    },
    /// A command could not be done. Nothing changed.
    Failed {
        /// The contact, if the command named one.
        contact: Option<ContactId>,
        /// A stable code of SPEC 11.
        code: &'static str,
    },
    /// Evidence that the relay or a participant misbehaved, or that own state was lost.
    Alarm {
        /// The contact, or none for the account.
        contact: Option<ContactId>,
        /// A stable code of SPEC 11.
        code: &'static str,
        /// Whether sending has stopped because of it.
        stops_sending: bool,
    },
    /// Whether state can be kept. `false`: what is sent from now on may be lost with the page.
    Storage {
        /// Whether it can.
        working: bool,
    },
}

/// What a colleague does at a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Looks at it.
    Viewing,
    /// Types there.
    Typing,
}

/// The connection's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not connected; the host tries again.
    Offline,
    /// Connected, not yet authenticated.
    Connecting,
    /// Authenticated.
    Online,
    /// The relay refused this device, with a stable code of SPEC 11.
    Refused(String),
}

/// What is known and believed of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many devices can read what is addressed to it, where that is known.
    pub readers: Option<u64>,
}

/// A contact as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub stopped_by: Option<&'static str>,
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
    /// What the visitor's page said of the visitor, and nobody verified. The visitor sees it, too.
    pub details: Vec<Detail>,
    /// Staff: the contact's labels.
    pub labels: Vec<String>,
}

/// Where a contact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Who.
    pub author: Author,
    /// Whether it was handed the contact and has not claimed it yet.
    pub pending: bool,
}

/// Who did or wrote something, as verified.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Something in a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Names the item for as long as the contact is open.
    pub key: String,
    /// Its place; items without one come last, in the order they were made.
    pub position: Option<u64>,
    /// Its author's time.
    pub time: Time,
    /// Who; none for entries that nobody valid wrote.
    pub author: Option<Author>,
    /// What.
    pub body: ItemBody,
    /// For own messages: how far it got.
    pub state: MessageState,
    /// Things that people should know about it, as stable codes of SPEC 11, such as
    /// `not-acknowledged` or `two-with-one-sequence`.
    pub marks: Vec<&'static str>,
}

/// What an item says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemBody {
    /// A text.
    Text {
        /// Content id.
        id: ContentId,
        /// The text. Show it as text.
        text: String,
        /// What it answers.
        reply_to: Option<ContentId>,
    },
    /// A private note among staff.
    Note {
        /// Content id.
        id: ContentId,
        /// The text. Show it as text.
        text: String,
    },
    /// Content of a kind that this version does not show.
    Unsupported {
        /// Content id.
        id: ContentId,
        /// Its kind.
        kind: String,
        /// The body as received, so that a host can handle kinds of its own.
        body: Vec<u8>,
    },
    /// An entry among staff that this participant cannot read.
    StaffOnly,
    /// An entry from before this participant joined.
    BeforeJoining,
    /// An entry that counts for nothing, with the code of the reason.
    Invalid(&'static str),
    /// Something happened.
    System(System),
}

/// Something that happened to a contact. `Item::author` did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum System {
    /// The contact was created.
    Created,
    /// The author took the contact; `replaced` handed it over.
    Joined {
        /// Who was responsible before.
        replaced: Option<Author>,
    },
    /// The author hands the contact on.
    Transferring {
        /// To a device,
        to: Option<Author>,
        /// or to a team, by its name.
        team: Option<String>,
        /// Whether they can read what was said before.
        history: bool,
    },
    /// The author added someone.
    Invited {
        /// Whom.
        who: Author,
        /// Whether they can read what was said before.
        history: bool,
    },
    /// The author removed someone, or left.
    Removed {
        /// Whom.
        who: Vec<Author>,
        /// Teams, by name.
        teams: Vec<String>,
    },
    /// A new secret, no other change.
    Rekeyed,
    /// The contact ended.
    Closed,
}

/// How far an own message got. Delivered and read come from a peer's signature only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// Somebody else's, or not a message.
    None,
    /// Not yet acknowledged by the relay.
    Sending,
    /// Durable at the relay.
    Sent,
    /// A peer's device has it.
    Delivered,
    /// A peer has read it.
    Read,
    /// Refused, with a stable code of SPEC 11; can be retried or given up.
    Failed(&'static str),
}

/// A contact in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Since when somebody waits: for a claim since it was created or handed on; for an answer of this
    /// device since the visitor's first message that was not answered, if that is known here.
    pub waiting_since: Option<Time>,
    /// Who is responsible for it. A contact of the own teams that somebody else holds is listed, too, and
    /// cannot be read here. The name is empty until the directory knows it.
    pub held_by: Option<Author>,
}

/// A member of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamMember {
    /// Who.
    pub author: Author,
    /// Whether it is connected and available.
    pub available: bool,
}
