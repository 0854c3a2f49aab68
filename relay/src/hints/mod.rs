//! What nodes tell each other: that there is something new in the store. Hints are lossy and
//! nothing depends on them: a node that hears nothing finds the same by looking, only later.

mod hint;
mod nats;
mod postgres;

use tokio::sync::mpsc;

pub use hint::{Hint, Node};
pub use nats::{NatsError, NatsHints};
pub use postgres::PostgresHints;

/// Hints that wait to be sent or heard. More are dropped.
const QUEUE: usize = 4096;

/// How nodes hear of each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HintChannel {
    /// Through the database, if it can: PostgreSQL's notifications.
    #[default]
    Database,
    /// Through NATS, at a `nats:` or `tls:` URL.
    Nats(String),
    /// Not at all: they look every few seconds.
    None,
}

/// What a node hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A hint of a node, perhaps of this one.
    Hint(Node, Hint),
    /// Hints may have been missed.
    Interrupted,
}

/// Carries hints between nodes.
pub trait Hints: Send + Sync + 'static {
    /// Tells all nodes. Never waits; what is too much is dropped.
    fn publish(&self, hint: Hint);
}

/// Where hints go that nobody is to hear.
#[derive(Debug)]
pub struct NoHints;

impl Hints for NoHints {
    fn publish(&self, _: Hint) {}
}

/// The sending half of a channel, whatever carries it.
#[derive(Clone, Debug)]
struct Outbox(mpsc::Sender<Hint>);

impl Hints for Outbox {
    fn publish(&self, hint: Hint) {
        // A full queue is what a lossy channel loses.
        let _ = self.0.try_send(hint);
    }
}
