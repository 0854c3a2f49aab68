//! Entries that arrive: taken in one by one in the relay's order, believed only as far as the
//! log, signatures and secrets prove them.

use super::context::Context;
use super::conversation::Conversation;
use super::timeline::{entry_key, item};
use super::{Event, Item, ItemBody, MessageState};
use crate::wire::frame::{Entry, Query};
use crate::wire::log::log_next;
use crate::wire::{Bytes, Time, decode, limits};

/// Entries that are taken in, or opened later, at once: more would keep a phone's only thread.
pub(super) const AT_ONCE: usize = 8;

/// Whether an entry was taken in, or has to wait.
pub(super) enum Taken {
    Yes,
    WaitsForPolicy(crate::crypto::Hash),
}

/// Whether a time is further from the own clock than live entries may be.
pub(super) fn outside_tolerance(now: Time, time: Time) -> bool {
    now.millis_since(time).max(time.millis_since(now)) > limits::LIVE_TOLERANCE
}

impl Conversation {
    /// A batch of consecutive entries.
    pub(super) fn entries(
        &mut self,
        cx: &mut Context,
        now: Time,
        first: u64,
        entries: Vec<Bytes>,
        head: u64,
    ) {
        let next = self.head() + self.backlog.len() as u64 + 1;
        self.target = self.target.max(head);
        // Only the answer to a resume is empty. A relay that was set back says where it would go on.
        let answers_resume = entries.is_empty();
        let kept = self.record.seen.map_or(0, |seen| seen.position);
        if answers_resume && head < kept.max(self.head()) {
            return self.stop(cx, "log-truncated");
        }
        if first > next {
            // Something is missing in between: ask again from where we are.
            return self.follow(cx);
        }
        let known = usize::try_from(next - first).unwrap_or(usize::MAX);
        for entry in entries.into_iter().skip(known) {
            self.backlog.push_back(entry.into_vec());
        }
        self.advance(cx, now);
    }

    /// Takes in some of what waits, until there is no more or a policy is missing. The rest has its
    /// turn at the next tick.
    pub(super) fn advance(&mut self, cx: &mut Context, now: Time) {
        self.waits_for_policy = None;
        let epochs = self.epochs.len();
        for _ in 0..AT_ONCE {
            // A commit is as much work as many envelopes.
            if self.epochs.len() > epochs {
                break;
            }
            let Some(entry) = self.backlog.pop_front() else {
                break;
            };
            match self.entry(cx, now, &entry) {
                Taken::Yes => {}
                Taken::WaitsForPolicy(hash) => {
                    self.backlog.push_front(entry);
                    self.waits_for_policy = Some(hash);
                    cx.look_up(Query::Policy(hash));
                    return;
                }
            }
        }
        if !self.backlog.is_empty() {
            return cx.outputs.wake_at(now);
        }
        if self.head() >= self.target && !self.caught_up {
            if self
                .record
                .seen
                .is_some_and(|seen| self.head() < seen.position)
            {
                return self.stop(cx, "log-truncated");
            }
            self.caught_up = true;
            self.verify_last_of_each_sender(cx);
            self.after_catching_up(cx, now);
        }
        if self.caught_up {
            self.renew_after_rollback(cx, now);
        }
        self.remember_seen(cx);
        self.flush(cx, now);
        self.show(cx);
    }

    fn entry(&mut self, cx: &mut Context, now: Time, bytes: &[u8]) -> Taken {
        let position = self.head() + 1;
        let entry = decode::<Entry>(bytes, limits::ENTRY);
        if let Ok(Entry::Commit(commit)) = &entry
            && let Taken::WaitsForPolicy(hash) = self.commit(cx, now, position, commit, bytes)
        {
            return Taken::WaitsForPolicy(hash);
        }
        if let Some(last) = self.hashes.last() {
            self.hashes.push(log_next(last, position, bytes));
        }
        match entry {
            Ok(Entry::Commit(_)) => {}
            Ok(Entry::Envelope(envelope)) => self.envelope(cx, now, position, &envelope, bytes),
            Err(error) => self.invalid(cx, position, now, error.code()),
        }
        if let (Some(kept), Some(hash)) = (self.record.seen, self.hash_at(position))
            && kept.position == position
            && kept.hash != *hash
        {
            self.stop(cx, "fork");
        }
        Taken::Yes
    }

    /// Remembers how far the log was verified, so that a relay cannot take it back later.
    pub(super) fn remember_seen(&mut self, cx: &mut Context) {
        let seen = self.seen();
        let further = seen.map(|seen| seen.position) > self.record.seen.map(|seen| seen.position);
        if further && self.caught_up {
            self.record.seen = seen;
            self.dirty(cx);
        }
    }

    pub(super) fn invalid(
        &mut self,
        cx: &mut Context,
        position: u64,
        time: Time,
        code: &'static str,
    ) {
        let body = ItemBody::Invalid(code);
        self.put(
            cx,
            item(
                entry_key(position),
                Some(position),
                time,
                None,
                body,
                MessageState::None,
            ),
        );
    }

    pub(super) fn put(&mut self, cx: &mut Context, item: Item) {
        if let Some(item) = self.timeline.put(item)
            && !self.unwatched
        {
            let contact = self.id;
            cx.event(Event::Item { contact, item });
        }
    }
}
