//! Whether what was acknowledged is there: everything, once, in order, unchanged.

use std::collections::HashSet;

use sottovoce::wire::{Bytes, ContactId};

use crate::supply::Message;

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An acknowledged message is not in the log.
    #[error("message {index} was acknowledged and is lost")]
    Lost {
        /// Which, counted from 0.
        index: usize,
    },
    /// A message is in the log more than once.
    #[error("message {index} is there more than once")]
    Doubled {
        /// Which, counted from 0.
        index: usize,
    },
    /// The log has messages in another order than they were written in.
    #[error("another message stands in place of message {index}")]
    OutOfOrder {
        /// The first that is not in its place, counted from 0.
        index: usize,
    },
    /// The log has something that nobody wrote.
    #[error("position {position} has something that nobody wrote")]
    Foreign {
        /// Where.
        position: usize,
    },
    /// An acknowledgement named another position than the one that its message has.
    #[error("message {index} was acknowledged at position {position}")]
    Misplaced {
        /// Which, counted from 0.
        index: usize,
        /// Where it was said to be.
        position: u64,
    },
    /// A connection was sent positions with a gap or a repetition.
    #[error("a connection was sent position {position} after {after}")]
    NotNext {
        /// What came.
        position: u64,
        /// What it had.
        after: u64,
    },
}

/// A log that was read, and how much of what was written had been acknowledged. What was on its
/// way at the end may be there or not.
///
/// # Errors
/// The first [`Fault`].
pub fn log(written: &[Message], acknowledged: &[u64], log: &[Bytes]) -> Result<(), Fault> {
    for (index, position) in acknowledged.iter().enumerate() {
        if usize::try_from(*position) != Ok(index + 1) {
            let position = *position;
            return Err(Fault::Misplaced { index, position });
        }
    }
    let written: Vec<_> = written.iter().collect();
    same(written.get(..log.len()).unwrap_or(&written), log)?;
    if log.len() < acknowledged.len() {
        return Err(Fault::Lost { index: log.len() });
    }
    Ok(())
}

/// Whether a log is exactly this.
///
/// # Errors
/// The first [`Fault`].
pub fn same(written: &[&Message], log: &[Bytes]) -> Result<(), Fault> {
    let place = |entry: &Bytes| written.iter().position(|message| message.entry == *entry);
    let differs = written
        .iter()
        .zip(log)
        .position(|(message, entry)| message.entry != *entry);
    if differs.is_none() && written.len() == log.len() {
        return Ok(());
    }
    // Something is wrong: what exactly?
    let mut seen = HashSet::new();
    for (position, entry) in (1..).zip(log) {
        let index = place(entry).ok_or(Fault::Foreign { position })?;
        if !seen.insert(index) {
            return Err(Fault::Doubled { index });
        }
    }
    if let Some(index) = (0..written.len()).find(|index| !seen.contains(index)) {
        return Err(Fault::Lost { index });
    }
    let index = differs.unwrap_or(written.len());
    Err(Fault::OutOfOrder { index })
}

/// Watches what one connection is sent of one contact.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The contact.
    pub contact: ContactId,
    /// All that came, from position 1.
    pub log: Vec<Bytes>,
}

impl Followed {
    /// Nothing came yet.
    pub const fn new(contact: ContactId) -> Self {
        let log = Vec::new();
        Self { contact, log }
    }

    /// The last position that came.
    pub fn position(&self) -> u64 {
        u64::try_from(self.log.len()).unwrap_or(u64::MAX)
    }

    /// Takes in what came.
    ///
    /// # Errors
    /// [`Fault::NotNext`].
    pub fn take(&mut self, first: u64, entries: Vec<Bytes>) -> Result<(), Fault> {
        let after = self.position();
        if first != after + 1 {
            let position = first;
            return Err(Fault::NotNext { position, after });
        }
        self.log.extend(entries);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::sync::Arc;

    use sottovoce_test_scene::Business;

    use super::*;
    use crate::supply;

    /// Six messages, five of them acknowledged, and the log that holds them.
    fn written() -> (Vec<Message>, Vec<u64>, Vec<Bytes>) {
        let business = Arc::new(Business::new());
        let made = supply::conversations(&business, 1, 5);
        let messages = made[0].messages.clone();
        let entries = messages.iter().map(|message| message.entry.clone());
        let entries = entries.take(5).collect();
        (messages, (1..=5).collect(), entries)
    }

    #[test]
    fn what_was_acknowledged_is_there_and_what_was_on_its_way_may_be() {
        let (messages, acknowledged, mut entries) = written();
        assert_eq!(log(&messages, &acknowledged, &entries), Ok(()));
        entries.push(messages[5].entry.clone());
        assert_eq!(log(&messages, &acknowledged, &entries), Ok(()));
    }

    #[test]
    fn a_lost_message_is_found_at_the_end_and_in_the_middle() {
        let (messages, acknowledged, mut entries) = written();
        entries.remove(2);
        let found = log(&messages, &acknowledged, &entries);
        assert!(found.is_err(), "a message in the middle is lost");
        let (messages, acknowledged, mut entries) = written();
        entries.pop();
        let found = log(&messages, &acknowledged, &entries);
        assert_eq!(found, Err(Fault::Lost { index: 4 }));
    }

    #[test]
    fn a_doubled_message_is_found() {
        let (messages, acknowledged, mut entries) = written();
        entries[3] = entries[2].clone();
        let found = log(&messages, &acknowledged, &entries);
        assert_eq!(found, Err(Fault::Doubled { index: 2 }));
        let (messages, acknowledged, mut entries) = written();
        entries.push(entries[4].clone());
        let found = log(&messages, &acknowledged, &entries);
        assert_eq!(found, Err(Fault::Doubled { index: 4 }));
    }

    #[test]
    fn messages_in_another_order_are_found() {
        let (messages, acknowledged, mut entries) = written();
        entries.swap(1, 3);
        let found = log(&messages, &acknowledged, &entries);
        assert_eq!(found, Err(Fault::OutOfOrder { index: 1 }));
    }

    #[test]
    fn a_changed_message_is_found() {
        let (messages, acknowledged, mut entries) = written();
        let mut bytes = entries[2].to_vec();
        bytes[40] ^= 1;
        entries[2] = bytes.into();
        let found = log(&messages, &acknowledged, &entries);
        assert_eq!(found, Err(Fault::Foreign { position: 3 }));
    }

    #[test]
    fn an_acknowledgement_of_another_position_is_found() {
        let (messages, mut acknowledged, entries) = written();
        acknowledged[2] = 4;
        let found = log(&messages, &acknowledged, &entries);
        let (index, position) = (2, 4);
        assert_eq!(found, Err(Fault::Misplaced { index, position }));
    }

    #[test]
    fn a_gap_and_a_repetition_on_a_connection_are_found() {
        let (messages, _, entries) = written();
        let mut followed = Followed::new(ContactId::new([1; 16]));
        assert_eq!(followed.take(1, entries), Ok(()));
        let next = vec![messages[5].entry.clone()];
        for position in [5, 7] {
            let found = followed.take(position, next.clone());
            let after = 5;
            assert_eq!(found, Err(Fault::NotNext { position, after }));
        }
        assert_eq!(followed.take(6, next), Ok(()));
    }
}
