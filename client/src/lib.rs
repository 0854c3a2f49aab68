//! The native host of Sottovoce's core: it owns the socket, the clock and the disk of one device.
//!
//! [`start`] opens a client and carries its wishes out until it is stopped: a [`Handle`] takes
//! commands, a channel gives events. [`admin`] speaks to a relay as an administrator, over the
//! same connections; [`api`] makes tokens for its REST API.
//!
//! ```no_run
//! # async fn example(account: sottovoce::wire::AccountId) -> Result<(), Box<dyn std::error::Error>> {
//! use sottovoce::account::Pin;
//! use sottovoce::client::{Command, Kind};
//! use sottovoce_client::{HostConfig, StateStore, start, tls};
//!
//! # let provider: std::sync::Arc<rustls::crypto::CryptoProvider> = unimplemented!();
//! let (handle, mut events) = start(HostConfig {
//!     url: "wss://chat.example".to_owned(),
//!     pin: Pin::account(account),
//!     kind: Kind::Visitor,
//!     state: StateStore::Memory,
//!     tls: tls::client_config(provider, [])?,
//! })
//! .await?;
//! handle
//!     .command(Command::Start { entry_point: "shop".to_owned(), identity: None, details: Vec::new() })
//!     .await?;
//! while let Some(event) = events.recv().await {
//!     println!("{event:?}");
//! }
//! # Ok(())
//! # }
//! ```

pub mod admin;
pub mod api;
pub mod connection;
mod host;
mod http;
pub mod key_manager;
mod reading;
pub mod state;
pub mod tls;

pub use age::secrecy::SecretString;
pub use connection::{AddressError, DialError};
pub use host::{Handle, HostConfig, StartError, Stopped, start};
pub use reading::{ReadingError, read_entry, requester};
pub use state::{StateError, StateStore, StorageKey};

use sottovoce::wire::Time;

/// What the system's clock says.
fn now() -> Time {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Time::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
