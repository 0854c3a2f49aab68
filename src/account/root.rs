//! SPEC 3.2: the root statement, signed by the account root only.

use crate::wire::codec::{array, number};

use super::Level;
use crate::crypto::hash::hash;
use crate::crypto::sign::PublicKey;
use crate::wire::{AccountId, SignedKind, Suite, Time, Version};

/// `H("account", "Ed25519", root)`: the id that a root key gives its account.
pub fn account_id(root: &PublicKey) -> AccountId {
    AccountId::new(*hash("account", &["Ed25519".into(), root.into()]).as_array())
}

/// Who administers the account, and what no policy may go below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootStatement {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The statement's own version; a lower one is refused.
    pub number: u64,
    /// The root's Ed25519 key; its hash is the account id or the pinned next root.
    pub root: PublicKey,
    /// When it was signed.
    pub issued: Time,
    /// The administrators' Ed25519 keys, ascending.
    pub administrators: Vec<PublicKey>,
    /// How many of them must sign a policy.
    pub policy_threshold: u64,
    /// How many of them must sign a credential or an administrators' team key record.
    pub credential_threshold: u64,
    /// The key manager's identity, if there is one.
    pub key_manager: Option<KeyManager>,
    /// No entry point of any policy may have a lower level.
    pub lowest_level: Level,
}

array!(RootStatement {
    version,
    suite,
    account,
    number,
    root,
    issued,
    administrators,
    policy_threshold,
    credential_threshold,
    key_manager,
    lowest_level
});

impl SignedKind for RootStatement {
    const KIND: &'static str = "root";
}

/// A key manager and who runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyManager {
    /// Its Ed25519 identity key.
    pub identity: PublicKey,
    /// Who operates it. At `e2ee` clients refuse an archive that the platform operates.
    pub operator: Operator,
}

array!(KeyManager { identity, operator });

/// Who operates a key manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The customer whose account it is.
    Customer,
    /// The platform that runs the relay.
    Platform,
}

number!(Operator { Customer = 0, Platform = 1 });
