//! The one writer of entries. It takes everything that has arrived, judges it in order, writes
//! it in one durable transaction, and only then answers: appends that arrive together share the
//! cost of one disk synchronisation.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, Bytes, ContactId, ContentId, DeviceId, Time};
use tokio::sync::{mpsc, oneshot};

use crate::account::AccountHub;
use crate::clock;
use crate::contact::{Contact, PartyChange, ReadEntry};
use crate::fanout::{Appended, Event, Fanout, Topic};
use crate::outcome::Side;
use crate::refusal::Refusal;
use crate::store::{
    AppendKey, Batch, Gone, NewEntry, Party, RosterChange, Store, StoreError, Usage,
};
use crate::throttle::Throttle;
use crate::usage::UsageCounter;

/// Most appends of one transaction.
const BATCH: usize = 128;
/// Most appends that wait. Beyond that, connections wait.
const QUEUE: usize = 1024;
/// Contacts that are kept in memory. Others are made from their commits when they are needed.
const CONTACTS: usize = 8192;

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

    /// What accounts used.
    pub const fn usage(&self) -> &UsageCounter {
        &self.usage
    }

    /// Entries that they appended.
    pub fn appended(&self) -> u64 {
        self.appended.load(Ordering::Relaxed)
    }
}

/// The positions of a job's appends, or why none of them was appended.
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
}

/// An append that was judged and counts.
struct Accepted {
    position: u64,
    side: Side,
    summary: ContactSummary,
    changes: Vec<PartyChange>,
}

type ContactKey = (AccountId, ContactId);

/// See the module's documentation.
pub struct Sequencer {
    jobs: mpsc::Receiver<Job>,
    store: Arc<dyn Store>,
    fanout: Arc<dyn Fanout>,
    throttle: Arc<Throttle>,
    counters: Arc<Counters>,
    contacts: HashMap<ContactKey, Contact>,
}

/// What one round adds, and what the connections are told once it is durable.
#[derive(Default)]
struct Round {
    batch: Batch,
    /// What was accepted in this round, by its append key.
    staged: HashMap<AppendKey, (ContactId, u64, Bytes)>,
    news: Vec<News>,
    answers: Vec<(oneshot::Sender<Outcome>, Outcome)>,
}

struct News {
    account: AccountId,
    position: u64,
    entry: Bytes,
    summary: Arc<ContactSummary>,
    left: Vec<Party>,
}

impl Sequencer {
    /// A sequencer and the way to it. It ends when nobody can send to it any more.
    pub fn new(
        store: Arc<dyn Store>,
        fanout: Arc<dyn Fanout>,
        throttle: Arc<Throttle>,
        counters: Arc<Counters>,
    ) -> (mpsc::Sender<Job>, Self) {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let sequencer = Self {
            jobs,
            store,
            fanout,
            throttle,
            counters,
            contacts: HashMap::new(),
        };
        (sender, sequencer)
    }

    /// Runs until nobody can send any more and everything sent is durable.
    pub async fn run(mut self) {
        let mut jobs = Vec::with_capacity(BATCH);
        while self.jobs.recv_many(&mut jobs, BATCH).await > 0 {
            self.round(&mut jobs).await;
            if self.contacts.len() > CONTACTS {
                self.contacts.clear();
            }
        }
    }

    async fn round(&mut self, jobs: &mut Vec<Job>) {
        let keys: Vec<_> = jobs.iter().flat_map(Job::keys).collect();
        let known = match self.store.known_appends(&keys).await {
            Ok(known) => known,
            Err(error) => {
                let refusal = Refusal::from(error);
                for job in jobs.drain(..) {
                    let _ = job.answer.send(Err(refusal.clone()));
                }
                return;
            }
        };
        let mut round = Round::default();
        for known in known {
            let place = (known.contact, known.position, known.entry.into());
            round.staged.insert(known.key, place);
        }
        for job in jobs.drain(..) {
            let outcome = self.judge(&mut round, &job).await;
            round.answers.push((job.answer, outcome));
        }
        if let Err(error) = self.write(&mut round).await {
            // What memory believes is not what the store has.
            for (account, summary) in &round.batch.contacts {
                self.contacts.remove(&(*account, summary.contact));
            }
            let refusal = Refusal::from(error);
            for (answer, _) in round.answers {
                let _ = answer.send(Err(refusal.clone()));
            }
            return;
        }
        for news in round.news {
            self.announce(news);
        }
        for (answer, outcome) in round.answers {
            // The connection may be gone; the entry is durable all the same.
            let _ = answer.send(outcome);
        }
    }

    /// Decides about one job and, if it counts, adds it to the round.
    async fn judge(&mut self, round: &mut Round, job: &Job) -> Outcome {
        if let Some(known) = round.known(job) {
            return known;
        }
        let now = clock::now();
        let key = (job.account.id(), job.contact);
        // All or nothing: what comes after an entry that counts may not count.
        let before = match (self.load(job, &key).await?, job.appends.len()) {
            (Some(contact), 2..) => Some(contact.clone()),
            _ => None,
        };
        let mut accepted = Vec::new();
        for append in &job.appends {
            match self.judge_one(job, append, now).await {
                Ok(one) => accepted.push(one),
                Err(refusal) if accepted.is_empty() => return Err(refusal),
                Err(refusal) => {
                    match before {
                        Some(contact) => self.contacts.insert(key, contact),
                        None => self.contacts.remove(&key),
                    };
                    return Err(refusal);
                }
            }
        }
        let positions = accepted.iter().map(|one| one.position).collect();
        for (append, one) in job.appends.iter().zip(accepted) {
            round.add(job, append, one, now);
        }
        Ok(positions)
    }

