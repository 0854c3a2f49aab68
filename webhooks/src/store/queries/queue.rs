//! Taking what is due, and writing what became of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use sottovoce::wire::{AccountId, Time};
use sqlx::{QueryBuilder, Row as _};

use super::super::dialect::{Connection, Db, FOR_UPDATE, SKIP_LOCKED};
use super::{endpoints, millis, number, read_account, read_number, secrets};
use crate::delivery::DeliveryId;
use crate::endpoint::EndpointId;
use crate::keys::SecretToken;
use crate::store::{Claim, Job, Lease, Next, Report, StoreError};

/// Most endpoints that one claim looks at.
const ENDPOINTS: i64 = 256;

/// Endpoints with a lane that is due, and how many lanes each may have: longest waiting first.
pub(super) async fn due_endpoints(
    connection: &mut Connection,
    claim: &Claim,
) -> Result<Vec<(EndpointId, usize)>, StoreError> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT e.id FROM webhook_endpoints e WHERE e.disabled IS NULL AND EXISTS
             (SELECT 1 FROM webhook_lanes l WHERE l.endpoint = e.id AND l.due <= $1)
         ORDER BY (SELECT min(l.due) FROM webhook_lanes l WHERE l.endpoint = e.id) LIMIT $2",
    )
    .bind(millis(claim.now)?)
    .bind(ENDPOINTS)
    .fetch_all(connection)
    .await?;
    let room = |id: String| {
        let id = EndpointId::stored(id);
        let busy = claim.busy.get(&id).copied().unwrap_or_default();
        let room = claim.per_endpoint.saturating_sub(busy);
        (room > 0).then_some((id, room))
    };
    Ok(ids.into_iter().filter_map(room).collect())
}

pub(super) async fn claim(
    connection: &mut Connection,
    claim: &Claim,
    wanted: &[(EndpointId, usize)],
) -> Result<Vec<Job>, StoreError> {
    let mut jobs = Vec::new();
    let mut tokens: HashMap<AccountId, Vec<SecretToken>> = HashMap::new();
    let mut left = claim.most;
    for (endpoint, room) in wanted {
        if left == 0 {
            break;
        }
        let lanes = take_lanes(connection, claim, endpoint, left.min(*room)).await?;
        left = left.saturating_sub(lanes.len());
        if lanes.is_empty() {
            continue;
        }
        let keys = secrets::signing_keys(connection, endpoint, claim.now).await?;
        for lane in lanes {
            let lease = Lease {
                endpoint: endpoint.clone(),
                lane,
                holder: claim.holder.clone(),
            };
            let Some(mut job) = head(connection, lease, claim.now).await? else {
                continue;
            };
            job.tokens = match tokens.entry(job.account) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(place) => {
                    let valid = secrets::valid_tokens(connection, &job.account, claim.now).await?;
                    let valid = valid.into_iter().map(|valid| valid.token).collect();
                    place.insert(valid).clone()
                }
            };
            job.keys.clone_from(&keys);
            jobs.push(job);
        }
    }
    Ok(jobs)
}

async fn take_lanes(
    connection: &mut Connection,
    claim: &Claim,
    endpoint: &EndpointId,
    room: usize,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let endpoint = endpoint.as_str().to_owned();
    let mut query = QueryBuilder::<Db>::new("UPDATE webhook_lanes SET due = ");
    query.push_bind(millis(claim.until)?);
    query.push(", holder = ").push_bind(claim.holder.clone());
    query.push(" WHERE endpoint = ").push_bind(endpoint.clone());
    query.push(" AND lane IN (SELECT lane FROM webhook_lanes WHERE endpoint = ");
    query.push_bind(endpoint).push(" AND due <= ");
    query
        .push_bind(millis(claim.now)?)
        .push(" ORDER BY due LIMIT ");
    query.push_bind(i64::try_from(room).unwrap_or(i64::MAX));
    query.push(SKIP_LOCKED).push(") RETURNING lane");
    Ok(query.build_query_scalar().fetch_all(connection).await?)
}

