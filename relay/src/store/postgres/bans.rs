//! Bans in PostgreSQL.

use async_trait::async_trait;
use sottovoce::wire::{AccountId, DeviceId, Time};
use sqlx::Row;

use super::PostgresStore;
use crate::store::columns::{banned, blob, number, position, read_banned};
use crate::store::{Ban, BanStore, StoreError};

#[async_trait]
impl BanStore for PostgresStore {
    async fn ban(&self, bans: &[Ban]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        for ban in bans {
            let (kind, name) = banned(&ban.who);
            sqlx::query(
                "INSERT INTO bans (account, kind, name, until, banned_by, device)
                 SELECT $1::bytea, $2::smallint, $3::bytea, $4::bigint, $5::bytea, $6::bytea
                 WHERE $6::bytea IS NULL OR EXISTS (
                     SELECT 1 FROM bans WHERE account = $1 AND kind = 0 AND name = $6 FOR SHARE)
                 ON CONFLICT (account, kind, name) DO UPDATE SET
                 device = CASE WHEN excluded.until < bans.until THEN bans.device ELSE excluded.device END,
                 until = greatest(bans.until, excluded.until), banned_by = excluded.banned_by",
            )
            .bind(ban.account.as_array())
            .bind(kind)
            .bind(name)
            .bind(number(ban.until.millis())?)
            .bind(ban.by.as_array())
            .bind(ban.device.map(|device| blob(device.as_array())))
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn bans(&self, now: Time) -> Result<Vec<Ban>, StoreError> {
        let rows = sqlx::query(
            "SELECT account, kind, name, until, banned_by, device FROM bans WHERE until > $1",
        )
        .bind(number(now.millis())?)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let unreadable = || StoreError::Unreadable;
                let account = AccountId::from_slice(row.try_get("account")?);
                let by = DeviceId::from_slice(row.try_get("banned_by")?);
                let device: Option<&[u8]> = row.try_get("device")?;
                let device =
                    device.map(|device| DeviceId::from_slice(device).ok_or_else(unreadable));
                let who = read_banned(row.try_get("kind")?, row.try_get("name")?);
                Ok(Ban {
                    account: account.ok_or_else(unreadable)?,
                    who: who.ok_or_else(unreadable)?,
                    until: Time::from_millis(position(row.try_get("until")?)?),
                    by: by.ok_or_else(unreadable)?,
                    device: device.transpose()?,
                })
            })
            .collect()
    }

    async fn lift_ban(
        &self,
        account: AccountId,
        device: DeviceId,
        now: Time,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let lifted = sqlx::query(
            "DELETE FROM bans WHERE account = $1 AND kind = 0 AND name = $2 AND until > $3",
        )
        .bind(account.as_array())
        .bind(device.as_array())
        .bind(number(now.millis())?)
        .execute(&mut *transaction)
        .await?;
        // Whoever adds one that shares it looks for the device's first.
        sqlx::query("DELETE FROM bans WHERE account = $1 AND kind = 1 AND device = $2")
            .bind(account.as_array())
            .bind(device.as_array())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(lifted.rows_affected() == 1)
    }

    async fn forget_bans(&self, now: Time) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM bans WHERE until <= $1")
            .bind(number(now.millis())?)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
