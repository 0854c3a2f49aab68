//! The queries of management, once for both databases: they differ in how a row is locked and in
//! which connections read and write.

/// Implements [`ManagementStore`](super::ManagementStore) for a store: its type, its kind of
/// database, its pools for writing and reading, what locks a row that was selected, and the module
/// of webhooks for it.
macro_rules! management_store {
    ($store:ty, $database:ty, $row:ty, write: $write:ident, read: $read:ident, lock: $lock:literal, webhooks: $webhooks:path) => {
        use async_trait::async_trait;
        use sottovoce::wire::{AccountId, ContactId, DeviceId, Time};
        use sottovoce_webhooks::event::{Details, EventKind, NewEvent, Subject};
        use sqlx::{QueryBuilder, Row};

        use crate::store::StoreError;
        use crate::store::columns::{blob, number, position, read_hash, sha256};
        use crate::store::management::{
            Bury, ContactFilter, ContactPlace, Gone, ListedContact, ListedEntry, ManagementStore,
        };

        /// Entries that are replaced by their hashes at a time.
        const CHUNK: i64 = 64;

        #[async_trait]
        impl ManagementStore for $store {
            async fn listed_contact(
                &self,
                account: &AccountId,
                contact: &ContactId,
            ) -> Result<Option<ListedContact>, StoreError> {
                sqlx::query("SELECT * FROM contacts WHERE account = $1 AND contact = $2")
                    .bind(blob(account.as_array()))
                    .bind(blob(contact.as_array()))
                    .fetch_optional(&self.$read)
                    .await?
                    .map(|row| read_listed!(row))
                    .transpose()
            }

            async fn list_contacts(
                &self,
                account: &AccountId,
                filter: &ContactFilter,
                after: Option<ContactPlace>,
                most: u32,
            ) -> Result<Vec<ListedContact>, StoreError> {
                let mut query =
                    QueryBuilder::<$database>::new("SELECT * FROM contacts WHERE account = ");
                query.push_bind(blob(account.as_array()));
                if let Some((began, contact)) = after {
                    query
                        .push(" AND (began, contact) < (")
                        .push_bind(number(began.millis())?)
                        .push(", ")
                        .push_bind(blob(contact.as_array()))
                        .push(")");
                }
                if let Some(closed) = filter.closed {
                    query.push(" AND closed = ").push_bind(closed);
                }
                if let Some(entry_point) = &filter.entry_point {
                    query
                        .push(" AND entry_point = ")
                        .push_bind(entry_point.clone().into_bytes());
                }
                for (compare, time) in [
                    (" AND began >= ", filter.began_from),
                    (" AND began < ", filter.began_until),
                    (" AND changed >= ", filter.changed_from),
                    (" AND changed < ", filter.changed_until),
                ] {
                    if let Some(time) = time {
                        query.push(compare).push_bind(number(time.millis())?);
                    }
                }
                if let Some(team) = &filter.team {
                    query
                        .push(
                            " AND EXISTS (SELECT 1 FROM roster
                              WHERE roster.account = contacts.account
                              AND roster.contact = contacts.contact AND kind = 1 AND name = ",
                        )
                        .push_bind(team.clone().into_bytes())
                        .push(")");
                }
                query
                    .push(" ORDER BY began DESC, contact DESC LIMIT ")
                    .push_bind(i64::from(most));
                let rows = query.build().fetch_all(&self.$read).await?;
                rows.into_iter().map(|row| read_listed!(row)).collect()
            }

            async fn list_entries(
                &self,
                account: &AccountId,
                contact: &ContactId,
                after: u64,
                most: u32,
            ) -> Result<Vec<ListedEntry>, StoreError> {
                let rows = sqlx::query(
                    "SELECT position, device, is_commit, received, bytes, hash FROM entries
                     WHERE account = $1 AND contact = $2 AND position > $3
                     ORDER BY position LIMIT $4",
                )
                .bind(blob(account.as_array()))
                .bind(blob(contact.as_array()))
                .bind(number(after)?)
                .bind(i64::from(most))
                .fetch_all(&self.$read)
                .await?;
                rows.into_iter()
                    .map(|row| {
                        let bytes: Vec<u8> = row.try_get("bytes")?;
                        let (hash, bytes) = match row.try_get::<Option<Vec<u8>>, _>("hash")? {
                            Some(hash) => (read_hash(&hash)?, None),
                            None => (sha256(&bytes), Some(bytes)),
                        };
                        Ok(ListedEntry {
                            position: position(row.try_get("position")?)?,
                            device: DeviceId::from_slice(&row.try_get::<Vec<u8>, _>("device")?)
                                .ok_or(StoreError::Unreadable)?,
                            is_commit: row.try_get("is_commit")?,
                            received: Time::from_millis(position(row.try_get("received")?)?),
                            hash,
                            bytes,
                        })
                    })
                    .collect()
            }

            async fn gone(
                &self,
                account: &AccountId,
                contact: &ContactId,
            ) -> Result<Option<Gone>, StoreError> {
                let row = sqlx::query(
                    "SELECT summary AS signed, 1 AS dropped FROM contacts
                     WHERE account = $1 AND contact = $2 AND dropped IS NOT NULL
                     UNION ALL SELECT signed, 0 AS dropped FROM tombstones
                     WHERE account = $1 AND contact = $2",
                )
                .bind(blob(account.as_array()))
                .bind(blob(contact.as_array()))
                .fetch_optional(&self.$read)
                .await?;
                row.map(|row| match row.try_get::<i32, _>("dropped")? {
                    0 => Ok(Gone::Erased(row.try_get("signed")?)),
                    _ => Ok(Gone::Dropped),
                })
                .transpose()
            }

            async fn erase(
                &self,
                account: &AccountId,
                contact: &ContactId,
                now: Time,
                bury: Bury<'_>,
            ) -> Result<bool, StoreError> {
                let mut transaction = self.$write.begin().await?;
                // Locked, so that no append comes between: it would find another head.
                let known = sqlx::query(concat!(
                    "SELECT summary FROM contacts WHERE account = $1 AND contact = $2",
                    $lock
                ))
                .bind(blob(account.as_array()))
                .bind(blob(contact.as_array()))
                .fetch_optional(&mut *transaction)
                .await?;
                if known.is_none() {
                    return Ok(false);
                }
                let row = sqlx::query(
                    "SELECT count(*) AS entries FROM entries WHERE account = $1 AND contact = $2",
                )
                .bind(blob(account.as_array()))
                .bind(blob(contact.as_array()))
                .fetch_one(&mut *transaction)
                .await?;
                let tombstone = bury(position(row.try_get("entries")?)?);
                {
                    use $webhooks as webhooks;
                    webhooks::erase(&mut transaction, account, contact).await?;
                    let event = NewEvent {
                        kind: EventKind::ContactErased,
                        account: *account,
                        subject: Subject::Contact(*contact),
                        time: now,
                        details: Details::default(),
                    };
                    webhooks::record(&mut transaction, &[event]).await?;
                }
                for query in [
                    "DELETE FROM entries WHERE account = $1 AND contact = $2",
                    "DELETE FROM roster WHERE account = $1 AND contact = $2",
                    "DELETE FROM contacts WHERE account = $1 AND contact = $2",
                ] {
                    sqlx::query(query)
                        .bind(blob(account.as_array()))
                        .bind(blob(contact.as_array()))
                        .execute(&mut *transaction)
                        .await?;
                }
                sqlx::query(
                    "INSERT INTO tombstones (account, contact, erased, signed)
                     VALUES ($1, $2, $3, $4)",
                )
                .bind(blob(account.as_array()))
                .bind(blob(contact.as_array()))
                .bind(number(now.millis())?)
                .bind(tombstone)
                .execute(&mut *transaction)
                .await?;
                transaction.commit().await?;
                Ok(true)
            }

            async fn gone_since(
                &self,
                account: &AccountId,
                since: Time,
            ) -> Result<Vec<ContactId>, StoreError> {
                let rows = sqlx::query(
                    "SELECT contact FROM tombstones WHERE account = $1 AND erased >= $2
                     UNION ALL
                     SELECT contact FROM contacts WHERE account = $1 AND dropped >= $2",
                )
                .bind(blob(account.as_array()))
                .bind(number(since.millis())?)
                .fetch_all(&self.$read)
                .await?;
                rows.iter().map(read_contact).collect()
            }

            async fn outdated(
                &self,
                account: &AccountId,
                before: Time,
                most: u32,
            ) -> Result<Vec<ContactId>, StoreError> {
                // A contact does not change before it begins: the index on beginnings serves.
                let rows = sqlx::query(
                    "SELECT contact FROM contacts WHERE account = $1 AND began < $2
                     AND changed < $2 AND dropped IS NULL ORDER BY began LIMIT $3",
                )
                .bind(blob(account.as_array()))
                .bind(number(before.millis())?)
                .bind(i64::from(most))
                .fetch_all(&self.$read)
                .await?;
                rows.iter().map(read_contact).collect()
            }

            async fn drop_entries(
                &self,
                account: &AccountId,
                contact: &ContactId,
                before: Time,
                now: Time,
            ) -> Result<bool, StoreError> {
                let mut transaction = self.$write.begin().await?;
                let outdated = sqlx::query(concat!(
                    "SELECT 1 FROM contacts WHERE account = $1 AND contact = $2
                     AND changed < $3 AND dropped IS NULL",
                    $lock
                ))
                .bind(blob(account.as_array()))
                .bind(blob(contact.as_array()))
                .bind(number(before.millis())?)
                .fetch_optional(&mut *transaction)
                .await?;
                if outdated.is_none() {
                    return Ok(false);
                }
                let mut after = 0_i64;
                loop {
                    let rows = sqlx::query(
                        "SELECT position, bytes FROM entries
                         WHERE account = $1 AND contact = $2 AND position > $3
                         ORDER BY position LIMIT $4",
                    )
                    .bind(blob(account.as_array()))
                    .bind(blob(contact.as_array()))
                    .bind(after)
                    .bind(CHUNK)
                    .fetch_all(&mut *transaction)
                    .await?;
                    if rows.is_empty() {
                        break;
                    }
                    for row in rows {
                        after = row.try_get("position")?;
                        let bytes: Vec<u8> = row.try_get("bytes")?;
                        sqlx::query(
                            "UPDATE entries SET bytes = $4, hash = $5
                             WHERE account = $1 AND contact = $2 AND position = $3",
                        )
                        .bind(blob(account.as_array()))
                        .bind(blob(contact.as_array()))
                        .bind(after)
                        .bind(Vec::<u8>::new())
                        .bind(blob(sha256(&bytes).as_array()))
                        .execute(&mut *transaction)
                        .await?;
                    }
                }
                sqlx::query("UPDATE contacts SET dropped = $3 WHERE account = $1 AND contact = $2")
                    .bind(blob(account.as_array()))
                    .bind(blob(contact.as_array()))
                    .bind(number(now.millis())?)
                    .execute(&mut *transaction)
                    .await?;
                transaction.commit().await?;
                Ok(true)
            }

            async fn scour(&self) -> Result<(), StoreError> {
                scour(self).await
            }

            async fn signing_seed(&self, fresh: &[u8; 32]) -> Result<[u8; 32], StoreError> {
                sqlx::query(
                    "INSERT INTO relay_key (id, seed) VALUES (1, $1) ON CONFLICT DO NOTHING",
                )
                .bind(fresh.to_vec())
                .execute(&self.$write)
                .await?;
                let row = sqlx::query("SELECT seed FROM relay_key WHERE id = 1")
                    .fetch_one(&self.$write)
                    .await?;
                let seed: Vec<u8> = row.try_get("seed")?;
                seed.try_into().map_err(|_| StoreError::Unreadable)
            }
        }

        fn read_contact(row: &$row) -> Result<ContactId, StoreError> {
            ContactId::from_slice(&row.try_get::<Vec<u8>, _>("contact")?)
                .ok_or(StoreError::Unreadable)
        }
    };
}