    async fn judge_one(
        &mut self,
        job: &Job,
        append: &Append,
        now: Time,
    ) -> Result<Accepted, Refusal> {
        let key = (job.account.id(), job.contact);
        let known = self.load(job, &key).await?;
        let book = job.account.book().await;
        let standing = book.standing(&job.device, now);
        let (contact, changes) = match (known, &append.entry) {
            (Some(contact), entry) => {
                let changes = contact.append(book.account(), entry, &job.device, &standing, now)?;
                (contact, changes)
            }
            (None, ReadEntry::Commit(commit)) if commit.core().epoch == 0 => {
                let (contact, changes) =
                    Contact::create(book.account(), &job.contact, commit, &job.device, now)?;
                if !self.throttle.may_create_contact(job.address) {
                    return Err(Refusal::Throttled);
                }
                (
                    self.contacts.entry(key).insert_entry(contact).into_mut(),
                    changes,
                )
            }
            (None, _) => return Err(Refusal::UnknownContact),
        };
        Ok(Accepted {
            position: contact.head(),
            side: contact.side_of(&job.device, &standing),
            summary: contact.summary(),
            changes,
        })
    }

    /// The contact, from memory or from its stored commits.
    async fn load(&mut self, job: &Job, key: &ContactKey) -> Result<Option<&mut Contact>, Refusal> {
        if !self.contacts.contains_key(key) {
            match self.store.gone(&key.0, &key.1).await? {
                None => {}
                Some(Gone::Dropped) => return Err(Refusal::Dropped),
                Some(Gone::Erased(_)) => return Err(Refusal::Erased),
            }
            let Some((summary, commits)) = self.store.contact(&key.0, &key.1).await? else {
                return Ok(None);
            };
            let book = job.account.book().await;
            let contact = Contact::restore(book.account(), &summary, &commits)?;
            self.contacts.insert(*key, contact);
        }
        Ok(self.contacts.get_mut(key))
    }

    async fn write(&self, round: &mut Round) -> Result<(), StoreError> {
        if round.batch.entries.is_empty() {
            return Ok(());
        }
        self.store.append(&round.batch).await?;
        self.counters.transactions.fetch_add(1, Ordering::Relaxed);
        let appended = u64::try_from(round.batch.entries.len()).unwrap_or(u64::MAX);
        for entry in &round.batch.entries {
            let used = Usage {
                contacts: u64::from(entry.position == 1),
                entries: 1,
                bytes: entry.fact.bytes,
            };
            let usage = &self.counters.usage;
            usage.count(entry.key.account, entry.received, used);
        }
        self.counters
            .appended
            .fetch_add(appended, Ordering::Relaxed);
        Ok(())
    }

    fn announce(&self, news: News) {
        let account = news.account;
        let parties = |party: &Party| match party {
            Party::Device(device) => Topic::Device(account, *device),
            Party::Team(team) => Topic::Team(account, team.clone()),
        };
        let summary = &news.summary;
        let devices = summary.devices.iter().copied().map(Party::Device);
        let teams = summary.teams.iter().cloned().map(Party::Team);
        // Those who left are told once more, so that the contact leaves their list.
        let concerned: Vec<_> = devices
            .chain(teams)
            .chain(news.left)
            .map(|party| parties(&party))
            .collect();
        let contact = Topic::Contact(account, summary.contact);
        let appended = Appended {
            position: news.position,
            entry: news.entry,
            summary: Arc::clone(summary),
        };
        self.fanout
            .publish(&[contact], &Event::Entry(Arc::new(appended)));
        self.fanout
            .publish(&concerned, &Event::Contact(Arc::clone(summary)));
    }
}

impl Round {
    /// The answer to a job that was accepted before, or whose ids were; none to a new one.
    fn known(&self, job: &Job) -> Option<Outcome> {
        let known: Vec<_> = job
            .appends
            .iter()
            .filter_map(|append| Some((append, self.staged.get(&job.key(append))?)))
            .collect();
        if known.is_empty() {
            return None;
        }
        let same = known.len() == job.appends.len()
            && known.iter().all(|(append, (contact, _, bytes))| {
                // Bytes that were dropped can't be compared any more.
                *contact == job.contact && (bytes.is_empty() || *bytes == append.bytes)
            });
        Some(if same {
            Ok(known
                .iter()
                .map(|(_, (_, position, _))| *position)
                .collect())
        } else {
            Err(Refusal::IdReused)
        })
    }

    fn add(&mut self, job: &Job, append: &Append, accepted: Accepted, now: Time) {
        let account = job.account.id();
        let key = job.key(append);
        let Accepted {
            position,
            side,
            summary,
            changes,
        } = accepted;
        let place = (job.contact, position, append.bytes.clone());
        self.staged.insert(key, place);
        self.batch.entries.push(NewEntry {
            key,
            contact: job.contact,
            position,
            is_commit: append.entry.is_commit(),
            received: now,
            fact: append.entry.fact(side, append.bytes.len(), now),
            bytes: append.bytes.to_vec(),
        });
        let mut left = Vec::new();
        for (party, joined) in changes {
            if !joined {
                left.push(party.clone());
            }
            self.batch.roster.push(RosterChange {
                account,
                contact: job.contact,
                party,
                joined,
                position,
            });
        }
        self.batch
            .contacts
            .retain(|(of, known)| *of != account || known.contact != job.contact);
        self.batch.contacts.push((account, summary.clone()));
        self.news.push(News {
            account,
            position,
            entry: append.bytes.clone(),
            summary: Arc::new(summary),
            left,
        });
    }
}