/// The first pending delivery of a lane that was just taken. A lane without one ends.
async fn head(
    connection: &mut Connection,
    lease: Lease,
    now: Time,
) -> Result<Option<Job>, StoreError> {
    let row = sqlx::query(
        "SELECT d.id AS delivery, d.tries, d.event, v.body, e.account, e.url, e.kinds, e.header,
             e.token_use, e.shape
         FROM webhook_deliveries d JOIN webhook_events v ON v.id = d.event
             JOIN webhook_endpoints e ON e.id = d.endpoint
         WHERE d.endpoint = $1 AND d.lane = $2 AND d.state = 0 ORDER BY d.id LIMIT 1",
    )
    .bind(lease.endpoint.as_str().to_owned())
    .bind(lease.lane.clone())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        settle(connection, &lease, now).await?;
        return Ok(None);
    };
    let registration = endpoints::read_registration(&row)?;
    let account: AccountId = read_account(&row)?;
    Ok(Some(Job {
        lease,
        delivery: DeliveryId::new(row.try_get("delivery")?),
        tries: read_number(&row, "tries")?,
        event: row.try_get("event")?,
        body: row.try_get("body")?,
        account,
        url: registration.url().clone(),
        settings: registration.settings().clone(),
        keys: Vec::new(),
        tokens: Vec::new(),
    }))
}

pub(super) async fn finish(
    connection: &mut Connection,
    report: &Report,
    now: Time,
) -> Result<(), StoreError> {
    let Report { lease, attempt, .. } = report;
    if !is_held(connection, lease).await? {
        return Ok(());
    }
    let (state, finished) = match report.next {
        Next::Retry(_) => (0, None),
        Next::Delivered => (1, Some(millis(now)?)),
        Next::Failed | Next::Disable(_) => (2, Some(millis(now)?)),
    };
    let changed = sqlx::query(
        "UPDATE webhook_deliveries
         SET state = $2, finished = $3, tries = tries + 1, attempts = attempts + 1
         WHERE id = $1 AND state = 0",
    )
    .bind(report.delivery.number())
    .bind(state)
    .bind(finished)
    .execute(&mut *connection)
    .await?;
    // It may have been erased or forgotten meanwhile.
    if changed.rows_affected() == 1 {
        sqlx::query(
            "INSERT INTO webhook_attempts
             (delivery, number, started, duration, status, error, excerpt)
             SELECT id, attempts, $2, $3, $4, $5, $6 FROM webhook_deliveries WHERE id = $1",
        )
        .bind(report.delivery.number())
        .bind(millis(attempt.started)?)
        .bind(number(attempt.duration)?)
        .bind(attempt.status.map(i64::from))
        .bind(attempt.error.clone())
        .bind(attempt.excerpt.clone())
        .execute(&mut *connection)
        .await?;
    }
    if let Next::Disable(reason) = report.next {
        endpoints::disable(connection, &lease.endpoint, Some(reason)).await?;
    }
    let due = match report.next {
        Next::Retry(due) => due,
        _ => now,
    };
    settle(connection, lease, due).await
}

/// Whether the lease is still its holder's; if so, until the end of the transaction.
async fn is_held(connection: &mut Connection, lease: &Lease) -> Result<bool, StoreError> {
    let mut query = QueryBuilder::<Db>::new("SELECT 1 FROM webhook_lanes WHERE endpoint = ");
    query.push_bind(lease.endpoint.as_str().to_owned());
    query.push(" AND lane = ").push_bind(lease.lane.clone());
    query.push(" AND holder = ").push_bind(lease.holder.clone());
    query.push(FOR_UPDATE);
    Ok(query.build().fetch_optional(connection).await?.is_some())
}

/// Gives a lane back that is locked: what is next in it is due at a time, or the lane ends.
pub(super) async fn settle(
    connection: &mut Connection,
    lease: &Lease,
    due: Time,
) -> Result<(), StoreError> {
    let waits = sqlx::query(
        "SELECT 1 FROM webhook_deliveries WHERE endpoint = $1 AND lane = $2 AND state = 0 LIMIT 1",
    )
    .bind(lease.endpoint.as_str().to_owned())
    .bind(lease.lane.clone())
    .fetch_optional(&mut *connection)
    .await?;
    let query = match waits {
        Some(_) => sqlx::query(
            "UPDATE webhook_lanes SET due = $3, holder = NULL WHERE endpoint = $1 AND lane = $2",
        ),
        None => sqlx::query("DELETE FROM webhook_lanes WHERE endpoint = $1 AND lane = $2"),
    };
    let query = query
        .bind(lease.endpoint.as_str().to_owned())
        .bind(lease.lane.clone());
    let query = match waits {
        Some(_) => query.bind(millis(due)?),
        None => query,
    };
    query.execute(connection).await?;
    Ok(())
}

/// Ends every lease.
pub(super) async fn free_all(connection: &mut Connection, now: Time) -> Result<(), StoreError> {
    sqlx::query("UPDATE webhook_lanes SET due = $1, holder = NULL WHERE holder IS NOT NULL")
        .bind(millis(now)?)
        .execute(connection)
        .await?;
    Ok(())
}
