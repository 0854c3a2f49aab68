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

use sqlx::sqlite::{
    SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Row};

use sqlx::{Sqlite, Transaction};

use super::{Database, StoreError};
use crate::webhooks::{Recorded, Waker};
pub(super) use append::Appender;

/// How many connections read at the same time.
const READERS: u32 = 4;
/// How often the write-ahead log is brought into the database.
const CHECKPOINT: Duration = Duration::from_millis(200);
/// With so many pages, 2 MiB, the log is brought to an end, so that it begins anew.
const BUSY_PAGES: i64 = 512;
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
    let appender = Arc::new(Appender::new(options.get_filename()));
    tokio::spawn(checkpoint(checkpoints.clone(), Arc::clone(&appender)));
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
///
/// While appends go on, the log never ends: what they add meanwhile is not in the database yet. So, most
/// of it being done, the little that is left is done while no append runs, and the next one begins
/// the log anew. It stays short then; every synchronisation of a file that grows costs more.
async fn checkpoint(connection: SqlitePool, appender: Arc<Appender>) {
    let closed = connection.close_event();
    tokio::pin!(closed);
    let mut failed = false;
    loop {
        tokio::select! {
            biased;
            () = &mut closed => return,
            () = tokio::time::sleep(CHECKPOINT) => {
                // One that fails is made up for by the next, or by a commit that then fails too.
                let done = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&connection).await;
                let pages = done.and_then(|row| row.try_get::<i64, _>(1));
                let failed_before = std::mem::replace(&mut failed, pages.is_err());
                match pages {
                    Ok(pages) if pages >= BUSY_PAGES => {
                        let appender = Arc::clone(&appender);
                        let _ = tokio::task::spawn_blocking(move || appender.end_log()).await;
                    }
                    Ok(_) => {}
                    Err(error) if !failed_before => {
                        tracing::warn!(%error, "the log could not be brought into the database");
                    }
                    Err(_) => {}
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
