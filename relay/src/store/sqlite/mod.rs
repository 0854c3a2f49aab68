//! The embedded store: SQLite with a write-ahead log and full synchronisation.
//!
//! Every query of the relay stands here. There is one connection that writes, so writers queue
//! in the program and never meet a busy database.

#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use sottovoce::wire::frame::{ContactSummary, ObjectKind};
use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId, decode, encode, limits};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{
    Access, AppendKey, Batch, CHUNK_BYTES, CHUNK_ENTRIES, CLOSED_CONTACTS, KnownAppend, NewEntry,
    OPEN_CONTACTS, ObjectChange, Party, RosterChange, Store, StoreError, StoredObject,
};

/// How many connections read at the same time.
const READERS: u32 = 4;
/// Rows of one statement: SQLite allows 32,766 parameters and an entry has 8.
const ROWS: usize = 500;

/// See the module's documentation.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the database at a path or `sqlite:` URL, makes it if it is not there, and migrates it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(database: &str) -> Result<Self, StoreError> {
        let options = match database.split_once(':') {
            Some(("sqlite", _)) => SqliteConnectOptions::from_str(database)?,
            Some((scheme, rest)) if scheme.len() > 1 && rest.starts_with("//") => {
                return Err(StoreError::Unsupported);
            }
            _ => SqliteConnectOptions::new().filename(database),
        };
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .min_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        sqlx::migrate!("./migrations").run(&writer).await?;
        let readers = pool(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers })
    }

    /// Closes the database in order.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn objects(&self, account: &AccountId) -> Result<Vec<StoredObject>, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, slot, bytes FROM objects WHERE account = ? ORDER BY kind, slot",
        )
        .bind(blob(account.as_array()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                let kind = row.try_get::<i64, _>("kind")?;
                Ok(StoredObject {
                    kind: read_kind(kind).ok_or(StoreError::Unreadable)?,
                    slot: row.try_get("slot")?,
                    bytes: row.try_get("bytes")?,
                })
            })
            .collect()
    }

    async fn change_objects(
        &self,
        account: &AccountId,
        changes: &[ObjectChange],
    ) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for change in changes {
            let query = match change {
                ObjectChange::Put(object) => sqlx::query(
                    "INSERT INTO objects (account, kind, slot, bytes) VALUES (?, ?, ?, ?)
                     ON CONFLICT (account, kind, slot) DO UPDATE SET bytes = excluded.bytes",
                )
                .bind(blob(account.as_array()))
                .bind(kind_number(object.kind))
                .bind(object.slot.clone())
                .bind(object.bytes.clone()),
                ObjectChange::Remove(kind, slot) => {
                    sqlx::query("DELETE FROM objects WHERE account = ? AND kind = ? AND slot = ?")
                        .bind(blob(account.as_array()))
                        .bind(kind_number(*kind))
                        .bind(slot.clone())
                }
            };
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn known_appends(&self, keys: &[AppendKey]) -> Result<Vec<KnownAppend>, StoreError> {
        let mut known = Vec::new();
        for keys in keys.chunks(ROWS) {
            // A join, because SQLite would read every entry for `(…) IN (VALUES …)`.
            let mut query =
                QueryBuilder::<Sqlite>::new("WITH wanted (account, device, append_id) AS (");
            query.push_values(keys, |mut row, key| {
                row.push_bind(blob(key.account.as_array()))
                    .push_bind(blob(key.device.as_array()))
                    .push_bind(blob(key.id.as_array()));
            });
            query.push(
                ") SELECT account, device, append_id, contact, position, bytes
                 FROM wanted JOIN entries USING (account, device, append_id)",
            );
            for row in query.build().fetch_all(&self.readers).await? {
                known.push(read_known(&row)?);
            }
        }
        Ok(known)
    }

    async fn append(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for entries in batch.entries.chunks(ROWS) {
            insert_entries(&mut transaction, entries).await?;
        }
        for (account, summary) in &batch.contacts {
            let changed = batch.entries.iter().map(|entry| entry.received).max();
            sqlx::query(
                "INSERT INTO contacts (account, contact, closed, changed, summary)
                 VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, contact) DO UPDATE SET
                 closed = excluded.closed, changed = excluded.changed, summary = excluded.summary",
            )
            .bind(blob(account.as_array()))
            .bind(blob(summary.contact.as_array()))
            .bind(summary.closed)
            .bind(number(changed.unwrap_or_default().millis())?)
            .bind(encode(summary))
            .execute(&mut *transaction)
            .await?;
        }
        for change in &batch.roster {
            change_roster(&mut transaction, change).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn contact(
        &self,
        account: &AccountId,
        contact: &ContactId,
    ) -> Result<Option<(ContactSummary, Vec<Vec<u8>>)>, StoreError> {
        let Some(summary) = self.summary(account, contact).await? else {
            return Ok(None);
        };
        let rows = sqlx::query(
            "SELECT bytes FROM entries WHERE account = ? AND contact = ? AND is_commit = 1
             ORDER BY position",
        )
        .bind(blob(account.as_array()))
        .bind(blob(contact.as_array()))
        .fetch_all(&self.readers)
        .await?;
        let commits = rows.iter().map(|row| row.try_get("bytes"));
        Ok(Some((summary, commits.collect::<Result<_, _>>()?)))
    }

    async fn access(
        &self,
        account: &AccountId,
        contact: &ContactId,
        device: &DeviceId,
        teams: &[String],
    ) -> Result<Option<Access>, StoreError> {
        let mut query = with_parties(account, device, teams);
        query
            .push(
                "SELECT count(*) AS parties, count(*) - count(left_at) AS present,
                 max(left_at) AS left_at FROM parties JOIN roster USING (account, kind, name)
                 WHERE contact = ",
            )
            .push_bind(blob(contact.as_array()));
        let row = query.build().fetch_one(&self.readers).await?;
        if row.try_get::<i64, _>("parties")? == 0 {
            return Ok(None);
        }
        let left: Option<i64> = row.try_get("left_at")?;
        let until = match (row.try_get::<i64, _>("present")?, left) {
            (0, Some(left)) => Some(position(left)?),
            _ => None,
        };
        // Read after the roster, so that it is not older than what the roster allows.
        let summary = self.summary(account, contact).await?;
        Ok(summary.map(|summary| Access { summary, until }))
    }

    async fn entries(
        &self,
        account: &AccountId,
        contact: &ContactId,
        after: u64,
        until: u64,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = sqlx::query(
            "SELECT bytes FROM entries
             WHERE account = ? AND contact = ? AND position > ? AND position <= ?
             ORDER BY position LIMIT ?",
        )
        .bind(blob(account.as_array()))
        .bind(blob(contact.as_array()))
        .bind(number(after)?)
        .bind(number(until)?)
        .bind(CHUNK_ENTRIES)
        .fetch_all(&self.readers)
        .await?;
        let mut entries: Vec<Vec<u8>> = Vec::with_capacity(rows.len());
        let mut size = 0;
        for row in rows {
            let entry: Vec<u8> = row.try_get("bytes")?;
            size += entry.len();
            if size > CHUNK_BYTES && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    async fn contacts_of(
        &self,
        account: &AccountId,
        device: &DeviceId,
        teams: &[String],
    ) -> Result<Vec<ContactSummary>, StoreError> {
        let mut contacts = Vec::new();
        for (closed, teams, most) in [
            (false, teams, OPEN_CONTACTS),
            (true, &[][..], CLOSED_CONTACTS),
        ] {
            let mut query = with_parties(account, device, teams);
            query
                .push("SELECT summary FROM contacts WHERE account = ")
                .push_bind(blob(account.as_array()))
                .push(" AND closed = ")
                .push_bind(closed)
                .push(
                    " AND contact IN (SELECT contact FROM parties
                     JOIN roster USING (account, kind, name) WHERE left_at IS NULL)
                     ORDER BY changed DESC LIMIT ",
                )
                .push_bind(most);
            for row in query.build().fetch_all(&self.readers).await? {
                contacts.push(read_summary(&row)?);
            }
        }
        Ok(contacts)
    }
}

impl SqliteStore {
    async fn summary(
        &self,
        account: &AccountId,
        contact: &ContactId,
    ) -> Result<Option<ContactSummary>, StoreError> {
        sqlx::query("SELECT summary FROM contacts WHERE account = ? AND contact = ?")
            .bind(blob(account.as_array()))
            .bind(blob(contact.as_array()))
            .fetch_optional(&self.readers)
            .await?
            .map(|row| read_summary(&row))
            .transpose()
    }
}

async fn insert_entries(
    connection: &mut SqliteConnection,
    entries: &[NewEntry],
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO entries
         (account, contact, position, device, append_id, is_commit, received, bytes) ",
    );
    query.push_values(entries, |mut row, entry| {
        row.push_bind(blob(entry.key.account.as_array()))
            .push_bind(blob(entry.contact.as_array()))
            // Positions and times beyond 2^63 cannot come about.
            .push_bind(i64::try_from(entry.position).unwrap_or(i64::MAX))
            .push_bind(blob(entry.key.device.as_array()))
            .push_bind(blob(entry.key.id.as_array()))
            .push_bind(entry.is_commit)
            .push_bind(i64::try_from(entry.received.millis()).unwrap_or(i64::MAX))
            .push_bind(entry.bytes.clone());
    });
    query.build().execute(connection).await?;
    Ok(())
}

async fn change_roster(
    connection: &mut SqliteConnection,
    change: &RosterChange,
) -> Result<(), StoreError> {
    let (kind, name) = party(&change.party);
    let position = number(change.position)?;
    let query = if change.joined {
        sqlx::query(
            "INSERT INTO roster (joined, account, contact, kind, name) VALUES (?, ?, ?, ?, ?)",
        )
    } else {
        sqlx::query(
            "UPDATE roster SET left_at = ?
             WHERE account = ? AND contact = ? AND kind = ? AND name = ? AND left_at IS NULL",
        )
    };
    query
        .bind(position)
        .bind(blob(change.account.as_array()))
        .bind(blob(change.contact.as_array()))
        .bind(kind)
        .bind(name)
        .execute(connection)
        .await?;
    Ok(())
}

/// `WITH parties (account, kind, name) AS (…) `: the device and its teams.
fn with_parties(account: &AccountId, device: &DeviceId, teams: &[String]) -> QueryBuilder<Sqlite> {
    let teams = teams.iter().cloned().map(Party::Team);
    let parties = std::iter::once(Party::Device(*device)).chain(teams);
    let mut query = QueryBuilder::<Sqlite>::new("WITH parties (account, kind, name) AS (");
    query.push_values(parties, |mut row, member| {
        let (kind, name) = party(&member);
        row.push_bind(blob(account.as_array()))
            .push_bind(kind)
            .push_bind(name);
    });
    query.push(") ");
    query
}

fn party(party: &Party) -> (i64, Vec<u8>) {
    match party {
        Party::Device(device) => (0, blob(device.as_array())),
        Party::Team(team) => (1, team.clone().into_bytes()),
    }
}

fn read_known(row: &SqliteRow) -> Result<KnownAppend, StoreError> {
    let key = || {
        Some(AppendKey {
            account: AccountId::from_slice(row.try_get("account").ok()?)?,
            device: DeviceId::from_slice(row.try_get("device").ok()?)?,
            id: ContentId::from_slice(row.try_get("append_id").ok()?)?,
        })
    };
    Ok(KnownAppend {
        key: key().ok_or(StoreError::Unreadable)?,
        contact: ContactId::from_slice(row.try_get("contact")?).ok_or(StoreError::Unreadable)?,
        position: position(row.try_get("position")?)?,
        entry: row.try_get("bytes")?,
    })
}

fn read_summary(row: &SqliteRow) -> Result<ContactSummary, StoreError> {
    let bytes: &[u8] = row.try_get("summary")?;
    decode(bytes, limits::FRAME).map_err(|_| StoreError::Unreadable)
}

fn blob(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// SQLite's integers are signed.
fn number(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Unreadable)
}

fn position(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Unreadable)
}

/// The order in which an account is read back: nothing is believed before its signers are.
const KINDS: [ObjectKind; 8] = [
    ObjectKind::Root,
    ObjectKind::Policy,
    ObjectKind::Renewal,
    ObjectKind::Credential,
    ObjectKind::SealKey,
    ObjectKind::TeamKey,
    ObjectKind::TeamSeals,
    ObjectKind::Enrolment,
];

fn kind_number(kind: ObjectKind) -> i64 {
    KINDS
        .iter()
        .zip(0..)
        .find_map(|(known, number)| (*known == kind).then_some(number))
        .unwrap_or(-1)
}

fn read_kind(number: i64) -> Option<ObjectKind> {
    let index = usize::try_from(number).ok()?;
    KINDS.get(index).copied()
}
