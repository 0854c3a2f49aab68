//! Appending in SQLite: one transaction that compares and swaps, run from its beginning to its end
//! by whoever asks for it. A statement takes microseconds; the way to another thread and back takes
//! many times that, for each.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{CachedStatement, Connection, TransactionBehavior, params};
use sottovoce::wire::{AccountId, Time, encode};
use sottovoce_webhooks::store::sqlite::record_at_once;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{CACHE, CHECKPOINT_PAGES, PATIENCE};
use crate::store::columns::{number, party, side_number};
use crate::store::log::events;
use crate::store::{Addition, ContactKey, StoreError};
use crate::webhooks::Recorded;

const VERSION: &str = "SELECT version FROM accounts WHERE account = ?";

/// Whether an append was accepted before.
const KNOWN: &str = "SELECT 1 FROM entries WHERE account = ? AND device = ? AND append_id = ?";

/// Begins a contact, unless it is there or was erased.
const BEGIN: &str = "
INSERT INTO contacts (account, contact, head, closed, changed, summary, visitor, staff, service,
    notes, bytes, transfers, claimed, closed_at, closed_by, began, entry_point)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?5, ?16
WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE account = ?1 AND contact = ?2)
ON CONFLICT DO NOTHING";

/// Adds to a contact whose last position is the one that was judged.
const ADVANCE: &str = "
UPDATE contacts SET head = ?3, closed = ?4, changed = ?5, summary = ?6, visitor = visitor + ?7,
    staff = staff + ?8, service = service + ?9, notes = notes + ?10, bytes = bytes + ?11,
    transfers = transfers + ?12, claimed = COALESCE(claimed, ?13),
    closed_at = COALESCE(closed_at, ?14), closed_by = COALESCE(closed_by, ?15)
WHERE account = ?1 AND contact = ?2 AND head = ?16 AND dropped IS NULL";

const ENTRY: &str = "
INSERT INTO entries (account, contact, position, device, append_id, is_commit, received, bytes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

const JOIN: &str =
    "INSERT INTO roster (joined, account, contact, kind, name) VALUES (?, ?, ?, ?, ?)";
const LEAVE: &str = "
UPDATE roster SET left_at = ?
WHERE account = ? AND contact = ? AND kind = ? AND name = ? AND left_at IS NULL";

/// Writes appends, on a connection of its own.
#[derive(Debug)]
pub struct Appender {
    path: PathBuf,
    /// None before the first append, and after one that failed.
    connection: Mutex<Option<Connection>>,
}

impl Appender {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            connection: Mutex::new(None),
        }
    }

    /// Appends durably, and returns the contacts that were left as they are and what webhooks are
    /// told of the others. A thread is busy for the time of a synchronisation, and while it waits
    /// for another writer: others take its tasks over, or, where there are none, it is another one.
    pub(super) async fn append(
        self: &Arc<Self>,
        additions: &[Addition],
    ) -> Result<(Vec<ContactKey>, Recorded), StoreError> {
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::CurrentThread => {
                let (appender, additions) = (Arc::clone(self), additions.to_vec());
                let append = move || appender.append_here(&additions);
                let done = tokio::task::spawn_blocking(append).await;
                done.map_err(|_| sqlx::Error::WorkerCrashed)?
            }
            _ => tokio::task::block_in_place(|| self.append_here(additions)),
        }
    }

    fn append_here(
        &self,
        additions: &[Addition],
    ) -> Result<(Vec<ContactKey>, Recorded), StoreError> {
        // Nobody leaves one half used behind: it is taken out first.
        let mut place = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut connection = match place.take() {
            Some(connection) => connection,
            None => open(&self.path)?,
        };
        let done = transact(&mut connection, additions);
        // Whatever a full or broken disk did to it ends with it.
        if connection.is_autocommit() && !matches!(&done, Err(error) if !error.is_race()) {
            *place = Some(connection);
        }
        done
    }

    /// Brings what is left of the log into the database, while nothing is appended. That it fails
    /// shows at the next append.
    pub(super) fn end_log(&self) {
        let place = self.connection.lock();
        let place = place.unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = place.as_ref() {
            let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            if let Err(error) = done {
                tracing::warn!(%error, "the log could not be brought to its end");
            }
        }
    }

    /// Closes its connection.
    pub(in crate::store) fn close(&self) {
        let place = self.connection.lock();
        place.unwrap_or_else(PoisonError::into_inner).take();
    }
}

pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", CACHE)?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.busy_handler(Some(wait))?;
    Ok(connection)
}

/// Waits for another writer, whose transactions are short, and gives up as late as the others do.
fn wait(times: i32) -> bool {
    const PAUSE: Duration = Duration::from_micros(500);
    let waited = u32::try_from(times).map(|times| PAUSE * times);
    let goes_on = waited.is_ok_and(|waited| waited < PATIENCE);
    if goes_on {
        std::thread::sleep(PAUSE);
    }
    goes_on
}

