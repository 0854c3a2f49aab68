//! One-time keys in SQLite.

use async_trait::async_trait;
use sottovoce::wire::{AccountId, Suite, Time};
use sqlx::Row;

use super::SqliteStore;
use crate::store::columns::{blob, number, position, suite_number};
use crate::store::{Prekey, PrekeyStore, StoreError};

#[async_trait]
impl PrekeyStore for SqliteStore {
    async fn add_prekey(
        &self,
        account: &AccountId,
        key: &Prekey,
        now: Time,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM prekeys WHERE account = ? AND until < ?")
            .bind(blob(account.as_array()))
            .bind(number(now.millis())?)
            .execute(&self.writer)
            .await?;
        sqlx::query(
            "INSERT INTO prekeys (account, id, suite, until, taken, record)
             VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
        )
        .bind(blob(account.as_array()))
        .bind(blob(key.id.as_array()))
        .bind(suite_number(key.suite))
        .bind(number(key.until.millis())?)
        .bind(key.record.clone())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn take_prekey(
        &self,
        account: &AccountId,
        suite: Suite,
        now: Time,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query(
            "UPDATE prekeys SET taken = 1 WHERE account = ?1 AND taken = 0 AND id = (
                 SELECT id FROM prekeys
                 WHERE account = ?1 AND suite = ?2 AND taken = 0 AND until > ?3
                 ORDER BY until LIMIT 1)
             RETURNING record",
        )
        .bind(blob(account.as_array()))
        .bind(suite_number(suite))
        .bind(number(now.millis())?)
        .fetch_optional(&self.writer)
        .await?;
        row.map(|row| Ok(row.try_get("record")?)).transpose()
    }

    async fn prekeys_left(
        &self,
        account: &AccountId,
        suite: Suite,
        now: Time,
    ) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) AS left_over FROM prekeys
             WHERE account = ? AND suite = ? AND taken = 0 AND until > ?",
        )
        .bind(blob(account.as_array()))
        .bind(suite_number(suite))
        .bind(number(now.millis())?)
        .fetch_one(&self.readers)
        .await?;
        position(row.try_get("left_over")?)
    }
}
