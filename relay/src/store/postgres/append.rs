//! Appending in PostgreSQL: one statement that compares and swaps.

use std::collections::HashSet;

use sottovoce::wire::{AccountId, ContactId, Time, encode};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool};

use super::log::column;
use crate::outcome::Tally;
use crate::store::columns::{number, party, side_number};
use crate::store::{Addition, ContactKey, RosterChange, StoreError};

/// Contacts whose last position and account are those that were judged get their new state and
/// their entries; new ones begin. One is left as it is if an entry's id was appended before, and,
/// where that is asked for, if webhooks have to be told. Rows are locked in one order, so that
/// nodes wait for each other and never in a circle. Known ids are looked up one by one: a join
/// might read all entries.
const APPEND: &str = "
WITH news AS (
    SELECT * FROM UNNEST($19::bytea[], $20::bytea[], $21::bigint[], $22::bytea[], $23::bytea[],
        $24::boolean[], $25::bigint[], $26::bytea[])
        AS news (account, contact, position, device, append_id, is_commit, received, bytes)
), known AS (
    SELECT news.account, news.contact FROM news CROSS JOIN LATERAL (
        SELECT FROM entries WHERE entries.account = news.account AND entries.device = news.device
            AND entries.append_id = news.append_id LIMIT 1
    ) AS found
), wanted AS (
    SELECT * FROM UNNEST($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[],
        $6::boolean[], $7::bigint[], $8::bytea[], $9::bytea[], $10::bigint[], $11::bigint[],
        $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
        $18::bigint[])
        AS wanted (account, contact, base, version, head, closed, changed, summary, entry_point,
            visitor, staff, service, notes, bytes, transfers, claimed, closed_at, closed_by)
    WHERE version = COALESCE(
        (SELECT accounts.version FROM accounts WHERE accounts.account = wanted.account), 0)
    AND NOT EXISTS (SELECT FROM known
        WHERE known.account = wanted.account AND known.contact = wanted.contact)
    AND NOT ($27 AND EXISTS (SELECT FROM webhook_endpoints
        WHERE webhook_endpoints.account = wanted.account
            AND (disabled IS NULL OR disabled <> 'backlog')))
), locked AS (
    SELECT contacts.account, contacts.contact FROM contacts
    JOIN wanted ON contacts.account = wanted.account AND contacts.contact = wanted.contact
    WHERE base > 0 AND contacts.head = base AND contacts.dropped IS NULL
    ORDER BY contacts.account, contacts.contact FOR NO KEY UPDATE OF contacts
), advanced AS (
    UPDATE contacts AS known SET head = wanted.head, closed = wanted.closed,
        changed = wanted.changed, summary = wanted.summary,
        visitor = known.visitor + wanted.visitor, staff = known.staff + wanted.staff,
        service = known.service + wanted.service, notes = known.notes + wanted.notes,
        bytes = known.bytes + wanted.bytes, transfers = known.transfers + wanted.transfers,
        claimed = COALESCE(known.claimed, wanted.claimed),
        closed_at = COALESCE(known.closed_at, wanted.closed_at),
        closed_by = COALESCE(known.closed_by, wanted.closed_by)
    FROM wanted JOIN locked USING (account, contact)
    WHERE known.account = wanted.account AND known.contact = wanted.contact
    RETURNING known.account, known.contact
), begun AS (
    INSERT INTO contacts (account, contact, head, closed, changed, summary, began, entry_point,
        visitor, staff, service, notes, bytes, transfers, claimed, closed_at, closed_by)
    SELECT account, contact, head, closed, changed, summary, changed, entry_point,
        visitor, staff, service, notes, bytes, transfers, claimed, closed_at, closed_by
    FROM wanted WHERE base = 0 AND NOT EXISTS (
        SELECT FROM tombstones
        WHERE tombstones.account = wanted.account AND tombstones.contact = wanted.contact)
    ORDER BY account, contact
    ON CONFLICT DO NOTHING RETURNING account, contact
), swapped AS (
    SELECT account, contact FROM advanced UNION ALL SELECT account, contact FROM begun
), written AS (
    INSERT INTO entries
        (account, contact, position, device, append_id, is_commit, received, bytes)
    SELECT account, contact, position, device, append_id, is_commit, received, bytes
    FROM news JOIN swapped USING (account, contact)
)
SELECT account, contact FROM swapped";

/// Appends where nothing else is to be done in the same transaction: no roster changes, no webhooks.
/// One statement is a transaction of its own, and one message to the server and back. Returns what
/// is left to be done.
pub(super) async fn append_plain<'a>(
    pool: &PgPool,
    additions: &'a [Addition],
) -> Result<Vec<&'a Addition>, StoreError> {
    let (plain, mut left): (Vec<_>, Vec<_>) = additions
        .iter()
        .partition(|addition| addition.roster.is_empty());
    if !plain.is_empty() {
        let mut connection = pool.acquire().await?;
        let written = write(&mut connection, &plain, true).await?;
        left.extend(
            plain
                .into_iter()
                .filter(|addition| !written.contains(&addition.key())),
        );
    }
    Ok(left)
}

