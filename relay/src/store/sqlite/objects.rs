//! Account objects in SQLite.

use async_trait::async_trait;
use sottovoce::wire::AccountId;
use sqlx::Row;

use super::SqliteStore;
use crate::store::columns::{blob, kind_number, read_kind};
use crate::store::{ObjectChange, ObjectStore, StoreError, StoredObject};

#[async_trait]
impl ObjectStore for SqliteStore {
    async fn objects(&self, account: &AccountId) -> Result<Vec<StoredObject>, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, slot, bytes FROM objects WHERE account = ? ORDER BY kind, slot",
        )
        .bind(blob(account.as_array()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                let kind = row.try_get::<i16, _>("kind")?;
                Ok(StoredObject {
                    kind: read_kind(kind).ok_or(StoreError::Unreadable)?,
                    slot: row.try_get("slot")?,
                    bytes: row.try_get("bytes")?,
                })
            })
            .collect()
    }

    async fn change_objects(
        &self,
        account: &AccountId,
        changes: &[ObjectChange],
    ) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
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
        Ok(transaction.commit().await?)
    }
}
