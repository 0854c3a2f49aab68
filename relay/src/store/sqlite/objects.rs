//! Account objects in SQLite.

use async_trait::async_trait;
use sottovoce::wire::AccountId;
use sottovoce_webhooks::store::sqlite;
use sqlx::Row;

use super::SqliteStore;
use crate::store::columns::{blob, kind_number, number, position, read_kind};
use crate::store::{ObjectChange, ObjectStore, StoreError, StoredObject};
use crate::webhooks::NewEvent;

#[async_trait]
impl ObjectStore for SqliteStore {
    async fn objects(&self, account: &AccountId) -> Result<(u64, Vec<StoredObject>), StoreError> {
        // One statement, so that version and objects are of one moment.
        let rows = sqlx::query(
            "SELECT version, kind, slot, bytes FROM accounts LEFT JOIN objects USING (account)
             WHERE account = ? ORDER BY kind, slot",
        )
        .bind(blob(account.as_array()))
        .fetch_all(&self.readers)
        .await?;
        let version = rows.first().map_or(Ok(0), |row| row.try_get("version"))?;
        let mut objects = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(kind) = row.try_get("kind")? {
                objects.push(StoredObject {
                    kind: read_kind(kind).ok_or(StoreError::Unreadable)?,
                    slot: row.try_get("slot")?,
                    bytes: row.try_get("bytes")?,
                });
            }
        }
        Ok((position(version)?, objects))
    }

    async fn object_version(&self, account: &AccountId) -> Result<u64, StoreError> {
        let version = sqlx::query_scalar("SELECT version FROM accounts WHERE account = ?")
            .bind(blob(account.as_array()))
            .fetch_optional(&self.readers)
            .await?;
        position(version.unwrap_or_default())
    }

    async fn change_objects(
        &self,
        account: &AccountId,
        version: u64,
        changes: &[ObjectChange],
        events: &[NewEvent],
    ) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let swap = if version == 0 {
            "INSERT INTO accounts (account, version) VALUES (?, ? + 1) ON CONFLICT DO NOTHING"
        } else {
            "UPDATE accounts SET version = version + 1 WHERE account = ? AND version = ?"
        };
        let swapped = sqlx::query(swap)
            .bind(blob(account.as_array()))
            .bind(number(version)?)
            .execute(&mut *transaction)
            .await?;
        if swapped.rows_affected() == 0 {
            return Ok(false);
        }
        for change in changes {
            let query = match change {
                ObjectChange::Put(object) => sqlx::query(
                    "INSERT INTO objects (account, kind, slot, bytes) VALUES (?, ?, ?, ?)
                     ON CONFLICT (account, kind, slot) DO UPDATE SET bytes = excluded.bytes",
                )
                .bind(blob(account.as_array()))
                .bind(kind_number(object.kind))
                .bind(object.slot.clone())
                .bind(object.bytes.clone()),
                ObjectChange::Remove(kind, slot) => {
                    sqlx::query("DELETE FROM objects WHERE account = ? AND kind = ? AND slot = ?")
                        .bind(blob(account.as_array()))
                        .bind(kind_number(*kind))
                        .bind(slot.clone())
                }
            };
            query.execute(&mut *transaction).await?;
        }
        let told = sqlite::record(&mut transaction, events).await?;
        self.commit(transaction, told).await?;
        Ok(true)
    }
}
