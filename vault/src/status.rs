//! How the vault does: for readiness, metrics and the API.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sottovoce::wire::ContactId;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Status {
    relay: Mutex<Option<String>>,
    database: Mutex<Option<&'static str>>,
    /// Contacts of which something is not stored yet, and why.
    waiting: Mutex<HashMap<ContactId, &'static str>>,
    stored: AtomicU64,
    alarms: AtomicU64,
    contacts: AtomicU64,
}

impl Status {
    /// Says what is in the way of the relay: a code, or nothing.
    pub(crate) fn set_relay(&self, obstacle: Option<String>) {
        *lock(&self.relay) = obstacle;
    }

    /// What is in the way of the relay.
    pub(crate) fn relay(&self) -> Option<String> {
        lock(&self.relay).clone()
    }

    /// Says what is in the way of the database; whether that is news.
    pub(crate) fn set_database(&self, obstacle: Option<&'static str>) -> bool {
        std::mem::replace(&mut *lock(&self.database), obstacle) != obstacle
    }

    /// What is in the way of the database.
    pub(crate) fn database(&self) -> Option<&'static str> {
        *lock(&self.database)
    }

    /// Says why a contact waits, or that it does not.
    pub(crate) fn set_waiting(&self, contact: ContactId, code: Option<&'static str>) {
        let mut waiting = lock(&self.waiting);
        match code {
            Some(code) => waiting.insert(contact, code),
            None => waiting.remove(&contact),
        };
    }

    /// Why a contact waits.
    pub(crate) fn waits_for(&self, contact: &ContactId) -> Option<&'static str> {
        lock(&self.waiting).get(contact).copied()
    }

    /// How many contacts wait, by code.
    pub(crate) fn waiting(&self) -> Vec<(&'static str, u64)> {
        let mut counts: Vec<(&'static str, u64)> = Vec::new();
        for code in lock(&self.waiting).values() {
            match counts.iter_mut().find(|(known, _)| known == code) {
                Some((_, count)) => *count += 1,
                None => counts.push((code, 1)),
            }
        }
        counts.sort_unstable();
        counts
    }

    /// Counts records that were stored.
    pub(crate) fn stored(&self, records: usize) {
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        self.stored.fetch_add(records, Ordering::Relaxed);
    }

    /// How many records were stored since the start.
    pub(crate) fn records(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// Counts an alarm.
    pub(crate) fn alarm(&self) {
        self.alarms.fetch_add(1, Ordering::Relaxed);
    }

    /// How many alarms there were since the start.
    pub(crate) fn alarms(&self) -> u64 {
        self.alarms.load(Ordering::Relaxed)
    }

    /// Says how many contacts are followed.
    pub(crate) fn set_followed(&self, contacts: usize) {
        let contacts = u64::try_from(contacts).unwrap_or(u64::MAX);
        self.contacts.store(contacts, Ordering::Relaxed);
    }

    /// How many contacts are followed.
    pub(crate) fn followed(&self) -> u64 {
        self.contacts.load(Ordering::Relaxed)
    }
}

/// No code panics while it holds one of these.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
