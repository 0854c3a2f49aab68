//! SPEC 3.2: the root statement, signed by the account root only.

use minicbor::{Decode, Encode};

use super::Level;
use crate::crypto::hash::hash;
use crate::crypto::sign::PublicKey;
use crate::wire::{AccountId, SignedKind, Suite, Time, Version};

/// `H("account", "Ed25519", root)`: the id that a root key gives its account.
pub fn account_id(root: &PublicKey) -> AccountId {
    AccountId::new(*hash("account", &["Ed25519".into(), root.into()]).as_array())
}

/// Who administers the account, and what no policy may go below.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RootStatement {
    /// Protocol version.
    #[n(0)]
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    #[n(1)]
    pub suite: Suite,
    /// The account.
    #[n(2)]
    pub account: AccountId,
    /// The statement's own version; a lower one is refused.
    #[n(3)]
    pub number: u64,
    /// The root's Ed25519 key; its hash is the account id or the pinned next root.
    #[n(4)]
    pub root: PublicKey,
    /// When it was signed.
    #[n(5)]
    pub issued: Time,
    /// The administrators' Ed25519 keys, ascending.
    #[n(6)]
    pub administrators: Vec<PublicKey>,
    /// How many of them must sign a policy.
    #[n(7)]
    pub policy_threshold: u64,
    /// How many of them must sign a credential or an administrators' team key record.
    #[n(8)]
    pub credential_threshold: u64,
    /// The key manager's identity, if there is one.
    #[n(9)]
    pub key_manager: Option<KeyManager>,
    /// No entry point of any policy may have a lower level.
    #[n(10)]
    pub lowest_level: Level,
}

impl SignedKind for RootStatement {
    const KIND: &'static str = "root";
}

/// A key manager and who runs it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct KeyManager {
    /// Its Ed25519 identity key.
    #[n(0)]
    pub identity: PublicKey,
    /// Who operates it. At `e2ee` clients refuse an archive that the platform operates.
    #[n(1)]
    pub operator: Operator,
}

/// Who operates a key manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Operator {
    /// The customer whose account it is.
    #[n(0)]
    Customer,
    /// The platform that runs the relay.
    #[n(1)]
    Platform,
}
