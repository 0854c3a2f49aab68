//! A vault that runs: its device, its database, what it does from time to time, and its API.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sottovoce::account::Pin;
use sottovoce::client::Kind;
use sottovoce::wire::ContactId;
use sottovoce_client::{HostConfig, ReadingError, StateStore, tls};
use sottovoce_older_keys::Service;
use sottovoce_server::listen::ListenError;
use sottovoce_server::outgoing::OutgoingError;
use sottovoce_server::{Listen, Listener, Readiness, clock};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::erasure::{EraseError, Erasures};
use crate::http::{self, Api};
use crate::keys::{KeySource, Keys, storage_key};
use crate::metrics;
use crate::participant::{Participant, Parts};
use crate::reading::Archive;
use crate::status::Status;
use crate::store::{Store, StoreError};
use crate::webhooks::{Webhooks, WebhooksError};

/// How often is looked how it does.
const EVERY: Duration = Duration::from_secs(2);
/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often old contacts are looked for, in multiples of [`EVERY`].
const RETENTION: u64 = 150;
/// How often the key manager is asked again for erasures, in multiples of [`EVERY`].
const PENDING: u64 = 5;

/// A vault cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It cannot listen where it should.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Its database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of erasures cannot be used.
    #[error(transparent)]
    Erasures(#[from] EraseError),
    /// There is no device, or its state cannot be read.
    #[error("the device cannot be used: {0}; `vault create` makes one")]
    Device(#[from] ReadingError),
    /// The device does not start.
    #[error(transparent)]
    Client(#[from] sottovoce_client::StartError),
    /// Webhooks cannot be delivered.
    #[error("webhooks cannot be delivered: {0}")]
    Webhooks(#[from] WebhooksError),
    /// The service of the older shape cannot be called.
    #[error("the service of the older shape cannot be called: {0}")]
    OlderKeys(#[from] OutgoingError),
    /// Root certificates cannot be used.
    #[error("{path}: {reason}")]
    Trust {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl StartError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Listen(error) => error.code(),
            Self::Store(_) => "database-unusable",
            Self::Erasures(_) => "erasures-unusable",
            Self::Device(error) => error.code(),
            Self::Client(error) => error.code(),
            Self::Webhooks(_) => "webhooks-unusable",
            Self::OlderKeys(_) => "older-keys-unusable",
            Self::Trust { .. } => "root-unusable",
        }
    }
}

/// A vault that listens, and whose device begins to connect.
pub struct Server {
    listener: Listener,
    metrics: Option<Listener>,
    archive: Archive,
    status: Arc<Status>,
    erasures: Arc<Erasures>,
    participant: Participant,
    gone: mpsc::Receiver<ContactId>,
    news: Arc<Notify>,
    webhooks: Webhooks,
    device: String,
    days: Days,
    api: Arc<Api>,
    readiness: Readiness,
}

/// How long contacts are kept.
#[derive(Clone, Copy, Debug)]
struct Days(Option<u64>);

/// Judges what can be judged of a configuration without starting.
///
/// # Errors
/// [`StartError`], as [`Server::bind`] would say.
pub fn check(config: &Config) -> Result<(), StartError> {
    let (public, private) = listens(config);
    public.check()?;
    if let Some(private) = private {
        private.check()?;
    }
    trusted(config.trust.clone()).map(drop)
}

/// Where it is to listen, and where for metrics if anywhere.
fn listens(config: &Config) -> (Listen, Option<Listen>) {
    let private = config.metrics.map(|address| {
        let is_private = address.ip().to_canonical().is_loopback();
        let tls = config.tls.clone().filter(|_| !is_private);
        Listen { address, tls }
    });
    let public = Listen {
        address: config.listen,
        tls: config.tls.clone(),
    };
    (public, private)
}

impl Server {
    /// Opens the database, starts the device and begins to listen.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let (public, private) = listens(&config);
        let listener = Listener::bind(&public).await?;
        let metrics = match private {
            Some(private) => Some(Listener::bind(&private).await?),
            None => None,
        };
        let tls = trusted(config.trust)?;
        let account = config.account;
        let folder = config.device.clone();
        let unlock = storage_key(config.passphrase.as_ref());
        let requester =
            tokio::task::spawn_blocking(move || sottovoce_client::requester(&folder, &unlock));
        let requester = requester
            .await
            .map_err(|_| sottovoce_client::StartError::Runtime)??;
        let store = Store::open(&config.database, account).await?;
        let patience = config.key_patience;
        let older = config
            .older_keys
            .map(|keys| Service::new(keys.address, keys.token, keys.signing, &tls, patience));
        let keys = Arc::new(Keys::new(KeySource {
            account,
            device: config.device.clone(),
            passphrase: config.passphrase.clone(),
            url: config.key_manager,
            older: older.transpose()?,
            tls: Arc::clone(&tls),
            life: config.key_life,
            patience: config.key_patience,
        }));
        let status = Arc::new(Status::default());
        let (tell, erased) = mpsc::channel(64);
        let device = requester.key.public().to_string();
        let erasures = Erasures::open(
            store.clone(),
            Arc::clone(&keys),
            requester,
            &config.tombstones,
            tell,
        );
        let erasures = Arc::new(erasures.await?);
        let (handle, events) = sottovoce_client::start(HostConfig {
            url: config.relay,
            pin: Pin::account(account),
            kind: Kind::Staff {
                name: "Vault".to_owned(),
                invitation: None,
            },
            state: StateStore::Folder {
                path: config.device,
                key: storage_key(config.passphrase.as_ref()),
            },
            tls,
        })
        .await?;
        let news = Arc::new(Notify::new());
        let (gone_sender, gone) = mpsc::channel(64);
        let parts = Parts {
            store: store.clone(),
            keys: Arc::clone(&keys),
            status: Arc::clone(&status),
            erased,
            news: Arc::clone(&news),
            gone: gone_sender,
        };
        let participant = Participant::new(parts, handle, events).await?;
        let archive = Archive { store, keys };
        let targets = config.webhooks.targets;
        let webhooks = Webhooks::open(&config.database, archive.clone(), config.webhooks).await?;
        let api = Arc::new(Api {
            archive: archive.clone(),
            status: Arc::clone(&status),
            erasures: Arc::clone(&erasures),
            tokens: config.tokens,
            webhooks: Arc::clone(&webhooks.store),
            targets,
        });
        Ok(Self {
            listener,
            metrics,
            archive,
            status,
            erasures,
            participant,
            gone,
            news,
            webhooks,
            device,
            days: Days(config.days),
            api,
            readiness: Readiness::default(),
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Where its metrics are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(Listener::address)
    }

    /// Its device's id.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Serves until `shutdown`.
    pub async fn serve(self, shutdown: CancellationToken) {
        let store = self.archive.store.clone();
        let router = http::router(self.api, self.readiness.clone());
        let registry = metrics::registry(&self.status, &self.archive.keys);
        let caretaker = Caretaker {
            archive: self.archive,
            status: self.status,
            erasures: self.erasures,
            days: self.days,
            readiness: self.readiness,
            gone: self.gone,
        };
        let private = async {
            if let Some(listener) = self.metrics {
                let router = sottovoce_server::metrics::routes(Arc::new(registry));
                sottovoce_server::serve(listener, router, shutdown.clone()).await;
            }
        };
        tokio::join!(
            sottovoce_server::serve(self.listener, router, shutdown.clone()),
            private,
            self.participant.run(shutdown.clone()),
            self.webhooks.run(self.news, shutdown.clone()),
            caretaker.run(shutdown.clone()),
        );
        store.close().await;
    }
}

/// Does what is due from time to time.
struct Caretaker {
    archive: Archive,
    status: Arc<Status>,
    erasures: Arc<Erasures>,
    days: Days,
    readiness: Readiness,
    gone: mpsc::Receiver<ContactId>,
}

impl Caretaker {
    async fn run(mut self, shutdown: CancellationToken) {
        let mut round = 0_u64;
        loop {
            self.look().await;
            if round.is_multiple_of(PENDING)
                && let Err(error) = self.erasures.erase_pending_keys().await
            {
                tracing::error!(%error, "pending erasures cannot be read");
            }
            if round.is_multiple_of(RETENTION) {
                self.retain().await;
            }
            round += 1;
            let next = tokio::time::sleep(EVERY);
            tokio::select! {
                () = next => {}
                Some(contact) = self.gone.recv() => self.bury(contact).await,
                () = shutdown.cancelled() => return self.readiness.drain(),
            }
        }
    }

    /// How everything does.
    async fn look(&self) {
        self.archive.keys.sweep();
        let probe = tokio::time::timeout(PATIENCE, self.archive.store.probe()).await;
        let database = match probe {
            Ok(Ok(())) => None,
            Ok(Err(_)) => Some("database-unusable"),
            Err(_) => Some("database-slow"),
        };
        let relay = match self.status.relay().as_deref() {
            None => None,
            Some("unapproved") => Some("unapproved"),
            Some("relay-refused") => Some("relay-refused"),
            Some("certificate-refused") => Some("certificate-refused"),
            Some(_) => Some("relay-offline"),
        };
        let keys = self.archive.keys.trouble().map(|error| error.code());
        let obstacle = database.or(relay).or(keys);
        if self.readiness.set(obstacle)
            && let Some(code) = obstacle
        {
            tracing::error!(code, "the vault is not ready");
        }
    }

    /// The key manager has erased a contact's key: what is stored of it opens never again.
    async fn bury(&self, contact: ContactId) {
        if let Err(error) = self.erasures.erase(contact, clock::now()).await {
            tracing::error!(%contact, %error, "a contact cannot be erased");
        }
    }

    async fn retain(&self) {
        let days = match self.days.0 {
            Some(days) => Some(days),
            None => self.archive.keys.retention_days().await,
        };
        let Some(days) = days else { return };
        match self.erasures.erase_old(days, clock::now()).await {
            Ok(0) => {}
            Ok(contacts) => tracing::info!(contacts, "their days were over"),
            Err(error) => tracing::error!(%error, "old contacts cannot be erased"),
        }
    }
}

/// Trusts the system's roots and what a file names.
fn trusted(path: Option<PathBuf>) -> Result<Arc<ClientConfig>, StartError> {
    let unusable = |path: PathBuf, reason: String| StartError::Trust { path, reason };
    let roots = match &path {
        None => Vec::new(),
        Some(path) => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unusable(path.clone(), error.to_string()))?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    tls::client_config(provider, roots)
        .map_err(|error| unusable(path.unwrap_or_default(), error.to_string()))
}
