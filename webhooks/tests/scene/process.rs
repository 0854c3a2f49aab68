//! A dispatcher as a process of its own, for tests that kill it: `webhooks-under-test DATABASE URL
//! CONTACTS`. It registers the URL, records messages without end about each of its contacts, and
//! prints `CONTACT POSITION` when a message is durable. DATABASE is a path or a PostgreSQL URL.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use sottovoce::wire::{AccountId, ContactId};
use sottovoce_webhooks::dispatch::{Clock, Config, Dispatcher, SystemClock};
use sottovoce_webhooks::endpoint::{Registration, Settings};
use sottovoce_webhooks::event::{Details, EventKind, NewEvent, Subject};
use sottovoce_webhooks::store::{PostgresStore, SqliteStore, Store, postgres, sqlite};
use sottovoce_webhooks::target::Targets;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

const ACCOUNT: AccountId = AccountId::new([1; 32]);
const PAUSE: Duration = Duration::from_millis(2);
/// The last position of each contact, which is locked while a message is recorded.
const HEADS: &str = "CREATE TABLE IF NOT EXISTS heads (contact BIGINT PRIMARY KEY, head BIGINT)";
const NEXT: &str = "INSERT INTO heads (contact, head) VALUES ($1, 1)
    ON CONFLICT (contact) DO UPDATE SET head = heads.head + 1 RETURNING head";

enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let (path, url, contacts) = (next(), next(), next());
    let (database, store) = open(&path).await;
    let targets = Targets {
        allow_private: true,
    };
    if store.endpoints(&ACCOUNT).await.unwrap().is_empty() {
        let kinds = EventKind::ALL.into_iter().collect();
        let wanted = Registration::new(&url, kinds, Settings::default(), &targets).unwrap();
        let now = SystemClock.now();
        store.create_endpoint(&ACCOUNT, &wanted, now).await.unwrap();
    }
    // Short, so that what a killed process held is soon due for the others; but no busy machine
    // takes so long, because an event that failed twice waits for minutes.
    let config = Config {
        targets,
        connect_timeout: Duration::from_secs(2),
        answer_timeout: Duration::from_secs(3),
        lease_margin: Duration::from_millis(500),
        ..Config::default()
    };
    let dispatcher = Dispatcher::start(store, config).await.unwrap();
    let contacts: Vec<u8> = contacts.split(',').filter_map(|c| c.parse().ok()).collect();
    let mut out = std::io::stdout();
    loop {
        for contact in &contacts {
            let position = record(&database, *contact).await;
            dispatcher.wake();
            let line = writeln!(out, "{contact} {position}");
            if line.and_then(|()| out.flush()).is_err() {
                return ExitCode::FAILURE;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn open(path: &str) -> (Database, Arc<dyn Store>) {
    if path.starts_with("postgres:") {
        let pool = PgPool::connect(path).await.unwrap();
        // Two processes may start at the same time.
        let _ = sqlx::query(HEADS).execute(&pool).await;
        let store = PostgresStore::open(pool.clone()).await.unwrap();
        return (Database::Postgres(pool), Arc::new(store));
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(10));
    let pool = |connections| SqlitePoolOptions::new().max_connections(connections);
    let writer = pool(1).connect_with(options.clone()).await.unwrap();
    sqlx::query(HEADS).execute(&writer).await.unwrap();
    let readers = pool(2).connect_with(options.read_only(true)).await.unwrap();
    let store = SqliteStore::open(writer.clone(), readers).await.unwrap();
    (Database::Sqlite(writer), Arc::new(store))
}

/// Records the contact's next message as the relay does: in the transaction that gives it its
/// position.
async fn record(database: &Database, contact: u8) -> u64 {
    let contact_number = i64::from(contact);
    match database {
        Database::Sqlite(pool) => {
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
            let query = sqlx::query_scalar(NEXT).bind(contact_number);
            let position: i64 = query.fetch_one(&mut *transaction).await.unwrap();
            let events = [message(contact, position.unsigned_abs())];
            sqlite::record(&mut transaction, &events).await.unwrap();
            transaction.commit().await.unwrap();
            position.unsigned_abs()
        }
        Database::Postgres(pool) => {
            let mut transaction = pool.begin().await.unwrap();
            let query = sqlx::query_scalar(NEXT).bind(contact_number);
            let position: i64 = query.fetch_one(&mut *transaction).await.unwrap();
            let events = [message(contact, position.unsigned_abs())];
            postgres::record(&mut transaction, &events).await.unwrap();
            transaction.commit().await.unwrap();
            position.unsigned_abs()
        }
    }
}

fn message(contact: u8, position: u64) -> NewEvent {
    NewEvent {
        kind: EventKind::ContactMessage,
        account: ACCOUNT,
        subject: Subject::Contact(ContactId::new([contact; 16])),
        time: SystemClock.now(),
        details: Details {
            position: Some(position),
            ..Details::default()
        },
    }
}
