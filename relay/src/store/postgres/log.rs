//! Contacts and their logs in PostgreSQL.

use async_trait::async_trait;
use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId, encode};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::PostgresStore;
use crate::store::columns::{chunk, number, party, position, read_summary, side_number};
use crate::store::{
    Access, AppendKey, Batch, CHUNK_ENTRIES, CLOSED_CONTACTS, KnownAppend, LogStore, NewEntry,
    OPEN_CONTACTS, Party, RosterChange, StoreError,
};

#[async_trait]
impl LogStore for PostgresStore {
    async fn known_appends(&self, keys: &[AppendKey]) -> Result<Vec<KnownAppend>, StoreError> {
        let rows = sqlx::query(
            "SELECT account, device, append_id, contact, position, bytes
             FROM UNNEST($1::bytea[], $2::bytea[], $3::bytea[]) AS wanted (account, device, append_id)
             JOIN entries USING (account, device, append_id)",
        )
        .bind(column(keys, |key| key.account.as_array()))
        .bind(column(keys, |key| key.device.as_array()))
        .bind(column(keys, |key| key.id.as_array()))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_known).collect()
    }

    async fn append(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        insert_entries(&mut transaction, &batch.entries).await?;
        for (account, summary) in &batch.contacts {
            let changed = batch.entries.iter().map(|entry| entry.received).max();
            let tally = batch.tally(account, &summary.contact);
            sqlx::query(
                "INSERT INTO contacts AS known
                 (account, contact, head, closed, changed, summary, began, entry_point,
                  visitor, staff, service, notes, bytes, transfers, claimed, closed_at, closed_by)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
                 ON CONFLICT (account, contact) DO UPDATE SET
                 head = excluded.head, closed = excluded.closed, changed = excluded.changed,
                 summary = excluded.summary, visitor = known.visitor + excluded.visitor,
                 staff = known.staff + excluded.staff, service = known.service + excluded.service,
                 notes = known.notes + excluded.notes, bytes = known.bytes + excluded.bytes,
                 transfers = known.transfers + excluded.transfers,
                 claimed = COALESCE(known.claimed, excluded.claimed),
                 closed_at = COALESCE(known.closed_at, excluded.closed_at),
                 closed_by = COALESCE(known.closed_by, excluded.closed_by)",
            )
            .bind(account.as_array())
            .bind(summary.contact.as_array())
            .bind(number(summary.head)?)
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
        // One statement, so that summary and commits are of one moment.
        let row = sqlx::query(
            "SELECT summary, ARRAY(
                 SELECT bytes FROM entries
                 WHERE account = $1 AND contact = $2 AND is_commit ORDER BY position
             ) AS commits FROM contacts WHERE account = $1 AND contact = $2",
        )
        .bind(account.as_array())
        .bind(contact.as_array())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok((
                read_summary(row.try_get("summary")?)?,
                row.try_get("commits")?,
            ))
        })
        .transpose()
    }

    async fn access(
        &self,
        account: &AccountId,
        contact: &ContactId,
        device: &DeviceId,
        teams: &[String],
    ) -> Result<Option<Access>, StoreError> {
        let (kinds, names) = parties(device, teams);
        let row = sqlx::query(
            "SELECT summary, dropped, count(*) - count(left_at) AS present, max(left_at) AS left_at
             FROM contacts JOIN roster USING (account, contact)
             WHERE account = $1 AND contact = $2
             AND (kind, name) IN (SELECT * FROM UNNEST($3::smallint[], $4::bytea[]))
             GROUP BY summary, dropped",
        )
        .bind(account.as_array())
        .bind(contact.as_array())
        .bind(kinds)
        .bind(names)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let left: Option<i64> = row.try_get("left_at")?;
        let until = match (row.try_get::<i64, _>("present")?, left) {
            (0, Some(left)) => Some(position(left)?),
            _ => None,
        };
        let summary = read_summary(row.try_get("summary")?)?;
        let dropped = row.try_get::<Option<i64>, _>("dropped")?.is_some();
        Ok(Some(Access {
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
             WHERE account = $1 AND contact = $2 AND position > $3 AND position <= $4
             ORDER BY position LIMIT $5",
        )
        .bind(account.as_array())
        .bind(contact.as_array())
        .bind(number(after)?)
        .bind(number(until)?)
        .bind(i64::from(CHUNK_ENTRIES))
        .fetch_all(&self.pool)
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
            let (kinds, names) = parties(device, teams);
            let rows = sqlx::query(
                "SELECT summary FROM contacts WHERE account = $1 AND closed = $2
                 AND contact IN (
                     SELECT contact FROM roster WHERE account = $1 AND left_at IS NULL
                     AND (kind, name) IN (SELECT * FROM UNNEST($3::smallint[], $4::bytea[])))
                 ORDER BY changed DESC LIMIT $5",
            )
            .bind(account.as_array())
            .bind(closed)
            .bind(kinds)
            .bind(names)
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await?;
            for row in rows {
                contacts.push(read_summary(row.try_get("summary")?)?);
            }
        }
        Ok(contacts)
    }
}

async fn insert_entries(
    connection: &mut PgConnection,
    entries: &[NewEntry],
) -> Result<(), StoreError> {
    let positions: Result<Vec<_>, _> = entries.iter().map(|entry| number(entry.position)).collect();
    let received: Result<Vec<_>, _> = entries
        .iter()
        .map(|entry| number(entry.received.millis()))
        .collect();
    sqlx::query(
        "INSERT INTO entries
         (account, contact, position, device, append_id, is_commit, received, bytes)
         SELECT * FROM UNNEST($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[], $5::bytea[],
             $6::boolean[], $7::bigint[], $8::bytea[])",
    )
    .bind(column(entries, |entry| entry.key.account.as_array()))
    .bind(column(entries, |entry| entry.contact.as_array()))
    .bind(positions?)
    .bind(column(entries, |entry| entry.key.device.as_array()))
    .bind(column(entries, |entry| entry.key.id.as_array()))
    .bind(
        entries
            .iter()
            .map(|entry| entry.is_commit)
            .collect::<Vec<_>>(),
    )
    .bind(received?)
    .bind(column(entries, |entry| entry.bytes.as_slice()))
    .execute(connection)
    .await?;
    Ok(())
}

async fn change_roster(
    connection: &mut PgConnection,
    change: &RosterChange,
) -> Result<(), StoreError> {
    let (kind, name) = party(&change.party);
    let query = if change.joined {
        sqlx::query(
            "INSERT INTO roster (joined, account, contact, kind, name) VALUES ($1, $2, $3, $4, $5)",
        )
    } else {
        sqlx::query(
            "UPDATE roster SET left_at = $1
             WHERE account = $2 AND contact = $3 AND kind = $4 AND name = $5 AND left_at IS NULL",
        )
    };
    query
        .bind(number(change.position)?)
        .bind(change.account.as_array())
        .bind(change.contact.as_array())
        .bind(kind)
        .bind(name)
        .execute(connection)
        .await?;
    Ok(())
}

/// One column of several rows.
fn column<T>(rows: &[T], value: impl Fn(&T) -> &[u8]) -> Vec<&[u8]> {
    rows.iter().map(value).collect()
}

/// The device and its teams, as columns.
fn parties(device: &DeviceId, teams: &[String]) -> (Vec<i16>, Vec<Vec<u8>>) {
    let teams = teams.iter().cloned().map(Party::Team);
    std::iter::once(Party::Device(*device))
        .chain(teams)
        .map(|member| party(&member))
        .unzip()
}

fn read_known(row: &PgRow) -> Result<KnownAppend, StoreError> {
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
