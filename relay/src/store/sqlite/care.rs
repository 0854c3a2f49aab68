//! What operators need of the database: whether it can be written, and a copy of it.

use std::path::Path;
use std::str::FromStr;

use sottovoce::wire::Time;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{ConnectOptions, Connection};

use crate::store::StoreError;

/// Writes to the database for real: a full or read-only disk shows nowhere else. A file that was
/// moved or deleted could be written still, so it is looked for, too.
pub(in crate::store) async fn probe(
    writer: &SqlitePool,
    readers: &SqlitePool,
    now: Time,
) -> Result<(), StoreError> {
    let path = readers.connect_options().get_filename().to_owned();
    if tokio::fs::metadata(path).await.is_err() {
        return Err(StoreError::Gone);
    }
    sqlx::query(
        "INSERT INTO probe (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at",
    )
    .bind(i64::try_from(now.millis()).unwrap_or(i64::MAX))
    .execute(writer)
    .await?;
    Ok(())
}

/// Copies a database as it is at one moment, while a relay may be writing to it, to a file that
/// does not exist yet.
pub(in crate::store) async fn back_up(database: &str, to: &Path) -> Result<(), StoreError> {
    let options = if database.starts_with("sqlite:") {
        SqliteConnectOptions::from_str(database)?
    } else {
        SqliteConnectOptions::new().filename(database)
    };
    let mut connection = options.read_only(true).connect().await?;
    let target = to.to_str().ok_or(StoreError::Unsupported)?;
    let copied = sqlx::query("VACUUM INTO ?")
        .bind(target.to_owned())
        .execute(&mut connection)
        .await;
    connection.close().await?;
    copied?;
    Ok(())
}
