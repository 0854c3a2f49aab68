//! The vault's own database: SQLite or PostgreSQL. What is stored here of a contact of level `storage` is
//! encrypted before it comes here.

mod rows;

use std::collections::HashSet;
use std::time::Duration;

use sottovoce::account::Level;
use sottovoce::wire::{AccountId, ContactId, Time};
use sottovoce_server::database::{self, Migrations, OpenError};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::seal::Sealed;
use rows::{blob, fixed, integer, level_number, number, read_contact, read_record};

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
    /// It holds what no vault stored.
    #[error("the database holds what no vault stored")]
    Unreadable,
}

/// Bytes as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// As they are: level `transport`.
    Clear(Vec<u8>),
    /// Under the contact's data key: level `storage`.
    Sealed(Sealed),
}

/// Where a contact's data key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKeyState {
    /// Never asked for: nothing is stored under it.
    None,
    /// What is stored is stored under it.
    InUse,
    /// The contact was erased here; the key manager is still to erase its secret.
    ToErase,
    /// The key manager has erased it.
    Erased,
}

/// A contact as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContact {
    /// It.
    pub contact: ContactId,
    /// Its level.
    pub level: Level,
    /// Its entry point's id.
    pub entry_point: String,
    /// When it was created.
    pub created: Time,
    /// When it was closed, once that is stored.
    pub closed: Option<Time>,
    /// The last position that is stored.
    pub head: u64,
    /// Whether everything up to its close is stored.
    pub is_complete: bool,
    /// Where its data key stands.
    pub data_key: DataKeyState,
    /// When it was erased.
    pub erased: Option<Time>,
    /// Who took part.
    pub about: Option<Stored>,
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// The entry's position.
    pub position: u64,
    /// Its author's time.
    pub time: Time,
    /// What it says.
    pub body: Stored,
    /// Whether webhooks are to be told of it, once.
    pub is_news: bool,
}

/// What one contact is to change by.
#[derive(Clone, Debug)]
pub struct Change {
    /// It.
    pub contact: ContactId,
    /// Who took part.
    pub about: Option<Stored>,
    /// Records that are new or other than before.
    pub records: Vec<StoredRecord>,
    /// Positions whose records are gone.
    pub removed: Vec<u64>,
    /// When it was closed, if everything up to there is stored with this.
    pub complete: Option<Time>,
    /// Whether anything of it is under its data key.
    pub uses_key: bool,
}

/// Where a list goes on: after this contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// When it was created.
    pub created: Time,
    /// It.
    pub contact: ContactId,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    account: AccountId,
    is_shared: bool,
}

/// How often the log is tried to be emptied after an erasure, and how long after each try.
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(50);
/// A contact's columns.
const CONTACT: &str =
    "SELECT contact, level, entry_point, created, closed, head, complete, data_key,
    erased, nonce, about FROM contacts";

