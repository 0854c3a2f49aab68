//! Callers of the API in PostgreSQL.

use sqlx::postgres::PgRow;

use super::PostgresStore;
use crate::store::callers::queries::caller_store;

caller_store!(PostgresStore, PgRow, write: pool, read: pool, lock: " FOR UPDATE");
