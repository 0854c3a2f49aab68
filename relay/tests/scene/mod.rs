//! A relay on loopback and an account with its people: what every test here arranges first.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

pub mod conversation;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sottovoce_relay::sequencer::Counters;
use sottovoce_relay::{Config, Relay};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use sottovoce_test_scene::{Business, Client, Person, Talk, account, client, now, talk};

/// What chooses the database that all scenes are on: `postgres`, or SQLite if it is not said.
const STORE: &str = "SOTTOVOCE_TEST_STORE";

/// The database of a relay that is on SQLite.
const FILE: &str = "relay.db";

/// What a publication, an entry or a proof is answered with that the relay does not take.
pub fn refused<T>(code: &str) -> Result<T, String> {
    Err(code.to_owned())
}

/// A new database: in a folder, or on a server of its own.
fn database_in(folder: &Path) -> String {
    match std::env::var(STORE).as_deref() {
        Ok("postgres") => sottovoce_test_postgres::database(),
        Ok(other) => panic!("{STORE}: {other} is not known"),
        Err(_) => folder.join(FILE).display().to_string(),
    }
}

/// A running relay that serves one account.
pub struct Scene {
    pub business: Business,
    pub address: SocketAddr,
    pub counters: Arc<Counters>,
    pub folder: TempDir,
    /// What its relay was told of the database.
    pub database: String,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Scene {
    /// A relay that knows nothing of its account yet.
    pub async fn empty() -> Self {
        Self::with(Business::new(), |_| {}).await
    }

    /// A relay whose account is set up: root statement, policy, credentials, team keys.
    pub async fn open() -> Self {
        let scene = Self::empty().await;
        scene.set_up().await;
        scene
    }

    /// A relay with settings of its own.
    pub async fn with(business: Business, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = database_in(folder.path());
        let mut config = Config::loopback(database, business.id);
        change(&mut config);
        Self::started(business, folder, config).await
    }

    /// A relay whose database is a file in this folder, whichever one the others are on.
    pub async fn on_sqlite(business: Business, folder: TempDir) -> Self {
        let database = folder.path().join(FILE).display().to_string();
        let config = Config::loopback(database, business.id);
        Self::started(business, folder, config).await
    }

    /// A relay that is told exactly this.
    pub async fn started(business: Business, folder: TempDir, config: Config) -> Self {
        let database = config.database.clone();
        let relay = Relay::bind(config).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        Self {
            database,
            business,
            address: relay.address(),
            counters: relay.counters(),
            folder,
            stop,
            running: tokio::spawn(relay.serve(async {
                let _ = stopped.await;
            })),
        }
    }

    /// Publishes everything that the account needs before contacts can begin.
    pub async fn set_up(&self) {
        let mut admin = self.client(&self.business.administrator).await;
        for object in self.business.objects() {
            admin.publish(object).await.unwrap();
        }
    }

    /// A connected, authenticated client.
    pub async fn client(&self, person: &Person) -> Client {
        Client::connect(self.address, &self.business, person)
            .await
            .unwrap()
    }

    /// Ends the relay in order and starts it again.
    pub async fn restarted(self) -> Self {
        let database = self.database.clone();
        let (business, folder) = self.end().await;
        let config = Config::loopback(database, business.id);
        Self::started(business, folder, config).await
    }

    /// The folder of the database's files, where it is a file.
    pub fn files(&self) -> Option<PathBuf> {
        let path = PathBuf::from(&self.database);
        path.is_file().then(|| self.folder.path().to_owned())
    }

    /// Ends the relay in order.
    pub async fn end(self) -> (Business, TempDir) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
        (self.business, self.folder)
    }
}
