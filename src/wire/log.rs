//! SPEC 5.1: the running hash over a contact's log, valid entries or not, in the relay's order.

use crate::wire::codec::array;

use super::{AccountId, ContactId};
use crate::crypto::Hash;
use crate::crypto::hash::{hash, sha256};

/// `H_0 = H("log", account, contact)`.
pub fn log_start(account: &AccountId, contact: &ContactId) -> Hash {
    hash("log", &[account.into(), contact.into()])
}

/// `H_p = H("log", H_{p-1}, p, SHA-256(entry))`.
pub fn log_next(previous: &Hash, position: u64, entry: &[u8]) -> Hash {
    let entry = sha256(entry);
    hash("log", &[previous.into(), position.into(), (&entry).into()])
}

/// How far someone has read a log, and what it was up to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The last position read.
    pub position: u64,
    /// `H_p` at that position.
    pub hash: Hash,
}

array!(Seen { position, hash });
