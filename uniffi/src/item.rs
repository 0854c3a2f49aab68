//! What stands in a transcript. See [`client::Item`].

use sottovoce::client;
use sottovoce::client::{Author, System};
use sottovoce::wire::{ContentId, Time};

/// Something in a transcript.
#[derive(uniffi::Record)]
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
    pub marks: Vec<String>,
}

impl From<client::Item> for Item {
    fn from(item: client::Item) -> Self {
        Self {
            key: item.key,
            position: item.position,
            time: item.time,
            author: item.author,
            body: item.body.into(),
            state: item.state.into(),
            marks: item.marks.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// What an item says.
#[derive(uniffi::Enum)]
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
    /// An entry that counts for nothing.
    Invalid {
        /// The code of the reason.
        code: String,
    },
    /// Something happened.
    System {
        /// What.
        event: System,
    },
}

impl From<client::ItemBody> for ItemBody {
    fn from(body: client::ItemBody) -> Self {
        match body {
            client::ItemBody::Text { id, text, reply_to } => Self::Text { id, text, reply_to },
            client::ItemBody::Note { id, text } => Self::Note { id, text },
            client::ItemBody::Unsupported { id, kind, body } => {
                Self::Unsupported { id, kind, body }
            }
            client::ItemBody::StaffOnly => Self::StaffOnly,
            client::ItemBody::BeforeJoining => Self::BeforeJoining,
            client::ItemBody::Invalid(code) => Self::Invalid {
                code: code.to_owned(),
            },
            client::ItemBody::System(event) => Self::System { event },
        }
    }
}

/// Something that happened to a contact. The item's author did it. Not called `System`, which in
/// Kotlin is the JVM's.
#[uniffi::remote(Enum)]
#[uniffi(name = "SystemEvent")]
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
#[derive(uniffi::Enum)]
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
    /// Refused; can be retried or given up.
    Failed {
        /// A stable code of SPEC 11.
        code: String,
    },
}

impl From<client::MessageState> for MessageState {
    fn from(state: client::MessageState) -> Self {
        match state {
            client::MessageState::None => Self::None,
            client::MessageState::Sending => Self::Sending,
            client::MessageState::Sent => Self::Sent,
            client::MessageState::Delivered => Self::Delivered,
            client::MessageState::Read => Self::Read,
            client::MessageState::Failed(code) => Self::Failed {
                code: code.to_owned(),
            },
        }
    }
}
