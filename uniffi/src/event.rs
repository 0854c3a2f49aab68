//! What the client tells its host. See [`client::Event`].
//!
//! Events are complete views, not differences: a host shows the newest [`ContactView`] of a
//! contact and the newest [`Item`] of an id and needs no memory of its own.

use sottovoce::account::Role;
use sottovoce::client;
use sottovoce::client::{
    AccountView, Attention, Author, EnrolmentEntry, InboxEntry, Reply, Signature, TeamMember,
};
use sottovoce::wire::{ContactId, Time};

use crate::administration::{AuditEntry, DeviceEntry, KeyManagerCheck, SettingsView};
use crate::item::Item;
use crate::view::ContactView;

/// Something that a host shows or acts upon.
#[derive(uniffi::Enum)]
pub enum Event {
    /// The connection's state changed.
    Connection {
        /// It.
        state: ConnectionState,
    },
    /// What is known and believed of the account changed.
    Account {
        /// All of it.
        view: AccountView,
    },
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
    Contact {
        /// All of it.
        view: ContactView,
    },
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
    /// Staff: what waits, what this device is on, what others of its teams hold. Replaces the list before.
    Inbox {
        /// The list.
        entries: Vec<InboxEntry>,
    },
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
    /// Staff: what the key manager said to `Release`. If it was granted, items follow that can be read
    /// now.
    Released {
        /// The contact.
        contact: ContactId,
        /// What became of the request.
        outcome: KeyOutcome,
        /// The stable code of why; empty if it was granted.
        code: String,
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
    /// Staff: what the account has decided.
    Settings {
        /// It.
        view: SettingsView,
    },
    /// Administrator: what was signed here is durable at the relay.
    Administered {
        /// What it was.
        what: Signature,
    },
    /// Administrator: nothing was signed, or the relay did not take it. Nothing changed.
    NotAdministered {
        /// A stable code of SPEC 11.
        code: String,
        /// What it is about, in words; may be empty.
        detail: String,
    },
    /// Administrator: the account's devices, and those that ask to be let in.
    Devices {
        /// Those with a credential.
        devices: Vec<DeviceEntry>,
        /// Those that ask.
        requests: Vec<EnrolmentEntry>,
    },
    /// Administrator: a signed request for an API token, for `POST …/tokens` at the relay.
    TokenRequest {
        /// The name that the token will have.
        name: String,
        /// The request as base64url; good once, for five minutes.
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
        code: String,
    },
    /// Evidence that the relay or a participant misbehaved, or that own state was lost.
    Alarm {
        /// The contact, or none for the account.
        contact: Option<ContactId>,
        /// A stable code of SPEC 11.
        code: String,
        /// Whether sending has stopped because of it.
        stops_sending: bool,
    },
    /// Whether state can be kept. `false`: what is sent from now on may be lost with the page.
    Storage {
        /// Whether it can.
        working: bool,
    },
}

impl Event {
    /// None for events that come with a later core than these bindings.
    pub(crate) fn known(event: client::Event) -> Option<Self> {
        Some(match event {
            client::Event::Connection(state) => Self::Connection {
                state: state.into(),
            },
            client::Event::Account(view) => Self::Account { view },
            client::Event::Unapproved { request } => Self::Unapproved { request },
            client::Event::Started { contact } => Self::Started { contact },
            client::Event::Contact(view) => Self::Contact { view: view.into() },
            client::Event::Item { contact, item } => Self::Item {
                contact,
                item: item.into(),
            },
            client::Event::ItemRemoved { contact, key } => Self::ItemRemoved { contact, key },
            client::Event::Typing { contact, author } => Self::Typing { contact, author },
            client::Event::Attending {
                contact,
                author,
                what,
            } => Self::Attending {
                contact,
                author,
                what,
            },
            client::Event::Inbox(entries) => Self::Inbox { entries },
            client::Event::Team { team, members } => Self::Team { team, members },
            client::Event::Notebook {
                team,
                replies,
                labels,
                changed,
                author,
            } => Self::Notebook {
                team,
                replies,
                labels,
                changed,
                author,
            },
            client::Event::ClaimLost { contact, by } => Self::ClaimLost { contact, by },
            client::Event::Released {
                contact,
                outcome,
                code,
            } => Self::Released {
                contact,
                outcome: outcome.into(),
                code,
            },
            client::Event::ReturnedToDraft {
                contact,
                text,
                joined,
            } => Self::ReturnedToDraft {
                contact,
                text,
                joined,
            },
            client::Event::Failed { contact, code } => Self::Failed {
                contact,
                code: code.to_owned(),
            },
            client::Event::Alarm {
                contact,
                code,
                stops_sending,
            } => Self::Alarm {
                contact,
                code: code.to_owned(),
                stops_sending,
            },
            client::Event::Storage { working } => Self::Storage { working },
            client::Event::Settings(view) => Self::Settings {
                view: (*view).into(),
            },
            client::Event::Administered { what } => Self::Administered { what },
            client::Event::NotAdministered { code, detail } => Self::NotAdministered {
                code: code.to_owned(),
                detail,
            },
            client::Event::Devices { devices, requests } => Self::Devices {
                devices: devices.into_iter().map(Into::into).collect(),
                requests,
            },
            client::Event::TokenRequest { name, request } => Self::TokenRequest { name, request },
            client::Event::KeyManagerTested { checks } => Self::KeyManagerTested {
                checks: checks.into_iter().map(Into::into).collect(),
            },
            client::Event::Audit {
                entries,
                head,
                code,
            } => Self::Audit {
                entries: entries.into_iter().map(Into::into).collect(),
                head,
                code,
            },
            _ => return None,
        })
    }
}

/// A text that a team uses again and again.
#[uniffi::remote(Record)]
pub struct Reply {
    /// What it is found by.
    pub shortcut: String,
    /// The text.
    pub text: String,
}

/// What a colleague does at a contact.
#[uniffi::remote(Enum)]
pub enum Attention {
    /// Looks at it.
    Viewing,
    /// Types there.
    Typing,
}

/// What became of a request to the key manager.
#[derive(Debug, uniffi::Enum)]
pub enum KeyOutcome {
    /// It was done.
    Granted,
    /// The rules do not allow it.
    Denied,
    /// The key manager knows no such contact or key.
    Unknown,
    /// Releases of the contact were ended.
    Revoked,
    /// The contact's secret was destroyed.
    Erased,
    /// Too much at once, or too often.
    Throttled,
    /// It was not reached, or nothing that it answers counts.
    Unavailable,
    /// It cannot be read, or contradicts itself.
    Malformed,
}

impl From<sottovoce::archive::Outcome> for KeyOutcome {
    fn from(outcome: sottovoce::archive::Outcome) -> Self {
        use sottovoce::archive::Outcome;
        match outcome {
            Outcome::Granted => Self::Granted,
            Outcome::Denied => Self::Denied,
            Outcome::Unknown => Self::Unknown,
            Outcome::Revoked => Self::Revoked,
            Outcome::Erased => Self::Erased,
            Outcome::Throttled => Self::Throttled,
            Outcome::Unavailable => Self::Unavailable,
            Outcome::Malformed => Self::Malformed,
        }
    }
}

/// The connection's state.
#[derive(Debug, uniffi::Enum)]
pub enum ConnectionState {
    /// Not connected; the host tries again.
    Offline,
    /// Connected, not yet authenticated.
    Connecting,
    /// Authenticated.
    Online,
    /// The relay refused this device.
    Refused {
        /// A stable code of SPEC 11.
        code: String,
    },
}

impl From<client::ConnectionState> for ConnectionState {
    fn from(state: client::ConnectionState) -> Self {
        match state {
            client::ConnectionState::Offline => Self::Offline,
            client::ConnectionState::Connecting => Self::Connecting,
            client::ConnectionState::Online => Self::Online,
            client::ConnectionState::Refused(code) => Self::Refused { code },
        }
    }
}
