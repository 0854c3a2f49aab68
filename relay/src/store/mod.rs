//! What a relay keeps, behind narrow traits: accounts' objects and contacts' logs. A store promises
//! durability: what it was given is on disk when its method returns.
//!
//! Every query of the relay stands in `sqlite` or `postgres`, which are the same files twice: one
//! for each trait, and one that opens the database.

use std::time::Duration;

use rusqlite::ffi;

mod bans;
mod callers;
mod columns;
mod database;
mod endings;
mod log;
mod management;
mod objects;
mod postgres;
mod prekeys;
mod push;
mod sqlite;
#[cfg(test)]
mod suite;

pub use bans::{Ban, BanStore, Banned};
pub use callers::{ApiToken, CallerStore, Day, KeptAnswer, Repeat, RepeatKey, Usage};
pub use database::Database;
pub use endings::{Ending, EndingStore, Subject};
pub use log::{
    Access, Addition, Advance, AppendKey, CHUNK_BYTES, CHUNK_ENTRIES, CLOSED_CONTACTS, ContactKey,
    HELD_CONTACTS, KnownAppend, LogStore, Mark, NewEntry, OPEN_CONTACTS, Party, RosterChange,
};
pub use management::{
    Bury, ContactFilter, ContactPlace, Gone, ListedContact, ListedEntry, ManagementStore,
};
pub use objects::{ObjectChange, ObjectStore, StoredObject};
pub use postgres::PostgresStore;
pub use prekeys::{Prekey, PrekeyStore};
pub use push::PushStore;
pub use sqlite::SqliteStore;

/// How long somebody who is connected waits for the store. The server ends what takes long sooner; a
/// server that stands still ends nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// An answer of the store, or that it is slow.
pub(crate) async fn in_time<T>(
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    answer.unwrap_or(Err(StoreError::Slow))
}

/// Everything that a relay keeps.
pub trait Store:
    LogStore
    + ObjectStore
    + ManagementStore
    + CallerStore
    + EndingStore
    + BanStore
    + PushStore
    + PrekeyStore
{
}

impl<T> Store for T where
    T: LogStore
        + ObjectStore
        + ManagementStore
        + CallerStore
        + EndingStore
        + BanStore
        + PushStore
        + PrekeyStore
{
}

/// The store did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database said no.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// SQLite did not take an append.
    #[error(transparent)]
    Embedded(#[from] rusqlite::Error),
    /// The database cannot be brought to this version's form.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Webhooks could not be kept.
    #[error(transparent)]
    Webhooks(#[from] sottovoce_webhooks::store::StoreError),
    /// A row is not what this program wrote.
    #[error("a row cannot be read")]
    Unreadable,
    /// There is no store for such a database.
    #[error("no store for such a database; give a path, a sqlite: or a postgres: URL")]
    Unsupported,
    /// The database's file is not where it was.
    #[error("the database's file is not there any more")]
    Gone,
    /// The database's file cannot be made.
    #[error("the database's file cannot be made: {0}")]
    File(std::io::Error),
    /// A connection can be made, but nobody answers on it in time.
    #[error("the database takes connections but does not answer")]
    Slow,
    /// Only a database on this machine may be spoken to in plain text.
    #[error("a database on another machine must be spoken to over TLS: sslmode is too low")]
    Plain,
}

impl StoreError {
    /// Whether another transaction was in the way, so that judging again may help.
    fn is_race(&self) -> bool {
        if let Self::Embedded(error) = self {
            let code = error.sqlite_error().map(|error| error.extended_code);
            return matches!(
                code,
                Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
            );
        }
        let Self::Database(sqlx::Error::Database(error)) = self else {
            return false;
        };
        // PostgreSQL's codes for serialisation failures and deadlocks.
        let code = error.code();
        error.is_unique_violation() || matches!(code.as_deref(), Some("40001" | "40P01"))
    }

    /// Whether a PostgreSQL server ends, starts or has ended.
    pub(crate) fn is_away(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else {
            return false;
        };
        // Its codes: ended by an administrator, by a crash; starting or ending; connections.
        let code = error.code().unwrap_or_default();
        matches!(code.as_ref(), "57P01" | "57P02" | "57P03") || code.starts_with("08")
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        if self.is_away() {
            return "database-unreachable";
        }
        match self {
            Self::Unsupported => "database-unsupported",
            Self::Plain => "database-plain",
            Self::Gone => "database-gone",
            Self::Slow => "database-slow",
            Self::Database(
                sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut,
            ) => "database-unreachable",
            Self::Database(_)
            | Self::Embedded(_)
            | Self::Migration(_)
            | Self::Webhooks(_)
            | Self::Unreadable
            | Self::File(_) => "database-unusable",
        }
    }
}
