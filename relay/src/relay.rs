//! The relay put together: what its connections share, and its life from start to end.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sottovoce::crypto::Random;
use sottovoce::crypto::random::NoRandomness;
use sottovoce::wire::AccountId;
use sottovoce_server::listen::ListenError;
use sottovoce_server::outgoing::OutgoingError;
use sottovoce_server::shutdown::{self, Haste};
use sottovoce_server::{Drain, Listener, Readiness, metrics};
use sottovoce_webhooks::dispatch::{self, Dispatcher, Waker};
use sottovoce_webhooks::target::Targets;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::AccountHub;
use crate::bans::Bans;
use crate::config::{Config, Mount};
use crate::endings::{Endings, EndingsError};
use crate::expiry::Expiry;
use crate::fanout::{Fanout, LocalFanout};
use crate::heads::Heads;
use crate::hints::{Heard, HintChannel, Hints, NatsError, NatsHints, NoHints, PostgresHints};
use crate::http;
use crate::key_manager::KeyManagers;
use crate::load::Load;
use crate::metrics::Metrics;
use crate::nodes::{Company, Nodes, SparseHints};
use crate::presence::Presence;
use crate::proxy::Proxies;
use crate::push::{Gateway, Noticing, Pusher};
use crate::rest::Rates;
use crate::retention;
use crate::sequencer::{Counters, Sequencer, Surroundings};
use crate::store::{Database, Store, StoreError};
use crate::throttle::Throttle;
use crate::tombstone::Undertaker;
use crate::watch;

/// A relay cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// It cannot listen, or must not.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A folder of static files cannot be served there.
    #[error("{prefix} is no path that a folder can be served under, or one is already")]
    Mount {
        /// The path.
        prefix: String,
    },
    /// A folder of static files is not there.
    #[error("{} is not a folder", directory.display())]
    MountMissing {
        /// The folder.
        directory: PathBuf,
    },
    /// Other nodes cannot be heard.
    #[error(transparent)]
    Hints(#[from] NatsError),
    /// The push gateway cannot be used.
    #[error("the push gateway cannot be used: {0}")]
    Push(#[from] OutgoingError),
    /// Its database cannot be used.
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    /// What was erased and revoked cannot be told or written down.
    #[error(transparent)]
    Endings(#[from] EndingsError),
    /// Webhooks cannot be delivered.
    #[error("webhooks cannot be delivered: {0}")]
    Webhooks(#[from] dispatch::StartError),
    /// Key managers cannot be reached.
    #[error("key managers cannot be reached: {0}")]
    KeyManagers(#[from] dispatch::RootError),
    /// The operating system gave no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl RelayError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Listen(error) => error.code(),
            Self::Mount { .. } => "mount-unusable",
            Self::MountMissing { .. } => "static-unreadable",
            Self::Hints(_) => "hints-unusable",
            Self::Push(_) => "push-unusable",
            Self::Store(error) => error.code(),
            Self::Endings(error) => error.code(),
            Self::Webhooks(_) => "webhooks-unusable",
            Self::KeyManagers(_) => "key-managers-unusable",
            Self::NoRandomness(_) => "no-randomness",
        }
    }
}

/// How long a key manager may take, for its name and TLS, and for its answer.
const KEY_MANAGER: Duration = Duration::from_secs(10);

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) accounts: HashMap<AccountId, Arc<AccountHub>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) webhooks: Arc<dyn sottovoce_webhooks::store::Store>,
    pub(crate) dispatch: Waker,
    pub(crate) targets: Targets,
    pub(crate) undertaker: Undertaker,
    pub(crate) endings: Endings,
    pub(crate) rates: Rates,
    pub(crate) counters: Arc<Counters>,
    pub(crate) fanout: Arc<dyn Fanout>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) hints: Arc<dyn Hints>,
    pub(crate) bans: Bans,
    pub(crate) key_managers: KeyManagers,
    pub(crate) load: Load,
    pub(crate) proxies: Proxies,
    /// Whether devices can be told of news by push services.
    pub(crate) pushes: bool,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) sequencer: Sequencer,
    pub(crate) connections: TaskTracker,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Readiness,
    pub(crate) drain: Drain,
    pub(crate) shutdown: CancellationToken,
}

/// A relay that listens and is ready to serve.
pub struct Relay {
    listener: Listener,
    router: axum::Router,
    metrics: Option<(Listener, axum::Router)>,
    connections: TaskTracker,
    readiness: Readiness,
    drain: Drain,
    shutdown: CancellationToken,
    counters: Arc<Counters>,
    housekeeping: JoinHandle<()>,
    dispatcher: Dispatcher,
    /// The sequencer's lanes: they end by themselves.
    lanes: TaskTracker,
    /// What speaks with other nodes: it ends with the relay.
    nodes: JoinSet<()>,
    database: Database,
}

