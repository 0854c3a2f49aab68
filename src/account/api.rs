//! SPEC 3.10: what the REST API needs signed: an administrator's request for an API token, and
//! what a relay leaves in place of a contact that it erased. Browsers use neither.

use crate::wire::codec::array;

use crate::wire::frame::Nonce;
use crate::wire::{AccountId, ContactId, SignedKind, Suite, Time, Version};

/// An administrator's request for an API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTokenRequest {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// What people call the token, 1 to 128 bytes.
    pub name: String,
    /// What it may do: names of scopes, strictly ascending.
    pub scopes: Vec<String>,
    /// Until when.
    pub expires: Time,
    /// When the request was made.
    pub time: Time,
    /// Random: a request is good for one token.
    pub nonce: Nonce,
    /// Host and port that the request is sent to, as in the HTTP `Host` header: no relay can use
    /// it at another one.
    pub host: String,
}

array!(ApiTokenRequest {
    version,
    suite,
    account,
    name,
    scopes,
    expires,
    time,
    nonce,
    host
});

impl SignedKind for ApiTokenRequest {
    const KIND: &'static str = "api-token";
}

/// What stays of an erased contact, signed by the relay that erased it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: ContactId,
    /// How many entries it had.
    pub entries: u64,
    /// When it was erased.
    pub time: Time,
}

array!(Tombstone {
    version,
    suite,
    account,
    contact,
    entries,
    time
});

impl SignedKind for Tombstone {
    const KIND: &'static str = "tombstone";
}
