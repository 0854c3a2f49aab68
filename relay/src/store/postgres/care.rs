//! What operators need of the database: whether it can be written.

use sottovoce::wire::Time;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{ConnectOptions, Connection};

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::store::StoreError;

/// How often a server that does not listen is tried.
const AGAIN: Duration = Duration::from_millis(250);

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

/// Connects once, without the pool, which says only that it waited in vain: why no connection is to be
/// had until `end`. A server that does not listen is tried until then.
pub(in crate::store) async fn reach(
    options: &PgConnectOptions,
    end: Instant,
) -> Result<(), StoreError> {
    let mut last = StoreError::Slow;
    loop {
        let error = match timeout_at(end, options.connect()).await {
            Err(_) => return Err(last),
            Ok(Ok(connection)) => {
                let _ = PgConnection::close(connection).await;
                return Ok(());
            }
            Ok(Err(error)) => StoreError::from(error),
        };
        // A certificate that is refused stays one.
        let may_come = match &error {
            StoreError::Database(sqlx::Error::Io(error)) => {
                error.kind() != std::io::ErrorKind::InvalidData
            }
            error => error.is_away(),
        };
        if !may_come || Instant::now() + AGAIN >= end {
            return Err(error);
        }
        last = error;
        sleep(AGAIN).await;
    }
}
