//! What accounts use, by day. Counted in memory and added to the database every few seconds, so
//! that appends of one account do not queue for one row; a node that is killed loses what it
//! counted since.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sottovoce::wire::{AccountId, Time, limits};

use crate::store::{Day, Store, StoreError, Usage};

/// The day of a time, counted from 1970-01-01, UTC.
pub(crate) fn day_of(time: Time) -> Day {
    Day::try_from(time.millis() / (limits::DAY * 1000)).unwrap_or(Day::MAX)
}

/// What was counted since it was last added to the database.
#[derive(Debug, Default)]
pub struct UsageCounter(Mutex<HashMap<(AccountId, Day), Usage>>);

impl UsageCounter {
    /// Counts durable entries of an account that arrived at a time.
    pub fn count(&self, account: AccountId, at: Time, used: Usage) {
        // No code panics while it holds the lock, and every change leaves a whole state.
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = counted.entry((account, day_of(at))).or_default();
        usage.contacts += used.contacts;
        usage.entries += used.entries;
        usage.bytes += used.bytes;
    }

    /// Adds what was counted to the database.
    ///
    /// # Errors
    /// [`StoreError`]; it is counted on then.
    pub(crate) async fn flush(&self, store: &dyn Store) -> Result<(), StoreError> {
        let taken = {
            let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *counted)
        };
        if taken.is_empty() {
            return Ok(());
        }
        let used: Vec<_> = taken
            .iter()
            .map(|((account, day), usage)| (*account, *day, *usage))
            .collect();
        let added = store.add_usage(&used).await;
        if added.is_err() {
            for (account, day, usage) in used {
                let at = Time::from_millis(u64::from(day) * limits::DAY * 1000);
                self.count(account, at, usage);
            }
        }
        added
    }
}
