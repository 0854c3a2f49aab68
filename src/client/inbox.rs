//! The contacts that concern staff, as the relay tells of them: what waits, what this device is on, and
//! what others of its teams hold.

use super::context::{Context, STAFF};
use super::conversation::Conversation;
use super::{Client, Event, InboxEntry, ItemBody};
use crate::account::Role;
use crate::contact::Log;
use crate::gather::Gather;
use crate::wire::Time;
use crate::wire::frame::{ContactSummary, Query};

/// Contacts that a relay may tell of: more would only fill the memory.
const MOST_CONTACTS: usize = 4_096;

impl Client {
    pub(super) fn take_summaries(&mut self, now: Time, all: bool, contacts: Vec<ContactSummary>) {
        if !STAFF {
            return;
        }
        if all {
            self.inbox.clear();
        }
        let own = self.cx.device();
        for summary in contacts {
            let mine = summary.devices.contains(&own);
            let id = summary.contact;
            if !self.inbox.contains_key(&id) && self.inbox.len() >= MOST_CONTACTS {
                continue;
            }
            if mine && !summary.closed {
                let conversation = Conversation::of(&mut self.conversations, &self.cx, id);
                if !conversation.following {
                    conversation.follow(&mut self.cx);
                }
                conversation.watch(&mut self.cx);
            }
            if (mine || self.cx.is_in_any(summary.teams.iter()))
                && !summary.closed
                && let Some(conversation) = self.conversations.get_mut(&id)
                && conversation.was_cut_off(&self.cx)
            {
                conversation.follow(&mut self.cx);
            }
            self.inbox.insert(id, summary);
        }
        self.show_inbox(now);
        self.look_at_waiting(now);
    }

    pub(super) fn show_inbox(&mut self, now: Time) {
        if !STAFF {
            return;
        }
        let summaries = core::mem::take(&mut self.inbox);
        let mut entries = Vec::new();
        for summary in summaries.values() {
            entries.extend(self.inbox_entry(summary, now));
        }
        self.inbox = summaries;
        self.cx.event(Event::Inbox(entries));
        #[cfg(feature = "staff")]
        self.tell_presence(now);
    }

    fn inbox_entry(&mut self, summary: &ContactSummary, now: Time) -> Option<InboxEntry> {
        let own = self.cx.device();
        let mine = summary.devices.contains(&own);
        let of_team = self.cx.is_in_any(summary.teams.iter());
        let responsible = summary.responsible.filter(|_| !summary.closed);
        let past = summary.past_teams.iter();
        let is_held = responsible.is_some() && self.cx.is_in_any(past);
        if !(mine || of_team || is_held) {
            return None;
        }
        let holder = responsible.filter(|device| *device != own);
        if holder.is_some_and(|device| self.cx.directory.member(&device).is_none()) {
            self.look_up_holders(summary, now);
        }
        let is_own = responsible == Some(own);
        let unanswered = || {
            let conversation = self.conversations.get(&summary.contact)?;
            let since = conversation.unanswered()?;
            Some(since.min(now))
        };
        Some(InboxEntry {
            contact: summary.contact,
            entry_point: summary.entry_point.clone(),
            created: summary.created,
            head: summary.head,
            teams: summary.teams.clone(),
            mine,
            can_claim: of_team && !summary.closed,
            closed: summary.closed,
            waiting_since: match summary.waiting_since {
                Some(since) if !summary.closed => Some(since.min(now)),
                _ if is_own => unanswered(),
                _ => None,
            },
            held_by: responsible.map(|device| self.cx.author(&device, None)),
        })
    }

    /// Somebody holds a contact of the own teams whom the directory does not know, or not yet.
    fn look_up_holders(&mut self, summary: &ContactSummary, now: Time) {
        let teams = self.cx.own_teams().iter();
        let shared = teams.filter(|team| summary.past_teams.contains(team));
        let shared: Vec<_> = shared.cloned().gather();
        for team in shared {
            let query = Query::TeamMembers(team);
            let again = self.cx.directory.ask_again_at(&query);
            if again.is_none_or(|at| at <= now) {
                self.cx.look_up(query);
            }
        }
    }

    /// Entries came, or were taken in: whether visitors wait for this device may have changed.
    pub(super) fn notice_answers(&mut self, now: Time) {
        if !STAFF {
            return;
        }
        let mut changed = false;
        for conversation in self.conversations.values_mut() {
            let since = conversation.unanswered();
            changed |= conversation.unanswered_shown != since;
            conversation.unanswered_shown = since;
        }
        if changed {
            self.show_inbox(now);
        }
    }
}

impl Conversation {
    /// Whether the relay gives no more of it, since a commit took this device, and its teams, off the roster.
    fn was_cut_off(&self, cx: &Context) -> bool {
        let Some(log) = &self.log else { return false };
        let roster = log.roster();
        let on_roster = roster.member(&cx.device()).is_some();
        let in_team = cx.is_in_any(roster.teams.iter().map(|team| &team.team));
        self.following && self.caught_up && !log.is_closed() && !on_roster && !in_team
    }

    /// When the visitor said the first thing that nobody has answered.
    fn unanswered(&self) -> Option<Time> {
        let mut since = None;
        let closed = self.log.as_ref().is_none_or(Log::is_closed);
        if closed || !self.caught_up {
            return None;
        }
        for item in self.timeline.all().rev() {
            let says = !matches!(
                item.body,
                ItemBody::Note { .. }
                    | ItemBody::StaffOnly
                    | ItemBody::BeforeJoining
                    | ItemBody::Invalid(_)
                    | ItemBody::System(_)
            );
            match item.author.as_ref().filter(|_| says) {
                Some(author) if author.role == Role::Visitor => since = Some(item.time),
                Some(_) => break,
                None => {}
            }
        }
        since
    }
}
