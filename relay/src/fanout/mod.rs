//! How news reaches the connections that they concern, behind one narrow trait: in process, or
//! across the nodes of a larger installation.

mod local;

use std::sync::Arc;

use sottovoce::wire::frame::{ContactSummary, Object};
use sottovoce::wire::{AccountId, Bytes, ContactId, DeviceId};
use tokio::sync::mpsc;

pub use local::LocalFanout;

use crate::refusal::Refusal;

/// Events that wait for a connection at most. One that lets more pile up is cut.
pub const QUEUE: usize = 512;

/// What connections subscribe to, within an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// News for everyone: root statement, policy, renewals.
    Everyone(AccountId),
    /// News for administrators: enrolment requests.
    Administrators(AccountId),
    /// News for a team: its keys, contacts that wait for it.
    Team(AccountId, String),
    /// News for one device: its credential, contacts that it is on.
    Device(AccountId, DeviceId),
    /// A contact's entries and ephemeral events.
    Contact(AccountId, ContactId),
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Account objects are in force.
    Objects(Arc<Vec<Object>>),
    /// A contact changed.
    Contact(Arc<ContactSummary>),
    /// An entry is durable.
    Entry(Arc<Appended>),
    /// A contact has no entries to give any more.
    Gone {
        /// The contact.
        contact: ContactId,
        /// Why.
        refusal: Refusal,
    },
    /// Somebody is, for example, typing.
    Ephemeral {
        /// The contact.
        contact: ContactId,
        /// Who sent it.
        from: DeviceId,
        /// The encoded event.
        event: Bytes,
    },
}

/// A durable entry.
#[derive(Debug)]
pub struct Appended {
    /// Where.
    pub position: u64,
    /// What.
    pub entry: Bytes,
    /// The contact, as it is after it.
    pub summary: Arc<ContactSummary>,
}

/// Names a subscriber to its fan-out.
pub type SubscriberId = u64;

/// Carries events to subscribers. In order per publisher and topic.
pub trait Fanout: Send + Sync + 'static {
    /// A new subscriber and the queue that its events arrive in. The queue ends when more than
    /// [`QUEUE`] events wait in it.
    fn connect(&self) -> (SubscriberId, mpsc::Receiver<Event>);

    /// Forgets a subscriber.
    fn disconnect(&self, subscriber: SubscriberId);

    /// Subscribes to a topic. Events that are published afterwards arrive.
    fn subscribe(&self, subscriber: SubscriberId, topic: Topic);

    /// Ends a subscription.
    fn unsubscribe(&self, subscriber: SubscriberId, topic: &Topic);

    /// Publishes an event, once to every subscriber of any of the topics. Never waits.
    fn publish(&self, topics: &[Topic], event: &Event);
}
