//! Contacts and their logs in SQLite.

use async_trait::async_trait;
use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::SqliteStore;
use crate::store::columns::{blob, chunk, number, party, position, read_summary};
use crate::store::{
    Access, Addition, Advance, AppendKey, CHUNK_ENTRIES, CLOSED_CONTACTS, ContactKey,
    HELD_CONTACTS, KnownAppend, LogStore, Mark, OPEN_CONTACTS, Party, StoreError,
};

/// Rows of one statement: SQLite allows 32,766 parameters and a key has 3.
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

    /// There is one writer, so transactions queue anyway: the more of one, the better.
    fn lanes(&self) -> usize {
        1
    }

    /// The appender compares ids, too.
    fn finds_repeats(&self) -> bool {
        true
    }

    async fn append(&self, additions: &[Addition]) -> Result<Vec<ContactKey>, StoreError> {
        match self.appender.append(additions).await {
            Ok((refused, told)) => {
                self.webhooks.recorded(told);
                Ok(refused)
            }
            Err(error) if error.is_race() => Ok(additions.iter().map(Addition::key).collect()),
            Err(error) => Err(error),
        }
    }

    async fn summaries(
        &self,
        contacts: &[ContactKey],
    ) -> Result<Vec<(AccountId, ContactSummary)>, StoreError> {
        let mut summaries = Vec::with_capacity(contacts.len());
        for (account, contact) in contacts {
            let summary = self.summary(account, contact).await?;
            summaries.extend(summary.map(|(summary, _)| (*account, summary)));
        }
        Ok(summaries)
    }

    /// A file is one process's own, and that process knows what it has added.
    async fn advances(&self, since: &Mark) -> Result<(Vec<Advance>, Mark), StoreError> {
        Ok((Vec::new(), since.clone()))
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
        let mut query = with_parties(account, device, teams);
        query
            .push("SELECT summary FROM contacts WHERE account = ")
            .push_bind(blob(account.as_array()))
            .push(
                " AND closed = 0 AND dropped IS NULL AND EXISTS (
                     SELECT 1 FROM parties JOIN roster USING (account, kind, name)
                     WHERE contact = contacts.contact AND kind = 1)
                 AND NOT EXISTS (
                     SELECT 1 FROM parties JOIN roster USING (account, kind, name)
                     WHERE contact = contacts.contact AND left_at IS NULL)
                 ORDER BY changed DESC LIMIT ",
            )
            .push_bind(HELD_CONTACTS);
        for row in query.build().fetch_all(&self.readers).await? {
            contacts.push(read_summary(row.try_get("summary")?)?);
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
