//! Management in SQLite.

use sqlx::sqlite::{Sqlite, SqliteRow};

use super::SqliteStore;
use crate::store::endings::ending_store;
use crate::store::management::queries::{management_store, read_listed};

management_store!(SqliteStore, Sqlite, SqliteRow, write: writer, read: readers, lock: "",
    webhooks: sottovoce_webhooks::store::sqlite);

ending_store!(SqliteStore, write: writer, read: readers);

/// What was deleted is overwritten with zeros already (`secure_delete`). Older versions of pages
/// stand in the write-ahead log until it is brought into the database and cut to nothing.
async fn scour(store: &SqliteStore) -> Result<(), StoreError> {
    let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&store.writer)
        .await?;
    // 1 if somebody still reads from an older state: the next time will do.
    if row.try_get::<i64, _>(0)? != 0 {
        tracing::info!("the write-ahead log could not be cut yet");
    }
    Ok(())
}
