//! Management in PostgreSQL.

use sqlx::postgres::{PgRow, Postgres};

use super::PostgresStore;
use crate::store::endings::ending_store;
use crate::store::management::queries::{management_store, read_listed};

management_store!(PostgresStore, Postgres, PgRow, write: pool, read: pool, lock: " FOR UPDATE",
    webhooks: sottovoce_webhooks::store::postgres);

ending_store!(PostgresStore, write: pool, read: pool);

/// What was deleted stays in PostgreSQL's files until it vacuums and uses the space again, or
/// `VACUUM FULL` writes the tables anew, and in its write-ahead log until that is recycled: an
/// operator's decision, as it locks the tables. `docs/API.md` says so.
async fn scour(_: &PostgresStore) -> Result<(), StoreError> {
    Ok(())
}
