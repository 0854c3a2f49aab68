//! The queries of what is kept of callers, once for both databases: they differ in how a row is locked
//! and in which connections read and write.

/// Implements [`CallerStore`](super::CallerStore) for a store: its type, its kind of row, its pools for
/// writing and reading, and what locks a row that was selected.
macro_rules! caller_store {
    ($store:ty, $row:ty, write: $write:ident, read: $read:ident, lock: $lock:literal) => {
        use async_trait::async_trait;
        use sottovoce::crypto::Hash;
        use sottovoce::wire::frame::Nonce;
        use sottovoce::wire::{AccountId, DeviceId, Time};
        use sqlx::Row;

        use crate::store::StoreError;
        use crate::store::callers::{
            ApiToken, CallerStore, Day, KeptAnswer, Repeat, RepeatKey, Usage,
        };
        use crate::store::columns::{blob, day, number, position, read_hash};

        #[async_trait]
        impl CallerStore for $store {
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

pub(in crate::store) use caller_store;