impl Relay {
    /// Listens, opens the database and reads what is known of the accounts.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn bind(config: Config) -> Result<Self, RelayError> {
        check(&config)?;
        let listener = Listener::bind(&config.listener()).await?;
        let private = match config.metrics_listener() {
            Some(listen) => Some(Listener::bind(&listen).await?),
            None => None,
        };
        let database = Database::open(&config.database).await?;
        let webhooks = database.webhooks().await?;
        let targets = config.webhooks.targets;
        let key_managers = KeyManagers::new(&sottovoce_webhooks::dispatch::Config {
            targets: Targets {
                allow_private: config.private_key_managers,
            },
            connect_timeout: KEY_MANAGER,
            answer_timeout: KEY_MANAGER,
            ..config.webhooks.clone()
        })?;
        let dispatcher = Dispatcher::start(Arc::clone(&webhooks), config.webhooks).await?;
        let store = database.store_and_wake(dispatcher.waker());
        let undertaker = retention::undertaker(store.as_ref(), &Random::os().bytes()?).await?;
        let endings = config.endings.or_else(|| database.beside("-endings"));
        let endings = Endings::open(endings.as_deref(), store.as_ref()).await?;
        let mut nodes = JoinSet::new();
        let neighbours = Neighbours::find(&config.hints, &database, &mut nodes).await?;
        let hints = Arc::clone(&neighbours.hints);
        let shutdown = CancellationToken::new();
        let presence = Arc::new(Presence::default());
        let pushes = config.push.is_some();
        let fanout: Arc<dyn Fanout> = match config.push {
            Some(push) => {
                let gateway = Gateway::new(&push.gateway, push.services)?;
                let presence = Arc::clone(&presence);
                let (news, pusher) = Pusher::new(
                    Arc::clone(&store),
                    Arc::new(gateway),
                    Arc::new(move |account, device| presence.is_connected(account, device)),
                    push.pause,
                );
                tokio::spawn(pusher.run(shutdown.clone()));
                Arc::new(Noticing::new(LocalFanout::default(), news))
            }
            None => Arc::new(LocalFanout::default()),
        };
        let bans = Bans::load(Arc::clone(&store), Arc::clone(&fanout)).await?;
        let plans = Arc::new(config.plans);
        let mut accounts = HashMap::new();
        for id in config.accounts {
            let hub = AccountHub::load(
                id,
                Arc::clone(&store),
                Arc::clone(&fanout),
                Arc::clone(&hints),
                Arc::clone(&plans),
            )
            .await?;
            accounts.insert(id, Arc::new(hub));
        }
        let throttle = Arc::new(Throttle::new(config.limits));
        let counters = Arc::new(Counters::default());
        let heads = Arc::new(Heads::default());
        let lanes = TaskTracker::new();
        let surroundings = Surroundings {
            store: Arc::clone(&store),
            fanout: Arc::clone(&fanout),
            hints: Arc::clone(&hints),
            heads: Arc::clone(&heads),
            throttle: Arc::clone(&throttle),
            counters: Arc::clone(&counters),
        };
        let sequencer = Sequencer::start(&surroundings, &lanes);
        lanes.close();
        if database.is_shared() {
            let node = Nodes {
                node: neighbours.node,
                accounts: accounts.clone(),
                store: Arc::clone(&store),
                fanout: Arc::clone(&fanout),
                heads,
                presence: Arc::clone(&presence),
                hints: Arc::clone(&hints),
                company: neighbours.company,
            };
            nodes.spawn(node.run(neighbours.heard));
        }
        let mut registry = metrics::registry();
        dispatcher.metrics().register(&mut registry);
        let queues = sequencer.queues();
        let metrics = Metrics::register(&mut registry, Arc::clone(&counters), queues);
        let expiry = Expiry::register(&mut registry);
        let registry = Arc::new(registry);
        let readiness = Readiness::default();
        watch::look(&database, &readiness).await;
        let shared = Arc::new(Shared {
            accounts,
            store,
            webhooks,
            dispatch: dispatcher.waker(),
            targets,
            undertaker,
            endings,
            rates: Rates::new(config.limits.requests),
            counters: Arc::clone(&counters),
            fanout,
            presence,
            hints,
            bans,
            key_managers,
            load: Load::new(&config.limits),
            proxies: config.proxies,
            pushes,
            throttle,
            sequencer,
            connections: TaskTracker::new(),
            metrics: Arc::new(metrics),
            readiness: readiness.clone(),
            drain: Drain::over(config.drain),
            shutdown,
        });
        tokio::spawn({
            let shared = Arc::clone(&shared);
            async move { shared.bans.follow(shared.shutdown.clone()).await }
        });
        tokio::spawn(expiry.run(Arc::clone(&shared)));
        let housekeeping = tokio::spawn(retention::run(Arc::clone(&shared)));
        Ok(Self {
            listener,
            housekeeping,
            metrics: private.map(|listener| (listener, metrics::routes(registry))),
            dispatcher,
            connections: shared.connections.clone(),
            readiness,
            drain: shared.drain.clone(),
            shutdown: shared.shutdown.clone(),
            router: http::router(shared, &config.mounts),
            counters,
            lanes,
            nodes,
            database,
        })
    }

    /// The address that it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The address of `/metrics`, if it is served.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics
            .as_ref()
            .map(|(listener, _)| listener.address())
    }

    /// What it has done so far.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Its database.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Serves until `shutdown` resolves. Then it is not ready any more, every connection is told
    /// in its turn, and what was accepted becomes durable. A second signal hurries that.
    pub async fn serve<H: Into<Haste>>(self, shutdown: impl Future<Output = H>) {
        tracing::info!(
            port = self.address().port(),
            encrypted = self.listener.is_encrypted(),
            "the relay listens"
        );
        let serving = sottovoce_server::serve(self.listener, self.router, self.shutdown.clone());
        let metrics = async {
            if let Some((listener, router)) = self.metrics {
                sottovoce_server::serve(listener, router, self.shutdown.clone()).await;
            }
        };
        let watching = watch::run(
            self.database.clone(),
            self.readiness.clone(),
            self.shutdown.clone(),
        );
        let ending = async {
            let haste = shutdown.await.into();
            tracing::info!("the relay is ending");
            self.readiness.drain();
            match haste {
                Haste::Orderly => self.drain.begin(),
                Haste::Hurried => self.drain.hurry(),
            }
            self.connections.close();
            tokio::select! {
                () = self.connections.wait() => {}
                _ = shutdown::signal() => self.drain.hurry(),
            }
            self.shutdown.cancel();
        };
        tokio::join!(serving, metrics, watching, ending);
        self.connections.wait().await;
        // With the router, the connections and housekeeping gone nobody can send any more.
        let _ = self.housekeeping.await;
        self.lanes.wait().await;
        drop(self.nodes);
        self.dispatcher.drain().await;
        let store = self.database.store();
        if let Err(error) = self.counters.usage().flush(store.as_ref()).await {
            tracing::error!(%error, "counted usage was lost");
        }
        self.database.close().await;
        tracing::info!("the relay has ended");
    }
}

