//! Callers of the API in SQLite.

use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use crate::store::callers::queries::caller_store;

caller_store!(SqliteStore, SqliteRow, write: writer, read: readers, lock: "");
