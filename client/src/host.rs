//! The host of one device: it feeds the core and carries out what the core wants.

mod run;

use std::sync::Arc;

use sottovoce::account::Pin;
use sottovoce::client::{Client, Command, Config, Event, Kind, OpenError};
use sottovoce::crypto::Random;
use sottovoce::wire::{ContactId, DeviceId};
use tokio::sync::{mpsc, oneshot};

use crate::connection::{Address, AddressError, keep};
use crate::state::{self, StateError, StateStore};
use run::Host;

/// How many commands, signals and events wait before whoever gives them has to.
const QUEUE: usize = 64;
/// There is one store of a device, so there is one generation of it.
pub(crate) const GENERATION: u64 = 0;

/// What a host is told.
#[derive(Debug)]
pub struct HostConfig {
    /// Where the relay is: `wss://host[:port]`, or on the own machine `ws://127.0.0.1:8080`;
    /// `https` and `http` mean the same.
    pub url: String,
    /// The account and what else is pinned.
    pub pin: Pin,
    /// Who this is.
    pub kind: Kind,
    /// Where the device's state is kept.
    pub state: StateStore,
    /// Whom to trust: see [`crate::tls::client_config`].
    pub tls: Arc<rustls::ClientConfig>,
}

/// Why a host does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The relay's address must not be dialled.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The core does not accept the state.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The runtime is shutting down.
    #[error("the runtime is shutting down")]
    Runtime,
}

impl StartError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Runtime => "shutting-down",
        }
    }
}

/// The host has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client has stopped")]
pub struct Stopped;

impl Stopped {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        "stopped"
    }
}

/// What a handle asks of its host.
#[derive(Debug)]
enum Request {
    Command(Command),
    /// Answered once the state is free again.
    Stop(oneshot::Sender<()>),
}

/// Commands a running client. When the last handle or the receiver of events is dropped, the
/// client stops.
#[derive(Clone, Debug)]
pub struct Handle {
    device: DeviceId,
    contacts: Arc<[ContactId]>,
    requests: mpsc::Sender<Request>,
}

impl Handle {
    /// The own device.
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The contacts that the device had state of when it started.
    pub fn contacts(&self) -> Vec<ContactId> {
        self.contacts.to_vec()
    }

    /// Gives a command. Events tell what comes of it.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn command(&self, command: Command) -> Result<(), Stopped> {
        let request = Request::Command(command);
        self.requests.send(request).await.map_err(|_| Stopped)
    }

    /// Stops the client: commands given before are carried out as far as they need no answer,
    /// the state is durable and free for another process when this returns.
    pub async fn stop(self) {
        let (stopped, wait) = oneshot::channel();
        if self.requests.send(Request::Stop(stopped)).await.is_ok() {
            // An error means that the host ended by itself meanwhile.
            let _ = wait.await;
        }
    }
}

/// Opens the device's state and begins to connect.
///
/// # Errors
/// [`StartError`]. That the relay cannot be reached is none: it is tried again and again. That it
/// may not be talked to, such as for its certificate, [`Event::Failed`] tells without a contact.
pub async fn start(config: HostConfig) -> Result<(Handle, mpsc::Receiver<Event>), StartError> {
    let address = Address::parse(&config.url)?;
    let account = config.pin.account;
    let store = config.state;
    let opened = tokio::task::spawn_blocking(|| state::open(store))
        .await
        .map_err(|_| StartError::Runtime)??;
    let core = Config {
        pin: config.pin,
        host: address.header.clone(),
        kind: config.kind,
        storage_key: opened.key,
        generation: GENERATION,
    };
    let client = Client::open(core, &opened.records, Random::os(), crate::now())?;
    let (requests, asked) = mpsc::channel(QUEUE);
    let (events, shown) = mpsc::channel(QUEUE);
    let (signals, signalled) = mpsc::channel(QUEUE);
    let handle = Handle {
        device: client.device(),
        contacts: client.contacts().copied().collect(),
        requests,
    };
    let connection = tokio::spawn(keep(address, account, config.tls, signals));
    let host = Host::new(client, opened.folder, events);
    tokio::spawn(host.run(asked, signalled, connection));
    Ok((handle, shown))
}
