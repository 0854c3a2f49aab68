//! What people see of a contact: items, and how far own messages got.

use super::{Author, Item, ItemBody, MessageState};
use crate::gather::Keep;
use crate::wire::codec::to_base64url;
use crate::wire::{ContentId, Time};

/// An own message that no peer has acknowledged after this long is marked, in milliseconds.
const ACKNOWLEDGE_WITHIN: u64 = 60_000;

/// What the key of an entry's item begins with, and that of an own message's.
const ENTRY: &str = "e";
const OWN: &str = "o";

/// The items of one contact.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Items with a position, ascending.
    placed: Vec<Item>,
    /// Own messages that the relay does not have yet, in the order they were made.
    unsent: Vec<Item>,
    /// Own messages that can still get further: position and when the relay had them.
    own: Vec<(u64, Time)>,
}

/// The key of an entry's item.
pub(super) fn entry_key(position: u64) -> String {
    ENTRY.to_owned() + &to_base64url(&position.to_be_bytes())
}

/// The key of an own message's item, before and after it has a position.
pub(super) fn own_key(id: &ContentId) -> String {
    OWN.to_owned() + &id.to_base64url()
}

impl Timeline {
    /// Adds or replaces an item; `None` if nothing changed.
    pub(super) fn put(&mut self, item: Item) -> Option<Item> {
        let unsent = self.unsent.iter().position(|known| known.key == item.key);
        let Some(position) = item.position else {
            return match unsent.and_then(|index| self.unsent.get_mut(index)) {
                Some(known) if *known == item => None,
                Some(known) => {
                    known.clone_from(&item);
                    Some(item)
                }
                None => {
                    self.unsent.push(item.clone());
                    Some(item)
                }
            };
        };
        if let Some(index) = unsent {
            self.unsent.remove(index);
        }
        match self.place(position) {
            Ok(index) => {
                let known = self.placed.get_mut(index)?;
                if *known == item {
                    return None;
                }
                known.clone_from(&item);
            }
            Err(index) => self.placed.insert(index, item.clone()),
        }
        Some(item)
    }

    fn place(&self, position: u64) -> Result<usize, usize> {
        self.placed
            .binary_search_by_key(&Some(position), |item| item.position)
    }

    /// Removes an item; `false` if there is none.
    pub(super) fn remove(&mut self, key: &str) -> bool {
        let before = self.unsent.len() + self.placed.len();
        self.unsent.keep(|item| item.key != key);
        self.placed.keep(|item| item.key != key);
        self.unsent.len() + self.placed.len() != before
    }

    /// An own message is durable at a position. Returns when it ought to be acknowledged.
    pub(super) fn watch(&mut self, position: u64, now: Time) -> Time {
        self.own.push((position, now));
        now.plus_millis(ACKNOWLEDGE_WITHIN)
    }

    /// A peer has everything up to `delivered` and has read everything up to `read`.
    pub(super) fn advance(&mut self, delivered: u64, read: u64) -> Vec<Item> {
        let mut changed = Vec::new();
        for (position, since) in core::mem::take(&mut self.own) {
            if position > delivered.max(read) {
                self.own.push((position, since));
                continue;
            }
            let state = if position <= read {
                MessageState::Read
            } else {
                self.own.push((position, since));
                MessageState::Delivered
            };
            let found = self.place(position);
            let Some(item) = found.ok().and_then(|index| self.placed.get_mut(index)) else {
                continue;
            };
            if rank(state) > rank(item.state) {
                item.state = state;
                item.marks.keep(|mark| *mark != "not-acknowledged");
                changed.push(item.clone());
            }
        }
        changed
    }

    /// Marks own messages that no peer has acknowledged in time, and says when to look again.
    pub(super) fn mark_unacknowledged(&mut self, now: Time) -> (Vec<Item>, Option<Time>) {
        let mut changed = Vec::new();
        let mut next: Option<Time> = None;
        for index in 0..self.own.len() {
            let Some((position, since)) = self.own.get(index).copied() else {
                continue;
            };
            let found = self.place(position);
            let Some(item) = found.ok().and_then(|index| self.placed.get_mut(index)) else {
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
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.placed.iter().chain(&self.unsent)
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
