//! The older shape of key managers: one URL for each account, a key for each contact, wrapped under the
//! account's secret token. An adapter for businesses that keep such a service, never the default.
//!
//! - [`contact_key`]: a contact's key and `W`, what it travels as,
//! - [`call`]: what is sent, signed and answered,
//! - [`service`]: calls such a service,
//! - [`message`]: reads a message that was encrypted under such a key, for import.
//!
//! Nothing here authenticates what it encrypts. So Sottovoce takes a contact's key for nothing but input
//! key material, and never encrypts a message this way.

pub mod call;
pub mod contact_key;
pub mod message;
pub mod service;

pub use call::{SignGet, Signing, TokenAs};
pub use contact_key::ContactKey;
pub use service::{Service, ServiceError};
pub use sottovoce_webhook_signatures::keys::SecretToken;

/// What was to be opened does not open: another key, or no such thing at all. It says no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not open")]
pub struct DoesNotOpen;
