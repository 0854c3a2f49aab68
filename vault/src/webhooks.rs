//! Webhooks with what was said. Their tables stand in the vault's database, and hold of a message only where
//! it is: what it says is read, and at level `storage` opened, at each call.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sottovoce::wire::{AccountId, ContactId};
use sottovoce_server::clock;
use sottovoce_webhooks::dispatch::{self, Dispatcher, Waker};
use sottovoce_webhooks::event::{Details, EventKind, NewEvent, Subject};
use sottovoce_webhooks::store::{self, PostgresStore, SqliteStore};
use sottovoce_webhooks::texts::{Message, NoMessage, Texts};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::keys::KeyError;
use crate::reading::{Archive, ReadError};
use crate::record::Said;
use crate::store::StoreError;

/// Records that are told at once.
const AT_ONCE: usize = 256;
/// How often is looked for what is untold, rung or not.
const EVERY: Duration = Duration::from_secs(5);

/// Webhooks cannot be delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhooksError {
    /// Their tables cannot be used.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The database cannot be used.
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    /// The dispatcher does not start.
    #[error(transparent)]
    Start(#[from] dispatch::StartError),
    /// The vault's own part of it cannot be used.
    #[error(transparent)]
    Vault(#[from] StoreError),
}

/// Where events are recorded.
#[derive(Clone, Debug)]
enum Tables {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// See the module's documentation.
pub(crate) struct Webhooks {
    tables: Tables,
    pub(crate) store: Arc<dyn store::Store>,
    dispatcher: Dispatcher,
    archive: Archive,
}

impl Webhooks {
    /// Opens the tables in the vault's database, and begins to deliver.
    pub(crate) async fn open(
        url: &str,
        archive: Archive,
        config: dispatch::Config,
    ) -> Result<Self, WebhooksError> {
        let (tables, store): (_, Arc<dyn store::Store>) =
            if sottovoce_server::database::is_shared(url) {
                let pool = PgPoolOptions::new().max_connections(4).connect(url).await?;
                let store = PostgresStore::open(pool.clone()).await?;
                (Tables::Postgres(pool), Arc::new(store))
            } else {
                let options: SqliteConnectOptions = match url.strip_prefix("sqlite:") {
                    Some(_) => url.parse()?,
                    None => SqliteConnectOptions::new().filename(url),
                };
                let options = options
                    .synchronous(SqliteSynchronous::Full)
                    .pragma("secure_delete", "ON");
                let pool = |most| {
                    let pool = SqlitePoolOptions::new().max_connections(most);
                    pool.connect_with(options.clone())
                };
                let writer = pool(1).await?;
                let store = SqliteStore::open(writer.clone(), pool(2).await?).await?;
                (Tables::Sqlite(writer), Arc::new(store))
            };
        let config = dispatch::Config {
            texts: Some(Arc::new(Contents(archive.clone()))),
            ..config
        };
        let dispatcher = Dispatcher::start(Arc::clone(&store), config).await?;
        Ok(Self {
            tables,
            store,
            dispatcher,
            archive,
        })
    }

    /// Tells of what is stored until `shutdown`.
    pub(crate) async fn run(self, news: Arc<Notify>, shutdown: CancellationToken) {
        let waker = self.dispatcher.waker();
        loop {
            match self.tell(&waker).await {
                Ok(told) if told == AT_ONCE => continue,
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "webhooks cannot be told"),
            }
            tokio::select! {
                () = news.notified() => {}
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.cancelled() => break,
            }
        }
        self.dispatcher.drain().await;
        match self.tables {
            Tables::Sqlite(pool) => pool.close().await,
            Tables::Postgres(pool) => pool.close().await,
        }
    }

    /// Records events for messages that nobody was told of; how many. A vault that is killed between the
    /// two may tell of one twice: their contact and position are the same.
    async fn tell(&self, waker: &Waker) -> Result<usize, WebhooksError> {
        let store = &self.archive.store;
        let untold = store.untold(AT_ONCE).await?;
        if untold.is_empty() {
            return Ok(0);
        }
        let mut events = Vec::new();
        for (contact, position, _) in &untold {
            let Some(known) = store.contact(contact).await? else {
                continue;
            };
            events.push(NewEvent {
                kind: EventKind::ContactMessage,
                account: store.account(),
                subject: Subject::Contact(*contact),
                time: clock::now(),
                details: Details {
                    entry_point: Some(known.entry_point),
                    level: Some(known.level),
                    position: Some(*position),
                    ..Details::default()
                },
            });
        }
        let recorded = match &self.tables {
            Tables::Sqlite(pool) => {
                let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
                let recorded = store::sqlite::record(&mut transaction, &events).await?;
                transaction.commit().await?;
                recorded
            }
            Tables::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                let recorded = store::postgres::record(&mut transaction, &events).await?;
                transaction.commit().await?;
                recorded
            }
        };
        store.told(&untold).await?;
        waker.recorded(recorded);
        Ok(untold.len())
    }
}

/// What messages say.
#[derive(Debug)]
struct Contents(Archive);

#[async_trait]
impl Texts for Contents {
    async fn at(
        &self,
        account: &AccountId,
        contact: &ContactId,
        position: u64,
    ) -> Result<Message, NoMessage> {
        let read = self.read(contact, position).await;
        match read {
            Ok(Some(message)) if *account == self.0.store.account() => Ok(message),
            Ok(_) | Err(ReadError::Key(KeyError::Erased)) => Err(NoMessage::Gone),
            Err(error) => {
                tracing::warn!(%contact, code = error.code(), "a message cannot be told now");
                Err(NoMessage::NotNow)
            }
        }
    }
}

impl Contents {
    async fn read(&self, contact: &ContactId, position: u64) -> Result<Option<Message>, ReadError> {
        let Some(stored) = self.0.store.contact(contact).await? else {
            return Ok(None);
        };
        let Some(record) = self.0.store.record(contact, position).await? else {
            return Ok(None);
        };
        let record = self.0.opener(&stored).await?.record(&record)?;
        let (kind, text, body) = match record.said {
            Said::Text { text, .. } => ("text".to_owned(), Some(text), None),
            Said::Content {
                content,
                text,
                body,
                ..
            } => (content, text, body),
            Said::Event { .. } | Said::Unreadable | Said::KeysGone | Said::Invalid { .. } => {
                return Ok(None);
            }
        };
        let author = record.author;
        let name = author.as_ref().map(|author| author.name.clone());
        Ok(Some(Message {
            kind,
            role: author.as_ref().map(|author| author.role.clone()),
            name: name.filter(|name| !name.is_empty()),
            author: author.map(|author| author.device),
            text,
            body,
        }))
    }
}
