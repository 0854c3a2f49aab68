//! Push targets in SQLite.

use async_trait::async_trait;
use sottovoce::wire::frame::PushTarget;
use sottovoce::wire::{AccountId, DeviceId};
use sqlx::Row;

use super::SqliteStore;
use crate::store::columns::{blob, push_kind, read_push_kind};
use crate::store::{PushStore, StoreError};

#[async_trait]
impl PushStore for SqliteStore {
    async fn set_push_target(
        &self,
        account: &AccountId,
        device: &DeviceId,
        target: Option<&PushTarget>,
    ) -> Result<(), StoreError> {
        let query = match target {
            Some(target) => sqlx::query(
                "INSERT INTO push_targets (account, device, kind, token) VALUES (?, ?, ?, ?)
                 ON CONFLICT (account, device) DO UPDATE SET
                 kind = excluded.kind, token = excluded.token",
            )
            .bind(blob(account.as_array()))
            .bind(blob(device.as_array()))
            .bind(push_kind(target.kind))
            .bind(target.token.clone()),
            None => sqlx::query("DELETE FROM push_targets WHERE account = ? AND device = ?")
                .bind(blob(account.as_array()))
                .bind(blob(device.as_array())),
        };
        query.execute(&self.writer).await?;
        Ok(())
    }

    async fn push_target(
        &self,
        account: &AccountId,
        device: &DeviceId,
    ) -> Result<Option<PushTarget>, StoreError> {
        let row =
            sqlx::query("SELECT kind, token FROM push_targets WHERE account = ? AND device = ?")
                .bind(blob(account.as_array()))
                .bind(blob(device.as_array()))
                .fetch_optional(&self.readers)
                .await?;
        let read = |row: &_| {
            let kind = read_push_kind(Row::try_get(row, "kind")?).ok_or(StoreError::Unreadable)?;
            let token = Row::try_get(row, "token")?;
            Ok(PushTarget { kind, token })
        };
        row.as_ref().map(read).transpose()
    }
}
