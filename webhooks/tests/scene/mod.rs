//! A database, a clock that tests move, and receivers on loopback.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod database;
pub mod receiver;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sottovoce::wire::{AccountId, ContactId, Time};
use sottovoce_webhooks::dispatch::Clock;
use sottovoce_webhooks::endpoint::{Registration, Settings};
use sottovoce_webhooks::event::{Details, EventKind, Kinds, NewEvent, Subject};
use sottovoce_webhooks::target::Targets;

pub use database::Database;
pub use receiver::{Answer, Call, Receiver};

/// When tests begin: 2026-09-21T14:13:20Z.
pub const START: Time = Time::from_millis(1_790_000_000_000);

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(START.millis())))
    }

    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub fn account(number: u8) -> AccountId {
    AccountId::new([number; 32])
}

pub fn contact(number: u8) -> ContactId {
    ContactId::new([number; 16])
}

/// The operator's network is allowed: that is where tests are.
pub const LOOPBACK: Targets = Targets {
    allow_private: true,
};

/// An endpoint that wants everything.
pub fn registration(url: &str) -> Registration {
    let kinds = EventKind::ALL.into_iter().collect();
    Registration::new(url, kinds, Settings::default(), &LOOPBACK).unwrap()
}

/// One that wants only some kinds.
pub fn only(url: &str, kinds: &[EventKind]) -> Registration {
    let kinds: Kinds = kinds.iter().copied().collect();
    Registration::new(url, kinds, Settings::default(), &LOOPBACK).unwrap()
}

/// A message at a position of a contact.
pub fn message(contact: ContactId, position: u64) -> NewEvent {
    NewEvent {
        kind: EventKind::ContactMessage,
        account: account(1),
        subject: Subject::Contact(contact),
        time: START,
        details: Details {
            position: Some(position),
            entry: Some(format!("entry {position} – geheim").into_bytes()),
            ..Details::default()
        },
    }
}

/// Some other event of a contact.
pub fn event(kind: EventKind, contact: ContactId, position: u64) -> NewEvent {
    let mut event = message(contact, position);
    event.kind = kind;
    event.details.entry = None;
    event
}
