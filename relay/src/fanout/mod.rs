//! How news reaches the connections that they concern, behind one narrow trait: in process, or
//! across the nodes of a larger installation.

mod local;

use std::sync::Arc;
use std::time::Instant;

use sottovoce::message::{Audience, Ephemeral};
use sottovoce::wire::frame::{ContactSummary, Object};
use sottovoce::wire::{AccountId, Bytes, ContactId, DeviceId};
use tokio::sync::mpsc;

pub use local::LocalFanout;

use crate::refusal::Refusal;
use crate::store::Party;

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
    /// A contact has entries that another node has written.
    Advanced(Arc<ContactSummary>),
    /// A contact has no entries to give any more.
    Gone(Arc<Gone>),
    /// Somebody is, for example, typing.
    Ephemeral(Arc<Fleeting>),
    /// The subscriber is kept away from now on.
    Banned,
}

impl Event {
    /// An ephemeral event.
    pub fn ephemeral(contact: ContactId, from: DeviceId, event: Bytes) -> Self {
        let parsed = Ephemeral::parse(&event);
        Self::Ephemeral(Arc::new(Fleeting {
            contact,
            from,
            staff_only: parsed.is_ok_and(|event| event.header().audience == Audience::Staff),
            event,
        }))
    }
}

/// A contact has no entries to give any more.
#[derive(Debug)]
pub struct Gone {
    /// The contact.
    pub contact: ContactId,
    /// Why.
    pub refusal: Refusal,
}

/// An ephemeral event. Queues of many connections hold room for events, so those are small.
#[derive(Debug)]
pub struct Fleeting {
    /// The contact.
    pub contact: ContactId,
    /// Who sent it.
    pub from: DeviceId,
    /// Whether visitors are not even to know of it.
    pub staff_only: bool,
    /// The encoded event.
    pub event: Bytes,
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
    /// When it arrived here.
    pub received: Instant,
}

/// Whom a change of a contact concerns: those on its roster, and those who left, who are told once
/// more so that the contact leaves their list.
pub fn concerned(account: AccountId, summary: &ContactSummary, left: Vec<Party>) -> Vec<Topic> {
    let devices = summary.devices.iter().copied().map(Party::Device);
    let teams = summary.teams.iter().cloned().map(Party::Team);
    devices
        .chain(teams)
        .chain(left)
        .map(|party| topic(account, party))
        .collect()
}

/// What somebody's connections subscribe to.
pub fn topic(account: AccountId, party: Party) -> Topic {
    match party {
        Party::Device(device) => Topic::Device(account, device),
        Party::Team(team) => Topic::Team(account, team),
    }
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
