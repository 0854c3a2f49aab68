//! One node among several on one database: it turns what it hears of others into news for its own
//! connections, and looks for itself every few seconds, so that what it did not hear arrives too.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sottovoce::wire::{AccountId, Time, limits};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::account::AccountHub;
use crate::fanout::{self, Event, Fanout, Topic, concerned, topic};
use crate::heads::Heads;
use crate::hints::{Heard, Hint, Hints, Node};
use crate::presence::{BELIEVED, Presence};
use crate::refusal::Refusal;
use crate::store::{ContactKey, Gone, Mark, Party, Store, StoreError};
use sottovoce_server::clock;

/// How often a node looks for what others have added.
const SWEEP: Duration = Duration::from_secs(3);
/// How often it says that it is there, and who is there with it.
const ANNOUNCE: Duration = Duration::from_secs(10);
/// Hints that are taken in together.
const TOGETHER: usize = 1024;

/// How far a node has looked for what others did.
#[derive(Default)]
struct Looked {
    mark: Mark,
    /// What was gone by then is known; none before the first time.
    until: Option<Time>,
    /// Contacts that were found gone the last time, so that each is told once.
    gone: HashSet<ContactKey>,
}

/// Whether other nodes are there at all: what one node does alone it need not tell.
#[derive(Debug)]
pub(crate) struct Company {
    started: Instant,
    /// Milliseconds from the start to when another node was last heard, plus one; 0 for never.
    heard: AtomicU64,
}

impl Default for Company {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            heard: AtomicU64::new(0),
        }
    }
}

impl Company {
    fn heard(&self, now: Instant) {
        let since = now.duration_since(self.started).as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX - 1);
        self.heard.store(since + 1, Ordering::Relaxed);
    }

    fn is_there(&self, now: Instant) -> bool {
        match self.heard.load(Ordering::Relaxed) {
            0 => false,
            heard => now < self.started + Duration::from_millis(heard) + BELIEVED,
        }
    }
}

/// Hints that are kept back while nobody is there to hear them.
pub(crate) struct SparseHints {
    hints: Arc<dyn Hints>,
    company: Arc<Company>,
}

impl SparseHints {
    /// Keeps back what would go to `hints` as long as there is no company.
    pub(crate) fn new(hints: Arc<dyn Hints>, company: Arc<Company>) -> Self {
        Self { hints, company }
    }
}

impl Hints for SparseHints {
    fn publish(&self, hint: Hint) {
        let introduces = matches!(hint, Hint::Alive | Hint::Presence { .. });
        if introduces || self.company.is_there(Instant::now()) {
            self.hints.publish(hint);
        }
    }
}

/// See the module's documentation.
pub(crate) struct Nodes {
    /// This node.
    pub(crate) node: Node,
    /// The accounts that are served.
    pub(crate) accounts: HashMap<AccountId, Arc<AccountHub>>,
    /// What all nodes share.
    pub(crate) store: Arc<dyn Store>,
    /// This node's own connections.
    pub(crate) fanout: Arc<dyn Fanout>,
    /// How far contacts are.
    pub(crate) heads: Arc<Heads>,
    /// Who is there.
    pub(crate) presence: Arc<Presence>,
    /// How others are told.
    pub(crate) hints: Arc<dyn Hints>,
    /// Whether there are others.
    pub(crate) company: Arc<Company>,
}

impl Nodes {
    /// Runs for ever.
    pub(crate) async fn run(self, mut heard: mpsc::Receiver<Heard>) {
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut announce = interval(ANNOUNCE);
        let mut seen = Looked::default();
        let mut known = HashSet::new();
        let mut together = Vec::new();
        loop {
            tokio::select! {
                many = heard.recv_many(&mut together, TOGETHER) => {
                    if many == 0 {
                        // Nobody tells anything: what is left is looking.
                        sweep.tick().await;
                        self.sweep(&mut seen).await;
                        continue;
                    }
                    let together = std::mem::take(&mut together);
                    if together.contains(&Heard::Interrupted) {
                        self.sweep(&mut seen).await;
                        self.announce();
                    }
                    if self.hear(&mut known, together).await {
                        self.announce();
                    }
                }
                _ = sweep.tick() => self.sweep(&mut seen).await,
                _ = announce.tick() => {
                    self.presence.forget(Instant::now());
                    self.announce();
                }
            }
        }
    }

    /// Says that this node is there, and who is there with it.
    fn announce(&self) {
        self.hints.publish(Hint::Alive);
        for hint in self.presence.hints() {
            self.hints.publish(hint);
        }
    }

