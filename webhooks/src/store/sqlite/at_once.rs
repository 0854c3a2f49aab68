//! Taking events in on the connection of whoever writes many at once, without waiting for anything.

use std::collections::hash_map::Entry;

use rusqlite::{Connection, params};
use sottovoce::wire::Time;

use crate::endpoint::Disabled;
use crate::event::{Kinds, NewEvent, Subject};
use crate::store::plan::{Listener, Listening, Plan};
use crate::store::{Recorded, StoreError};

const LISTENING: &str = "
SELECT id, kinds, disabled FROM webhook_endpoints WHERE account = ?";

const EVENT: &str = "
INSERT INTO webhook_events (id, account, contact, kind, created, body) VALUES (?, ?, ?, ?, ?, ?)";

const LANE: &str = "
INSERT INTO webhook_lanes (endpoint, lane, due) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";

const DELIVERY: &str = "
INSERT INTO webhook_deliveries (account, endpoint, lane, event, state, tries, attempts, created)
VALUES (?, ?, ?, ?, 0, 0, 0, ?)";

/// The same as [`record`](super::record), within a transaction of a connection that is not sqlx's.
///
/// # Errors
/// [`StoreError`].
pub fn record_at_once(
    connection: &Connection,
    events: &[NewEvent],
) -> Result<Recorded, StoreError> {
    let mut listeners = Listening::new();
    for event in events {
        if let Entry::Vacant(place) = listeners.entry(event.account) {
            let mut query = connection.prepare_cached(LISTENING)?;
            let rows = query.query_map(params![event.account.as_array()], |row| {
                let disabled: Option<String> = row.get(2)?;
                Ok((row.get(0)?, row.get::<_, i64>(1)?, disabled))
            })?;
            let mut endpoints = Vec::new();
            for row in rows {
                let (endpoint, kinds, disabled) = row?;
                let bits = u8::try_from(kinds).map_err(|_| StoreError::Unreadable)?;
                endpoints.push(Listener {
                    endpoint,
                    kinds: Kinds::from_bits(bits),
                    is_full: disabled.as_deref() == Some(Disabled::Backlog.code()),
                });
            }
            place.insert(endpoints);
        }
    }
    let plan = Plan::new(events, &listeners)?;
    for (id, event, body) in &plan.events {
        let contact = match &event.subject {
            Subject::Contact(contact) => Some(contact.as_array()),
            Subject::Device(_) => None,
        };
        connection.prepare_cached(EVENT)?.execute(params![
            id,
            event.account.as_array(),
            contact,
            event.kind.name(),
            millis(event.time)?,
            body,
        ])?;
    }
    for ((endpoint, lane), due) in &plan.lanes {
        let row = params![endpoint, lane, millis(*due)?];
        connection.prepare_cached(LANE)?.execute(row)?;
    }
    for (endpoint, id, event) in &plan.deliveries {
        connection.prepare_cached(DELIVERY)?.execute(params![
            event.account.as_array(),
            endpoint,
            event.subject.lane(),
            id,
            millis(event.time)?,
        ])?;
    }
    Ok(plan.recorded())
}

fn millis(time: Time) -> Result<i64, StoreError> {
    i64::try_from(time.millis()).map_err(|_| StoreError::Unreadable)
}
