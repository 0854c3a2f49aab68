//! What one round of a lane adds, and whom it tells once that is durable.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sottovoce::account::Level;
use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, Bytes, ContactId, Time};

use super::{Append, Job};
use crate::contact::PartyChange;
use crate::outcome::Side;
use crate::refusal::Refusal;
use crate::store::{Addition, AppendKey, ContactKey, KnownAppend, NewEntry, Party, RosterChange};
use crate::webhooks;

/// What was decided about a job.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It was appended before.
    Known(Vec<u64>),
    /// It is appended if the round's addition to its contact is written.
    Staged(Vec<u64>),
    /// It is refused, if the judgement rests on the truth.
    Refused(Refusal),
}

/// An append that was judged and counts.
pub(super) struct Accepted {
    /// The contact's last position before it.
    pub(super) base: u64,
    /// The version of the account's objects that it was judged by.
    pub(super) version: u64,
    /// Which side its author is on.
    pub(super) side: Side,
    /// The contact's level.
    pub(super) level: Level,
    /// The contact with it.
    pub(super) summary: ContactSummary,
    pub(super) changes: Vec<PartyChange>,
}

/// An entry that was appended, and whom it concerns.
pub(super) struct Appended {
    pub(super) account: AccountId,
    pub(super) position: u64,
    pub(super) entry: Bytes,
    pub(super) summary: Arc<ContactSummary>,
    /// Who left it, and after a commit the teams whose business it is.
    pub(super) left: Vec<Party>,
    pub(super) received: std::time::Instant,
}

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Round {
    known: HashMap<AppendKey, (ContactId, u64, Bytes)>,
    /// What was accepted in this round.
    staged: HashMap<AppendKey, (ContactId, u64, Bytes)>,
    additions: Vec<Addition>,
    /// Where each contact's addition is.
    places: HashMap<ContactKey, usize>,
    news: Vec<Appended>,
    /// Contacts that do not exist yet.
    new: HashSet<ContactKey>,
}

impl Round {
    /// Takes in which of the jobs' appends are stored already.
    pub(super) fn know(&mut self, known: Vec<KnownAppend>) {
        self.known = known
            .into_iter()
            .map(|known| {
                (
                    known.key,
                    (known.contact, known.position, known.entry.into()),
                )
            })
            .collect();
    }

    /// What to say of a job that was accepted before, or whose ids were; none of a new one.
    pub(super) fn repeated(&self, job: &Job) -> Option<Verdict> {
        let find = |append| {
            let key = job.key(append);
            let known = self.known.get(&key).map(|place| (place, true));
            known.or_else(|| self.staged.get(&key).map(|place| (place, false)))
        };
        let found: Vec<_> = job
            .appends
            .iter()
            .filter_map(|append| Some((append, find(append)?)))
            .collect();
        if found.is_empty() {
            return None;
        }
        let same = found.len() == job.appends.len()
            && found.iter().all(|(append, ((contact, _, bytes), _))| {
                // Bytes that were dropped can't be compared any more.
                *contact == job.contact && (bytes.is_empty() || *bytes == append.bytes)
            });
        let positions = found.iter().map(|(_, ((_, position, _), _))| *position);
        let positions = positions.collect();
        Some(if !same {
            Verdict::Refused(Refusal::IdReused)
        } else if found.iter().all(|(_, (_, is_known))| *is_known) {
            Verdict::Known(positions)
        } else {
            Verdict::Staged(positions)
        })
    }

    /// Notes that a contact does not exist.
    pub(super) fn note_new(&mut self, contact: ContactKey) {
        self.new.insert(contact);
    }

    /// Whether a contact was found not to exist.
    pub(super) fn is_new(&self, contact: &ContactKey) -> bool {
        self.new.contains(contact)
    }

    /// Adds an entry that counts.
    pub(super) fn add(&mut self, job: &Job, append: &Append, accepted: Accepted, now: Time) {
        let Accepted {
            base,
            version,
            side,
            level,
            summary,
            changes,
        } = accepted;
        let key = job.key(append);
        let position = summary.head;
        let place = (job.contact, position, append.bytes.clone());
        self.staged.insert(key, place);
        let additions = &mut self.additions;
        let index = *self.places.entry(job.contact()).or_insert_with(|| {
            additions.push(Addition {
                account: key.account,
                base,
                version,
                entries: Vec::new(),
                roster: Vec::new(),
                summary: summary.clone(),
            });
            additions.len() - 1
        });
        let Some(addition) = additions.get_mut(index) else {
            return;
        };
        addition.entries.push(NewEntry {
            key,
            position,
            is_commit: append.entry.is_commit(),
            received: now,
            fact: append.entry.fact(side, append.bytes.len(), now),
            event: webhooks::appended(
                &key.account,
                &append.entry,
                &append.bytes,
                &summary,
                level,
                now,
            ),
            bytes: append.bytes.to_vec(),
        });
        let left = changes.iter().filter(|(_, joined)| !joined);
        let mut left: Vec<_> = left.map(|(party, _)| party.clone()).collect();
        if append.entry.is_commit() {
            // Who holds it is news for the others of its teams.
            for team in &summary.past_teams {
                let team = Party::Team(team.clone());
                if !left.contains(&team) {
                    left.push(team);
                }
            }
        }
        let changes = changes.into_iter().map(|(party, joined)| RosterChange {
            party,
            joined,
            position,
        });
        addition.roster.extend(changes);
        addition.summary = summary.clone();
        self.news.push(Appended {
            received: job.received,
            account: key.account,
            position,
            entry: append.bytes.clone(),
            summary: Arc::new(summary),
            left,
        });
    }

    /// What is to be written.
    pub(super) fn additions(&self) -> &[Addition] {
        &self.additions
    }

    /// The contacts that it is written to.
    pub(super) fn contacts(&self) -> impl Iterator<Item = &ContactKey> {
        self.places.keys()
    }

    /// Whether what is remembered of a contact is good, but for its last position, after its
    /// addition was not written. A commit that was staged is in memory only; and one that has not
    /// moved was refused for another reason, which its store knows.
    pub(super) fn may_go_on(&self, contact: &ContactKey, head: u64) -> bool {
        let addition = self
            .places
            .get(contact)
            .and_then(|at| self.additions.get(*at));
        addition.is_none_or(|addition| {
            addition.base != head && !addition.entries.iter().any(|entry| entry.is_commit)
        })
    }

    /// What was appended, in order, after some contacts were left as they were.
    pub(super) fn appended(&mut self, moved: &HashSet<ContactKey>) -> Vec<Appended> {
        let mut news = std::mem::take(&mut self.news);
        news.retain(|entry| !moved.contains(&(entry.account, entry.summary.contact)));
        news
    }
}
