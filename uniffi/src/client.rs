//! The running client. See [`sottovoce_client::Handle`].

use std::sync::Arc;

use sottovoce::client;
use sottovoce::client::Command;
use sottovoce::wire::{ContactId, DeviceId};
use sottovoce_client::Handle;
use tokio::sync::{Mutex, mpsc};

use crate::config::HostConfig;
use crate::error::ClientError;
use crate::event::Event;

/// The client of one device. It runs until it is stopped or nobody holds it any more.
#[derive(Debug, uniffi::Object)]
pub struct Client {
    handle: Handle,
    events: Mutex<mpsc::Receiver<client::Event>>,
}

#[uniffi::export(async_runtime = "tokio")]
impl Client {
    /// Opens the device's state and begins to connect.
    ///
    /// # Errors
    /// That the relay cannot be reached is none: it is tried again and again.
    #[uniffi::constructor]
    pub async fn open(config: HostConfig) -> Result<Arc<Self>, ClientError> {
        let (handle, events) = sottovoce_client::start(config.try_into()?).await?;
        Ok(Arc::new(Self {
            handle,
            events: Mutex::new(events),
        }))
    }

    /// The own device.
    pub fn device(&self) -> DeviceId {
        self.handle.device()
    }

    /// The contacts that the device had state of when it was opened.
    pub fn contacts(&self) -> Vec<ContactId> {
        self.handle.contacts()
    }

    /// Gives a command. Events tell what comes of it.
    ///
    /// # Errors
    /// `stopped`; `malformed` for an id of another form.
    pub async fn command(&self, command: Command) -> Result<(), ClientError> {
        Ok(self.handle.command(command).await?)
    }

    /// The next event; none once the client has stopped. Take events in without pause, in one
    /// place: while they wait, so do commands and the relay.
    pub async fn next_event(&self) -> Option<Event> {
        let mut events = self.events.lock().await;
        loop {
            let event = Event::known(events.recv().await?);
            if event.is_some() {
                return event;
            }
        }
    }

    /// Stops the client. When this returns, its state is durable and free for another process.
    pub async fn stop(&self) {
        self.handle.clone().stop().await;
    }
}
