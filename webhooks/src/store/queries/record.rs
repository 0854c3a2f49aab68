//! Taking events in.

use std::collections::hash_map::Entry;

use sottovoce::wire::AccountId;
use sqlx::{QueryBuilder, Row as _};

use super::super::dialect::{Connection, Db};
use super::{blob, millis, read_number};
use crate::endpoint::Disabled;
use crate::event::{Kinds, NewEvent, Subject};
use crate::store::plan::{Listener, Listening, Plan};
use crate::store::{Recorded, StoreError};

/// Rows of one statement: a row has at most eight parameters, and SQLite allows 32,766.
const ROWS: usize = 500;

/// Records events, within the caller's transaction: each is delivered, once that commits, to
/// every endpoint of its account that wants its kind. For one that is disabled it waits until that
/// is enabled again, unless too much waits already. What it returns goes to
/// [`Waker::recorded`](crate::dispatch::Waker::recorded) after the commit.
///
/// Events about one subject keep their order. Whoever records about one contact at the same time on
/// another connection has to hold that contact's lock.
///
/// # Errors
/// [`StoreError`].
pub async fn record(
    connection: &mut Connection,
    events: &[NewEvent],
) -> Result<Recorded, StoreError> {
    let mut listeners = Listening::new();
    for event in events {
        if let Entry::Vacant(place) = listeners.entry(event.account) {
            place.insert(listening(connection, &event.account).await?);
        }
    }
    let plan = Plan::new(events, &listeners)?;
    for events in plan.events.chunks(ROWS) {
        insert_events(connection, events).await?;
    }
    for lanes in plan.lanes.chunks(ROWS) {
        let mut query = QueryBuilder::<Db>::new("INSERT INTO webhook_lanes (endpoint, lane, due) ");
        let due: Result<Vec<_>, _> = lanes.iter().map(|(_, time)| millis(*time)).collect();
        query.push_values(
            lanes.iter().zip(due?),
            |mut row, (((endpoint, lane), _), due)| {
                row.push_bind((*endpoint).to_owned())
                    .push_bind(blob(lane))
                    .push_bind(due);
            },
        );
        // Changes nothing and takes the lock, so that nobody finds the lane empty meanwhile.
        query.push(" ON CONFLICT (endpoint, lane) DO UPDATE SET holder = webhook_lanes.holder");
        query.build().execute(&mut *connection).await?;
    }
    for deliveries in plan.deliveries.chunks(ROWS) {
        insert_deliveries(connection, deliveries).await?;
    }
    Ok(plan.recorded())
}

/// An account's endpoints.
async fn listening(
    connection: &mut Connection,
    account: &AccountId,
) -> Result<Vec<Listener>, StoreError> {
    let rows = sqlx::query("SELECT id, kinds, disabled FROM webhook_endpoints WHERE account = $1")
        .bind(blob(account.as_array()))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let disabled: Option<String> = row.try_get("disabled")?;
            Ok(Listener {
                endpoint: row.try_get("id")?,
                kinds: Kinds::from_bits(read_number(row, "kinds")?),
                is_full: disabled.as_deref() == Some(Disabled::Backlog.code()),
            })
        })
        .collect()
}

async fn insert_events(
    connection: &mut Connection,
    events: &[(String, &NewEvent, Vec<u8>)],
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Db>::new(
        "INSERT INTO webhook_events (id, account, contact, kind, created, body) ",
    );
    let created: Result<Vec<_>, _> = events
        .iter()
        .map(|(_, event, _)| millis(event.time))
        .collect();
    query.push_values(
        events.iter().zip(created?),
        |mut row, ((id, event, body), created)| {
            let contact = match event.subject {
                Subject::Contact(contact) => Some(blob(contact.as_array())),
                Subject::Device(_) => None,
            };
            row.push_bind(id.clone())
                .push_bind(blob(event.account.as_array()))
                .push_bind(contact)
                .push_bind(event.kind.name().to_owned())
                .push_bind(created)
                .push_bind(body.clone());
        },
    );
    query.build().execute(connection).await?;
    Ok(())
}

async fn insert_deliveries(
    connection: &mut Connection,
    deliveries: &[(&str, String, &NewEvent)],
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Db>::new(
        "INSERT INTO webhook_deliveries
         (account, endpoint, lane, event, state, tries, attempts, created) ",
    );
    let created: Result<Vec<_>, _> = deliveries
        .iter()
        .map(|(_, _, event)| millis(event.time))
        .collect();
    query.push_values(
        deliveries.iter().zip(created?),
        |mut row, ((endpoint, id, event), created)| {
            row.push_bind(blob(event.account.as_array()))
                .push_bind((*endpoint).to_owned())
                .push_bind(blob(event.subject.lane()))
                .push_bind(id.clone())
                .push("0, 0, 0")
                .push_bind(created);
        },
    );
    query.build().execute(connection).await?;
    Ok(())
}
