//! The native host for Kotlin and Swift: [`sottovoce_client`] as it is, with ids as base64url
//! text and times as milliseconds. It converts and forwards, nothing else. What of the core's
//! types can cross the language border is declared once more with [`uniffi::remote`], which
//! needs no conversion; whatever holds a code has a type of its own here.

mod administration;
mod client;
mod command;
mod config;
mod error;
mod event;
mod item;
mod scalar;
mod view;

pub use administration::{
    AuditEntry, DeviceEntry, EntryPoint, KeyManager, KeyManagerCheck, SettingsView,
};
pub use client::Client;
pub use config::{HostConfig, StateStore, StorageKey};
pub use error::ClientError;
pub use event::{ConnectionState, Event};
pub use item::{Item, ItemBody, MessageState};
pub use view::ContactView;

uniffi::setup_scaffolding!();
