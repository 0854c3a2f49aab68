//! The [`Store`](crate::store::Store) of either database, in the words of its dialect.

use std::time::Duration;

use async_trait::async_trait;
use sottovoce::wire::{AccountId, ContactId, Time};
use sqlx::Row as _;

use super::dialect::{Pools, Row};
use crate::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryId};
use crate::endpoint::{Endpoint, EndpointChange, EndpointId, EndpointKeys, Registration};
use crate::store::{AccountToken, Claim, Job, OVERLAP, Report, Retention, Store, StoreError};

mod endpoints;
mod history;
mod queue;
mod record;
mod retention;
mod secrets;

pub use record::record;
pub use retention::erase;

#[async_trait]
impl Store for Pools {
    async fn create_endpoint(
        &self,
        account: &AccountId,
        registration: &Registration,
        now: Time,
    ) -> Result<Endpoint, StoreError> {
        let mut transaction = self.begin().await?;
        let endpoint = endpoints::create(&mut transaction, account, registration, now).await?;
        secrets::make_keys(&mut transaction, &endpoint.id, 1).await?;
        secrets::tokens(&mut transaction, account, now).await?;
        transaction.commit().await?;
        Ok(endpoint)
    }

    async fn endpoints(&self, account: &AccountId) -> Result<Vec<Endpoint>, StoreError> {
        endpoints::all(&mut *self.reader().await?, account).await
    }

    async fn endpoint(
        &self,
        account: &AccountId,
        id: &EndpointId,
    ) -> Result<Option<Endpoint>, StoreError> {
        endpoints::one(&mut *self.reader().await?, account, id).await
    }

    async fn change_endpoint(
        &self,
        account: &AccountId,
        id: &EndpointId,
        change: &EndpointChange,
        now: Time,
    ) -> Result<Option<Endpoint>, StoreError> {
        let mut transaction = self.begin().await?;
        endpoints::change(&mut transaction, account, id, change, now).await?;
        let endpoint = endpoints::one(&mut transaction, account, id).await?;
        transaction.commit().await?;
        Ok(endpoint)
    }

    async fn delete_endpoint(
        &self,
        account: &AccountId,
        id: &EndpointId,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let was_there = endpoints::delete(&mut transaction, account, id).await?;
        transaction.commit().await?;
        Ok(was_there)
    }

    async fn endpoint_keys(
        &self,
        account: &AccountId,
        id: &EndpointId,
        now: Time,
    ) -> Result<Vec<EndpointKeys>, StoreError> {
        let mut reader = self.reader().await?;
        match endpoints::one(&mut reader, account, id).await? {
            Some(_) => secrets::shown_keys(&mut reader, id, now).await,
            None => Ok(Vec::new()),
        }
    }

    async fn rotate_endpoint_keys(
        &self,
        account: &AccountId,
        id: &EndpointId,
        overlap: Duration,
        now: Time,
    ) -> Result<Vec<EndpointKeys>, StoreError> {
        let mut transaction = self.begin().await?;
        if endpoints::lock(&mut transaction, account, id)
            .await?
            .is_none()
        {
            return Ok(Vec::new());
        }
        let until = end_of(overlap, now);
        let newest = secrets::retire_keys(&mut transaction, id, until, now).await?;
        secrets::make_keys(&mut transaction, id, newest.saturating_add(1)).await?;
        let keys = secrets::shown_keys(&mut transaction, id, now).await?;
        transaction.commit().await?;
        Ok(keys)
    }

    async fn secret_tokens(
        &self,
        account: &AccountId,
        now: Time,
    ) -> Result<Vec<AccountToken>, StoreError> {
        let mut transaction = self.begin().await?;
        let tokens = secrets::tokens(&mut transaction, account, now).await?;
        transaction.commit().await?;
        Ok(tokens)
    }

