//! The store that several processes share. Rows of `webhook_lanes` are the locks: everybody takes
//! them in ascending order, and looks at deliveries only afterwards, in a statement of its own.

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use sqlx::{Postgres, Transaction};

use super::StoreError;

#[path = "../queries/mod.rs"]
#[expect(
    clippy::duplicate_mod,
    reason = "the same queries, for another database"
)]
mod queries;

pub use queries::{erase, record};

/// Keeps webhooks in PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// Over an open database. Makes or migrates the tables.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(pool: PgPool) -> Result<Self, StoreError> {
        let mut migrator = sqlx::migrate!("./migrations/postgres");
        migrator.dangerous_set_table_name("webhook_migrations");
        migrator.run(&pool).await?;
        Ok(Self { pool })
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        Ok(self.pool.begin().await?)
    }

    async fn reader(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        Ok(self.pool.acquire().await?)
    }

    /// Any number of processes use it.
    const IS_SHARED: bool = true;
}

/// What differs from the other database.
mod dialect {
    pub(super) use super::PostgresStore as Pools;
    pub(super) use sqlx::Postgres as Db;
    pub(super) use sqlx::postgres::{PgConnection as Connection, PgRow as Row};

    pub(super) const FOR_UPDATE: &str = " FOR UPDATE";
    pub(super) const SKIP_LOCKED: &str = " FOR UPDATE SKIP LOCKED";
}
