//! Keys that were issued before there was a contact.

use sottovoce::account::KeyKind;
use sottovoce::crypto::Hash;
use sottovoce::wire::{AccountId, ContactId, Suite, Time};
use sqlx::{AnyConnection, Row};

use super::{StoreError, blob, choice, chosen, hash, integer, number};
use crate::master::Wrapped;

/// A key that was issued before there was a contact.
#[derive(Clone, Debug)]
pub struct Prekey {
    /// Its id.
    pub id: Hash,
    /// One-time or last-resort.
    pub kind: KeyKind,
    /// The suite whose KEM it is for.
    pub suite: Suite,
    /// What it is derived from.
    pub secret: Wrapped,
    /// Until when it is sealed to.
    pub until: Time,
    /// The contact whose own it became.
    pub contact: Option<ContactId>,
}

/// Stores a key that was issued ahead.
///
/// # Errors
/// [`StoreError`].
pub async fn add_prekey(
    connection: &mut AnyConnection,
    account: &AccountId,
    key: &Prekey,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO prekeys (account, id, kind, suite, generation, wrapped, until)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(blob(account.as_array()))
    .bind(blob(key.id.as_array()))
    .bind(chosen(&key.kind)?)
    .bind(integer(key.suite.number())?)
    .bind(key.secret.generation)
    .bind(key.secret.bytes.clone())
    .bind(integer(key.until.millis())?)
    .execute(connection)
    .await?;
    Ok(())
}

/// The last-resort key of a suite that is sealed to longest, if one still is at `at`.
///
/// # Errors
/// [`StoreError`].
pub async fn last_resort(
    connection: &mut AnyConnection,
    account: &AccountId,
    suite: Suite,
    at: Time,
) -> Result<Option<Prekey>, StoreError> {
    let row = sqlx::query(
        "SELECT id, generation, wrapped, until FROM prekeys
         WHERE account = $1 AND kind = $2 AND suite = $3 AND until > $4 ORDER BY until DESC LIMIT 1",
    )
    .bind(blob(account.as_array()))
    .bind(chosen(&KeyKind::LastResort)?)
    .bind(integer(suite.number())?)
    .bind(integer(at.millis())?)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Prekey {
            id: hash(&row, "id")?,
            kind: KeyKind::LastResort,
            suite,
            secret: Wrapped {
                generation: row.try_get("generation")?,
                bytes: row.try_get("wrapped")?,
            },
            until: Time::from_millis(number(&row, "until")?),
            contact: None,
        })
    })
    .transpose()
}

/// A key that was issued ahead, by its id.
///
/// # Errors
/// [`StoreError`].
pub async fn prekey(
    connection: &mut AnyConnection,
    account: &AccountId,
    id: &Hash,
) -> Result<Option<Prekey>, StoreError> {
    let row = sqlx::query(
        "SELECT kind, suite, generation, wrapped, until, contact FROM prekeys
         WHERE account = $1 AND id = $2",
    )
    .bind(blob(account.as_array()))
    .bind(blob(id.as_array()))
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let contact: Option<Vec<u8>> = row.try_get("contact")?;
        let contact = contact.map(|bytes| ContactId::from_slice(&bytes));
        Ok(Prekey {
            id: *id,
            kind: choice(&row, "kind")?,
            suite: choice(&row, "suite")?,
            secret: Wrapped {
                generation: row.try_get("generation")?,
                bytes: row.try_get("wrapped")?,
            },
            until: Time::from_millis(number(&row, "until")?),
            contact: match contact {
                Some(contact) => Some(contact.ok_or(StoreError::Unreadable)?),
                None => None,
            },
        })
    })
    .transpose()
}

/// A one-time key is a contact's own from now on: its secret is where the contact's are.
///
/// # Errors
/// [`StoreError`].
pub async fn use_up(
    connection: &mut AnyConnection,
    account: &AccountId,
    id: &Hash,
    contact: &ContactId,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE prekeys SET contact = $3, wrapped = $4 WHERE account = $1 AND id = $2")
        .bind(blob(account.as_array()))
        .bind(blob(id.as_array()))
        .bind(blob(contact.as_array()))
        .bind(Vec::new())
        .execute(connection)
        .await?;
    Ok(())
}
