//! The embedded store. One connection writes, so that writers queue in the program.

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, Transaction};

use super::StoreError;

mod at_once;

#[path = "../queries/mod.rs"]
mod queries;

pub use at_once::record_at_once;
pub use queries::{erase, record};

/// Keeps webhooks in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Over an open database: the pool of the one connection that writes, and those that read.
    /// Makes or migrates the tables.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(writer: SqlitePool, readers: SqlitePool) -> Result<Self, StoreError> {
        let mut migrator = sqlx::migrate!("./migrations/sqlite");
        migrator.dangerous_set_table_name("webhook_migrations");
        migrator.run(&writer).await?;
        Ok(Self { writer, readers })
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// Two processes do not share a file.
    const IS_SHARED: bool = false;
}

/// What differs from the other database.
mod dialect {
    pub(super) use super::SqliteStore as Pools;
    pub(super) use sqlx::Sqlite as Db;
    pub(super) use sqlx::sqlite::{SqliteConnection as Connection, SqliteRow as Row};

    /// A transaction that writes is alone.
    pub(super) const FOR_UPDATE: &str = "";
    pub(super) const SKIP_LOCKED: &str = "";
}
