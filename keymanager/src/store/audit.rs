//! The audit log.

use sottovoce::archive::AuditHead;
use sottovoce::wire::AccountId;
use sqlx::{AnyConnection, Row};

use super::{StoreError, blob, hash, integer, number};

/// How far an account's audit log is.
///
/// # Errors
/// [`StoreError`].
pub async fn audit_head(
    connection: &mut AnyConnection,
    account: &AccountId,
) -> Result<AuditHead, StoreError> {
    let row = sqlx::query(
        "SELECT number, hash FROM audit WHERE account = $1 ORDER BY number DESC LIMIT 1",
    )
    .bind(blob(account.as_array()))
    .fetch_optional(connection)
    .await?;
    Ok(match row {
        None => AuditHead {
            number: 0,
            hash: None,
        },
        Some(row) => AuditHead {
            number: number(&row, "number")?,
            hash: Some(hash(&row, "hash")?),
        },
    })
}

/// Adds an entry. Two that have one number are refused by the database.
///
/// # Errors
/// [`StoreError`].
pub async fn add_audit(
    connection: &mut AnyConnection,
    account: &AccountId,
    head: &AuditHead,
    entry: &[u8],
) -> Result<(), StoreError> {
    let hash = head.hash.ok_or(StoreError::Unreadable)?;
    sqlx::query("INSERT INTO audit (account, number, hash, entry) VALUES ($1, $2, $3, $4)")
        .bind(blob(account.as_array()))
        .bind(integer(head.number)?)
        .bind(blob(hash.as_array()))
        .bind(entry.to_vec())
        .execute(connection)
        .await?;
    Ok(())
}

/// Entries after a number, in their order.
///
/// # Errors
/// [`StoreError`].
pub async fn audit_after(
    connection: &mut AnyConnection,
    account: &AccountId,
    after: u64,
    most: i64,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = sqlx::query(
        "SELECT entry FROM audit WHERE account = $1 AND number > $2 ORDER BY number LIMIT $3",
    )
    .bind(blob(account.as_array()))
    .bind(integer(after)?)
    .bind(most)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok(row.try_get("entry")?)).collect()
}
