//! Ids, times and the enums that are plain strings in JavaScript.

use core::fmt::Display;

use serde::{Serialize, Serializer};
use tsify::Tsify;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{account, client, wire};

#[wasm_bindgen(typescript_custom_section)]
const SCALARS: &str = r#"
/** 32 bytes as base64url without padding, as are all ids. */
export type AccountId = string;
/** 16 bytes as base64url. */
export type ContactId = string;
/** 16 bytes as base64url. */
export type ContentId = string;
/** The device's Ed25519 public key as base64url. */
export type DeviceId = string;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Time = number;
"#;

/// An id that is text in JavaScript.
pub(super) struct Id<T>(pub(super) T);

pub(super) type ContactId = Id<wire::ContactId>;
pub(super) type ContentId = Id<wire::ContentId>;
pub(super) type DeviceId = Id<wire::DeviceId>;

impl<T: Display> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A point in time.
#[derive(Serialize)]
pub(super) struct Time(u64);

impl From<wire::Time> for Time {
    fn from(time: wire::Time) -> Self {
        Self(time.millis())
    }
}

/// Who holds keys. `e2ee` is the strictest.
#[derive(Tsify, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Transport,
    Storage,
    E2ee,
}

impl From<account::Level> for Level {
    fn from(level: account::Level) -> Self {
        match level {
            account::Level::Transport => Self::Transport,
            account::Level::Storage => Self::Storage,
            account::Level::E2ee => Self::E2ee,
        }
    }
}

/// What a participant is.
#[derive(Tsify, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    Visitor,
    Agent,
    Supervisor,
    Administrator,
    Bot,
    Vault,
    Auditor,
}

impl From<account::Role> for Role {
    fn from(role: account::Role) -> Self {
        match role {
            account::Role::Visitor => Self::Visitor,
            account::Role::Agent => Self::Agent,
            account::Role::Supervisor => Self::Supervisor,
            account::Role::Administrator => Self::Administrator,
            account::Role::Bot => Self::Bot,
            account::Role::Vault => Self::Vault,
            account::Role::Auditor => Self::Auditor,
        }
    }
}

/// Whether the person's own device holds the keys, or a gateway acts for the person.
#[derive(Tsify, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Via {
    Device,
    Gateway,
}

impl From<account::Via> for Via {
    fn from(via: account::Via) -> Self {
        match via {
            account::Via::Device => Self::Device,
            account::Via::Gateway => Self::Gateway,
        }
    }
}

/// Where a contact stands. `transferring`: handed on and not yet claimed.
#[derive(Tsify, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ContactState {
    Waiting,
    Open,
    Transferring,
    Closed,
}

impl From<client::ContactState> for ContactState {
    fn from(state: client::ContactState) -> Self {
        match state {
            client::ContactState::Waiting => Self::Waiting,
            client::ContactState::Open => Self::Open,
            client::ContactState::Transferring => Self::Transferring,
            client::ContactState::Closed => Self::Closed,
        }
    }
}
