//! The queries of management, once for both databases: they differ in how a row is locked and in
//! which connections read and write.

/// Implements [`ManagementStore`](super::ManagementStore) for a store: its type, its kind of
/// database, its pools for writing and reading, what locks a row that was selected, and the module
/// of webhooks for it.
macro_rules! management_store {
    ($store:ty, $database:ty, $row:ty, write: $write:ident, read: $read:ident, lock: $lock:literal, webhooks: $webhooks:path) => {
        use async_trait::async_trait;
        use sottovoce::crypto::Hash;
        use sottovoce::wire::frame::Nonce;
        use sottovoce::wire::{AccountId, ContactId, DeviceId, Time};
        use sottovoce_webhooks::event::{Details, EventKind, NewEvent, Subject};
        use sqlx::{QueryBuilder, Row};

        use crate::store::StoreError;
        use crate::store::columns::{blob, day, number, position, read_hash, sha256};
        use crate::store::management::{
            ApiToken, Bury, ContactFilter, ContactPlace, Day, Gone, KeptAnswer, ListedContact,
            ListedEntry, ManagementStore, Repeat, RepeatKey, Usage,
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

            async fn add_token(&self, token: &ApiToken, nonce: &Nonce) -> Result<bool, StoreError> {
                let mut transaction = self.$write.begin().await?;
                let used = sqlx::query(
                    "INSERT INTO nonces (account, nonce, used) VALUES ($1, $2, $3)
                     ON CONFLICT DO NOTHING",
                )
                .bind(blob(token.account.as_array()))
                .bind(blob(nonce.as_array()))
                .bind(number(token.created.millis())?)
                .execute(&mut *transaction)
                .await?;
                if used.rows_affected() == 0 {
                    return Ok(false);
                }
                sqlx::query(
                    "INSERT INTO api_tokens (hash, account, name, scopes, signer, created, expires)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(blob(token.hash.as_array()))
                .bind(blob(token.account.as_array()))
                .bind(token.name.clone())
                .bind(token.scopes.join(" "))
                .bind(blob(token.by.as_array()))
                .bind(number(token.created.millis())?)
                .bind(number(token.expires.millis())?)
                .execute(&mut *transaction)
                .await?;
                transaction.commit().await?;
                Ok(true)
            }

            async fn token(&self, hash: &Hash) -> Result<Option<ApiToken>, StoreError> {
                sqlx::query("SELECT * FROM api_tokens WHERE hash = $1")
                    .bind(blob(hash.as_array()))
                    .fetch_optional(&self.$read)
                    .await?
                    .map(|row| read_token(&row))
                    .transpose()
            }

            async fn tokens(&self, account: &AccountId) -> Result<Vec<ApiToken>, StoreError> {
                let rows = sqlx::query(
                    "SELECT * FROM api_tokens WHERE account = $1 ORDER BY created DESC, hash",
                )
                .bind(blob(account.as_array()))
                .fetch_all(&self.$read)
                .await?;
                rows.iter().map(read_token).collect()
            }

            async fn revoke_token(
                &self,
                account: &AccountId,
                hash: &Hash,
                now: Time,
            ) -> Result<bool, StoreError> {
                let done = sqlx::query(
                    "UPDATE api_tokens SET revoked = COALESCE(revoked, $3)
                     WHERE account = $1 AND hash = $2",
                )
                .bind(blob(account.as_array()))
                .bind(blob(hash.as_array()))
                .bind(number(now.millis())?)
                .execute(&self.$write)
                .await?;
                Ok(done.rows_affected() > 0)
            }

            async fn begin(
                &self,
                key: &RepeatKey,
                fingerprint: &Hash,
                now: Time,
                stale: Time,
            ) -> Result<Repeat, StoreError> {
                let mut transaction = self.$write.begin().await?;
                sqlx::query(
                    "DELETE FROM answers WHERE account = $1 AND token = $2 AND key = $3
                     AND status IS NULL AND begun < $4",
                )
                .bind(blob(key.account.as_array()))
                .bind(blob(key.token.as_array()))
                .bind(key.key.clone())
                .bind(number(stale.millis())?)
                .execute(&mut *transaction)
                .await?;
                let made = sqlx::query(
                    "INSERT INTO answers (account, token, key, fingerprint, begun)
                     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                )
                .bind(blob(key.account.as_array()))
                .bind(blob(key.token.as_array()))
                .bind(key.key.clone())
                .bind(blob(fingerprint.as_array()))
                .bind(number(now.millis())?)
                .execute(&mut *transaction)
                .await?;
                if made.rows_affected() > 0 {
                    transaction.commit().await?;
                    return Ok(Repeat::New);
                }
                let row = sqlx::query(
                    "SELECT fingerprint, status, media_type, body FROM answers
                     WHERE account = $1 AND token = $2 AND key = $3",
                )
                .bind(blob(key.account.as_array()))
                .bind(blob(key.token.as_array()))
                .bind(key.key.clone())
                .fetch_optional(&mut *transaction)
                .await?;
                transaction.commit().await?;
                // Ended without an answer in this very moment.
                let Some(row) = row else {
                    return Ok(Repeat::UnderWay);
                };
                let known = read_hash(&row.try_get::<Vec<u8>, _>("fingerprint")?)?;
                if known != *fingerprint {
                    return Ok(Repeat::Other);
                }
                let Some(status) = row.try_get::<Option<i64>, _>("status")? else {
                    return Ok(Repeat::UnderWay);
                };
                Ok(Repeat::Same(KeptAnswer {
                    status: u16::try_from(status).map_err(|_| StoreError::Unreadable)?,
                    media_type: row.try_get("media_type")?,
                    body: row.try_get("body")?,
                }))
            }

            async fn end(
                &self,
                key: &RepeatKey,
                answer: Option<&KeptAnswer>,
            ) -> Result<(), StoreError> {
                let query = match answer {
                    Some(answer) => sqlx::query(
                        "UPDATE answers SET status = $4, media_type = $5, body = $6
                         WHERE account = $1 AND token = $2 AND key = $3",
                    )
                    .bind(blob(key.account.as_array()))
                    .bind(blob(key.token.as_array()))
                    .bind(key.key.clone())
                    .bind(i64::from(answer.status))
                    .bind(answer.media_type.clone())
                    .bind(answer.body.clone()),
                    None => sqlx::query(
                        "DELETE FROM answers WHERE account = $1 AND token = $2 AND key = $3",
                    )
                    .bind(blob(key.account.as_array()))
                    .bind(blob(key.token.as_array()))
                    .bind(key.key.clone()),
                };
                query.execute(&self.$write).await?;
                Ok(())
            }

            async fn forget(
                &self,
                answers: Time,
                nonces: Time,
                tokens: Time,
            ) -> Result<(), StoreError> {
                for (query, before) in [
                    ("DELETE FROM answers WHERE begun < $1", answers),
                    ("DELETE FROM nonces WHERE used < $1", nonces),
                    (
                        "DELETE FROM api_tokens WHERE COALESCE(revoked, expires) < $1",
                        tokens,
                    ),
                ] {
                    sqlx::query(query)
                        .bind(number(before.millis())?)
                        .execute(&self.$write)
                        .await?;
                }
                Ok(())
            }

            async fn add_usage(&self, used: &[(AccountId, Day, Usage)]) -> Result<(), StoreError> {
                let mut transaction = self.$write.begin().await?;
                for (account, day, usage) in used {
                    sqlx::query(
                        "INSERT INTO usage AS known (account, day, contacts, entries, bytes)
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, day) DO UPDATE SET
                         contacts = known.contacts + excluded.contacts,
                         entries = known.entries + excluded.entries,
                         bytes = known.bytes + excluded.bytes",
                    )
                    .bind(blob(account.as_array()))
                    .bind(i64::from(*day))
                    .bind(number(usage.contacts)?)
                    .bind(number(usage.entries)?)
                    .bind(number(usage.bytes)?)
                    .execute(&mut *transaction)
                    .await?;
                }
                Ok(transaction.commit().await?)
            }

            async fn usage(
                &self,
                account: &AccountId,
                from: Day,
                to: Day,
            ) -> Result<Vec<(Day, Usage)>, StoreError> {
                let rows = sqlx::query(
                    "SELECT day, contacts, entries, bytes FROM usage
                     WHERE account = $1 AND day >= $2 AND day <= $3 ORDER BY day",
                )
                .bind(blob(account.as_array()))
                .bind(i64::from(from))
                .bind(i64::from(to))
                .fetch_all(&self.$read)
                .await?;
                rows.iter()
                    .map(|row| {
                        Ok((
                            day(row.try_get("day")?)?,
                            Usage {
                                contacts: position(row.try_get("contacts")?)?,
                                entries: position(row.try_get("entries")?)?,
                                bytes: position(row.try_get("bytes")?)?,
                            },
                        ))
                    })
                    .collect()
            }
        }

        fn read_contact(row: &$row) -> Result<ContactId, StoreError> {
            ContactId::from_slice(&row.try_get::<Vec<u8>, _>("contact")?)
                .ok_or(StoreError::Unreadable)
        }

        fn read_token(row: &$row) -> Result<ApiToken, StoreError> {
            let time = |millis: i64| Ok::<_, StoreError>(Time::from_millis(position(millis)?));
            let scopes: String = row.try_get("scopes")?;
            Ok(ApiToken {
                hash: read_hash(&row.try_get::<Vec<u8>, _>("hash")?)?,
                account: AccountId::from_slice(&row.try_get::<Vec<u8>, _>("account")?)
                    .ok_or(StoreError::Unreadable)?,
                name: row.try_get("name")?,
                scopes: scopes.split(' ').map(str::to_owned).collect(),
                by: DeviceId::from_slice(&row.try_get::<Vec<u8>, _>("signer")?)
                    .ok_or(StoreError::Unreadable)?,
                created: time(row.try_get("created")?)?,
                expires: time(row.try_get("expires")?)?,
                revoked: row
                    .try_get::<Option<i64>, _>("revoked")?
                    .map(time)
                    .transpose()?,
            })
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
