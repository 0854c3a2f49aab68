//! The store that several nodes share: PostgreSQL, which is the truth across them.

mod append;
mod bans;
mod callers;
pub(super) mod care;
mod log;
mod management;
mod objects;
mod prekeys;
mod push;
#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};

use sqlx::{Postgres, Transaction};
use tokio::time::Instant;

use super::{Database, StoreError};
use crate::webhooks::{Recorded, Waker};

/// How many connections a relay has at most.
const CONNECTIONS: u32 = 16;
/// How long to wait for one of them.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection that was not used for so long is asked whether it lives before it is used again.
const IDLE: Duration = Duration::from_secs(1);
/// What a connection asks of its server. Every statement names its rows by their keys, so that one plan
/// is good for all parameters: planning anew took longer than appending. In milliseconds, the end of
/// a statement that takes too long, of waiting for a lock, and of a transaction that nobody goes on
/// with: a database that hangs is one that does not answer, and clients are told. The URL's `options`
/// come before them.
const SETTINGS: [(&str, &str); 4] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("statement_timeout", "15000"),
    ("lock_timeout", "10000"),
    ("idle_in_transaction_session_timeout", "30000"),
];

/// See the module's documentation.
#[derive(Debug)]
pub struct PostgresStore {
    pool: PgPool,
    webhooks: Waker,
}

impl PostgresStore {
    pub(super) const fn new(pool: PgPool, webhooks: Waker) -> Self {
        Self { pool, webhooks }
    }

    /// Commits a transaction in which events were recorded.
    async fn commit(
        &self,
        transaction: Transaction<'_, Postgres>,
        recorded: Recorded,
    ) -> Result<(), StoreError> {
        transaction.commit().await?;
        self.webhooks.recorded(recorded);
        Ok(())
    }
}

/// Opens the database at a `postgres:` URL. Nodes that start at the same time migrate one after
/// the other.
pub(super) async fn open(url: &str) -> Result<Database, StoreError> {
    let options = options(url)?;
    care::reach(&options, Instant::now() + PATIENCE).await?;
    // Changing tables takes as long as it takes.
    let patient = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .connect_with(options.clone())
        .await?;
    sqlx::migrate!("./migrations/postgres")
        .run(&patient)
        .await?;
    sottovoce_webhooks::store::PostgresStore::open(patient.clone()).await?;
    patient.close().await;
    let given = options.get_options().unwrap_or_default().to_owned();
    let settings = SETTINGS.iter().filter(|(name, _)| !given.contains(name));
    let settings = settings.copied().collect::<Vec<_>>();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(1)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, known| {
            Box::pin(async move {
                if known.idle_for > IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options.options(settings))
        .await?;
    Ok(Database::Postgres(pool))
}

/// Whether a URL can be used.
pub(super) fn check(url: &str) -> Result<(), StoreError> {
    options(url).map(drop)
}

/// Reads a URL. Its `sslmode` says how a server proves who it is; without one, a server on another
/// machine must show a certificate of a trusted authority for its name.
fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url)?.application_name("sottovoce-relay");
    let host = options.get_host();
    let is_local = options.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback());
    match options.get_ssl_mode() {
        _ if is_local => Ok(options),
        PgSslMode::Prefer => Ok(options.ssl_mode(PgSslMode::VerifyFull)),
        PgSslMode::Disable | PgSslMode::Allow => Err(StoreError::Plain),
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => Ok(options),
    }
}
