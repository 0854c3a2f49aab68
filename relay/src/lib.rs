//! The Sottovoce relay: it orders, keeps and forwards what clients send each other, and can
//! read none of it.
//!
//! - `connection` speaks the protocol with one device,
//! - [`account`] holds what an account says about itself and takes in publications,
//! - [`contact`] judges entries, [`sequencer`] gives them their positions and makes them durable,
//! - `rest` is the API for integrators, `retention` forgets what is no longer to be kept,
//! - [`store`] keeps all of it, in SQLite or in PostgreSQL,
//! - [`fanout`] tells this node's connections, [`hints`] tell other nodes on the same database.
//!
//! The relay uses the core's wire format and its verification of public objects, nothing that
//! opens or holds a secret; `clippy.toml` keeps it so.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod account;
mod backup;
mod bans;
mod config;
mod connection;
pub mod contact;
mod endings;
mod expiry;
pub mod fanout;
mod heads;
pub mod hints;
mod http;
mod key_manager;
mod load;
mod metrics;
mod nodes;
pub mod outcome;
mod plans;
#[cfg(planted_violations)]
mod planted;
pub mod presence;
pub mod proxy;
pub mod push;
pub mod refusal;
mod relay;
mod rest;
mod retention;
pub mod sequencer;
pub mod store;
pub mod throttle;
mod tombstone;
pub mod usage;
mod watch;
pub mod webhooks;

pub use backup::{BackupError, back_up};
pub use config::{Config, Mount, Push, Settings};
pub use plans::{PlanError, PlanSettings, Plans, RuleSettings};
pub use proxy::Proxies;
pub use refusal::Refusal;
pub use relay::{Relay, RelayError, check, serve};
pub use rest::scopes;
pub use sottovoce_server::TlsFiles;
pub use throttle::Limits;
