//! What became of an event at one endpoint.

use sottovoce::wire::{ContactId, Time};

use crate::endpoint::EndpointId;
use crate::event::EventKind;

/// Names a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(i64);

impl DeliveryId {
    /// From its number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// Its number. Later deliveries have higher ones.
    pub const fn number(self) -> i64 {
        self.0
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It waits for its turn or for the next attempt.
    Pending,
    /// The endpoint answered 2xx.
    Delivered,
    /// Nothing more is tried, unless it is replayed.
    Failed,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// An event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What names it.
    pub id: DeliveryId,
    /// Where to.
    pub endpoint: EndpointId,
    /// The event's id, as in `webhook-id`.
    pub event: String,
    /// What happened.
    pub kind: EventKind,
    /// The contact, where the event is about one.
    pub contact: Option<ContactId>,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried, replays counted.
    pub attempts: u32,
    /// When the event was recorded.
    pub created: Time,
    /// When it was delivered or given up.
    pub finished: Option<Time>,
    /// From when on it is tried next; none while it is being tried, waits for another one of its
    /// subject, or has ended.
    pub next: Option<Time>,
}

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub started: Time,
    /// How long it took, in milliseconds.
    pub duration: u64,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// What was wrong, as a stable code: see [`crate::dispatch::AttemptError`].
    pub error: Option<String>,
    /// The beginning of a failure's answer, at most 256 characters, for whoever looks for the
    /// cause.
    pub excerpt: Option<String>,
}

/// Which deliveries are asked for, newest first.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Only to this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Only of this state.
    pub state: Option<DeliveryState>,
    /// Only those before this one.
    pub before: Option<DeliveryId>,
}
