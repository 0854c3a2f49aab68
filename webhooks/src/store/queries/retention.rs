//! Forgetting: what is old, and what an erased contact left.

use std::time::Duration;

use sottovoce::wire::{AccountId, ContactId, Time};
use sqlx::{QueryBuilder, Row as _};

use super::super::dialect::{Connection, Db, FOR_UPDATE, Pools};
use super::{blob, endpoints, number, queue};
use crate::endpoint::{Disabled, EndpointId};
use crate::store::{Lease, Retention, StoreError};

/// Deliveries that one transaction forgets, so that nobody waits long for it.
const CHUNK: i64 = 1000;

/// Forgets every event about a contact, and what became of it, within the caller's transaction:
/// delivered or not. Record [`ContactErased`](crate::event::EventKind::ContactErased) afterwards.
///
/// # Errors
/// [`StoreError`].
pub async fn erase(
    connection: &mut Connection,
    account: &AccountId,
    contact: &ContactId,
) -> Result<(), StoreError> {
    // Lanes first, as everybody locks them; then nothing of it is under way.
    let mut lanes = QueryBuilder::<Db>::new(
        "SELECT endpoint FROM webhook_lanes WHERE endpoint IN
             (SELECT id FROM webhook_endpoints WHERE account = ",
    );
    lanes
        .push_bind(blob(account.as_array()))
        .push(") AND lane = ");
    lanes.push_bind(blob(contact.as_array()));
    lanes.push(" ORDER BY endpoint").push(FOR_UPDATE);
    lanes.build().fetch_all(&mut *connection).await?;
    for statement in [
        "DELETE FROM webhook_attempts WHERE delivery IN
             (SELECT id FROM webhook_deliveries WHERE account = $1 AND lane = $2)",
        "DELETE FROM webhook_deliveries WHERE account = $1 AND lane = $2",
        "DELETE FROM webhook_events WHERE account = $1 AND contact = $2",
    ] {
        sqlx::query(statement)
            .bind(blob(account.as_array()))
            .bind(blob(contact.as_array()))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn prune(
    store: &Pools,
    retention: &Retention,
    now: Time,
) -> Result<u64, StoreError> {
    stop_backlogs(store, retention).await?;
    let before = |life: Duration| {
        let life = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        number(now.millis().saturating_sub(life))
    };
    let mut forgotten = 0;
    for (state, before) in [
        (1, before(retention.delivered)?),
        (2, before(retention.failed)?),
        (0, before(retention.failed)?),
    ] {
        loop {
            let went = forget(store, state, before).await?;
            forgotten += went;
            if went < CHUNK.unsigned_abs() {
                break;
            }
        }
    }
    end_empty_lanes(store, now).await?;
    Ok(forgotten)
}

/// Disables endpoints for which too much waits, enabled or paused: nothing more is kept for them.
async fn stop_backlogs(store: &Pools, retention: &Retention) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let full: Vec<String> = sqlx::query_scalar(
        "SELECT d.endpoint FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint
         WHERE d.state = 0 AND (e.disabled IS NULL OR e.disabled <> $2)
         GROUP BY d.endpoint HAVING count(*) > $1",
    )
    .bind(number(retention.backlog)?)
    .bind(Disabled::Backlog.code())
    .fetch_all(&mut *transaction)
    .await?;
    for endpoint in full.into_iter().map(EndpointId::stored) {
        tracing::warn!(
            code = Disabled::Backlog.code(),
            endpoint = endpoint.as_str(),
            "too much waits for a webhook endpoint: events are dropped until it is enabled"
        );
        endpoints::disable(&mut transaction, &endpoint, Some(Disabled::Backlog)).await?;
    }
    Ok(transaction.commit().await?)
}

async fn forget(store: &Pools, state: i64, before: i64) -> Result<u64, StoreError> {
    let mut transaction = store.begin().await?;
    let old: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM webhook_deliveries WHERE state = $1 AND created < $2 LIMIT $3",
    )
    .bind(state)
    .bind(before)
    .bind(CHUNK)
    .fetch_all(&mut *transaction)
    .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let mut events: Vec<String> = Vec::new();
    for (statement, returning) in [
        ("DELETE FROM webhook_attempts WHERE delivery IN ", ""),
        (
            "DELETE FROM webhook_deliveries WHERE id IN ",
            " RETURNING event",
        ),
    ] {
        let mut query = QueryBuilder::<Db>::new(statement);
        query.push_tuples(&old, |mut row, id| {
            row.push_bind(*id);
        });
        query.push(returning);
        let rows = query.build().fetch_all(&mut *transaction).await?;
        for row in rows {
            events.push(row.try_get("event")?);
        }
    }
    let mut query = QueryBuilder::<Db>::new("DELETE FROM webhook_events WHERE id IN ");
    query.push_tuples(&events, |mut row, event| {
        row.push_bind(event.clone());
    });
    query.push(
        " AND NOT EXISTS
         (SELECT 1 FROM webhook_deliveries d WHERE d.event = webhook_events.id)",
    );
    query.build().execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
}

/// Ends lanes in which nothing waits any more, because it was erased or forgotten.
async fn end_empty_lanes(store: &Pools, now: Time) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT l.endpoint, l.lane FROM webhook_lanes l WHERE l.holder IS NULL AND NOT EXISTS
             (SELECT 1 FROM webhook_deliveries d
              WHERE d.endpoint = l.endpoint AND d.lane = l.lane AND d.state = 0)",
    )
    .fetch_all(&mut *store.reader().await?)
    .await?;
    for row in rows {
        let lease = Lease {
            endpoint: EndpointId::stored(row.try_get("endpoint")?),
            lane: row.try_get("lane")?,
            holder: String::new(),
        };
        let mut transaction = store.begin().await?;
        let mut query = QueryBuilder::<Db>::new("SELECT due FROM webhook_lanes WHERE endpoint = ");
        query.push_bind(lease.endpoint.as_str().to_owned());
        query.push(" AND lane = ").push_bind(lease.lane.clone());
        query.push(" AND holder IS NULL").push(FOR_UPDATE);
        let locked = query.build().fetch_optional(&mut *transaction).await?;
        if locked.is_some() {
            queue::settle(&mut transaction, &lease, now).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}
