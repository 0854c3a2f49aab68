//! What is kept: endpoints, secrets, events, deliveries and what became of them.
//!
//! Both databases run the same queries: the files in `queries` are compiled once for each, and
//! `sqlite` and `postgres` say what differs.
//!
//! A delivery waits in the lane of its endpoint and subject. Only a lane's first pending delivery is
//! ever sent, so that order holds by the shape of the tables; whoever sends holds the lane's lease.

mod plan;
pub mod postgres;
pub mod sqlite;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use sottovoce::wire::{AccountId, Time};
use url::Url;

use crate::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryId};
use crate::endpoint::{
    Disabled, Endpoint, EndpointChange, EndpointError, EndpointId, EndpointKeys, Registration,
    Settings,
};
use crate::keys::{KeyError, SecretToken, SharedSecret, SigningKey};

pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

/// Longest time that a former secret stays valid.
pub const OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The store did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database said no.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// SQLite said no to what is written at once.
    #[error(transparent)]
    Embedded(#[from] rusqlite::Error),
    /// The database cannot be brought to this version's form.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row is not what this program wrote.
    #[error("a row cannot be read")]
    Unreadable,
    /// No secret can be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The account may not have it.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Those before were promised to stay valid for longer.
    #[error(
        "former secrets are still valid: wait until their time is over, or end them with an overlap of 0"
    )]
    RotationUnderWay,
}

impl StoreError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Database(_) | Self::Embedded(_) => "database-failed",
            Self::Migration(_) => "database-unusable",
            Self::Unreadable => "row-unreadable",
            Self::Key(error) => error.code(),
            Self::Endpoint(error) => error.code(),
            Self::RotationUnderWay => "rotation-under-way",
        }
    }
}

/// A secret token of an account, and until when it is valid.
#[derive(Clone, Debug)]
pub struct AccountToken {
    /// The token.
    pub token: SecretToken,
    /// Since when it is there.
    pub created: Time,
    /// Until when it is valid; `None`: it is the newest.
    pub until: Option<Time>,
}

/// What became of events that were recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many deliveries there are of them.
    pub deliveries: usize,
    /// How many there are not, because too much waits for the endpoint that wanted them.
    pub dropped: usize,
}

/// Who wants how much to deliver.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The time.
    pub now: Time,
    /// Until when what is claimed is nobody else's.
    pub until: Time,
    /// Names whoever claims; different for every process.
    pub holder: String,
    /// Most that is wanted.
    pub most: usize,
    /// Most that is under way to one endpoint.
    pub per_endpoint: usize,
    /// What is under way already.
    pub busy: HashMap<EndpointId, usize>,
}

/// A lane that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The lane: the subject's id.
    pub lane: Vec<u8>,
    /// Who holds it.
    pub holder: String,
}

/// A delivery to be tried now.
#[derive(Clone, Debug)]
pub struct Job {
    /// The lease under which it is tried.
    pub lease: Lease,
    /// The delivery.
    pub delivery: DeliveryId,
    /// How often it was tried since it was recorded or replayed.
    pub tries: u32,
    /// The event's id.
    pub event: String,
    /// The event's body.
    pub body: Vec<u8>,
    /// The account.
    pub account: AccountId,
    /// Where to.
    pub url: Url,
    /// How.
    pub settings: Settings,
    /// The endpoint's keys that sign, newest first.
    pub keys: Vec<(SharedSecret, SigningKey)>,
    /// The account's tokens that are valid, newest first.
    pub tokens: Vec<SecretToken>,
}

/// What an attempt leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is delivered.
    Delivered,
    /// It is tried again.
    Retry(Time),
    /// It is given up.
    Failed,
    /// It is given up, and so is the endpoint.
    Disable(Disabled),
}

/// What became of a job.
#[derive(Clone, Debug)]
pub struct Report {
    /// The job's lease.
    pub lease: Lease,
    /// The job's delivery.
    pub delivery: DeliveryId,
    /// The attempt.
    pub attempt: Attempt,
    /// What follows.
    pub next: Next,
}

/// How long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Delivered ones.
    pub delivered: Duration,
    /// Failed ones, and pending ones that nobody takes.
    pub failed: Duration,
    /// Most pending ones of an endpoint; one with more is disabled.
    pub backlog: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            delivered: Duration::from_secs(7 * 24 * 60 * 60),
            failed: Duration::from_secs(30 * 24 * 60 * 60),
            backlog: 100_000,
        }
    }
}

