//! An open database of either kind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sottovoce::wire::Time;
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use tokio::time::Instant;

use super::{PostgresStore, SqliteStore, Store, StoreError, postgres, sqlite};
use crate::webhooks::Waker;

/// An open, migrated database. Clones share its connections.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file of this process's own.
    Sqlite {
        /// The one connection that writes all but appends, so that writers queue in the program.
        writer: SqlitePool,
        /// Those that read.
        readers: SqlitePool,
        /// The one that appends.
        appender: Arc<sqlite::Appender>,
        /// The one that brings the write-ahead log into the file.
        checkpoints: SqlitePool,
    },
    /// A server that several relays may share.
    Postgres(PgPool),
}

impl Database {
    /// Opens a database and migrates it: PostgreSQL by its `postgres:` URL, SQLite by a path or
    /// `sqlite:` URL; SQLite's file is made if it is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(database: &str) -> Result<Self, StoreError> {
        match Kind::of(database)? {
            Kind::Postgres => postgres::open(database).await,
            Kind::Sqlite => sqlite::open(database).await,
        }
    }

    /// Whether there is a store for such a database, and a server on another machine would have to
    /// show who it is. Nothing is opened.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn check(database: &str) -> Result<(), StoreError> {
        match Kind::of(database)? {
            Kind::Postgres => postgres::check(database),
            Kind::Sqlite => sqlite::care::check(database),
        }
    }

    /// What the relay keeps in it.
    pub fn store(&self) -> Arc<dyn Store> {
        self.store_and_wake(Waker::default())
    }

    /// The same, and whoever delivers webhooks is woken when there is something to deliver.
    pub fn store_and_wake(&self, webhooks: Waker) -> Arc<dyn Store> {
        match self {
            Self::Sqlite {
                writer,
                readers,
                appender,
                ..
            } => {
                let (writer, readers) = (writer.clone(), readers.clone());
                let appender = Arc::clone(appender);
                Arc::new(SqliteStore::new(writer, readers, appender, webhooks))
            }
            Self::Postgres(pool) => Arc::new(PostgresStore::new(pool.clone(), webhooks)),
        }
    }

    /// A path like that of the database's file, with more at its end; none without such a file.
    pub fn beside(&self, end: &str) -> Option<PathBuf> {
        match self {
            Self::Sqlite { writer, .. } => sqlite::care::beside(writer, end),
            Self::Postgres(_) => None,
        }
    }

    /// Whether other relays may use it at the same time.
    pub const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Writes to it, to see whether it can be written.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be.
    pub async fn probe(&self, now: Time) -> Result<(), StoreError> {
        match self {
            Self::Sqlite {
                writer, readers, ..
            } => sqlite::care::probe(writer, readers, now).await,
            Self::Postgres(pool) => postgres::care::probe(pool, now).await,
        }
    }

    /// Why it did not answer in time, as a stable code: nobody is reached, or somebody is slow.
    pub async fn why_silent(&self, patience: Duration) -> &'static str {
        match self {
            Self::Sqlite { .. } => StoreError::Slow.code(),
            Self::Postgres(pool) => {
                let end = Instant::now() + patience;
                match postgres::care::reach(&pool.connect_options(), end).await {
                    Ok(()) => StoreError::Slow.code(),
                    Err(error) => error.code(),
                }
            }
        }
    }

    /// Copies an SQLite database, as it is at one moment, to a file that does not exist yet. A
    /// relay may be writing to it meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Unsupported`] for PostgreSQL, which has `pg_dump`.
    pub async fn back_up(database: &str, to: &Path) -> Result<(), StoreError> {
        match database.split_once("://") {
            Some((scheme, _)) if scheme != "sqlite" => Err(StoreError::Unsupported),
            _ => sqlite::care::back_up(database, to).await,
        }
    }

    /// What webhooks keep in it; makes their tables.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhooks(&self) -> Result<Arc<dyn sottovoce_webhooks::store::Store>, StoreError> {
        use sottovoce_webhooks::store::{PostgresStore, SqliteStore};
        Ok(match self {
            Self::Sqlite {
                writer, readers, ..
            } => Arc::new(SqliteStore::open(writer.clone(), readers.clone()).await?),
            Self::Postgres(pool) => Arc::new(PostgresStore::open(pool.clone()).await?),
        })
    }

    /// Closes it in order.
    pub async fn close(&self) {
        match self {
            Self::Sqlite {
                writer,
                readers,
                appender,
                checkpoints,
            } => {
                checkpoints.close().await;
                appender.close();
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// What a database is by its URL.
enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    fn of(database: &str) -> Result<Self, StoreError> {
        match database.split_once(':') {
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres),
            Some((scheme, rest))
                if scheme != "sqlite" && scheme.len() > 1 && rest.starts_with("//") =>
            {
                Err(StoreError::Unsupported)
            }
            _ => Ok(Self::Sqlite),
        }
    }
}
