//! Either database, private to one test.

use std::sync::Arc;
use std::time::Duration;

use sottovoce_webhooks::event::NewEvent;
use sottovoce_webhooks::store::{PostgresStore, Recorded, SqliteStore, Store, postgres, sqlite};
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use tempfile::TempDir;

pub enum Database {
    Sqlite {
        writer: SqlitePool,
        store: Arc<SqliteStore>,
        folder: Option<TempDir>,
    },
    Postgres {
        pool: PgPool,
        store: Arc<PostgresStore>,
    },
}

impl Database {
    /// A file of its own.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Self::sqlite_at(&folder.path().join("webhooks.db")).await;
        if let Self::Sqlite { folder: kept, .. } = &mut database {
            *kept = Some(folder);
        }
        database
    }

    pub async fn sqlite_at(path: &std::path::Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(10));
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections);
        let writer = pool(1).connect_with(options.clone()).await.unwrap();
        let readers = pool(4).connect_with(options.read_only(true)).await.unwrap();
        let store = SqliteStore::open(writer.clone(), readers).await.unwrap();
        Self::Sqlite {
            writer,
            store: Arc::new(store),
            folder: None,
        }
    }

    /// A database of its own in the process's own server.
    pub async fn postgres() -> Self {
        let url = tokio::task::spawn_blocking(sottovoce_test_postgres::database);
        Self::postgres_at(&url.await.unwrap()).await
    }

    pub async fn postgres_at(url: &str) -> Self {
        let pool = PgPool::connect(url).await.unwrap();
        let store = PostgresStore::open(pool.clone()).await.unwrap();
        Self::Postgres {
            pool,
            store: Arc::new(store),
        }
    }

    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite { store, .. } => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres { store, .. } => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Records events in a transaction of their own.
    pub async fn record(&self, events: &[NewEvent]) -> Recorded {
        match self {
            Self::Sqlite { writer, .. } => {
                let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
                let count = sqlite::record(&mut transaction, events).await.unwrap();
                transaction.commit().await.unwrap();
                count
            }
            Self::Postgres { pool, .. } => {
                let mut transaction = pool.begin().await.unwrap();
                let count = postgres::record(&mut transaction, events).await.unwrap();
                transaction.commit().await.unwrap();
                count
            }
        }
    }

    /// Records events in a transaction that does not come to an end.
    pub async fn record_in_vain(&self, events: &[NewEvent]) {
        match self {
            Self::Sqlite { writer, .. } => {
                let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
                sqlite::record(&mut transaction, events).await.unwrap();
                transaction.rollback().await.unwrap();
            }
            Self::Postgres { pool, .. } => {
                let mut transaction = pool.begin().await.unwrap();
                postgres::record(&mut transaction, events).await.unwrap();
                transaction.rollback().await.unwrap();
            }
        }
    }

    /// Erases a contact and records that.
    pub async fn erase(&self, erased: &NewEvent) {
        let sottovoce_webhooks::event::Subject::Contact(contact) = erased.subject else {
            panic!("not about a contact");
        };
        let events = std::slice::from_ref(erased);
        match self {
            Self::Sqlite { writer, .. } => {
                let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
                let connection = &mut transaction;
                sqlite::erase(connection, &erased.account, &contact)
                    .await
                    .unwrap();
                sqlite::record(connection, events).await.unwrap();
                transaction.commit().await.unwrap();
            }
            Self::Postgres { pool, .. } => {
                let mut transaction = pool.begin().await.unwrap();
                let connection = &mut transaction;
                postgres::erase(connection, &erased.account, &contact)
                    .await
                    .unwrap();
                postgres::record(connection, events).await.unwrap();
                transaction.commit().await.unwrap();
            }
        }
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        match self {
            Self::Sqlite { writer, .. } => {
                sqlx::query_scalar(query).fetch_one(writer).await.unwrap()
            }
            Self::Postgres { pool, .. } => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
        }
    }
}