/// What is kept.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Registers an endpoint, and makes its keys and, if it is the account's first, the account's
    /// secret token.
    async fn create_endpoint(
        &self,
        account: &AccountId,
        registration: &Registration,
        now: Time,
    ) -> Result<Endpoint, StoreError>;

    /// The endpoints of an account, oldest first.
    async fn endpoints(&self, account: &AccountId) -> Result<Vec<Endpoint>, StoreError>;

    /// An endpoint of an account.
    async fn endpoint(
        &self,
        account: &AccountId,
        id: &EndpointId,
    ) -> Result<Option<Endpoint>, StoreError>;

    /// Changes an endpoint; `None` if there is no such. One that is enabled again goes on with
    /// what waits.
    async fn change_endpoint(
        &self,
        account: &AccountId,
        id: &EndpointId,
        change: &EndpointChange,
        now: Time,
    ) -> Result<Option<Endpoint>, StoreError>;

    /// Forgets an endpoint and all its deliveries; whether there was one.
    async fn delete_endpoint(
        &self,
        account: &AccountId,
        id: &EndpointId,
    ) -> Result<bool, StoreError>;

    /// The keys of an endpoint that sign, newest first; none if there is no such endpoint.
    async fn endpoint_keys(
        &self,
        account: &AccountId,
        id: &EndpointId,
        now: Time,
    ) -> Result<Vec<EndpointKeys>, StoreError>;

    /// Makes new keys for an endpoint. Until `overlap` is over, at most [`OVERLAP`], those before
    /// sign too, and older ones until their own time is over. With an `overlap` of 0 all former
    /// ones are void at once. None if there is no such endpoint;
    /// [`StoreError::RotationUnderWay`] where eight sign already.
    async fn rotate_endpoint_keys(
        &self,
        account: &AccountId,
        id: &EndpointId,
        overlap: Duration,
        now: Time,
    ) -> Result<Vec<EndpointKeys>, StoreError>;

    /// The account's valid secret tokens, newest first: one, or two while they change. Makes the
    /// first.
    async fn secret_tokens(
        &self,
        account: &AccountId,
        now: Time,
    ) -> Result<Vec<AccountToken>, StoreError>;

    /// Makes a new secret token. The newest signs in the endpoint's header from now on; the one
    /// before stays valid until `overlap` is over, at most [`OVERLAP`], and signs in a second
    /// header. As there is one such header, [`StoreError::RotationUnderWay`] until its time is
    /// over, except with an `overlap` of 0, which makes all former ones void.
    async fn rotate_secret_token(
        &self,
        account: &AccountId,
        overlap: Duration,
        now: Time,
    ) -> Result<Vec<AccountToken>, StoreError>;

    /// Deliveries of an account, newest first.
    async fn deliveries(
        &self,
        account: &AccountId,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// A delivery of an account.
    async fn delivery(
        &self,
        account: &AccountId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError>;

    /// The attempts of a delivery, oldest first; none if there is no such delivery.
    async fn attempts(
        &self,
        account: &AccountId,
        id: DeliveryId,
    ) -> Result<Vec<Attempt>, StoreError>;

    /// Lets a delivery that was delivered or failed be tried once more from the start, in its old
    /// place among those that still wait; whether there is such a one.
    async fn replay(
        &self,
        account: &AccountId,
        id: DeliveryId,
        now: Time,
    ) -> Result<bool, StoreError>;

    /// Makes what waits first in the lane of a pending delivery due now; whether it is pending.
    async fn hasten(
        &self,
        account: &AccountId,
        id: DeliveryId,
        now: Time,
    ) -> Result<bool, StoreError>;

    /// Replays all failed deliveries to an endpoint whose events were recorded at `since` or
    /// later; how many.
    async fn replay_failed(
        &self,
        account: &AccountId,
        endpoint: &EndpointId,
        since: Time,
        now: Time,
    ) -> Result<u64, StoreError>;

    /// Takes lanes that are due, and says what to send.
    async fn claim(&self, claim: &Claim) -> Result<Vec<Job>, StoreError>;

    /// Writes what became of jobs, in one transaction. A report whose lease somebody else has taken
    /// meanwhile changes nothing.
    async fn finish(&self, reports: &[Report], now: Time) -> Result<(), StoreError>;

    /// Frees what a former process of this database held, where only one process can be using it.
    async fn recover(&self, now: Time) -> Result<(), StoreError>;

    /// Forgets what is old; how many deliveries went.
    async fn prune(&self, retention: &Retention, now: Time) -> Result<u64, StoreError>;
}
