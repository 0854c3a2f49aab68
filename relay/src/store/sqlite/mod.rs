//! The embedded store: SQLite with a write-ahead log and full synchronisation.

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

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::{
    SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use sqlx::{Sqlite, Transaction};

use super::{Database, StoreError};
use crate::webhooks::{Recorded, Waker};
pub(super) use append::Appender;

/// How many connections read at the same time.
const READERS: u32 = 4;
/// How often the write-ahead log is brought into the database.
const CHECKPOINT: Duration = Duration::from_millis(500);
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 256;
/// How many pages of the write-ahead log a commit leaves where they are: 64 MiB.
const CHECKPOINT_PAGES: u32 = 16_384;
/// How much a connection keeps in memory, in KiB below zero: 16 MiB.
const CACHE: i32 = -16_384;
/// How long one who writes waits for another.
const PATIENCE: Duration = Duration::from_secs(10);

/// See the module's documentation.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    appender: Arc<Appender>,
    webhooks: Waker,
}

impl SqliteStore {
    pub(super) const fn new(
        writer: SqlitePool,
        readers: SqlitePool,
        appender: Arc<Appender>,
        webhooks: Waker,
    ) -> Self {
        Self {
            writer,
            readers,
            appender,
            webhooks,
        }
    }

    /// Commits a transaction in which events were recorded.
    async fn commit(
        &self,
        transaction: Transaction<'_, Sqlite>,
        recorded: Recorded,
    ) -> Result<(), StoreError> {
        transaction.commit().await?;
        self.webhooks.recorded(recorded);
        Ok(())
    }
}

/// Opens the database at a path or `sqlite:` URL.
pub(super) async fn open(database: &str) -> Result<Database, StoreError> {
    let options = care::options(database)?;
    care::keep_private(options.get_filename())?;
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // The log goes into the database beside the writer. Only when that falls behind far does a
        // commit wait for it.
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("cache_size", CACHE.to_string())
        .statement_cache_capacity(STATEMENTS)
        // What is deleted is overwritten with zeros.
        .pragma("secure_delete", "ON")
        .busy_timeout(PATIENCE);
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|connection, _| Box::pin(ended(connection)))
    };
    let writer = pool(1).connect_with(options.clone()).await?;
    sqlx::migrate!("./migrations/sqlite").run(&writer).await?;
    let checkpoints = pool(1).connect_with(options.clone()).await?;
    tokio::spawn(checkpoint(checkpoints.clone()));
    let appender = Arc::new(Appender::new(options.get_filename()));
    let readers = pool(READERS).connect_with(options.read_only(true)).await?;
    Ok(Database::Sqlite {
        writer,
        readers,
        appender,
        checkpoints,
    })
}

/// Brings the log into the database from time to time, so that no commit has to, until its
/// connection is closed.
async fn checkpoint(connection: SqlitePool) {
    let closed = connection.close_event();
    tokio::pin!(closed);
    loop {
        tokio::select! {
            biased;
            () = &mut closed => return,
            () = tokio::time::sleep(CHECKPOINT) => {
                // One that fails is made up for by the next, or by a commit that then fails too.
                let done = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&connection).await;
                if let Err(error) = done {
                    tracing::warn!(%error, "the log could not be brought into the database");
                }
            }
        }
    }
}

/// Whether a connection's transaction has ended. On a full disk SQLite ends it by itself; the
/// driver then waits for ever for an end that has been, so that connection is of no use any more.
async fn ended(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // Answered after whatever rolls back.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}
