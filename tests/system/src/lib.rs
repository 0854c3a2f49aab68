//! What the tests of the whole arrange: an account, its people on native hosts, a relay as a
//! process of its own, and the search for what that relay must not know.
//!
//! - [`balancer`] stands before several relays,
//! - [`business`] makes account objects as an administrator does,
//! - [`person`] is a running client and all that it showed,
//! - [`relay`] starts, kills and looks into a relay,
//! - [`canary`] finds a thing in every form that it could be kept in,
//! - [`service`] is a vault or a key manager as a process of its own,
//! - [`secrets`] reads a device's keys out of its folder,
//! - [`connection`] says to a relay exactly what it is told to,
//! - [`writer`] writes without end,
//! - [`line`] is the way to a key manager, which can fail,
//! - [`texts`] are texts in many scripts, and difficult ones.
// This is test code: it stops at whatever is unexpected.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod balancer;
pub mod business;
pub mod canary;
pub mod connection;
pub mod line;
pub mod person;
pub mod process;
pub mod relay;
pub mod secrets;
pub mod service;
pub mod texts;
pub mod writer;

use std::sync::Arc;

use rustls::ClientConfig;
use sottovoce::client::Command;
use sottovoce::wire::{ContactId, Time};
use sottovoce_client::tls;

pub use balancer::Balancer;
pub use business::{Business, ENTRY_POINT, TEAM};
pub use person::{Person, Shown};
pub use relay::RelayProcess;
pub use service::ServiceProcess;
pub use writer::Writer;

/// For connections within the machine.
pub fn no_roots() -> Arc<ClientConfig> {
    tls::client_config(Arc::new(rustls::crypto::ring::default_provider()), []).unwrap()
}

/// The system's clock.
pub fn now() -> Time {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    Time::from_millis(since.as_millis().try_into().unwrap())
}

/// To say something.
pub fn text(contact: ContactId, words: &str) -> Command {
    Command::Send {
        contact,
        kind: sottovoce::message::kind::TEXT.into(),
        body: words.into(),
        reply_to: None,
        id: None,
    }
}
