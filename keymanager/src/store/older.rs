//! Keys of contacts in the older shape.

use sottovoce::wire::{AccountId, ContactId};
use sqlx::{AnyConnection, Row};

use super::{StoreError, blob};
use crate::master::Wrapped;

/// What the place of such a key has beside account and contact: none can stand in for a contact's secret.
pub const OLDER: &[u8] = b"older";

/// A contact's key in the older shape, if there is one.
///
/// # Errors
/// [`StoreError`].
pub async fn older_key(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
) -> Result<Option<Wrapped>, StoreError> {
    let row = sqlx::query(
        "SELECT generation, wrapped FROM older_keys WHERE account = $1 AND contact = $2",
    )
    .bind(blob(account.as_array()))
    .bind(blob(contact.as_array()))
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Wrapped {
            generation: row.try_get("generation")?,
            bytes: row.try_get("wrapped")?,
        })
    })
    .transpose()
}

/// Stores the key of a contact that has none.
///
/// # Errors
/// [`StoreError`].
pub async fn add_older_key(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
    key: &Wrapped,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO older_keys (account, contact, generation, wrapped) VALUES ($1, $2, $3, $4)",
    )
    .bind(blob(account.as_array()))
    .bind(blob(contact.as_array()))
    .bind(key.generation)
    .bind(key.bytes.clone())
    .execute(connection)
    .await?;
    Ok(())
}