    /// Takes in what was heard. Whether there was a node that was not known.
    async fn hear(&self, known: &mut HashSet<Node>, heard: Vec<Heard>) -> bool {
        let now = Instant::now();
        let mut is_new = false;
        let mut contacts: HashMap<ContactKey, Vec<Party>> = HashMap::new();
        let mut accounts = HashSet::new();
        for heard in heard {
            let Heard::Hint(node, hint) = heard else {
                continue;
            };
            if node == self.node {
                continue;
            }
            self.company.heard(now);
            is_new |= known.insert(node);
            match hint {
                Hint::Contact { key, head, left } => {
                    if self.is_news(&key, head, &left) {
                        contacts.entry(key).or_default().extend(left);
                    }
                }
                Hint::Objects { account, .. } => {
                    accounts.insert(account);
                }
                Hint::Ephemeral { key, from, event } => {
                    let contact = key.1;
                    let event = Event::ephemeral(contact, from, event);
                    self.fanout
                        .publish(&[Topic::Contact(key.0, contact)], &event);
                }
                Hint::Presence {
                    account,
                    devices,
                    available,
                } => self.presence.hear(node, account, devices, available, now),
                Hint::Alive => {}
            }
        }
        for account in accounts {
            self.refresh(&account).await;
        }
        if let Err(error) = self.advance(contacts).await {
            tracing::warn!(%error, "what other nodes added was not read");
        }
        is_new
    }

    /// Looks for what others have done since the last time.
    async fn sweep(&self, seen: &mut Looked) {
        for account in self.accounts.keys() {
            self.refresh(account).await;
        }
        if let Err(error) = self.look(seen).await {
            tracing::warn!(%error, "what other nodes did was not looked for");
        }
    }

    async fn look(&self, seen: &mut Looked) -> Result<(), StoreError> {
        let (advances, next) = self.store.advances(&seen.mark).await?;
        let news = advances
            .into_iter()
            .filter(|of| self.is_news(&of.key, of.head, &of.left));
        self.advance(news.map(|of| (of.key, of.left)).collect())
            .await?;
        if next != seen.mark {
            self.heads.age();
        }
        seen.mark = next;
        let now = clock::now();
        let mut gone = HashSet::new();
        if let Some(since) = seen.until {
            for account in self.accounts.keys() {
                let contacts = self.store.gone_since(account, since).await?;
                gone.extend(contacts.into_iter().map(|contact| (*account, contact)));
            }
        }
        for key in gone.difference(&seen.gone) {
            self.tell_gone(key).await?;
        }
        seen.gone = gone;
        // Clocks of nodes differ, and a transaction takes its time.
        let before = now.millis().saturating_sub(limits::LIVE_TOLERANCE);
        seen.until = Some(Time::from_millis(before));
        Ok(())
    }

    /// Tells this node's connections that a contact is there no longer. Who had it in their list
    /// is not known any more, so all staff are told.
    async fn tell_gone(&self, (account, contact): &ContactKey) -> Result<(), StoreError> {
        let refusal = match self.store.gone(account, contact).await? {
            Some(Gone::Dropped) => Refusal::Dropped,
            Some(Gone::Erased(_)) => Refusal::Erased,
            None => return Ok(()),
        };
        let topics = [
            Topic::Contact(*account, *contact),
            Topic::Everyone(*account),
        ];
        let contact = *contact;
        let event = Event::Gone(Arc::new(fanout::Gone { contact, refusal }));
        self.fanout.publish(&topics, &event);
        Ok(())
    }

    fn is_news(&self, key: &ContactKey, head: u64, left: &[Party]) -> bool {
        let served = self.accounts.contains_key(&key.0);
        served && (self.heads.get(key) < Some(head) || !left.is_empty())
    }

    async fn refresh(&self, account: &AccountId) {
        if let Some(account) = self.accounts.get(account)
            && let Err(error) = account.refresh().await
        {
            tracing::warn!(%error, "an account was not read");
        }
    }

    /// Tells this node's connections of contacts that others have added to.
    async fn advance(&self, contacts: HashMap<ContactKey, Vec<Party>>) -> Result<(), StoreError> {
        let keys: Vec<_> = contacts.keys().copied().collect();
        if keys.is_empty() {
            return Ok(());
        }
        let mut contacts = contacts;
        for (account, summary) in self.store.summaries(&keys).await? {
            let key = (account, summary.contact);
            let left = contacts.remove(&key).unwrap_or_default();
            let is_news = self.heads.advance(key, summary.head);
            let summary = Arc::new(summary);
            if !is_news {
                // Told already, but perhaps not to those who left.
                let left: Vec<_> = left
                    .into_iter()
                    .map(|party| topic(account, party))
                    .collect();
                self.fanout.publish(&left, &Event::Contact(summary));
                continue;
            }
            let concerned = concerned(account, &summary, left);
            let contact = Topic::Contact(account, summary.contact);
            self.fanout
                .publish(&[contact], &Event::Advanced(Arc::clone(&summary)));
            self.fanout.publish(&concerned, &Event::Contact(summary));
        }
        Ok(())
    }
}
