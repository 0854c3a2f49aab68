//! What stands in a transcript. See [`client::Item`].

use serde::Serialize;
use tsify::Tsify;

use super::scalar::{ContentId, Id, Time};
use super::view::Author;
use crate::client;

/// Something in a transcript.
#[derive(Tsify, Serialize)]
pub(super) struct Item {
    /// Names the item for as long as the contact is open.
    key: String,
    /// Its place; items without one come last, in the order they were made.
    #[tsify(optional)]
    position: Option<u64>,
    /// Its author's time.
    time: Time,
    /// Who; none for entries that nobody valid wrote.
    #[tsify(optional)]
    author: Option<Author>,
    body: ItemBody,
    state: MessageState,
    /// Why it failed, as a stable code.
    #[tsify(optional)]
    failure: Option<&'static str>,
    /// Things that people should know about it, as stable codes.
    #[tsify(type = "string[]")]
    marks: Vec<&'static str>,
}

impl From<client::Item> for Item {
    fn from(item: client::Item) -> Self {
        let (state, failure) = match item.state {
            client::MessageState::None => (MessageState::None, None),
            client::MessageState::Sending => (MessageState::Sending, None),
            client::MessageState::Sent => (MessageState::Sent, None),
            client::MessageState::Delivered => (MessageState::Delivered, None),
            client::MessageState::Read => (MessageState::Read, None),
            client::MessageState::Failed(code) => (MessageState::Failed, Some(code)),
        };
        Self {
            key: item.key,
            position: item.position,
            time: item.time.into(),
            author: item.author.map(Into::into),
            body: item.body.into(),
            state,
            failure,
            marks: item.marks,
        }
    }
}

/// What an item says.
#[derive(Tsify, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(super) enum ItemBody {
    /// A text. Show it as text.
    Text {
        id: ContentId,
        text: String,
        #[tsify(optional)]
        reply_to: Option<ContentId>,
    },
    /// A private note among staff. Show it as text.
    Note { id: ContentId, text: String },
    /// Content of a kind that this version does not show.
    Unsupported {
        id: ContentId,
        kind: String,
        #[serde(with = "serde_bytes")]
        #[tsify(type = "Uint8Array")]
        body: Vec<u8>,
    },
    /// An entry among staff that this participant cannot read.
    StaffOnly,
    /// An entry from before this participant joined.
    BeforeJoining,
    /// An entry that counts for nothing.
    Invalid { code: &'static str },
    /// Something happened.
    System { event: System },
}

impl From<client::ItemBody> for ItemBody {
    fn from(body: client::ItemBody) -> Self {
        match body {
            client::ItemBody::Text { id, text, reply_to } => Self::Text {
                id: Id(id),
                text,
                reply_to: reply_to.map(Id),
            },
            client::ItemBody::Note { id, text } => Self::Note { id: Id(id), text },
            client::ItemBody::Unsupported { id, kind, body } => Self::Unsupported {
                id: Id(id),
                kind,
                body,
            },
            client::ItemBody::StaffOnly => Self::StaffOnly,
            client::ItemBody::BeforeJoining => Self::BeforeJoining,
            client::ItemBody::Invalid(code) => Self::Invalid { code },
            client::ItemBody::System(event) => Self::System {
                event: event.into(),
            },
        }
    }
}

/// Something that happened to a contact; the item's author did it.
#[derive(Tsify, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(super) enum System {
    Created,
    /// The author took the contact; `replaced` handed it over.
    Joined {
        #[tsify(optional)]
        replaced: Option<Author>,
    },
    /// The author hands the contact on, to a device or to a team by its name.
    Transferring {
        #[tsify(optional)]
        to: Option<Author>,
        #[tsify(optional)]
        team: Option<String>,
        history: bool,
    },
    /// The author added someone.
    Invited {
        who: Author,
        history: bool,
    },
    /// The author removed someone or teams (by name), or left.
    Removed {
        who: Vec<Author>,
        teams: Vec<String>,
    },
    /// A new secret, no other change.
    Rekeyed,
    Closed,
}

impl From<client::System> for System {
    fn from(event: client::System) -> Self {
        match event {
            client::System::Created => Self::Created,
            client::System::Joined { replaced } => Self::Joined {
                replaced: replaced.map(Into::into),
            },
            client::System::Transferring { to, team, history } => Self::Transferring {
                to: to.map(Into::into),
                team,
                history,
            },
            client::System::Invited { who, history } => Self::Invited {
                who: who.into(),
                history,
            },
            client::System::Removed { who, teams } => Self::Removed {
                who: who.into_iter().map(Into::into).collect(),
                teams,
            },
            client::System::Rekeyed => Self::Rekeyed,
            client::System::Closed => Self::Closed,
        }
    }
}

/// How far an own message got; `none` for everything else. Delivered and read come from a
/// peer's signature only.
#[derive(Tsify, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MessageState {
    None,
    Sending,
    Sent,
    Delivered,
    Read,
    Failed,
}
