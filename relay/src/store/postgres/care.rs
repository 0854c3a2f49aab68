//! What operators need of the database: whether it can be written.

use sottovoce::wire::Time;
use sqlx::postgres::PgPool;

use crate::store::StoreError;

/// Writes to the database for real: a full disk or a standby shows nowhere else.
pub(in crate::store) async fn probe(pool: &PgPool, now: Time) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO probe (id, at) VALUES (1, $1)
         ON CONFLICT (id) DO UPDATE SET at = excluded.at",
    )
    .bind(i64::try_from(now.millis()).unwrap_or(i64::MAX))
    .execute(pool)
    .await?;
    Ok(())
}
