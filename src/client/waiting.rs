//! Contacts that wait under a team key that is no longer the team's newest: who can read them
//! seals them again, a few at a time, whether somebody looks at them here or not.

use super::Client;
use super::context::STAFF;
use super::conversation::Conversation;
use super::proposals::Wish;
use crate::gather::Gather;
use crate::table::Table;
use crate::wire::frame::{ClientFrame, ContactSummary, Query};
use crate::wire::{ContactId, Suite, Time};

/// Contacts that are read at once for nothing but their team key.
const AT_ONCE: usize = 4;

/// What was done about contacts that nobody looks at.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// When some more are looked at.
    next: Option<Time>,
    /// Contacts that were, and how new their team's key was then.
    looked_at: Table<ContactId, Time>,
}

impl Client {
    /// Newer keys of own teams were told of: asks for their records, which prove themselves.
    pub(super) fn ask_for_newer_keys(&mut self, now: Time) {
        if !STAFF {
            return;
        }
        for team in self.cx.own_teams().to_vec() {
            let is_news = |suite| {
                let newest = self.cx.keys.newest_record(&team, suite);
                newest.is_some() && self.cx.newest_team_key(&team, suite, now).is_none()
            };
            if Suite::ALL.into_iter().any(is_news) {
                self.cx.look_up(Query::TeamKey(team));
            }
        }
    }

    /// A team's newer key may be in force: contacts that wait under an older one are sealed again.
    pub(super) fn reseal_waiting(&mut self, now: Time) {
        if !STAFF {
            return;
        }
        for conversation in self.conversations.values_mut() {
            if conversation.caught_up && conversation.is_outdated(&self.cx, now) {
                conversation.want(&mut self.cx, now, Wish::Reseal);
            }
        }
        self.look_at_waiting(now);
    }

    /// Goes on with contacts that nobody here looks at. Between rounds passes a random time, so
    /// that members do not all read and seal the same ones.
    pub(super) fn look_at_waiting(&mut self, now: Time) {
        if !STAFF || !self.cx.online || !self.cx.role().is_staff() {
            return;
        }
        let due = self.rounds.next.is_some_and(|at| at <= now);
        if due {
            self.rounds.next = None;
            self.put_away();
        }
        let mut under_way = 0;
        for conversation in self.conversations.values() {
            under_way += usize::from(conversation.unwatched);
        }
        let mut outdated = Vec::new();
        for summary in self.inbox.values() {
            if let Some(newest) = self.older_than(summary, now) {
                outdated.push((summary.contact, newest));
            }
        }
        if under_way == 0 && outdated.is_empty() {
            return;
        }
        let [first, pause, ..] = self.cx.random.bytes::<8>().unwrap_or_default();
        if due {
            let room = AT_ONCE.saturating_sub(under_way).min(outdated.len());
            for place in 0..room {
                let place = (usize::from(first) + place) % outdated.len();
                let Some((id, newest)) = outdated.get(place) else {
                    break;
                };
                let conversation = Conversation::of(&mut self.conversations, &self.cx, *id);
                conversation.unwatched = true;
                conversation.follow(&mut self.cx);
                self.rounds.looked_at.insert(*id, *newest);
            }
        }
        let next = now.plus_millis(1_000 + 32 * u64::from(pause));
        let next = *self.rounds.next.get_or_insert(next);
        self.cx.outputs.wake_at(next);
    }

    /// Leaves contacts that were read for their team key and need nothing more.
    fn put_away(&mut self) {
        let own = self.cx.device();
        let is_done = |it: &Conversation| it.unwatched && it.is_idle() && !it.is_member(&own);
        let done = self.conversations.iter().filter(|(_, it)| is_done(it));
        let done: Vec<_> = done.map(|(id, _)| *id).gather();
        for contact in done {
            self.drop_unwatched(&contact);
            self.cx.outputs.transmit(ClientFrame::Leave { contact });
        }
    }

    /// Forgets a contact at which nobody looks; `false` if somebody does.
    pub(super) fn drop_unwatched(&mut self, contact: &ContactId) -> bool {
        let known = self.conversations.get(contact);
        let Some(conversation) = known.filter(|it| it.unwatched) else {
            return false;
        };
        conversation.dirty(&mut self.cx);
        self.conversations.remove(contact);
        true
    }

    /// Since when a waiting contact's team has had a newer key, if it was not looked at since.
    fn older_than(&self, summary: &ContactSummary, now: Time) -> Option<Time> {
        let known = self.conversations.contains_key(&summary.contact);
        if summary.closed || known {
            return None;
        }
        let mut newest = None;
        for team in &summary.teams {
            if !self.cx.own_teams().contains(team) {
                continue;
            }
            for suite in Suite::ALL {
                let key = self.cx.newest_team_key(team, suite, now);
                newest = newest.max(key.map(|key| key.record.from));
            }
        }
        let newest = newest?;
        let looked_at = self.rounds.looked_at.get(&summary.contact) == Some(&newest);
        (summary.created < newest && !looked_at).then_some(newest)
    }
}
