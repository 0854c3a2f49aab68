//! What gives entries their positions. Appends that arrive together are judged in order, written
//! in one durable transaction, and only then answered: they share the cost of one disk
//! synchronisation. Contacts are spread over lanes, as many as the store can use.

mod lane;
mod round;

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sottovoce::wire::{Bytes, ContactId, ContentId, DeviceId};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::account::AccountHub;
use crate::contact::ReadEntry;
use crate::refusal::Refusal;
use crate::store::{Addition, AppendKey, ContactKey, Usage};
use crate::usage::UsageCounter;
use lane::Lane;
pub use lane::Surroundings;

/// Most appends of a lane that wait. Beyond that, connections wait.
const QUEUE: usize = 1024;

/// What the relay has done since it started.
#[derive(Debug, Default)]
pub struct Counters {
    transactions: AtomicU64,
    appended: AtomicU64,
    usage: UsageCounter,
}

impl Counters {
    /// Durable transactions of appends.
    pub fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// Entries that they appended.
    pub fn appended(&self) -> u64 {
        self.appended.load(Ordering::Relaxed)
    }

    /// What accounts used.
    pub const fn usage(&self) -> &UsageCounter {
        &self.usage
    }

    /// Counts a transaction and what it added.
    fn count<'a>(&self, additions: impl Iterator<Item = &'a Addition>) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
        for entry in additions.flat_map(|addition| &addition.entries) {
            self.appended.fetch_add(1, Ordering::Relaxed);
            let used = Usage {
                contacts: u64::from(entry.position == 1),
                entries: 1,
                bytes: entry.fact.bytes,
            };
            self.usage.count(entry.key.account, entry.received, used);
        }
    }
}

/// The positions of a job's appends, or why none of them was appended. After
/// [`Refusal::Unavailable`] nobody knows: appending the same again finds it out.
pub type Outcome = Result<Vec<u64>, Refusal>;

/// Entries that are appended to a contact at consecutive positions, or not at all.
#[derive(Debug)]
pub struct Job {
    /// The account.
    pub account: Arc<AccountHub>,
    /// Who appends.
    pub device: DeviceId,
    /// From where, for the limit on new contacts.
    pub address: IpAddr,
    /// The contact.
    pub contact: ContactId,
    /// When they arrived.
    pub received: Instant,
    /// One or two, in their order.
    pub appends: Vec<Append>,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Outcome>,
}

/// An entry that is to be appended.
#[derive(Debug)]
pub struct Append {
    /// The append's id.
    pub id: ContentId,
    /// The entry's bytes.
    pub bytes: Bytes,
    /// What they say.
    pub entry: ReadEntry,
}

impl Job {
    fn key(&self, append: &Append) -> AppendKey {
        AppendKey {
            account: self.account.id(),
            device: self.device,
            id: append.id,
        }
    }

    fn keys(&self) -> impl Iterator<Item = AppendKey> {
        self.appends.iter().map(|append| self.key(append))
    }

    fn contact(&self) -> ContactKey {
        (self.account.id(), self.contact)
    }

    /// The connection may be gone; what was appended is durable all the same.
    fn answer(self, outcome: Outcome) {
        let _ = self.answer.send(outcome);
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Sequencer {
    lanes: Vec<mpsc::Sender<Job>>,
    spread: RandomState,
}

impl Sequencer {
    /// Starts the lanes. They end when the sequencer is gone and everything sent is durable.
    pub fn start(surroundings: &Surroundings, tasks: &TaskTracker) -> Self {
        let start = |_| {
            let (sender, jobs) = mpsc::channel(QUEUE);
            tasks.spawn(Lane::new(jobs, surroundings.clone()).run());
            sender
        };
        Self {
            lanes: (0..surroundings.store.lanes()).map(start).collect(),
            spread: RandomState::new(),
        }
    }

    /// The lanes' queues, for whoever counts what waits in them.
    pub fn queues(&self) -> Vec<mpsc::WeakSender<Job>> {
        self.lanes.iter().map(mpsc::Sender::downgrade).collect()
    }

    /// Sends an append to the lane of its contact.
    ///
    /// # Errors
    /// [`Refusal::GoingAway`] when the lanes have ended.
    pub async fn send(&self, job: Job) -> Result<(), Refusal> {
        let hash = usize::try_from(self.spread.hash_one(job.contact) >> 32).unwrap_or_default();
        let lane = hash
            .checked_rem(self.lanes.len())
            .and_then(|lane| self.lanes.get(lane))
            .ok_or(Refusal::GoingAway)?;
        lane.send(job).await.map_err(|_| Refusal::GoingAway)
    }
}
