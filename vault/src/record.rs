//! What is kept of a contact: a record for each entry that people see, and what is known about the
//! contact itself. As JSON it is stored, encrypted where the level wants it, and given back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sottovoce::account::Via;
use sottovoce::client::{self, ContactView, Item, ItemBody, System};
use sottovoce::wire::codec::to_base64url;
use utoipa::ToSchema;

/// One entry as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Record)]
pub struct Record {
    /// Its place in the contact, from 1.
    pub position: u64,
    /// Its author's time, in milliseconds since 1970.
    pub time: u64,
    /// Who, as verified; nobody for entries that nobody valid wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// What.
    #[serde(flatten)]
    pub said: Said,
    /// What people should know about it, as codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
}

/// Who did or wrote something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Author {
    /// The device's id.
    pub device: String,
    /// The name in its credential; empty for visitors.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its role.
    pub role: String,
    /// Whether a gateway acts for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_gateway: bool,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Said {
    /// A text.
    Text {
        /// The content's id.
        id: String,
        /// The text.
        text: String,
        /// What it answers.
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<String>,
    },
    /// Anything else that was sent: a form, customer data, an attachment.
    Content {
        /// The content's id.
        id: String,
        /// Its kind, such as `form`.
        content: String,
        /// Its body, if that is text.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// Its body as base64url, if it is not.
        #[serde(skip_serializing_if = "Option::is_none")]
        body: Option<String>,
    },
    /// Something happened.
    Event {
        /// What: `created`, `joined`, `transferring`, `invited`, `removed`, `rekeyed`, `closed`.
        event: String,
        /// Whom it is about.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        whom: Vec<Author>,
        /// Teams that it is about, by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        teams: Vec<String>,
    },
    /// An entry that was not for the vault: a note among staff.
    Unreadable,
    /// An entry that the vault's device no longer had the keys of when it read it: it was away for longer
    /// than the policy's device history.
    KeysGone,
    /// An entry that counts for nothing.
    Invalid {
        /// Why.
        code: String,
    },
}

impl Said {
    /// Whether somebody said something, of which others are told.
    pub const fn is_message(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Content { .. })
    }

    /// Whether it says nothing of what was said, so that it is no reason to forget what is stored.
    pub const fn is_closed_to_us(&self) -> bool {
        matches!(self, Self::Unreadable | Self::KeysGone)
    }

    /// What can be searched for in it.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Content { text, .. } => text.as_deref(),
            Self::Event { .. } | Self::Unreadable | Self::KeysGone | Self::Invalid { .. } => None,
        }
    }
}

/// What is known about a contact, beside what stays in clear at every level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct About {
    /// The entry point's name when it was created.
    #[serde(default)]
    pub entry_point_name: String,
    /// The visitor's identity, where a token proved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_identity: Option<String>,
    /// Everybody who was ever on the roster.
    #[serde(default)]
    pub participants: Vec<Author>,
    /// The alarm that stopped it, if one did: what is stored is then not known to be whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
}

impl About {
    /// Adds what a view shows.
    pub fn learn(&mut self, view: &ContactView) {
        self.entry_point_name.clone_from(&view.entry_point_name);
        if view.verified_identity.is_some() {
            self.verified_identity.clone_from(&view.verified_identity);
        }
        self.stopped_by = view.stopped_by.map(str::to_owned);
        let mut everybody: BTreeMap<String, Author> = std::mem::take(&mut self.participants)
            .into_iter()
            .map(|author| (author.device.clone(), author))
            .collect();
        for participant in &view.participants {
            let author = Author::from(&participant.author);
            everybody.insert(author.device.clone(), author);
        }
        self.participants = everybody.into_values().collect();
    }
}

impl From<&client::Author> for Author {
    fn from(author: &client::Author) -> Self {
        Self {
            device: author.device.to_string(),
            name: author.name.clone(),
            role: author.role.name().to_owned(),
            by_gateway: author.via == Via::Gateway,
        }
    }
}

impl Record {
    /// What an item comes to; none for one that has no place yet.
    pub fn of(item: &Item) -> Option<Self> {
        Some(Self {
            position: item.position?,
            time: item.time.millis(),
            author: item.author.as_ref().map(Author::from),
            said: said(&item.body),
            marks: item.marks.iter().map(|&mark| mark.to_owned()).collect(),
        })
    }
}

fn said(body: &ItemBody) -> Said {
    match body {
        ItemBody::Text { id, text, reply_to } => Said::Text {
            id: to_base64url(id.as_array()),
            text: text.clone(),
            reply_to: reply_to.as_ref().map(|id| to_base64url(id.as_array())),
        },
        ItemBody::Note { .. } | ItemBody::StaffOnly => Said::Unreadable,
        ItemBody::BeforeJoining => Said::KeysGone,
        ItemBody::Unsupported { id, kind, body } => {
            let text = String::from_utf8(body.clone()).ok();
            Said::Content {
                id: to_base64url(id.as_array()),
                content: kind.clone(),
                body: text.is_none().then(|| to_base64url(body)),
                text,
            }
        }
        ItemBody::Invalid(code) => Said::Invalid {
            code: (*code).to_owned(),
        },
        ItemBody::System(system) => event(system),
    }
}

fn event(system: &System) -> Said {
    let authors = |authors: &[client::Author]| authors.iter().map(Author::from).collect();
    let (event, whom, teams) = match system {
        System::Created => ("created", Vec::new(), Vec::new()),
        System::Joined { replaced } => ("joined", authors(replaced.as_slice()), Vec::new()),
        System::Transferring { to, team, .. } => {
            let teams = team.iter().cloned().collect();
            ("transferring", authors(to.as_slice()), teams)
        }
        System::Invited { who, .. } => ("invited", vec![Author::from(who)], Vec::new()),
        System::Removed { who, teams } => ("removed", authors(who), teams.clone()),
        System::Rekeyed => ("rekeyed", Vec::new(), Vec::new()),
        System::Closed => ("closed", Vec::new(), Vec::new()),
    };
    Said::Event {
        event: event.to_owned(),
        whom,
        teams,
    }
}
