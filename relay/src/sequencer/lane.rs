//! One lane of the sequencer: the only writer of its contacts in this process. Other nodes may
//! write the same contacts, so what it remembers of them is compared before anything is added, and
//! what rests on something else is judged again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, Time};
use tokio::sync::mpsc;

use super::round::{Accepted, Appended, Round, Verdict};
use super::{Append, Counters, Job, Outcome};
use crate::account::AccountHub;
use crate::contact::{Contact, ReadEntry};
use crate::fanout::{self, Event, Fanout, Topic};
use crate::heads::Heads;
use crate::hints::{Hint, Hints};
use crate::refusal::Refusal;
use crate::store::{ContactKey, Gone, Store};
use crate::throttle::Throttle;
use sottovoce_server::clock;

/// Most appends of one transaction.
const BATCH: usize = 128;
/// Contacts that are kept in memory. Others are made from their commits when they are needed.
const CONTACTS: usize = 8192;
/// How often an append is judged when other nodes add to its contact at the same time.
const ROUNDS: usize = 16;

/// What a lane works with.
#[derive(Clone)]
pub struct Surroundings {
    /// Where entries become durable.
    pub store: Arc<dyn Store>,
    /// Whom this node tells of them.
    pub fanout: Arc<dyn Fanout>,
    /// How other nodes learn of them.
    pub hints: Arc<dyn Hints>,
    /// How far contacts are.
    pub heads: Arc<Heads>,
    /// The limit on new contacts.
    pub throttle: Arc<Throttle>,
    /// What was done.
    pub counters: Arc<Counters>,
}

/// See the module's documentation.
pub(super) struct Lane {
    jobs: mpsc::Receiver<Job>,
    around: Surroundings,
    contacts: HashMap<ContactKey, Contact>,
}

impl Lane {
    pub(super) fn new(jobs: mpsc::Receiver<Job>, around: Surroundings) -> Self {
        Self {
            jobs,
            around,
            contacts: HashMap::new(),
        }
    }

    /// Runs until nobody can send any more and everything sent is durable.
    pub(super) async fn run(mut self) {
        let mut jobs = Vec::with_capacity(BATCH);
        while self.jobs.recv_many(&mut jobs, BATCH).await > 0 {
            self.append(std::mem::take(&mut jobs)).await;
            if self.contacts.len() > CONTACTS {
                self.contacts.clear();
            }
        }
    }

    /// Answers all of these jobs.
    async fn append(&mut self, mut jobs: Vec<Job>) {
        for round in 0..ROUNDS {
            let looks_first = round > 0 || !self.around.store.finds_repeats();
            jobs = self.round(jobs, looks_first).await;
            if jobs.is_empty() {
                return;
            }
        }
        tracing::warn!(appends = jobs.len(), "other nodes were faster each time");
        for job in jobs {
            job.answer(Err(Refusal::Unavailable));
        }
    }

    /// Judges, writes and answers; returns what must be judged again. Without looking first for
    /// what was appended before, only refusals are looked at: the store finds the rest.
    async fn round(&mut self, jobs: Vec<Job>, looks_first: bool) -> Vec<Job> {
        if let Err(refusal) = self.catch_up(&jobs).await {
            return answer_all(jobs, &refusal);
        }
        let mut round = Round::default();
        let mut loaded = Vec::with_capacity(jobs.len());
        for job in &jobs {
            loaded.push(self.load(&mut round, job).await);
        }
        // Only now: a contact may have been loaded with the very entry that another node was sent.
        if looks_first && let Err(refusal) = self.look(&mut round, jobs.iter()).await {
            return answer_all(jobs, &refusal);
        }
        let mut verdicts = Vec::with_capacity(jobs.len());
        for (job, loaded) in jobs.iter().zip(loaded) {
            verdicts.push(self.judge(&mut round, job, loaded).await);
        }
        if !looks_first
            && let Err(refusal) = self.reconsider(&mut round, &jobs, &mut verdicts).await
        {
            self.forget(&round);
            return answer_all(jobs, &refusal);
        }
        match self.settle(&mut round, &jobs, &verdicts).await {
            Ok(moved) => {
                for appended in round.appended(&moved) {
                    self.announce(appended);
                }
                let mut again = Vec::new();
                for (job, verdict) in jobs.into_iter().zip(verdicts) {
                    match verdict {
                        Verdict::Known(positions) => job.answer(Ok(positions)),
                        _ if moved.contains(&job.contact()) => again.push(job),
                        Verdict::Staged(positions) => job.answer(Ok(positions)),
                        Verdict::Refused(refusal) => job.answer(Err(refusal)),
                    }
                }
                again
            }
            Err(refusal) => {
                self.forget(&round);
                answer_all(jobs, &refusal)
            }
        }
    }

