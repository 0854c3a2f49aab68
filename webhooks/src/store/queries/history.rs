//! The delivery log, and replay.

use sottovoce::wire::{AccountId, Time};
use sqlx::{QueryBuilder, Row as _};

use super::super::dialect::{Connection, Db, Row};
use super::{blob, millis, read_contact, read_number, read_optional_time, read_time};
use crate::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryId, DeliveryState};
use crate::endpoint::EndpointId;
use crate::event::EventKind;
use crate::store::StoreError;

const SELECT: &str = "SELECT d.id, d.endpoint, d.event, v.kind, v.contact, d.state, d.attempts,
         d.created, d.finished, CASE WHEN d.state = 0 AND l.holder IS NULL AND NOT EXISTS
             (SELECT 1 FROM webhook_deliveries b WHERE b.endpoint = d.endpoint AND b.lane = d.lane
              AND b.state = 0 AND b.id < d.id) THEN l.due END AS next
     FROM webhook_deliveries d JOIN webhook_events v ON v.id = d.event
         LEFT JOIN webhook_lanes l ON l.endpoint = d.endpoint AND l.lane = d.lane
     WHERE d.account = ";

/// Whoever puts deliveries back makes their lane due, unless somebody holds it.
const WAKE: &str = " ON CONFLICT (endpoint, lane) DO UPDATE SET due = CASE
     WHEN webhook_lanes.holder IS NULL AND webhook_lanes.due > excluded.due THEN excluded.due
     ELSE webhook_lanes.due END";

pub(super) async fn deliveries(
    connection: &mut Connection,
    account: &AccountId,
    filter: &DeliveryFilter,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let mut query = QueryBuilder::<Db>::new(SELECT);
    query.push_bind(blob(account.as_array()));
    if let Some(endpoint) = &filter.endpoint {
        query.push(" AND d.endpoint = ");
        query.push_bind(endpoint.as_str().to_owned());
    }
    if let Some(state) = filter.state {
        query.push(" AND d.state = ").push_bind(state_number(state));
    }
    if let Some(before) = filter.before {
        query.push(" AND d.id < ").push_bind(before.number());
    }
    query
        .push(" ORDER BY d.id DESC LIMIT ")
        .push_bind(i64::from(limit));
    let rows = query.build().fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn delivery(
    connection: &mut Connection,
    account: &AccountId,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    let mut query = QueryBuilder::<Db>::new(SELECT);
    query.push_bind(blob(account.as_array()));
    query.push(" AND d.id = ").push_bind(id.number());
    let row = query.build().fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn attempts(
    connection: &mut Connection,
    account: &AccountId,
    id: DeliveryId,
) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query(
        "SELECT a.started, a.duration, a.status, a.error, a.excerpt
         FROM webhook_attempts a JOIN webhook_deliveries d ON d.id = a.delivery
         WHERE d.account = $1 AND d.id = $2 ORDER BY a.number",
    )
    .bind(blob(account.as_array()))
    .bind(id.number())
    .fetch_all(connection)
    .await?;
    let read = |row: &Row| {
        let status: Option<i64> = row.try_get("status")?;
        let status = status.map(u16::try_from).transpose();
        Ok(Attempt {
            started: read_time(row, "started")?,
            duration: read_number(row, "duration")?,
            status: status.map_err(|_| StoreError::Unreadable)?,
            error: row.try_get("error")?,
            excerpt: row.try_get("excerpt")?,
        })
    };
    rows.iter().map(read).collect()
}

pub(super) async fn replay(
    connection: &mut Connection,
    account: &AccountId,
    id: DeliveryId,
    now: Time,
) -> Result<bool, StoreError> {
    let mut query = QueryBuilder::<Db>::new(
        "INSERT INTO webhook_lanes (endpoint, lane, due) SELECT endpoint, lane, ",
    );
    query.push_bind(millis(now)?);
    query.push(" FROM webhook_deliveries WHERE state <> 0 AND account = ");
    query.push_bind(blob(account.as_array()));
    query.push(" AND id = ").push_bind(id.number()).push(WAKE);
    let found = query.build().execute(&mut *connection).await?;
    if found.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE webhook_deliveries SET state = 0, tries = 0, finished = NULL WHERE id = $1",
    )
    .bind(id.number())
    .execute(connection)
    .await?;
    Ok(true)
}

pub(super) async fn hasten(
    connection: &mut Connection,
    account: &AccountId,
    id: DeliveryId,
    now: Time,
) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT endpoint, lane FROM webhook_deliveries WHERE account = $1 AND id = $2 AND state = 0",
    )
    .bind(blob(account.as_array()))
    .bind(id.number())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return Ok(false);
    };
    let (endpoint, lane): (String, Vec<u8>) = (row.try_get("endpoint")?, row.try_get("lane")?);
    // Who holds it is trying it already.
    sqlx::query(
        "UPDATE webhook_lanes SET due = $3
         WHERE endpoint = $1 AND lane = $2 AND holder IS NULL AND due > $3",
    )
    .bind(endpoint)
    .bind(lane)
    .bind(millis(now)?)
    .execute(connection)
    .await?;
    Ok(true)
}

pub(super) async fn replay_failed(
    connection: &mut Connection,
    account: &AccountId,
    endpoint: &EndpointId,
    since: Time,
    now: Time,
) -> Result<u64, StoreError> {
    let mut query = QueryBuilder::<Db>::new(
        "INSERT INTO webhook_lanes (endpoint, lane, due) SELECT DISTINCT endpoint, lane, ",
    );
    query.push_bind(millis(now)?);
    query.push(" FROM webhook_deliveries WHERE state = 2 AND account = ");
    query.push_bind(blob(account.as_array()));
    query
        .push(" AND endpoint = ")
        .push_bind(endpoint.as_str().to_owned());
    query.push(" AND created >= ").push_bind(millis(since)?);
    query.push(" ORDER BY endpoint, lane").push(WAKE);
    query.build().execute(&mut *connection).await?;
    // Only those whose lane is locked: another may have failed between the two statements.
    let replayed = sqlx::query(
        "UPDATE webhook_deliveries SET state = 0, tries = 0, finished = NULL
         WHERE state = 2 AND account = $1 AND endpoint = $2 AND created >= $3
             AND lane IN (SELECT lane FROM webhook_lanes WHERE endpoint = $2)",
    )
    .bind(blob(account.as_array()))
    .bind(endpoint.as_str().to_owned())
    .bind(millis(since)?)
    .execute(connection)
    .await?;
    Ok(replayed.rows_affected())
}

fn read(row: &Row) -> Result<Delivery, StoreError> {
    let kind: String = row.try_get("kind")?;
    let state = read_number::<i64>(row, "state")?;
    let mut states = DeliveryState::ALL.into_iter();
    Ok(Delivery {
        id: DeliveryId::new(row.try_get("id")?),
        endpoint: EndpointId::stored(row.try_get("endpoint")?),
        event: row.try_get("event")?,
        kind: EventKind::named(&kind).ok_or(StoreError::Unreadable)?,
        contact: read_contact(row)?,
        state: states
            .find(|known| state_number(*known) == state)
            .ok_or(StoreError::Unreadable)?,
        attempts: read_number(row, "attempts")?,
        created: read_time(row, "created")?,
        finished: read_optional_time(row, "finished")?,
        next: read_optional_time(row, "next")?,
    })
}

const fn state_number(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Pending => 0,
        DeliveryState::Delivered => 1,
        DeliveryState::Failed => 2,
    }
}
