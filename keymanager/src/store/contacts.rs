//! Contacts, and what is kept of their secrets.

use sottovoce::account::KeyKind;
use sottovoce::archive::ContactState;
use sottovoce::wire::{AccountId, ContactId, Time, limits};
use sqlx::{AnyConnection, Row};

use super::{StoreError, blob, choice, chosen, integer, number};
use crate::master::Wrapped;

/// How long a shared key is kept after nothing is sealed to it any more, in seconds: contacts that
/// used it are taken into their own keeping meanwhile.
const SHARED: u64 = 14 * limits::DAY;

/// A contact as it is stored.
#[derive(Clone, Debug)]
pub struct StoredContact {
    /// Its secret, unless that was destroyed.
    pub secret: Option<Wrapped>,
    /// Where it stands.
    pub state: ContactState,
    /// When its secret was made.
    pub created: Time,
    /// How often it was released.
    pub releases: u64,
}

/// A contact, if it is known.
///
/// # Errors
/// [`StoreError`].
pub async fn contact(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
) -> Result<Option<StoredContact>, StoreError> {
    let row = sqlx::query(
        "SELECT generation, wrapped, state, created, releases FROM contacts
         WHERE account = $1 AND contact = $2",
    )
    .bind(blob(account.as_array()))
    .bind(blob(contact.as_array()))
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let generation: Option<i64> = row.try_get("generation")?;
        let bytes: Option<Vec<u8>> = row.try_get("wrapped")?;
        let secret = generation.zip(bytes);
        Ok(StoredContact {
            secret: secret.map(|(generation, bytes)| Wrapped { generation, bytes }),
            state: choice(&row, "state")?,
            created: Time::from_millis(number(&row, "created")?),
            releases: number(&row, "releases")?,
        })
    })
    .transpose()
}

/// Stores a contact that was not known.
///
/// # Errors
/// [`StoreError`].
pub async fn add_contact(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
    secret: &Wrapped,
    now: Time,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO contacts (account, contact, generation, wrapped, state, created, releases)
         VALUES ($1, $2, $3, $4, $5, $6, 0)",
    )
    .bind(blob(account.as_array()))
    .bind(blob(contact.as_array()))
    .bind(secret.generation)
    .bind(secret.bytes.clone())
    .bind(chosen(&ContactState::Live)?)
    .bind(integer(now.millis())?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a contact's releases.
///
/// # Errors
/// [`StoreError`].
pub async fn revoke(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE contacts SET state = $3 WHERE account = $1 AND contact = $2")
        .bind(blob(account.as_array()))
        .bind(blob(contact.as_array()))
        .bind(chosen(&ContactState::Revoked)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// Destroys a contact's secret and what was kept under it; one that is not known is known as erased
/// from now on. It is pending as long as there is a shared key that its secrets were sealed to.
///
/// # Errors
/// [`StoreError`].
pub async fn erase(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
    now: Time,
) -> Result<ContactState, StoreError> {
    for statement in [
        "DELETE FROM archived WHERE account = $1 AND contact = $2",
        "DELETE FROM older_keys WHERE account = $1 AND contact = $2",
    ] {
        sqlx::query(statement)
            .bind(blob(account.as_array()))
            .bind(blob(contact.as_array()))
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query(
        "INSERT INTO contacts (account, contact, generation, wrapped, state, created, releases)
         VALUES ($1, $2, NULL, NULL, $3, $4, 0)
         ON CONFLICT (account, contact)
         DO UPDATE SET generation = NULL, wrapped = NULL,
             state = CASE WHEN contacts.shared > $4 THEN $5 ELSE $3 END",
    )
    .bind(blob(account.as_array()))
    .bind(blob(contact.as_array()))
    .bind(chosen(&ContactState::Erased)?)
    .bind(integer(now.millis())?)
    .bind(chosen(&ContactState::Pending)?)
    .execute(&mut *connection)
    .await?;
    let known = self::contact(connection, account, contact).await?;
    Ok(known.ok_or(StoreError::Unreadable)?.state)
}

/// Secrets of a contact were sealed to a shared key, which is sealed to until a time.
///
/// # Errors
/// [`StoreError`].
pub async fn share(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
    until: Time,
) -> Result<(), StoreError> {
    let gone = until.plus_seconds(SHARED);
    sqlx::query(
        "UPDATE contacts SET shared = $3 WHERE account = $1 AND contact = $2 AND shared < $3",
    )
    .bind(blob(account.as_array()))
    .bind(blob(contact.as_array()))
    .bind(integer(gone.millis())?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps an epoch's secret, as wrapped under its contact's.
///
/// # Errors
/// [`StoreError`].
pub async fn put_archived(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
    epoch: u64,
    wrapped: &[u8],
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO archived (account, contact, epoch, wrapped) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(blob(account.as_array()))
    .bind(blob(contact.as_array()))
    .bind(integer(epoch)?)
    .bind(blob(wrapped))
    .execute(connection)
    .await?;
    Ok(())
}

/// What [`put_archived`] kept of a contact, by epoch.
///
/// # Errors
/// [`StoreError`].
pub async fn archived(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let rows =
        sqlx::query("SELECT epoch, wrapped FROM archived WHERE account = $1 AND contact = $2")
            .bind(blob(account.as_array()))
            .bind(blob(contact.as_array()))
            .fetch_all(connection)
            .await?;
    rows.iter()
        .map(|row| Ok((number(row, "epoch")?, row.try_get("wrapped")?)))
        .collect()
}

/// Counts a release.
///
/// # Errors
/// [`StoreError`].
pub async fn count_release(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE contacts SET releases = releases + 1 WHERE account = $1 AND contact = $2")
        .bind(blob(account.as_array()))
        .bind(blob(contact.as_array()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Destroys shared keys that nothing was sealed to for long, which ends erasures that waited for it.
pub(super) async fn forget_shared_keys(
    connection: &mut AnyConnection,
    now: Time,
) -> Result<(), StoreError> {
    let last_use = now.millis().saturating_sub(SHARED * 1000);
    sqlx::query("DELETE FROM prekeys WHERE kind = $1 AND until < $2")
        .bind(chosen(&KeyKind::LastResort)?)
        .bind(integer(last_use)?)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE contacts SET state = $1 WHERE state = $2 AND shared <= $3")
        .bind(chosen(&ContactState::Erased)?)
        .bind(chosen(&ContactState::Pending)?)
        .bind(integer(now.millis())?)
        .execute(connection)
        .await?;
    Ok(())
}