fn transact(
    connection: &mut Connection,
    additions: &[Addition],
) -> Result<(Vec<ContactKey>, Recorded), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let refused = Statements::prepare(&transaction)?.append(additions)?;
    let events = events(additions, &refused);
    let told = if events.is_empty() {
        Recorded::default()
    } else {
        record_at_once(&transaction, &events)?
    };
    transaction.commit()?;
    Ok((refused, told))
}

/// What every transaction runs.
struct Statements<'c> {
    version: CachedStatement<'c>,
    known: CachedStatement<'c>,
    begin: CachedStatement<'c>,
    advance: CachedStatement<'c>,
    entry: CachedStatement<'c>,
    join: CachedStatement<'c>,
    leave: CachedStatement<'c>,
    versions: HashMap<AccountId, i64>,
}

impl<'c> Statements<'c> {
    fn prepare(connection: &'c Connection) -> Result<Self, StoreError> {
        Ok(Self {
            version: connection.prepare_cached(VERSION)?,
            known: connection.prepare_cached(KNOWN)?,
            begin: connection.prepare_cached(BEGIN)?,
            advance: connection.prepare_cached(ADVANCE)?,
            entry: connection.prepare_cached(ENTRY)?,
            join: connection.prepare_cached(JOIN)?,
            leave: connection.prepare_cached(LEAVE)?,
            versions: HashMap::new(),
        })
    }

    /// Appends, and returns the contacts that were left as they are.
    fn append(mut self, additions: &[Addition]) -> Result<Vec<ContactKey>, StoreError> {
        let mut refused = Vec::new();
        for addition in additions {
            if self.is_current(addition)? && !self.is_known(addition)? && self.swap(addition)? {
                self.write(addition)?;
            } else {
                refused.push(addition.key());
            }
        }
        Ok(refused)
    }

    /// Whether it was judged by the objects that its account has now.
    fn is_current(&mut self, addition: &Addition) -> Result<bool, StoreError> {
        let judged = number(addition.version)?;
        if let Some(version) = self.versions.get(&addition.account) {
            return Ok(*version == judged);
        }
        let account = params![addition.account.as_array()];
        let mut rows = self.version.query(account)?;
        let version = rows.next()?.map_or(Ok(0), |row| row.get(0))?;
        self.versions.insert(addition.account, version);
        Ok(version == judged)
    }

    fn is_known(&mut self, addition: &Addition) -> Result<bool, StoreError> {
        for entry in &addition.entries {
            let key = &entry.key;
            let key = params![
                key.account.as_array(),
                key.device.as_array(),
                key.id.as_array()
            ];
            if self.known.exists(key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts a contact's new state in place of the one that the addition rests on; whether that was
    /// so.
    fn swap(&mut self, addition: &Addition) -> Result<bool, StoreError> {
        let summary = &addition.summary;
        let tally = addition.tally();
        let time = |time: Option<Time>| time.map(|at| number(at.millis())).transpose();
        let (statement, last): (_, &dyn rusqlite::ToSql) = match number(addition.base)? {
            0 => (&mut self.begin, &summary.entry_point.as_bytes()),
            _ => (&mut self.advance, &addition.base.cast_signed()),
        };
        let changed = statement.execute(params![
            addition.account.as_array(),
            summary.contact.as_array(),
            number(summary.head)?,
            summary.closed,
            number(addition.changed().millis())?,
            encode(summary),
            number(tally.visitor)?,
            number(tally.staff)?,
            number(tally.service)?,
            number(tally.notes)?,
            number(tally.bytes)?,
            number(tally.transfers)?,
            time(tally.claimed)?,
            time(tally.closed.map(|(at, _)| at))?,
            tally.closed.map(|(_, by)| side_number(by)),
            last,
        ])?;
        Ok(changed > 0)
    }

    fn write(&mut self, addition: &Addition) -> Result<(), StoreError> {
        let account = addition.account.as_array();
        let contact = addition.summary.contact.as_array();
        for entry in &addition.entries {
            self.entry.execute(params![
                account,
                contact,
                number(entry.position)?,
                entry.key.device.as_array(),
                entry.key.id.as_array(),
                entry.is_commit,
                number(entry.received.millis())?,
                entry.bytes,
            ])?;
        }
        for change in &addition.roster {
            let (kind, name) = party(&change.party);
            let statement = if change.joined {
                &mut self.join
            } else {
                &mut self.leave
            };
            let row = params![number(change.position)?, account, contact, kind, name];
            statement.execute(row)?;
        }
        Ok(())
    }
}
