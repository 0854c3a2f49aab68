//! Contacts and their logs in SQLite.

use async_trait::async_trait;
use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId, encode};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite};

use super::SqliteStore;
use crate::store::columns::{blob, chunk, number, party, position, read_summary, side_number};
use crate::store::{
    Access, AppendKey, Batch, CHUNK_ENTRIES, CLOSED_CONTACTS, KnownAppend, LogStore, NewEntry,
    OPEN_CONTACTS, Party, RosterChange, StoreError,
};

/// Rows of one statement: SQLite allows 32,766 parameters and an entry has 8.
const ROWS: usize = 500;

#[async_trait]
impl LogStore for SqliteStore {
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
            let tally = batch.tally(account, &summary.contact);
            sqlx::query(
                "INSERT INTO contacts AS known
                 (account, contact, closed, changed, summary, began, entry_point, visitor,
                  staff, service, notes, bytes, transfers, claimed, closed_at, closed_by)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (account, contact) DO UPDATE SET
                 closed = excluded.closed, changed = excluded.changed,
                 summary = excluded.summary, visitor = known.visitor + excluded.visitor,
                 staff = known.staff + excluded.staff, service = known.service + excluded.service,
                 notes = known.notes + excluded.notes, bytes = known.bytes + excluded.bytes,
                 transfers = known.transfers + excluded.transfers,
                 claimed = COALESCE(known.claimed, excluded.claimed),
                 closed_at = COALESCE(known.closed_at, excluded.closed_at),
                 closed_by = COALESCE(known.closed_by, excluded.closed_by)",
            )
            .bind(blob(account.as_array()))
            .bind(blob(summary.contact.as_array()))
            .bind(summary.closed)
            .bind(number(changed.unwrap_or_default().millis())?)
            .bind(encode(summary))
            .bind(number(changed.unwrap_or_default().millis())?)
            .bind(summary.entry_point.clone().into_bytes())
            .bind(number(tally.visitor)?)
            .bind(number(tally.staff)?)
            .bind(number(tally.service)?)
            .bind(number(tally.notes)?)
            .bind(number(tally.bytes)?)
            .bind(number(tally.transfers)?)
            .bind(tally.claimed.map(|at| number(at.millis())).transpose()?)
            .bind(
                tally
                    .closed
                    .map(|(at, _)| number(at.millis()))
                    .transpose()?,
            )
            .bind(tally.closed.map(|(_, by)| side_number(by)))
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
        let Some((summary, _)) = self.summary(account, contact).await? else {
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
        let known = self.summary(account, contact).await?;
        Ok(known.map(|(summary, dropped)| Access {
            summary,
            until,
            dropped,
        }))
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
        chunk(rows.iter().map(|row| row.try_get("bytes")))
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
                contacts.push(read_summary(row.try_get("summary")?)?);
            }
        }
        Ok(contacts)
    }
}

impl SqliteStore {
    /// The contact as it is, and whether its entries' bytes were dropped.
    async fn summary(
        &self,
        account: &AccountId,
        contact: &ContactId,
    ) -> Result<Option<(ContactSummary, bool)>, StoreError> {
        sqlx::query("SELECT summary, dropped FROM contacts WHERE account = ? AND contact = ?")
            .bind(blob(account.as_array()))
            .bind(blob(contact.as_array()))
            .fetch_optional(&self.readers)
            .await?
            .map(|row| {
                let dropped = row.try_get::<Option<i64>, _>("dropped")?.is_some();
                Ok((read_summary(row.try_get("summary")?)?, dropped))
            })
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
