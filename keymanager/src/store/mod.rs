//! The key manager's own database: SQLite or PostgreSQL. Everything that one request changes is one
//! transaction, the audit log's entry included.

use sottovoce::crypto::Hash;
use sottovoce::wire::codec::{Decode, Encode};
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{AccountId, ContentId, Time, decode, encode, limits};
use sottovoce_server::database::{self, Migrations, OpenError};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AnyPool, Row, Transaction};

mod audit;
mod contacts;
mod generations;
mod older;
mod prekeys;

pub use audit::{add_audit, audit_after, audit_head};
pub use contacts::{
    StoredContact, add_contact, archived, contact, count_release, erase, put_archived, revoke,
    share,
};
pub use generations::{Old, replace, wrapped_otherwise};
pub use older::{OLDER, add_older_key, older_key};
pub use prekeys::{Prekey, add_prekey, last_resort, prekey, use_up};

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It does not do what it is asked.
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It holds what no key manager stored.
    #[error("the database holds what no key manager stored")]
    Unreadable,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
}

impl Store {
    /// Opens a database and brings it up to date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let migrations = Migrations {
            sqlite: sqlx::migrate!("./migrations/sqlite"),
            postgres: sqlx::migrate!("./migrations/postgres"),
        };
        let pool = database::open(url, &migrations).await?;
        Ok(Self { pool })
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.pool.begin().await?)
    }

    /// Whether it can be written to.
    ///
    /// # Errors
    /// [`StoreError`]: it cannot.
    pub async fn probe(&self, now: Time) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        forget_requests(&mut transaction, now).await?;
        contacts::forget_shared_keys(&mut transaction, now).await?;
        Ok(transaction.commit().await?)
    }

    /// Closes it in order.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Root statement, policy and renewals of an account, as they were stored last.
///
/// # Errors
/// [`StoreError`].
pub async fn objects(
    connection: &mut AnyConnection,
    account: &AccountId,
) -> Result<Vec<Object>, StoreError> {
    sqlx::query("SELECT kind, bytes FROM objects WHERE account = $1 ORDER BY place")
        .bind(blob(account.as_array()))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let kind: ObjectKind = choice(row, "kind")?;
            let bytes: Vec<u8> = row.try_get("bytes")?;
            Ok(Object::new(kind, bytes.into()))
        })
        .collect()
}

/// Stores what [`objects`] gives back.
///
/// # Errors
/// [`StoreError`].
pub async fn put_objects(
    connection: &mut AnyConnection,
    account: &AccountId,
    objects: &[Object],
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM objects WHERE account = $1")
        .bind(blob(account.as_array()))
        .execute(&mut *connection)
        .await?;
    for (place, object) in (0..).zip(objects) {
        sqlx::query("INSERT INTO objects (account, place, kind, bytes) VALUES ($1, $2, $3, $4)")
            .bind(blob(account.as_array()))
            .bind(place)
            .bind(chosen(&object.kind)?)
            .bind(object.bytes.to_vec())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Remembers a request until `forgotten`; whether it is the first time.
///
/// # Errors
/// [`StoreError`].
pub async fn is_first(
    connection: &mut AnyConnection,
    account: &AccountId,
    id: &ContentId,
    forgotten: Time,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO requests (account, id, forgotten) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(blob(account.as_array()))
    .bind(blob(id.as_array()))
    .bind(integer(forgotten.millis())?)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn forget_requests(connection: &mut AnyConnection, now: Time) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM requests WHERE forgotten < $1")
        .bind(integer(now.millis())?)
        .execute(connection)
        .await?;
    Ok(())
}

/// The protocol's number for one of its choices.
fn chosen(choice: &impl Encode) -> Result<i64, StoreError> {
    let number = decode(&encode(choice), limits::OBJECT);
    number.map_err(|_| StoreError::Unreadable).and_then(integer)
}

/// The inverse of [`chosen`].
fn choice<T: Decode>(row: &AnyRow, column: &str) -> Result<T, StoreError> {
    let number = encode(&number(row, column)?);
    decode(&number, limits::OBJECT).map_err(|_| StoreError::Unreadable)
}

fn blob(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

fn integer(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Unreadable)
}

fn number(row: &AnyRow, column: &str) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| StoreError::Unreadable)
}

fn hash(row: &AnyRow, column: &str) -> Result<Hash, StoreError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    Hash::from_slice(&bytes).ok_or(StoreError::Unreadable)
}