/// Appends within a transaction, and returns the contacts that were left as they are.
pub(super) async fn append(
    connection: &mut PgConnection,
    additions: &[&Addition],
) -> Result<Vec<ContactKey>, StoreError> {
    let done = write(connection, additions, false).await?;
    let mut refused = Vec::new();
    for addition in additions {
        if !done.contains(&addition.key()) {
            refused.push(addition.key());
            continue;
        }
        for change in &addition.roster {
            change_roster(connection, addition, change).await?;
        }
    }
    Ok(refused)
}

/// Runs the statement, and returns the contacts that were added to.
async fn write(
    connection: &mut PgConnection,
    additions: &[&Addition],
    only_untold: bool,
) -> Result<HashSet<ContactKey>, StoreError> {
    let entries: Vec<_> = additions
        .iter()
        .flat_map(|of| of.entries.iter().map(|entry| (&of.summary.contact, entry)))
        .collect();
    let commits = entries.iter().map(|(_, entry)| entry.is_commit);
    let tallies: Vec<_> = additions.iter().map(|addition| addition.tally()).collect();
    let time = |time: Option<Time>| time.map(|at| number(at.millis())).transpose();
    let times = |of: fn(&Tally) -> Option<Time>| -> Result<Vec<_>, StoreError> {
        tallies.iter().map(|tally| time(of(tally))).collect()
    };
    let closers = tallies.iter().map(|tally| tally.closed);
    let closers = closers.map(|closed| closed.map(|(_, by)| side_number(by)));
    let closed = additions.iter().map(|of| of.summary.closed);
    let summaries = additions.iter().map(|of| encode(&of.summary));
    let rows = sqlx::query(APPEND)
        .bind(column(additions, |of| of.account.as_array()))
        .bind(column(additions, |of| of.summary.contact.as_array()))
        .bind(numbers(additions, |of| of.base)?)
        .bind(numbers(additions, |of| of.version)?)
        .bind(numbers(additions, |of| of.summary.head)?)
        .bind(closed.collect::<Vec<_>>())
        .bind(numbers(additions, |of| of.changed().millis())?)
        .bind(summaries.collect::<Vec<_>>())
        .bind(column(additions, |of| of.summary.entry_point.as_bytes()))
        .bind(numbers(&tallies, |tally| tally.visitor)?)
        .bind(numbers(&tallies, |tally| tally.staff)?)
        .bind(numbers(&tallies, |tally| tally.service)?)
        .bind(numbers(&tallies, |tally| tally.notes)?)
        .bind(numbers(&tallies, |tally| tally.bytes)?)
        .bind(numbers(&tallies, |tally| tally.transfers)?)
        .bind(times(|tally| tally.claimed)?)
        .bind(times(|tally| tally.closed.map(|(at, _)| at))?)
        .bind(closers.collect::<Vec<_>>())
        .bind(column(&entries, |(_, entry)| entry.key.account.as_array()))
        .bind(column(&entries, |(contact, _)| contact.as_array()))
        .bind(numbers(&entries, |(_, entry)| entry.position)?)
        .bind(column(&entries, |(_, entry)| entry.key.device.as_array()))
        .bind(column(&entries, |(_, entry)| entry.key.id.as_array()))
        .bind(commits.collect::<Vec<_>>())
        .bind(numbers(&entries, |(_, entry)| entry.received.millis())?)
        .bind(column(&entries, |(_, entry)| &entry.bytes))
        .bind(only_untold)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let account = AccountId::from_slice(row.try_get("account")?);
            let contact = ContactId::from_slice(row.try_get("contact")?);
            account.zip(contact).ok_or(StoreError::Unreadable)
        })
        .collect()
}

async fn change_roster(
    connection: &mut PgConnection,
    addition: &Addition,
    change: &RosterChange,
) -> Result<(), StoreError> {
    let (kind, name) = party(&change.party);
    let query = if change.joined {
        sqlx::query(
            "INSERT INTO roster (joined, account, contact, kind, name) VALUES ($1, $2, $3, $4, $5)",
        )
    } else {
        sqlx::query(
            "UPDATE roster SET left_at = $1
             WHERE account = $2 AND contact = $3 AND kind = $4 AND name = $5 AND left_at IS NULL",
        )
    };
    query
        .bind(number(change.position)?)
        .bind(addition.account.as_array())
        .bind(addition.summary.contact.as_array())
        .bind(kind)
        .bind(name)
        .execute(connection)
        .await?;
    Ok(())
}

/// One column of several rows.
fn numbers<T>(rows: &[T], value: impl Fn(&T) -> u64) -> Result<Vec<i64>, StoreError> {
    rows.iter().map(|row| number(value(row))).collect()
}
