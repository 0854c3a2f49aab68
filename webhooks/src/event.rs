//! What endpoints are told.

use sottovoce::account::Level;
use sottovoce::wire::{AccountId, ContactId, DeviceId, Time};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A contact begins.
    ContactCreated,
    /// Somebody of the business takes it.
    ContactClaimed,
    /// It is handed to a team or a device.
    ContactTransferred,
    /// Somebody wrote to it. What they wrote, only its members can read.
    ContactMessage,
    /// It ends.
    ContactClosed,
    /// What the service kept of it is gone.
    ContactErased,
    /// The account no longer believes in a device.
    DeviceRevoked,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ContactCreated,
        Self::ContactClaimed,
        Self::ContactTransferred,
        Self::ContactMessage,
        Self::ContactClosed,
        Self::ContactErased,
        Self::DeviceRevoked,
    ];

    /// Its name, as in an event's `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContactCreated => "contact.created",
            Self::ContactClaimed => "contact.claimed",
            Self::ContactTransferred => "contact.transferred",
            Self::ContactMessage => "contact.message",
            Self::ContactClosed => "contact.closed",
            Self::ContactErased => "contact.erased",
            Self::DeviceRevoked => "device.revoked",
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Some kinds of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// Whether it has a kind.
    pub const fn has(self, kind: EventKind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Those that it has, in the order of [`EventKind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = EventKind> {
        EventKind::ALL
            .into_iter()
            .filter(move |kind| self.has(*kind))
    }

    /// Whether it has none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits & 0x7f)
    }
}

impl FromIterator<EventKind> for Kinds {
    fn from_iter<I: IntoIterator<Item = EventKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | kind.bit()))
    }
}

/// What an event is about, and what orders it: events with one subject reach an endpoint in the
/// order in which they were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A contact.
    Contact(ContactId),
    /// A device.
    Device(DeviceId),
}

impl Subject {
    pub(crate) fn lane(&self) -> &[u8] {
        match self {
            Self::Contact(contact) => contact.as_array(),
            Self::Device(device) => device.as_array(),
        }
    }
}

/// An event that has not been recorded yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// The account.
    pub account: AccountId,
    /// To what.
    pub subject: Subject,
    /// When, by the recorder's clock.
    pub time: Time,
    /// What else is known.
    pub details: Details,
}

/// What is told of an event besides: only what the relay itself may know.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// The contact's entry point.
    pub entry_point: Option<String>,
    /// The contact's security level.
    pub level: Option<Level>,
    /// The entry's position in the contact's log.
    pub position: Option<u64>,
    /// The contact's epoch.
    pub epoch: Option<u64>,
    /// The device that did it.
    pub device: Option<DeviceId>,
    /// The teams on the roster afterwards.
    pub teams: Option<Vec<String>>,
    /// The devices on the roster afterwards.
    pub devices: Option<Vec<DeviceId>>,
    /// The log's entry: for a message, the signed envelope around its ciphertext.
    pub entry: Option<Vec<u8>>,
}