    /// Brings what is remembered of these jobs' contacts up to what other nodes have told.
    async fn catch_up(&mut self, jobs: &[Job]) -> Result<(), Refusal> {
        let behind: HashSet<_> = jobs
            .iter()
            .map(Job::contact)
            .filter(|key| {
                let remembered = self.contacts.get(key).map(Contact::head);
                remembered.is_some() && remembered < self.around.heads.get(key)
            })
            .collect();
        if !behind.is_empty() {
            let behind: Vec<_> = behind.into_iter().collect();
            for (account, summary) in self.around.store.summaries(&behind).await? {
                self.remember(&(account, summary.contact), &summary);
            }
        }
        Ok(())
    }

    /// Finds out which of these jobs' appends are stored already.
    async fn look<'a>(
        &self,
        round: &mut Round,
        jobs: impl Iterator<Item = &'a Job>,
    ) -> Result<(), Refusal> {
        let keys: Vec<_> = jobs.flat_map(Job::keys).collect();
        if !keys.is_empty() {
            round.know(self.around.store.known_appends(&keys).await?);
        }
        Ok(())
    }

    /// Looks whether what was refused was appended before.
    async fn reconsider(
        &self,
        round: &mut Round,
        jobs: &[Job],
        verdicts: &mut [Verdict],
    ) -> Result<(), Refusal> {
        let refused = jobs
            .iter()
            .zip(verdicts.iter())
            .filter(|(_, verdict)| matches!(verdict, Verdict::Refused(_)))
            .map(|(job, _)| job);
        self.look(round, refused).await?;
        for (job, verdict) in jobs.iter().zip(verdicts) {
            if matches!(verdict, Verdict::Refused(_))
                && let Some(repeated) = round.repeated(job)
            {
                *verdict = repeated;
            }
        }
        Ok(())
    }

    /// What memory believes of a round's contacts may not be what the store has.
    fn forget(&mut self, round: &Round) {
        for key in round.contacts() {
            self.contacts.remove(key);
        }
    }

    /// Decides about one job and, if it counts, adds it to the round.
    async fn judge(
        &mut self,
        round: &mut Round,
        job: &Job,
        loaded: Result<(), Refusal>,
    ) -> Verdict {
        if let Some(verdict) = round.repeated(job) {
            return verdict;
        }
        if let Err(refusal) = loaded {
            return Verdict::Refused(refusal);
        }
        match self.take_in(round, job).await {
            Ok(positions) => Verdict::Staged(positions),
            Err(refusal) => Verdict::Refused(refusal),
        }
    }

    async fn take_in(&mut self, round: &mut Round, job: &Job) -> Outcome {
        let key = job.contact();
        let now = clock::now();
        // All or nothing: what comes after an entry that counts may not count.
        let before = match job.appends.len() {
            2.. => self.contacts.get(&key).cloned(),
            _ => None,
        };
        let mut accepted = Vec::new();
        for append in &job.appends {
            match self.take_in_one(job, append, now).await {
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
        let positions = accepted.iter().map(|one| one.summary.head).collect();
        for (append, one) in job.appends.iter().zip(accepted) {
            round.add(job, append, one, now);
        }
        Ok(positions)
    }

    async fn take_in_one(
        &mut self,
        job: &Job,
        append: &Append,
        now: Time,
    ) -> Result<Accepted, Refusal> {
        let key = job.contact();
        let book = job.account.book().await;
        let account = book.account();
        let standing = book.standing(&job.device, now);
        let (contact, base, changes) = match (self.contacts.get_mut(&key), &append.entry) {
            (Some(contact), entry) => {
                let base = contact.head();
                let changes = contact.append(account, entry, &job.device, &standing, now)?;
                (contact, base, changes)
            }
            (None, ReadEntry::Commit(commit)) if commit.core().epoch == 0 => {
                let (contact, changes) =
                    Contact::create(account, &job.contact, commit, &job.device, now)?;
                let throttle = &self.around.throttle;
                if !throttle.may_create_contact(job.address, key.0, job.device) {
                    return Err(Refusal::Throttled);
                }
                let entry = self.contacts.entry(key).insert_entry(contact);
                (entry.into_mut(), 0, changes)
            }
            (None, _) => return Err(Refusal::UnknownContact),
        };
        Ok(Accepted {
            base,
            version: book.version(),
            side: contact.side_of(&job.device, &standing),
            level: contact.level(),
            summary: contact.summary(),
            changes,
        })
    }

    /// Makes a job's contact from its stored commits, unless it is remembered.
    async fn load(&mut self, round: &mut Round, job: &Job) -> Result<(), Refusal> {
        let key = job.contact();
        if self.contacts.contains_key(&key) || round.is_new(&key) {
            return Ok(());
        }
        let store = &self.around.store;
        match store.gone(&key.0, &key.1).await? {
            None => {}
            Some(Gone::Dropped) => return Err(Refusal::Dropped),
            Some(Gone::Erased(_)) => return Err(Refusal::Erased),
        }
        match store.contact(&key.0, &key.1).await? {
            Some((summary, commits)) => {
                let book = job.account.book().await;
                let contact = Contact::restore(book.account(), &summary, &commits)?;
                self.contacts.insert(key, contact);
            }
            None => round.note_new(key),
        }
        Ok(())
    }

    /// Writes what was staged, and finds out whether the refusals rest on the truth. Returns the
    /// contacts that must be judged again, brought up to date.
    async fn settle(
        &mut self,
        round: &mut Round,
        jobs: &[Job],
        verdicts: &[Verdict],
    ) -> Result<HashSet<ContactKey>, Refusal> {
        let mut moved = HashSet::new();
        if !round.additions().is_empty() {
            moved.extend(self.around.store.append(round.additions()).await?);
            let all = round.additions();
            if moved.len() < all.len() {
                let written = all.iter().filter(|of| !moved.contains(&of.key()));
                self.around.counters.count(written);
            }
        }
        let refused: HashMap<_, _> = jobs
            .iter()
            .zip(verdicts)
            .filter(|(_, verdict)| matches!(verdict, Verdict::Refused(_)))
            .map(|(job, _)| (job.contact(), &job.account))
            .collect();
        if moved.is_empty() && refused.is_empty() {
            return Ok(moved);
        }
        let stale = self.stale_accounts(jobs).await?;
        moved.extend(refused.keys().filter(|key| stale.contains(&key.0)));
        let looked_up: Vec<_> = moved.iter().chain(refused.keys()).copied().collect();
        let summaries = self.around.store.summaries(&looked_up).await?;
        let now: HashMap<_, _> = summaries
            .into_iter()
            .map(|(account, summary)| ((account, summary.contact), summary))
            .collect();
        for key in refused.keys() {
            let remembered = match self.contacts.get(key) {
                Some(contact) => contact.head(),
                None if round.is_new(key) => 0,
                // It was not asked, or has only just been read.
                None => continue,
            };
            let stored = now.get(key).map_or(0, |summary| summary.head);
            if remembered != stored {
                moved.insert(*key);
            }
        }
        for key in &moved {
            match now.get(key) {
                Some(summary) if round.may_go_on(key, summary.head) => {
                    self.remember(key, summary);
                }
                _ => {
                    self.contacts.remove(key);
                }
            }
        }
        Ok(moved)
    }

    /// The accounts of which this node did not know what another one has stored. It does now.
    async fn stale_accounts(&self, jobs: &[Job]) -> Result<HashSet<AccountId>, Refusal> {
        let accounts: HashMap<_, &Arc<AccountHub>> = jobs
            .iter()
            .map(|job| (job.account.id(), &job.account))
            .collect();
        let mut stale = HashSet::new();
        for (id, account) in accounts {
            if account.refresh().await? {
                stale.insert(id);
            }
        }
        Ok(stale)
    }

    /// Believes the store about a contact.
    fn remember(&mut self, key: &ContactKey, summary: &ContactSummary) {
        let known = self.contacts.get_mut(key);
        if known.is_some_and(|contact| !contact.catch_up(summary)) {
            self.contacts.remove(key);
        }
    }

    fn announce(&self, appended: Appended) {
        let Appended {
            account,
            position,
            entry,
            summary,
            left,
            received,
        } = appended;
        let key = (account, summary.contact);
        self.around.heads.advance(key, position);
        self.around.hints.publish(Hint::Contact {
            key,
            head: position,
            left: left.clone(),
        });
        let concerned = fanout::concerned(account, &summary, left);
        let contact = Topic::Contact(account, summary.contact);
        let appended = fanout::Appended {
            position,
            entry,
            summary: Arc::clone(&summary),
            received,
        };
        let around = &self.around;
        around
            .fanout
            .publish(&[contact], &Event::Entry(Arc::new(appended)));
        around.fanout.publish(&concerned, &Event::Contact(summary));
    }
}

fn answer_all(jobs: Vec<Job>, refusal: &Refusal) -> Vec<Job> {
    for job in jobs {
        job.answer(Err(refusal.clone()));
    }
    Vec::new()
}
