//! The key manager's own database: SQLite or PostgreSQL. Everything that one request changes is one
//! transaction, the audit log's entry included.

use sottovoce::archive::{AuditHead, ContactState, KeyKind};
use sottovoce::crypto::Hash;
use sottovoce::wire::codec::{Decode, Encode};
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{AccountId, ContactId, ContentId, Suite, Time, decode, encode, limits};
use sottovoce_server::database::{self, Migrations, OpenError};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AnyPool, Row, Transaction};

use crate::master::Wrapped;

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

/// Destroys a contact's secret; one that is not known is known as erased from now on.
///
/// # Errors
/// [`StoreError`].
pub async fn erase(
    connection: &mut AnyConnection,
    account: &AccountId,
    contact: &ContactId,
    now: Time,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO contacts (account, contact, generation, wrapped, state, created, releases)
         VALUES ($1, $2, NULL, NULL, $3, $4, 0)
         ON CONFLICT (account, contact)
         DO UPDATE SET generation = NULL, wrapped = NULL, state = excluded.state",
    )
    .bind(blob(account.as_array()))
    .bind(blob(contact.as_array()))
    .bind(chosen(&ContactState::Erased)?)
    .bind(integer(now.millis())?)
    .execute(connection)
    .await?;
    Ok(())
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
        })
    })
    .transpose()
}

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
