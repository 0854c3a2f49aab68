//! Account objects in PostgreSQL.

use async_trait::async_trait;
use sottovoce::wire::AccountId;
use sqlx::Row;

use super::PostgresStore;
use crate::store::columns::{kind_number, read_kind};
use crate::store::{ObjectChange, ObjectStore, StoreError, StoredObject};

#[async_trait]
impl ObjectStore for PostgresStore {
    async fn objects(&self, account: &AccountId) -> Result<Vec<StoredObject>, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, slot, bytes FROM objects WHERE account = $1 ORDER BY kind, slot",
        )
        .bind(account.as_array())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(StoredObject {
                    kind: read_kind(row.try_get("kind")?).ok_or(StoreError::Unreadable)?,
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
        let mut transaction = self.pool.begin().await?;
        for change in changes {
            let query = match change {
                ObjectChange::Put(object) => sqlx::query(
                    "INSERT INTO objects (account, kind, slot, bytes) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (account, kind, slot) DO UPDATE SET bytes = excluded.bytes",
                )
                .bind(account.as_array())
                .bind(kind_number(object.kind))
                .bind(&object.slot)
                .bind(&object.bytes),
                ObjectChange::Remove(kind, slot) => sqlx::query(
                    "DELETE FROM objects WHERE account = $1 AND kind = $2 AND slot = $3",
                )
                .bind(account.as_array())
                .bind(kind_number(*kind))
                .bind(slot),
            };
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}
