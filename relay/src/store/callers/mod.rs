//! What a store keeps of those who call the REST API: their tokens, answers that are given again, and
//! what their accounts used.

pub(super) mod queries;

use async_trait::async_trait;
use sottovoce::crypto::Hash;
use sottovoce::wire::frame::Nonce;
use sottovoce::wire::{AccountId, DeviceId, Time};

use super::StoreError;

/// An API token as it is kept: without the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// SHA-256 of the token.
    pub hash: Hash,
    /// The account.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The administrator who signed for it.
    pub by: DeviceId,
    /// When it was made.
    pub created: Time,
    /// Until when it is good.
    pub expires: Time,
    /// Since when it is no longer good all the same.
    pub revoked: Option<Time>,
}

/// Names a request that may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatKey {
    /// The account.
    pub account: AccountId,
    /// SHA-256 of the token that asks.
    pub token: Hash,
    /// The caller's key.
    pub key: String,
}

/// An answer that is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub media_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What a repeatable request turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// New. It is now under way.
    New,
    /// The same as one before, which was answered like this.
    Same(KeptAnswer),
    /// The same as one that is still under way.
    UnderWay,
    /// Another request under the same key.
    Other,
}

/// What an account used on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// New contacts.
    pub contacts: u64,
    /// Entries.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Days since 1970-01-01, UTC.
pub type Day = u32;

/// Keeps what the API needs of its callers.
#[async_trait]
pub trait CallerStore: Send + Sync + 'static {
    /// Keeps a token, and that its request's nonce was used. False if it was used before.
    async fn add_token(&self, token: &ApiToken, nonce: &Nonce) -> Result<bool, StoreError>;

    /// A token by its hash.
    async fn token(&self, hash: &Hash) -> Result<Option<ApiToken>, StoreError>;

    /// The tokens of an account, newest first.
    async fn tokens(&self, account: &AccountId) -> Result<Vec<ApiToken>, StoreError>;

    /// Ends a token before its time. False if there is none.
    async fn revoke_token(
        &self,
        account: &AccountId,
        hash: &Hash,
        now: Time,
    ) -> Result<bool, StoreError>;

    /// Begins a request that may be repeated. `fingerprint` says what it asks; one that was begun
    /// before `stale` and has no answer is begun again.
    async fn begin(
        &self,
        key: &RepeatKey,
        fingerprint: &Hash,
        now: Time,
        stale: Time,
    ) -> Result<Repeat, StoreError>;

    /// Ends it: with an answer that is kept, or with none.
    async fn end(&self, key: &RepeatKey, answer: Option<&KeptAnswer>) -> Result<(), StoreError>;

    /// Forgets answers and nonces that are older than a time, and tokens that ended before one.
    async fn forget(&self, answers: Time, nonces: Time, tokens: Time) -> Result<(), StoreError>;

    /// Adds usage.
    async fn add_usage(&self, used: &[(AccountId, Day, Usage)]) -> Result<(), StoreError>;

    /// What an account used from one day to another, both included; days without usage are left
    /// out.
    async fn usage(
        &self,
        account: &AccountId,
        from: Day,
        to: Day,
    ) -> Result<Vec<(Day, Usage)>, StoreError>;
}
