//! Account objects in PostgreSQL.

use async_trait::async_trait;
use sottovoce::wire::AccountId;
use sottovoce_webhooks::store::postgres;
use sqlx::Row;

use super::PostgresStore;
use crate::store::columns::{kind_number, number, position, read_kind};
use crate::store::{ObjectChange, ObjectStore, StoreError, StoredObject};
use crate::webhooks::NewEvent;

#[async_trait]
impl ObjectStore for PostgresStore {
    async fn objects(&self, account: &AccountId) -> Result<(u64, Vec<StoredObject>), StoreError> {
        // One statement, so that version and objects are of one moment.
        let rows = sqlx::query(
            "SELECT version, kind, slot, bytes FROM accounts LEFT JOIN objects USING (account)
             WHERE account = $1 ORDER BY kind, slot",
        )
        .bind(account.as_array())
        .fetch_all(&self.pool)
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
        let version = sqlx::query_scalar("SELECT version FROM accounts WHERE account = $1")
            .bind(account.as_array())
            .fetch_optional(&self.pool)
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
        let mut transaction = self.pool.begin().await?;
        let swap = if version == 0 {
            "INSERT INTO accounts (account, version) VALUES ($1, $2 + 1) ON CONFLICT DO NOTHING"
        } else {
            "UPDATE accounts SET version = version + 1 WHERE account = $1 AND version = $2"
        };
        let swapped = sqlx::query(swap)
            .bind(account.as_array())
            .bind(number(version)?)
            .execute(&mut *transaction)
            .await?;
        if swapped.rows_affected() == 0 {
            return Ok(false);
        }
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
        let told = postgres::record(&mut transaction, events).await?;
        self.commit(transaction, told).await?;
        Ok(true)
    }
}
