//! Sottovoce's vault: a participant on a server, on the roster of every contact below `e2ee`. It stores
//! what it sees and gives it back.
//!
//! - [`record`]: what is kept, [`seal`]: how it is encrypted at level `storage`,
//! - [`keys`]: data keys, from the account's key manager,
//! - [`store`]: its own database,
//! - `participant`: the device that is on the rosters,
//! - [`reading`]: what is stored, opened; [`erasure`]: its end,
//! - `webhooks`: messages, told with what they say,
//! - `http`: transcripts, search and erasure for programs with a [`token`].
//!
//! At `transport` everything is stored in clear. At `storage` nothing that anybody said, is called or
//! is known by ever is.

pub mod config;
pub mod erasure;
mod http;
pub mod keys;
mod metrics;
mod participant;
pub mod reading;
pub mod record;
pub mod seal;
mod server;
mod status;
pub mod store;
pub mod token;
mod webhooks;

pub use config::{Config, Settings};
pub use server::{Server, StartError, check};
pub use webhooks::WebhooksError;