impl Store {
    /// Opens an account's part of a database and brings it up to date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(url: &str, account: AccountId) -> Result<Self, StoreError> {
        let migrations = Migrations {
            sqlite: sqlx::migrate!("./migrations/sqlite"),
            postgres: sqlx::migrate!("./migrations/postgres"),
        };
        let pool = database::open(url, &migrations).await?;
        Ok(Self {
            pool,
            account,
            is_shared: database::is_shared(url),
        })
    }

    /// The account.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Whether it can be written to.
    ///
    /// # Errors
    /// [`StoreError`]: it cannot.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("UPDATE contacts SET head = head WHERE account = $1 AND created < 0")
            .bind(self.id())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Closes it in order.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Contacts of which nothing more is to be stored.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finished(&self) -> Result<HashSet<ContactId>, StoreError> {
        let rows = sqlx::query(
            "SELECT contact FROM contacts
             WHERE account = $1 AND (complete = 1 OR erased IS NOT NULL)",
        )
        .bind(self.id())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok(ContactId::new(fixed(row, "contact")?)))
            .collect()
    }

    /// Notes a contact that was not known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note(
        &self,
        contact: &ContactId,
        level: Level,
        entry_point: &str,
        created: Time,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO contacts (account, contact, level, entry_point, created, head, complete, data_key)
             VALUES ($1, $2, $3, $4, $5, 0, 0, 0) ON CONFLICT DO NOTHING",
        )
        .bind(self.id())
        .bind(blob(contact))
        .bind(level_number(level))
        .bind(entry_point.to_owned())
        .bind(integer(created.millis())?)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A contact, if it is known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn contact(&self, contact: &ContactId) -> Result<Option<StoredContact>, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{CONTACT} WHERE account = $1 AND contact = $2"
        )))
        .bind(self.id())
        .bind(blob(contact))
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(read_contact).transpose()
    }

    /// Contacts that are not erased, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn contacts(
        &self,
        after: Option<After>,
        most: usize,
    ) -> Result<Vec<StoredContact>, StoreError> {
        let (created, contact) = match after {
            Some(after) => (integer(after.created.millis())?, blob(&after.contact)),
            None => (i64::MAX, Vec::new()),
        };
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{CONTACT} WHERE account = $1 AND erased IS NULL
             AND (created < $2 OR (created = $2 AND contact > $3))
             ORDER BY created DESC, contact LIMIT $4"
        )))
        .bind(self.id())
        .bind(created)
        .bind(contact)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_contact).collect()
    }

    /// Records of a contact after a position, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn records(
        &self,
        contact: &ContactId,
        after: u64,
        most: usize,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT position, time, nonce, body, untold FROM records
             WHERE account = $1 AND contact = $2 AND position > $3 ORDER BY position LIMIT $4",
        )
        .bind(self.id())
        .bind(blob(contact))
        .bind(integer(after)?)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_record).collect()
    }

    /// A record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record(
        &self,
        contact: &ContactId,
        position: u64,
    ) -> Result<Option<StoredRecord>, StoreError> {
        let before = position.saturating_sub(1);
        let found = self.records(contact, before, 1).await?;
        Ok(found.into_iter().find(|found| found.position == position))
    }

    /// Makes changes in one transaction. Contacts that were erased meanwhile stay so.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    pub async fn change(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        for change in changes {
            self.apply(&mut transaction, change).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn apply(
        &self,
        connection: &mut AnyConnection,
        change: &Change,
    ) -> Result<(), StoreError> {
        let head = change.records.iter().map(|record| record.position).max();
        let complete = change.complete.map(|time| integer(time.millis()));
        let done = sqlx::query(
            "UPDATE contacts SET
                 head = CASE WHEN head < $3 THEN $3 ELSE head END,
                 data_key = CASE WHEN $4 = 1 THEN 1 ELSE data_key END,
                 complete = CASE WHEN $5 >= 0 THEN 1 ELSE complete END,
                 closed = CASE WHEN $5 >= 0 THEN $5 ELSE closed END
             WHERE account = $1 AND contact = $2 AND erased IS NULL",
        )
        .bind(self.id())
        .bind(blob(&change.contact))
        .bind(integer(head.unwrap_or(0))?)
        .bind(i64::from(change.uses_key))
        .bind(complete.transpose()?.unwrap_or(-1))
        .execute(&mut *connection)
        .await?;
        if done.rows_affected() != 1 {
            return Ok(());
        }
        if let Some(about) = &change.about {
            let (nonce, bytes) = parts(about);
            sqlx::query(
                "UPDATE contacts SET nonce = $3, about = $4 WHERE account = $1 AND contact = $2",
            )
            .bind(self.id())
            .bind(blob(&change.contact))
            .bind(nonce)
            .bind(bytes)
            .execute(&mut *connection)
            .await?;
        }
        for record in &change.records {
            let (nonce, bytes) = parts(&record.body);
            // What was told stays told, whatever it turns out to be.
            sqlx::query(
                "INSERT INTO records (account, contact, position, time, nonce, body, untold)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, contact, position)
                 DO UPDATE SET time = excluded.time, nonce = excluded.nonce, body = excluded.body",
            )
            .bind(self.id())
            .bind(blob(&change.contact))
            .bind(integer(record.position)?)
            .bind(integer(record.time.millis())?)
            .bind(nonce)
            .bind(bytes)
            .bind(i64::from(record.is_news))
            .execute(&mut *connection)
            .await?;
        }
        for position in &change.removed {
            sqlx::query(
                "DELETE FROM records WHERE account = $1 AND contact = $2 AND position = $3",
            )
            .bind(self.id())
            .bind(blob(&change.contact))
            .bind(integer(*position)?)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }

    /// Destroys everything that is stored of a contact but that it was there; one that is not known is
    /// known as erased from now on. Whether its data key is still to be erased.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erase(&self, contact: &ContactId, now: Time) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM records WHERE account = $1 AND contact = $2")
            .bind(self.id())
            .bind(blob(contact))
            .execute(&mut *transaction)
            .await?;
        // Of a contact that is not known nobody knows whether there is a key.
        let row = sqlx::query(
            "INSERT INTO contacts
                 (account, contact, level, entry_point, created, head, complete, data_key, erased)
             VALUES ($1, $2, 1, '', 0, 0, 0, 2, $3) ON CONFLICT (account, contact)
             DO UPDATE SET nonce = NULL, about = NULL, erased = COALESCE(contacts.erased, $3),
                 data_key = CASE WHEN contacts.level = 1 AND contacts.data_key < 2 THEN 2
                     ELSE contacts.data_key END
             RETURNING data_key",
        )
        .bind(self.id())
        .bind(blob(contact))
        .bind(integer(now.millis())?)
        .fetch_one(&mut *transaction)
        .await?;
        let waits = number(&row, "data_key")? == 2;
        transaction.commit().await?;
        if !self.is_shared {
            self.empty_log().await?;
        }
        Ok(waits)
    }

    /// The pages of SQLite's file are zeros now; what was on its way to them is in the log, which cannot be
    /// emptied while somebody reads.
    async fn empty_log(&self) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
            let is_busy: i64 = row.fetch_one(&self.pool).await?.try_get(0)?;
            if is_busy == 0 {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        tracing::warn!("the database's log could not be emptied after an erasure");
        Ok(())
    }

    /// Contacts whose data key the key manager is still to erase.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keys_to_erase(&self) -> Result<Vec<ContactId>, StoreError> {
        let rows = sqlx::query(
            "SELECT contact FROM contacts WHERE account = $1 AND data_key = 2 LIMIT 64",
        )
        .bind(self.id())
        .fetch_all(&self.pool)
        .await?;
        ids(&rows)
    }

    /// The key manager has erased a contact's data key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn key_is_erased(&self, contact: &ContactId) -> Result<(), StoreError> {
        sqlx::query("UPDATE contacts SET data_key = 3 WHERE account = $1 AND contact = $2")
            .bind(self.id())
            .bind(blob(contact))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Contacts that were closed before a time, or never, and have nothing newer: their days are over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn older_than(&self, time: Time) -> Result<Vec<ContactId>, StoreError> {
        let rows = sqlx::query(
            "SELECT contact FROM contacts c WHERE account = $1 AND erased IS NULL
             AND COALESCE(closed, created) < $2 AND NOT EXISTS (SELECT 1 FROM records r
                 WHERE r.account = c.account AND r.contact = c.contact AND r.time >= $2)
             LIMIT 64",
        )
        .bind(self.id())
        .bind(integer(time.millis())?)
        .fetch_all(&self.pool)
        .await?;
        ids(&rows)
    }

    /// Records that webhooks are still to be told of: contact, position, time; those of one contact in
    /// their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn untold(&self, most: usize) -> Result<Vec<(ContactId, u64, Time)>, StoreError> {
        let rows = sqlx::query(
            "SELECT contact, position, time FROM records WHERE account = $1 AND untold = 1
             ORDER BY contact, position LIMIT $2",
        )
        .bind(self.id())
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let contact = ContactId::new(fixed(row, "contact")?);
                let time = Time::from_millis(number(row, "time")?);
                Ok((contact, number(row, "position")?, time))
            })
            .collect()
    }

    /// Webhooks were told of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn told(&self, records: &[(ContactId, u64, Time)]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        for (contact, position, _) in records {
            sqlx::query(
                "UPDATE records SET untold = 0 WHERE account = $1 AND contact = $2 AND position = $3",
            )
            .bind(self.id())
            .bind(blob(contact))
            .bind(integer(*position)?)
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    fn id(&self) -> Vec<u8> {
        self.account.as_array().to_vec()
    }
}

fn parts(stored: &Stored) -> (Option<Vec<u8>>, Vec<u8>) {
    match stored {
        Stored::Clear(bytes) => (None, bytes.clone()),
        Stored::Sealed(sealed) => (Some(sealed.nonce.to_vec()), sealed.ciphertext.clone()),
    }
}

fn ids(rows: &[AnyRow]) -> Result<Vec<ContactId>, StoreError> {
    rows.iter()
        .map(|row| Ok(ContactId::new(fixed(row, "contact")?)))
        .collect()
}
