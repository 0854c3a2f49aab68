//! Appending in SQLite: one transaction that compares and swaps.

use std::collections::HashMap;

use sottovoce::wire::{AccountId, ContactId, Time, encode};
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

use crate::store::columns::{blob, number, party, side_number};
use crate::store::{Addition, ContactKey, NewEntry, RosterChange, StoreError};

/// Entries of one statement. A few sizes only, so that each is prepared once.
const ROWS: [usize; 3] = [64, 8, 1];

/// Appends within a transaction, and returns the contacts that were left as they are.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    additions: &[Addition],
) -> Result<Vec<ContactKey>, StoreError> {
    let versions = versions(connection, additions).await?;
    let mut refused = Vec::new();
    let mut entries = Vec::new();
    for addition in additions {
        let is_current = versions.get(&addition.account) == Some(&number(addition.version)?);
        if !is_current || !swap(connection, addition).await? {
            refused.push(addition.key());
            continue;
        }
        let contact = addition.summary.contact;
        entries.extend(addition.entries.iter().map(|entry| (contact, entry)));
        for change in &addition.roster {
            change_roster(connection, addition, change).await?;
        }
    }
    let mut rest = entries.as_slice();
    for rows in ROWS {
        let mut chunks = rest.chunks_exact(rows);
        for chunk in chunks.by_ref() {
            insert_entries(connection, chunk).await?;
        }
        rest = chunks.remainder();
    }
    Ok(refused)
}

/// The versions of the objects of all accounts concerned.
async fn versions(
    connection: &mut SqliteConnection,
    additions: &[Addition],
) -> Result<HashMap<AccountId, i64>, StoreError> {
    let mut versions = HashMap::new();
    for Addition { account, .. } in additions {
        if !versions.contains_key(account) {
            let version: Option<i64> =
                sqlx::query_scalar("SELECT version FROM accounts WHERE account = ?")
                    .bind(blob(account.as_array()))
                    .fetch_optional(&mut *connection)
                    .await?;
            versions.insert(*account, version.unwrap_or_default());
        }
    }
    Ok(versions)
}

/// Puts the contact's new state in place of the one that the addition rests on.
async fn swap(connection: &mut SqliteConnection, addition: &Addition) -> Result<bool, StoreError> {
    let summary = &addition.summary;
    let statement = if addition.base == 0 {
        "INSERT INTO contacts (head, closed, changed, summary, visitor, staff, service, notes,
             bytes, transfers, claimed, closed_at, closed_by, account, contact, began, entry_point)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?3, ?16
         WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE account = ?14 AND contact = ?15)
         ON CONFLICT DO NOTHING"
    } else {
        "UPDATE contacts SET head = ?1, closed = ?2, changed = ?3, summary = ?4,
             visitor = visitor + ?5, staff = staff + ?6, service = service + ?7,
             notes = notes + ?8, bytes = bytes + ?9, transfers = transfers + ?10,
             claimed = COALESCE(claimed, ?11), closed_at = COALESCE(closed_at, ?12),
             closed_by = COALESCE(closed_by, ?13)
         WHERE account = ?14 AND contact = ?15 AND head = ?16 AND dropped IS NULL"
    };
    let tally = addition.tally();
    let time = |time: Option<Time>| time.map(|at| number(at.millis())).transpose();
    let query = sqlx::query(statement)
        .bind(number(summary.head)?)
        .bind(summary.closed)
        .bind(number(addition.changed().millis())?)
        .bind(encode(summary))
        .bind(number(tally.visitor)?)
        .bind(number(tally.staff)?)
        .bind(number(tally.service)?)
        .bind(number(tally.notes)?)
        .bind(number(tally.bytes)?)
        .bind(number(tally.transfers)?)
        .bind(time(tally.claimed)?)
        .bind(time(tally.closed.map(|(at, _)| at))?)
        .bind(tally.closed.map(|(_, by)| side_number(by)))
        .bind(blob(addition.account.as_array()))
        .bind(blob(summary.contact.as_array()));
    let query = if addition.base == 0 {
        query.bind(summary.entry_point.clone().into_bytes())
    } else {
        query.bind(number(addition.base)?)
    };
    Ok(query.execute(connection).await?.rows_affected() == 1)
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
