//! The agent's list of contacts. A contact keeps the number that it first had.

use std::collections::BTreeSet;

use sottovoce::client::InboxEntry;
use sottovoce::wire::ContactId;

use super::screen::Line;
use crate::clock;
use crate::text::printable;

/// What waits and what is the agent's own.
#[derive(Default)]
pub(super) struct Inbox {
    numbers: Vec<ContactId>,
    entries: Vec<InboxEntry>,
    /// Contacts that somebody hands to this device; only their logs tell.
    handed: BTreeSet<ContactId>,
}

impl Inbox {
    /// The contact's number, from 1.
    pub(super) fn number(&mut self, contact: &ContactId) -> usize {
        let known = self.numbers.iter().position(|known| known == contact);
        let index = known.unwrap_or_else(|| {
            self.numbers.push(*contact);
            self.numbers.len() - 1
        });
        index + 1
    }

    /// The contact of a number.
    pub(super) fn contact(&self, number: usize) -> Option<ContactId> {
        self.numbers.get(number.checked_sub(1)?).copied()
    }

    /// Takes in a new list; answers with what an agent should hear of.
    pub(super) fn replace(&mut self, mut entries: Vec<InboxEntry>) -> Vec<Line> {
        entries.sort_by_key(|entry| (entry.created, entry.contact));
        let before = std::mem::take(&mut self.entries);
        let mut news = Vec::new();
        for entry in &entries {
            let number = self.number(&entry.contact);
            let could = before
                .iter()
                .any(|old| old.contact == entry.contact && old.can_claim);
            if entry.can_claim && !could && !entry.closed {
                news.push(Line::notice(format!(
                    "contact {number} waits{}: /open {number}, /claim {number}",
                    addressed(entry)
                )));
            }
        }
        self.entries = entries;
        news
    }

    /// Whether a contact is being handed to this device; answers with the news if it is one.
    pub(super) fn hand(&mut self, contact: ContactId, is_handed: bool) -> Option<Line> {
        if !is_handed {
            self.handed.remove(&contact);
            return None;
        }
        let number = self.number(&contact);
        let words = format!("contact {number} waits for you: /open {number}, /claim {number}");
        self.handed.insert(contact).then(|| Line::notice(words))
    }

    /// The whole list.
    pub(super) fn list(&mut self) -> Vec<Line> {
        let entries = std::mem::take(&mut self.entries);
        let mut lines: Vec<Line> = entries
            .iter()
            .filter(|entry| !entry.closed)
            .map(|entry| {
                let number = self.number(&entry.contact);
                let standing = if self.handed.contains(&entry.contact) {
                    "waits for you".to_owned()
                } else if entry.can_claim {
                    format!("waits{}", addressed(entry))
                } else if entry.mine {
                    "is yours".to_owned()
                } else {
                    "is somebody else's".to_owned()
                };
                Line::notice(format!(
                    "contact {number} {standing}; at {} since {}",
                    printable(&entry.entry_point),
                    clock::date(entry.created)
                ))
            })
            .collect();
        self.entries = entries;
        if lines.is_empty() {
            lines.push(Line::notice("nothing waits, and nothing is yours"));
        }
        lines
    }
}

fn addressed(entry: &InboxEntry) -> String {
    if entry.teams.is_empty() {
        String::new()
    } else {
        format!(" for the team {}", printable(&entry.teams.join(", ")))
    }
}
