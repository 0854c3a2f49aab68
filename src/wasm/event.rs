//! What the client tells its host. See [`client::Event`].

use serde::Serialize;
use tsify::Tsify;

use super::item::Item;
use super::scalar::{ContactId, Id, Role, Time};
use super::view::{AccountView, Author, ContactView};
use crate::client;

/// Something that a host shows or acts upon. Events are complete views, not differences.
#[derive(Tsify, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(super) enum Event {
    /// The connection's state changed; with a stable code when the relay refused this device.
    Connection {
        state: ConnectionState,
        #[tsify(optional)]
        code: Option<String>,
    },
    /// What is known and believed of the account changed.
    Account { view: AccountView },
    /// This device has no credential; an administrator must approve its request (base64url).
    Unapproved { request: String },
    /// Visitor: a contact has an id; it exists once `contact` follows.
    Started { contact: ContactId },
    /// A contact's state changed.
    Contact { view: ContactView },
    /// Something in a contact's transcript is new or changed; replaces the one of the same key.
    Item { contact: ContactId, item: Item },
    /// An item is gone: a message that was given up or went back to the draft.
    ItemRemoved { contact: ContactId, key: String },
    /// Somebody is typing; good for 6 seconds.
    Typing { contact: ContactId, author: Author },
    /// Staff: what waits and what this device is on. Replaces the list before.
    Inbox { entries: Vec<InboxEntry> },
    /// Staff: a team's members, the own device left out.
    Team {
        team: String,
        members: Vec<TeamMember>,
    },
    /// A claim came second: somebody else has the contact.
    ClaimLost {
        contact: ContactId,
        #[tsify(optional)]
        by: Option<Author>,
    },
    /// A text was not sent because someone joined that its author was not shown; it goes back
    /// to the draft.
    ReturnedToDraft {
        contact: ContactId,
        text: String,
        joined: Role,
    },
    /// A command could not be done. Nothing changed.
    Failed {
        #[tsify(optional)]
        contact: Option<ContactId>,
        code: &'static str,
    },
    /// Evidence that the relay or a participant misbehaved, or that own state was lost.
    Alarm {
        #[tsify(optional)]
        contact: Option<ContactId>,
        code: &'static str,
        stops_sending: bool,
    },
    /// Whether state can be kept. `false`: what is sent from now on may be lost with the page.
    Storage { working: bool },
}

impl From<client::Event> for Event {
    fn from(event: client::Event) -> Self {
        match event {
            client::Event::Connection(state) => {
                let (state, code) = match state {
                    client::ConnectionState::Offline => (ConnectionState::Offline, None),
                    client::ConnectionState::Connecting => (ConnectionState::Connecting, None),
                    client::ConnectionState::Online => (ConnectionState::Online, None),
                    client::ConnectionState::Refused(code) => {
                        (ConnectionState::Refused, Some(code))
                    }
                };
                Self::Connection { state, code }
            }
            client::Event::Account(view) => Self::Account { view: view.into() },
            client::Event::Unapproved { request } => Self::Unapproved { request },
            client::Event::Started { contact } => Self::Started {
                contact: Id(contact),
            },
            client::Event::Contact(view) => Self::Contact { view: view.into() },
            client::Event::Item { contact, item } => Self::Item {
                contact: Id(contact),
                item: item.into(),
            },
            client::Event::ItemRemoved { contact, key } => Self::ItemRemoved {
                contact: Id(contact),
                key,
            },
            client::Event::Typing { contact, author } => Self::Typing {
                contact: Id(contact),
                author: author.into(),
            },
            client::Event::Inbox(entries) => Self::Inbox {
                entries: entries.into_iter().map(Into::into).collect(),
            },
            client::Event::Team { team, members } => Self::Team {
                team,
                members: members.into_iter().map(Into::into).collect(),
            },
            client::Event::ClaimLost { contact, by } => Self::ClaimLost {
                contact: Id(contact),
                by: by.map(Into::into),
            },
            client::Event::ReturnedToDraft {
                contact,
                text,
                joined,
            } => Self::ReturnedToDraft {
                contact: Id(contact),
                text,
                joined: joined.into(),
            },
            client::Event::Failed { contact, code } => Self::Failed {
                contact: contact.map(Id),
                code,
            },
            client::Event::Alarm {
                contact,
                code,
                stops_sending,
            } => Self::Alarm {
                contact: contact.map(Id),
                code,
                stops_sending,
            },
            client::Event::Storage { working } => Self::Storage { working },
        }
    }
}

/// The connection's state.
#[derive(Tsify, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ConnectionState {
    Offline,
    Connecting,
    Online,
    Refused,
}

/// A contact in the inbox.
#[derive(Tsify, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InboxEntry {
    contact: ContactId,
    entry_point: String,
    /// When its creator says it was created.
    created: Time,
    /// Last position.
    head: u64,
    /// Ids of the teams it waits for.
    teams: Vec<String>,
    /// Whether this device is on the roster.
    mine: bool,
    /// Whether it waits and this device may take it.
    can_claim: bool,
    closed: bool,
}

impl From<client::InboxEntry> for InboxEntry {
    fn from(entry: client::InboxEntry) -> Self {
        Self {
            contact: Id(entry.contact),
            entry_point: entry.entry_point,
            created: entry.created.into(),
            head: entry.head,
            teams: entry.teams,
            mine: entry.mine,
            can_claim: entry.can_claim,
            closed: entry.closed,
        }
    }
}

/// A member of a team.
#[derive(Tsify, Serialize)]
pub(super) struct TeamMember {
    author: Author,
    /// Whether it is connected and available.
    available: bool,
}

impl From<client::TeamMember> for TeamMember {
    fn from(member: client::TeamMember) -> Self {
        Self {
            author: member.author.into(),
            available: member.available,
        }
    }
}
