//! Appending in SQLite: one transaction that compares and swaps.

use std::collections::HashSet;

use sottovoce::wire::{AccountId, ContactId, Time, encode};
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use crate::store::columns::{blob, number, party, side_number};
use crate::store::{Addition, ContactKey, NewEntry, RosterChange, StoreError};

/// Rows of a statement that any number may be of.
const FEW: usize = 16;

/// What is to be swapped in, judged by the objects that accounts have now.
const WANTED: &str = "
WITH judged (account, contact, summary, entry_point, base, version, head, closed, changed, visitor,
    staff, service, notes, bytes, transfers, claimed, closed_at, closed_by) AS (";
const WANTED_END: &str = "), wanted AS (
    SELECT * FROM judged WHERE version = COALESCE(
        (SELECT accounts.version FROM accounts WHERE accounts.account = judged.account), 0))";

/// Begins contacts, unless they are there or were erased.
const BEGIN: &str = "
INSERT INTO contacts (account, contact, head, closed, changed, summary, visitor, staff, service,
    notes, bytes, transfers, claimed, closed_at, closed_by, began, entry_point)
SELECT account, contact, head, closed, changed, summary, visitor, staff, service,
    notes, bytes, transfers, claimed, closed_at, closed_by, changed, entry_point
FROM wanted WHERE NOT EXISTS (
    SELECT 1 FROM tombstones
    WHERE tombstones.account = wanted.account AND tombstones.contact = wanted.contact)
ON CONFLICT DO NOTHING RETURNING account, contact";

/// Contacts whose last position is the one that was judged.
const ADVANCE: &str = "
UPDATE contacts SET head = wanted.head, closed = wanted.closed, changed = wanted.changed,
    summary = wanted.summary, visitor = contacts.visitor + wanted.visitor,
    staff = contacts.staff + wanted.staff, service = contacts.service + wanted.service,
    notes = contacts.notes + wanted.notes, bytes = contacts.bytes + wanted.bytes,
    transfers = contacts.transfers + wanted.transfers,
    claimed = COALESCE(contacts.claimed, wanted.claimed),
    closed_at = COALESCE(contacts.closed_at, wanted.closed_at),
    closed_by = COALESCE(contacts.closed_by, wanted.closed_by)
FROM wanted
WHERE contacts.account = wanted.account AND contacts.contact = wanted.contact
    AND contacts.head = wanted.base AND contacts.dropped IS NULL
RETURNING account, contact";

/// Appends within a transaction, and returns the contacts that were left as they are. As few
/// statements as can be, because each is a message to another thread and back.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    additions: &[Addition],
) -> Result<Vec<ContactKey>, StoreError> {
    let mut swapped = HashSet::new();
    let (beginning, advancing): (Vec<_>, Vec<_>) =
        additions.iter().partition(|addition| addition.base == 0);
    for (statement, additions) in [(BEGIN, beginning), (ADVANCE, advancing)] {
        for additions in portions(&additions) {
            swapped.extend(swap(connection, statement, additions).await?);
        }
    }
    let (written, refused): (Vec<_>, Vec<_>) = additions
        .iter()
        .partition(|addition| swapped.contains(&addition.key()));
    let mut entries = Vec::new();
    for addition in written {
        let contact = addition.summary.contact;
        entries.extend(addition.entries.iter().map(|entry| (contact, entry)));
        for change in &addition.roster {
            change_roster(connection, addition, change).await?;
        }
    }
    for entries in portions(&entries) {
        insert_entries(connection, entries).await?;
    }
    Ok(refused.into_iter().map(Addition::key).collect())
}

/// Cuts rows into portions, each for one statement: of few sizes, so that each is prepared once,
/// and so many that there are few portions.
fn portions<T>(mut rows: &[T]) -> Vec<&[T]> {
    let mut portions = Vec::new();
    while !rows.is_empty() {
        let size = match rows.len() {
            few @ ..=FEW => few,
            many => 1 << many.ilog2(),
        };
        let (portion, rest) = rows.split_at(size);
        portions.push(portion);
        rows = rest;
    }
    portions
}