/// Reads a row of `contacts`.
macro_rules! read_listed {
    ($row:ident) => {{
        let row = $row;
        let time = |millis: i64| Ok::<_, StoreError>(Time::from_millis(position(millis)?));
        let maybe = |millis: Option<i64>| millis.map(time).transpose();
        let closed_at = maybe(row.try_get("closed_at")?)?;
        let closed_by = row.try_get::<Option<i64>, _>("closed_by")?;
        Ok::<_, StoreError>(ListedContact {
            summary: crate::store::columns::read_summary(row.try_get("summary")?)?,
            began: time(row.try_get("began")?)?,
            changed: time(row.try_get("changed")?)?,
            tally: crate::outcome::Tally {
                visitor: position(row.try_get("visitor")?)?,
                staff: position(row.try_get("staff")?)?,
                service: position(row.try_get("service")?)?,
                notes: position(row.try_get("notes")?)?,
                bytes: position(row.try_get("bytes")?)?,
                transfers: position(row.try_get("transfers")?)?,
                claimed: maybe(row.try_get("claimed")?)?,
                closed: closed_at.zip(closed_by.map(crate::store::columns::read_side)),
            },
            dropped: maybe(row.try_get("dropped")?)?,
        })
    }};
}

pub(in crate::store) use {management_store, read_listed};
