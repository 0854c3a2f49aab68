//! Bans in PostgreSQL.

use async_trait::async_trait;
use sottovoce::wire::{AccountId, DeviceId, Time};
use sqlx::Row;

use super::PostgresStore;
use crate::store::columns::{banned, number, position, read_banned};
use crate::store::{Ban, BanStore, StoreError};

#[async_trait]
impl BanStore for PostgresStore {
    async fn ban(&self, bans: &[Ban]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        for ban in bans {
            let (kind, name) = banned(&ban.who);
            sqlx::query(
                "INSERT INTO bans (account, kind, name, until, banned_by) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (account, kind, name) DO UPDATE SET
                 until = greatest(bans.until, excluded.until), banned_by = excluded.banned_by",
            )
            .bind(ban.account.as_array())
            .bind(kind)
            .bind(name)
            .bind(number(ban.until.millis())?)
            .bind(ban.by.as_array())
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn bans(&self, now: Time) -> Result<Vec<Ban>, StoreError> {
        let rows =
            sqlx::query("SELECT account, kind, name, until, banned_by FROM bans WHERE until > $1")
                .bind(number(now.millis())?)
                .fetch_all(&self.pool)
                .await?;
        rows.iter()
            .map(|row| {
                let unreadable = || StoreError::Unreadable;
                let account = AccountId::from_slice(row.try_get("account")?);
                let by = DeviceId::from_slice(row.try_get("banned_by")?);
                let who = read_banned(row.try_get("kind")?, row.try_get("name")?);
                Ok(Ban {
                    account: account.ok_or_else(unreadable)?,
                    who: who.ok_or_else(unreadable)?,
                    until: Time::from_millis(position(row.try_get("until")?)?),
                    by: by.ok_or_else(unreadable)?,
                })
            })
            .collect()
    }

    async fn forget_bans(&self, now: Time) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM bans WHERE until <= $1")
            .bind(number(now.millis())?)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