/// Puts contacts' new states in place of those that the additions rest on, and returns the ones
/// where that was so.
async fn swap(
    connection: &mut SqliteConnection,
    statement: &str,
    additions: &[&Addition],
) -> Result<Vec<ContactKey>, StoreError> {
    let rows = additions.iter().map(|addition| Row::of(addition));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let mut query = QueryBuilder::<Sqlite>::new(WANTED);
    query.push_values(rows, |mut columns, row| {
        for blob in row.blobs {
            columns.push_bind(blob);
        }
        for number in row.numbers {
            columns.push_bind(number);
        }
    });
    query.push(WANTED_END).push(statement);
    let swapped = query.build().fetch_all(connection).await?;
    swapped
        .iter()
        .map(|row| {
            let account = AccountId::from_slice(row.try_get("account")?);
            let contact = ContactId::from_slice(row.try_get("contact")?);
            account.zip(contact).ok_or(StoreError::Unreadable)
        })
        .collect()
}

/// What [`WANTED`] calls it, in that order.
struct Row {
    blobs: [Vec<u8>; 4],
    numbers: [Option<i64>; 14],
}

impl Row {
    fn of(addition: &Addition) -> Result<Self, StoreError> {
        let summary = &addition.summary;
        let tally = addition.tally();
        let time = |time: Option<Time>| time.map(|at| number(at.millis())).transpose();
        let some = |value| number(value).map(Some);
        Ok(Self {
            blobs: [
                blob(addition.account.as_array()),
                blob(summary.contact.as_array()),
                encode(summary),
                summary.entry_point.clone().into_bytes(),
            ],
            numbers: [
                some(addition.base)?,
                some(addition.version)?,
                some(summary.head)?,
                Some(i64::from(summary.closed)),
                some(addition.changed().millis())?,
                some(tally.visitor)?,
                some(tally.staff)?,
                some(tally.service)?,
                some(tally.notes)?,
                some(tally.bytes)?,
                some(tally.transfers)?,
                time(tally.claimed)?,
                time(tally.closed.map(|(at, _)| at))?,
                tally.closed.map(|(_, by)| side_number(by)),
            ],
        })
    }
}

async fn insert_entries(
    connection: &mut SqliteConnection,
    entries: &[(ContactId, &NewEntry)],
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO entries
         (account, contact, position, device, append_id, is_commit, received, bytes) ",
    );
    query.push_values(entries, |mut row, (contact, entry)| {
        row.push_bind(blob(entry.key.account.as_array()))
            .push_bind(blob(contact.as_array()))
            // Positions and times beyond 2^63 cannot come about.
            .push_bind(i64::try_from(entry.position).unwrap_or(i64::MAX))
            .push_bind(blob(entry.key.device.as_array()))
            .push_bind(blob(entry.key.id.as_array()))
            .push_bind(entry.is_commit)
            .push_bind(i64::try_from(entry.received.millis()).unwrap_or(i64::MAX))
            .push_bind(entry.bytes.clone());
    });
    query.build().execute(connection).await?;
    Ok(())
}

async fn change_roster(
    connection: &mut SqliteConnection,
    addition: &Addition,
    change: &RosterChange,
) -> Result<(), StoreError> {
    let (kind, name) = party(&change.party);
    let query = if change.joined {
        sqlx::query(
            "INSERT INTO roster (joined, account, contact, kind, name) VALUES (?, ?, ?, ?, ?)",
        )
    } else {
        sqlx::query(
            "UPDATE roster SET left_at = ?
             WHERE account = ? AND contact = ? AND kind = ? AND name = ? AND left_at IS NULL",
        )
    };
    query
        .bind(number(change.position)?)
        .bind(blob(addition.account.as_array()))
        .bind(blob(addition.summary.contact.as_array()))
        .bind(kind)
        .bind(name)
        .execute(connection)
        .await?;
    Ok(())
}
