//! Sottovoce's protocol core: end-to-end encrypted live chat as a state machine.
//!
//! The core is sans-IO and synchronous: it has no clock, no sockets and no storage. A host
//! feeds a [`client::Client`] with inputs and carries out its outputs. `docs/SPEC.md` states
//! every byte; section numbers in these docs refer to it.
//!
//! Each folder uses only those above it in this list.

pub mod account;
pub mod archive;
pub mod client;
pub mod contact;
pub mod crypto;
mod gather;
pub mod message;
mod table;
pub mod wire;

#[cfg(target_arch = "wasm32")]
mod wasm;