/// The way to other nodes and from them.
struct Neighbours {
    node: crate::hints::Node,
    hints: Arc<dyn Hints>,
    company: Arc<Company>,
    heard: mpsc::Receiver<Heard>,
}

impl Neighbours {
    /// Opens the channel that the configuration names, if there can be other nodes.
    async fn find(
        channel: &HintChannel,
        database: &Database,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, RelayError> {
        /// What is heard and waits.
        const QUEUE: usize = 4096;
        let node = Random::os().bytes().map_or(0, u64::from_be_bytes);
        let (sender, heard) = mpsc::channel(QUEUE);
        let hints: Arc<dyn Hints> = match (channel, database) {
            (HintChannel::Database, Database::Postgres(pool)) => {
                Arc::new(PostgresHints::start(pool, node, sender, tasks))
            }
            (HintChannel::Nats(url), Database::Postgres(_)) => {
                Arc::new(NatsHints::start(url, node, sender, tasks).await?)
            }
            _ => Arc::new(NoHints),
        };
        let company = Arc::new(Company::default());
        Ok(Self {
            node,
            hints: Arc::new(SparseHints::new(hints, Arc::clone(&company))),
            company,
            heard,
        })
    }
}

/// What can be found out of a configuration before anything starts: the same for a relay that
/// starts and for whoever only asks.
///
/// # Errors
/// [`RelayError`], as the start would say.
pub fn check(config: &Config) -> Result<(), RelayError> {
    check_mounts(&config.mounts)?;
    config.listener().check()?;
    if let Some(listen) = config.metrics_listener() {
        listen.check()?;
    }
    Database::check(&config.database)?;
    if let HintChannel::Nats(url) = &config.hints {
        NatsHints::check(url)?;
    }
    if let Some(push) = &config.push {
        sottovoce_server::outgoing::check(&push.gateway)?;
    }
    Ok(())
}

/// Paths of letters, digits, `-`, `_` and `/`, each once, none that the relay itself serves.
fn check_mounts(mounts: &[Mount]) -> Result<(), RelayError> {
    let mut taken = vec!["/healthz", "/readyz", "/v1"];
    for Mount { prefix, directory } in mounts {
        let path = prefix.trim_end_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_/".contains(c);
        let is_path = path.is_empty() || (path.starts_with('/') && !path.contains("//"));
        let reserved = path.starts_with("/v1/") || taken.contains(&path);
        if prefix.is_empty() || !is_path || reserved || !path.chars().all(plain) {
            let prefix = prefix.clone();
            return Err(RelayError::Mount { prefix });
        }
        if !directory.is_dir() {
            let directory = directory.clone();
            return Err(RelayError::MountMissing { directory });
        }
        taken.push(path);
    }
    Ok(())
}

/// Starts a relay and serves until `shutdown` resolves. `ready` learns the address.
///
/// # Errors
/// [`RelayError`].
pub async fn serve<H: Into<Haste>>(
    config: Config,
    ready: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = H>,
) -> Result<(), RelayError> {
    let relay = Relay::bind(config).await?;
    ready(relay.address());
    relay.serve(shutdown).await;
    Ok(())
}
