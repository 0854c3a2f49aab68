//! Contacts and their logs in PostgreSQL.

use async_trait::async_trait;
use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId};
use sottovoce_webhooks::store::postgres;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{PostgresStore, append};
use crate::store::columns::{chunk, number, party, position, read_party, read_summary};
use crate::store::log::events;
use crate::store::{
    Access, Addition, Advance, AppendKey, CHUNK_ENTRIES, CLOSED_CONTACTS, ContactKey,
    HELD_CONTACTS, KnownAppend, LogStore, Mark, OPEN_CONTACTS, Party, StoreError,
};

/// Transactions in flight. More would make each of them smaller, and all of them dearer.
const LANES: usize = 4;

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

    /// The server synchronises the disk once for transactions that commit together.
    fn lanes(&self) -> usize {
        LANES
    }

    fn finds_repeats(&self) -> bool {
        true
    }

    async fn append(&self, additions: &[Addition]) -> Result<Vec<ContactKey>, StoreError> {
        let left = match append::append_plain(&self.pool, additions).await {
            Ok(left) if left.is_empty() => return Ok(Vec::new()),
            Ok(left) => left,
            Err(error) if error.is_race() => {
                return Ok(additions.iter().map(Addition::key).collect());
            }
            Err(error) => return Err(error),
        };
        let mut transaction = self.pool.begin().await?;
        match append::append(&mut transaction, &left).await {
            Ok(refused) => {
                let events = events(left.iter().copied(), &refused);
                let told = postgres::record(&mut transaction, &events).await?;
                self.commit(transaction, told).await?;
                Ok(refused)
            }
            Err(error) if error.is_race() => {
                Ok(left.iter().map(|addition| addition.key()).collect())
            }
            Err(error) => Err(error),
        }
    }

    async fn summaries(
        &self,
        contacts: &[ContactKey],
    ) -> Result<Vec<(AccountId, ContactSummary)>, StoreError> {
        let rows = sqlx::query(
            "SELECT account, summary FROM UNNEST($1::bytea[], $2::bytea[]) AS wanted (account, contact)
             JOIN contacts USING (account, contact)",
        )
        .bind(column(contacts, |(account, _)| account.as_array()))
        .bind(column(contacts, |(_, contact)| contact.as_array()))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let account = AccountId::from_slice(row.try_get("account")?);
                let summary = read_summary(row.try_get("summary")?)?;
                Ok((account.ok_or(StoreError::Unreadable)?, summary))
            })
            .collect()
    }

    /// A mark is the oldest transaction that was not yet decided: whatever commits later is that
    /// one or a later one.
    async fn advances(&self, since: &Mark) -> Result<(Vec<Advance>, Mark), StoreError> {
        let rows = sqlx::query(
            "SELECT mark.next::text AS next, account, contact, head,
                 ARRAY(SELECT name FROM roster WHERE roster.account = found.account
                     AND roster.contact = found.contact AND kind = 0 AND left_at >= first
                 ) AS devices,
                 ARRAY(SELECT name FROM roster WHERE roster.account = found.account
                     AND roster.contact = found.contact AND kind = 1 AND left_at >= first
                 ) AS teams
             FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS next,
                       pg_snapshot_xmax(pg_current_snapshot()) AS most) AS mark
             LEFT JOIN LATERAL (
                 SELECT account, contact, max(position) AS head, min(position) AS first
                 FROM entries
                 WHERE transaction >= $1::text::xid8 AND transaction < mark.most
                 GROUP BY account, contact
             ) AS found ON TRUE",
        )
        .bind(&since.0)
        .fetch_all(&self.pool)
        .await?;
        let next = rows.first().map(|row| row.try_get("next")).transpose()?;
        let advances = rows.iter().map(read_advance).filter_map(Result::transpose);
        Ok((advances.collect::<Result<_, _>>()?, Mark(next)))
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
        let (kinds, names) = parties(device, teams);
        let rows = sqlx::query(
            "WITH parties AS (SELECT * FROM UNNEST($2::smallint[], $3::bytea[]) AS parties (kind, name))
             SELECT summary FROM contacts WHERE account = $1 AND NOT closed AND dropped IS NULL
             AND EXISTS (
                 SELECT FROM parties JOIN roster USING (kind, name)
                 WHERE account = $1 AND roster.contact = contacts.contact AND kind = 1)
             AND NOT EXISTS (
                 SELECT FROM parties JOIN roster USING (kind, name)
                 WHERE account = $1 AND roster.contact = contacts.contact AND left_at IS NULL)
             ORDER BY changed DESC LIMIT $4",
        )
        .bind(account.as_array())
        .bind(kinds)
        .bind(names)
        .bind(i64::from(HELD_CONTACTS))
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            contacts.push(read_summary(row.try_get("summary")?)?);
        }
        Ok(contacts)
    }
}

/// One column of several rows.
pub(super) fn column<T>(rows: &[T], value: impl Fn(&T) -> &[u8]) -> Vec<&[u8]> {
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

/// None for the row that only tells the mark.
fn read_advance(row: &PgRow) -> Result<Option<Advance>, StoreError> {
    let Some(head) = row.try_get::<Option<i64>, _>("head")? else {
        return Ok(None);
    };
    let key = || {
        Some((
            AccountId::from_slice(row.try_get("account").ok()?)?,
            ContactId::from_slice(row.try_get("contact").ok()?)?,
        ))
    };
    let devices: Vec<Vec<u8>> = row.try_get("devices")?;
    let teams: Vec<Vec<u8>> = row.try_get("teams")?;
    let devices = devices.iter().map(|name| read_party(0, name));
    let teams = teams.iter().map(|name| read_party(1, name));
    Ok(Some(Advance {
        key: key().ok_or(StoreError::Unreadable)?,
        head: position(head)?,
        left: devices.chain(teams).collect::<Result<_, _>>()?,
    }))
}
