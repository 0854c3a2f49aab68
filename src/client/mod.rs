//! SPEC 9: the engine. A state machine that a host feeds and whose wishes it carries out.

mod command;
mod event;

pub use command::{Command, Target};
pub use event::*;

use crate::crypto::Secret;
use crate::wire::Time;

/// What a client is told before it starts.
#[derive(Debug)]
pub struct Config {
    /// The account and whatever the embed snippet pins.
    pub pin: crate::account::Pin,
    /// Host and port that the host dials, as in the HTTP `Host` header.
    pub host: String,
    /// Who this is.
    pub kind: Kind,
    /// Seals every record. Losing it is a normal fresh start.
    pub storage_key: Secret<32>,
    /// The store's generation; records of another one do not open.
    pub generation: u64,
}

/// Who a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A visitor, with fresh keys for one contact.
    Visitor,
    /// Staff: a device with a credential, or one that asks for it.
    Staff {
        /// The name in the enrolment request.
        name: String,
        /// An administrator's invitation code, if there is one.
        invitation: Option<String>,
    },
}

/// Something happened in the host's world.
#[derive(Debug)]
pub enum Input {
    /// The person or program wants something.
    Command(Command),
    /// The relay's WebSocket message, at most 1 MiB.
    Frame(Vec<u8>),
    /// The WebSocket is open.
    Connected,
    /// It is closed.
    Disconnected,
    /// A batch is durable.
    Stored(u64),
    /// A batch could not be kept.
    StoreFailed(u64),
    /// The time that was asked for has come, or any other.
    Tick,
}

/// Something that the host does. Carry outputs out in their order.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this WebSocket message.
    Transmit(Vec<u8>),
    /// Make this durable, all or nothing, then answer with [`Input::Stored`].
    Store(Batch),
    /// Show it.
    Event(Box<Event>),
    /// Call [`Input::Tick`] at this time; replaces the one before.
    WakeAt(Time),
}

/// Records that become durable together.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// Names the batch in the answer.
    pub id: u64,
    /// Records to write, each replacing that of its name.
    pub puts: Vec<Record>,
    /// Names of records to delete.
    pub deletes: Vec<String>,
}

/// A named record, sealed by the core. Hosts keep names and bytes, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name: ASCII, at most 64 bytes.
    pub name: String,
    /// Its sealed bytes.
    pub bytes: Vec<u8>,
}

/// The client of one device: see the module's documentation.
#[derive(Debug)]
pub struct Client {
    device: crate::wire::DeviceId,
}

/// A client cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The operating system gave no randomness.
    #[error(transparent)]
    NoRandomness(#[from] crate::crypto::random::NoRandomness),
    /// Records do not open under this storage key and generation, or are not whole.
    #[error("the stored state cannot be read")]
    State,
}

impl OpenError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoRandomness(_) => "no-randomness",
            Self::State => "state-unreadable",
        }
    }
}

impl Client {
    /// Starts from stored records, or afresh when there are none.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        _config: Config,
        _records: &[Record],
        mut random: crate::crypto::Random,
        _now: Time,
    ) -> Result<Self, OpenError> {
        let key = crate::crypto::sign::SigningKey::generate(&mut random)?;
        Ok(Self {
            device: key.public(),
        })
    }

    /// The own device.
    pub const fn device(&self) -> crate::wire::DeviceId {
        self.device
    }

    /// Takes one input in. Its consequences come out of [`poll`](Self::poll).
    pub fn handle(&mut self, _now: Time, _input: Input) {}

    /// The next thing to do, until there is none.
    pub fn poll(&mut self, _now: Time) -> Option<Output> {
        None
    }
}
