//! What people see of a contact: items, and how far own messages got.

use std::collections::BTreeMap;

use super::{Author, Item, ItemBody, MessageState};
use crate::wire::{ContentId, Time};

/// An own message that no peer has acknowledged after this long is marked, in milliseconds.
const ACKNOWLEDGE_WITHIN: u64 = 60_000;

/// The items of one contact by key.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    items: BTreeMap<String, Item>,
    /// Own messages that can still get further: position, key, when the relay had them.
    own: BTreeMap<u64, (String, Time)>,
}

/// The key of an entry's item.
pub(super) fn entry_key(position: u64) -> String {
    format!("e{position}")
}

/// The key of an own message's item, before and after it has a position.
pub(super) fn own_key(id: &ContentId) -> String {
    format!("o{id}")
}

impl Timeline {
    /// Adds or replaces an item; `None` if nothing changed.
    pub(super) fn put(&mut self, item: Item) -> Option<Item> {
        if self.items.get(&item.key) == Some(&item) {
            return None;
        }
        self.items.insert(item.key.clone(), item.clone());
        Some(item)
    }

    pub(super) fn remove(&mut self, key: &str) -> bool {
        self.items.remove(key).is_some()
    }

    /// An own message is durable at a position.
    pub(super) fn watch(&mut self, position: u64, key: String, now: Time) {
        self.own.insert(position, (key, now));
    }

    /// A peer has everything up to `delivered` and has read everything up to `read`.
    pub(super) fn advance(&mut self, delivered: u64, read: u64) -> Vec<Item> {
        let mut changed = Vec::new();
        for (position, (key, _)) in self.own.range(..=delivered.max(read)) {
            let state = if *position <= read {
                MessageState::Read
            } else {
                MessageState::Delivered
            };
            let Some(item) = self.items.get_mut(key) else {
                continue;
            };
            if rank(state) > rank(item.state) {
                item.state = state;
                item.marks.retain(|mark| *mark != "not-acknowledged");
                changed.push(item.clone());
            }
        }
        let items = &self.items;
        self.own.retain(|_, (key, _)| {
            items
                .get(key)
                .is_some_and(|item| item.state != MessageState::Read)
        });
        changed
    }

    /// Marks own messages that no peer has acknowledged in time, and says when to look again.
    pub(super) fn mark_unacknowledged(&mut self, now: Time) -> (Vec<Item>, Option<Time>) {
        let mut changed = Vec::new();
        let mut next: Option<Time> = None;
        for (key, since) in self.own.values() {
            let Some(item) = self.items.get_mut(key) else {
                continue;
            };
            if item.state != MessageState::Sent || item.marks.contains(&"not-acknowledged") {
                continue;
            }
            let due = since.plus_millis(ACKNOWLEDGE_WITHIN);
            if due <= now {
                item.marks.push("not-acknowledged");
                changed.push(item.clone());
            } else {
                next = Some(next.map_or(due, |known| known.min(due)));
            }
        }
        (changed, next)
    }

    /// Every item, in the order of the transcript.
    pub(super) fn all(&self) -> Vec<Item> {
        let mut items: Vec<_> = self.items.values().cloned().collect();
        items.sort_by_key(|item| (item.position.unwrap_or(u64::MAX), item.time));
        items
    }
}

const fn rank(state: MessageState) -> u8 {
    match state {
        MessageState::None => 0,
        MessageState::Failed(_) => 1,
        MessageState::Sending => 2,
        MessageState::Sent => 3,
        MessageState::Delivered => 4,
        MessageState::Read => 5,
    }
}

/// An item without marks.
pub(super) fn item(
    key: String,
    position: Option<u64>,
    time: Time,
    author: Option<Author>,
    body: ItemBody,
    state: MessageState,
) -> Item {
    Item {
        key,
        position,
        time,
        author,
        body,
        state,
        marks: Vec::new(),
    }
}
