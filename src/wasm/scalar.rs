//! Ids, times and the enums that are plain strings in JavaScript.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::account::Via;
use crate::client::ContactState;

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

/** Who holds keys. `e2ee` is the strictest. */
export type Level = "transport" | "storage" | "e2ee";

/** What a participant is. */
export type Role =
    | "visitor"
    | "agent"
    | "supervisor"
    | "administrator"
    | "bot"
    | "vault"
    | "auditor";

/** Whether the person's own device holds the keys, or a gateway acts for the person. */
export type Via = "device" | "gateway";

/** Where a contact stands. `transferring`: handed on and not yet claimed. */
export type ContactState = "waiting" | "open" | "transferring" | "closed";
"#;

pub(super) const fn via(via: Via) -> &'static str {
    match via {
        Via::Device => "device",
        Via::Gateway => "gateway",
    }
}

pub(super) const fn contact_state(state: ContactState) -> &'static str {
    match state {
        ContactState::Waiting => "waiting",
        ContactState::Open => "open",
        ContactState::Transferring => "transferring",
        ContactState::Closed => "closed",
    }
}