    async fn rotate_secret_token(
        &self,
        account: &AccountId,
        overlap: Duration,
        now: Time,
    ) -> Result<Vec<AccountToken>, StoreError> {
        let mut transaction = self.begin().await?;
        secrets::tokens(&mut transaction, account, now).await?;
        let until = end_of(overlap, now);
        secrets::rotate_token(&mut transaction, account, until, now).await?;
        let tokens = secrets::tokens(&mut transaction, account, now).await?;
        transaction.commit().await?;
        Ok(tokens)
    }

    async fn deliveries(
        &self,
        account: &AccountId,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        history::deliveries(&mut *self.reader().await?, account, filter, limit).await
    }

    async fn delivery(
        &self,
        account: &AccountId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        history::delivery(&mut *self.reader().await?, account, id).await
    }

    async fn attempts(
        &self,
        account: &AccountId,
        id: DeliveryId,
    ) -> Result<Vec<Attempt>, StoreError> {
        history::attempts(&mut *self.reader().await?, account, id).await
    }

    async fn replay(
        &self,
        account: &AccountId,
        id: DeliveryId,
        now: Time,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let was_there = history::replay(&mut transaction, account, id, now).await?;
        transaction.commit().await?;
        Ok(was_there)
    }

    async fn hasten(
        &self,
        account: &AccountId,
        id: DeliveryId,
        now: Time,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let waits = history::hasten(&mut transaction, account, id, now).await?;
        transaction.commit().await?;
        Ok(waits)
    }

    async fn replay_failed(
        &self,
        account: &AccountId,
        endpoint: &EndpointId,
        since: Time,
        now: Time,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let count = history::replay_failed(&mut transaction, account, endpoint, since, now).await?;
        transaction.commit().await?;
        Ok(count)
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Job>, StoreError> {
        let wanted = queue::due_endpoints(&mut *self.reader().await?, claim).await?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin().await?;
        let jobs = queue::claim(&mut transaction, claim, &wanted).await?;
        transaction.commit().await?;
        Ok(jobs)
    }

    async fn finish(&self, reports: &[Report], now: Time) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        // In the order in which everybody locks lanes.
        let mut reports: Vec<_> = reports.iter().collect();
        reports.sort_by_key(|report| (report.lease.endpoint.clone(), report.lease.lane.clone()));
        for report in reports {
            queue::finish(&mut transaction, report, now).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn recover(&self, now: Time) -> Result<(), StoreError> {
        if Self::IS_SHARED {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        queue::free_all(&mut transaction, now).await?;
        Ok(transaction.commit().await?)
    }

    async fn prune(&self, retention: &Retention, now: Time) -> Result<u64, StoreError> {
        retention::prune(self, retention, now).await
    }
}

fn end_of(overlap: Duration, now: Time) -> Time {
    now.plus_seconds(overlap.min(OVERLAP).as_secs())
}

fn number(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Unreadable)
}

fn millis(time: Time) -> Result<i64, StoreError> {
    number(time.millis())
}

fn blob(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

fn read_number<N: TryFrom<i64>>(row: &Row, column: &str) -> Result<N, StoreError> {
    let value: i64 = row.try_get(column)?;
    N::try_from(value).map_err(|_| StoreError::Unreadable)
}

fn read_time(row: &Row, column: &str) -> Result<Time, StoreError> {
    Ok(Time::from_millis(read_number(row, column)?))
}

fn read_optional_time(row: &Row, column: &str) -> Result<Option<Time>, StoreError> {
    let value: Option<i64> = row.try_get(column)?;
    let read = |value| u64::try_from(value).map_err(|_| StoreError::Unreadable);
    Ok(value.map(read).transpose()?.map(Time::from_millis))
}

fn read_account(row: &Row) -> Result<AccountId, StoreError> {
    let bytes: Vec<u8> = row.try_get("account")?;
    AccountId::from_slice(&bytes).ok_or(StoreError::Unreadable)
}

fn read_contact(row: &Row) -> Result<Option<ContactId>, StoreError> {
    let bytes: Option<Vec<u8>> = row.try_get("contact")?;
    let read = |bytes: Vec<u8>| ContactId::from_slice(&bytes).ok_or(StoreError::Unreadable);
    bytes.map(read).transpose()
}
