//! An account with its people, contacts as their participants make them, and a client that says
//! exactly what it is told to: what the relay's tests and the load generator arrange first.
// Whoever uses it is a test: it stops at whatever is unexpected.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::new_without_default
)]

pub mod account;
pub mod client;
pub mod talk;

use sottovoce::wire::Time;

pub use account::{Business, Person};
pub use client::Client;
pub use talk::Talk;

/// The system's clock.
///
/// # Panics
/// When it stands before 1970.
pub fn now() -> Time {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    Time::from_millis(u64::try_from(since.as_millis()).unwrap())
}
