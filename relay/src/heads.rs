//! How far contacts are, as far as this node has told its connections lately: so that nothing is
//! told twice, and a contact that another node has added to is not judged by what it was.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::ContactKey;

/// Contacts of one generation at most.
const MOST: usize = 16_384;

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Heads(Mutex<Generations>);

/// Two of them, so that what is old can be dropped without looking at it.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<ContactKey, u64>,
    old: HashMap<ContactKey, u64>,
}

impl Generations {
    fn get(&self, contact: &ContactKey) -> Option<u64> {
        let known = self.young.get(contact).or_else(|| self.old.get(contact));
        known.copied()
    }

    fn age(&mut self) {
        self.old = std::mem::take(&mut self.young);
    }
}

impl Heads {
    /// A contact has come to a position. Whether that is news.
    pub fn advance(&self, contact: ContactKey, head: u64) -> bool {
        let mut generations = self.generations();
        let is_news = generations.get(&contact) < Some(head);
        if is_news {
            if generations.young.len() >= MOST {
                generations.age();
            }
            generations.young.insert(contact, head);
        }
        is_news
    }

    /// The last position that is known.
    pub fn get(&self, contact: &ContactKey) -> Option<u64> {
        self.generations().get(contact)
    }

    /// Drops what was not news since the last time.
    pub fn age(&self) {
        self.generations().age();
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        // No code panics while it holds the lock, and every change leaves a whole state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use sottovoce::wire::{AccountId, ContactId};

    use super::Heads;

    #[test]
    fn what_was_told_is_no_news_for_two_generations() {
        let contact = (AccountId::new([1; 32]), ContactId::new([2; 16]));
        let heads = Heads::default();
        assert!(heads.advance(contact, 3));
        heads.age();
        assert!(!heads.advance(contact, 3));
        assert!(!heads.advance(contact, 2));
        assert_eq!(heads.get(&contact), Some(3));
        heads.age();
        assert_eq!(heads.get(&contact), None);
    }
}
