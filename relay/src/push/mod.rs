//! Tells devices that are not connected that there is news: that, and nothing else. What the news is
//! they learn when they connect.
//!
//! A device is told at most once in a while; what happens meanwhile is told together.

mod gateway;
pub mod payload;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sottovoce::wire::frame::{ContactSummary, PushTarget};
use sottovoce::wire::{AccountId, DeviceId};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub use gateway::Gateway;

use crate::fanout::{Event, Fanout, SubscriberId, Topic};
use crate::store::Store;

/// Devices that wait to be looked at. More are not told: they learn it when they connect.
const QUEUE: usize = 4_096;

/// A device was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It has given up that target.
    Gone,
    /// Not now.
    Unavailable,
}

/// Carries the fact that there is news to a push service.
#[async_trait]
pub trait Sender: Send + Sync + 'static {
    /// Tells a device.
    async fn send(&self, target: &PushTarget) -> Result<(), Failed>;
}

type Device = (AccountId, DeviceId);

/// Which devices are connected.
pub type Connected = Arc<dyn Fn(AccountId, DeviceId) -> bool + Send + Sync>;

/// Tells devices, one after the other.
pub struct Pusher {
    devices: mpsc::Receiver<Device>,
    store: Arc<dyn Store>,
    sender: Arc<dyn Sender>,
    connected: Connected,
    /// How long a device is not told again.
    pause: Duration,
    /// From when on a device may be told again, and whether there is news for it already.
    paused: HashMap<Device, (Instant, bool)>,
}

impl Pusher {
    /// A pusher and the way to it.
    pub fn new(
        store: Arc<dyn Store>,
        sender: Arc<dyn Sender>,
        connected: Connected,
        pause: Duration,
    ) -> (mpsc::Sender<Device>, Self) {
        let (queue, devices) = mpsc::channel(QUEUE);
        let pusher = Self {
            devices,
            store,
            sender,
            connected,
            pause,
            paused: HashMap::new(),
        };
        (queue, pusher)
    }

    /// Runs until the relay has ended.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let next = self.paused.values().map(|(until, _)| *until).min();
            let pause_ends = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                device = self.devices.recv() => match device {
                    Some(device) => self.news(device).await,
                    None => return,
                },
                () = pause_ends => self.end_pauses().await,
                () = shutdown.cancelled() => return,
            }
        }
    }

    async fn news(&mut self, device: Device) {
        if let Some((_, has_news)) = self.paused.get_mut(&device) {
            *has_news = true;
            return;
        }
        self.tell(device).await;
    }

    async fn end_pauses(&mut self) {
        let now = Instant::now();
        let ended: Vec<_> = self
            .paused
            .extract_if(|_, (until, _)| *until <= now)
            .collect();
        for (device, (_, has_news)) in ended {
            if has_news {
                self.tell(device).await;
            }
        }
    }

    async fn tell(&mut self, device: Device) {
        let (account, id) = device;
        if (self.connected)(account, id) {
            return;
        }
        let Ok(Some(target)) = self.store.push_target(&account, &id).await else {
            return;
        };
        let until = Instant::now() + self.pause;
        self.paused.insert(device, (until, false));
        match self.sender.send(&target).await {
            Ok(()) => tracing::debug!("a device was told of news"),
            Err(Failed::Gone) => {
                // Nobody is there any more.
                let _ = self.store.set_push_target(&account, &id, None).await;
            }
            Err(Failed::Unavailable) => tracing::warn!("a device could not be told of news"),
        }
    }
}

/// A fan-out that notices entries on their way, and whose they are.
pub(crate) struct Noticing<F> {
    inner: F,
    news: mpsc::Sender<Device>,
}

impl<F> Noticing<F> {
    pub(crate) const fn new(inner: F, news: mpsc::Sender<Device>) -> Self {
        Self { inner, news }
    }

    /// Everybody on the roster; who is connected is sorted out later.
    fn notice(&self, account: AccountId, summary: &ContactSummary) {
        for device in &summary.devices {
            let _ = self.news.try_send((account, *device));
        }
    }
}

impl<F: Fanout> Fanout for Noticing<F> {
    fn connect(&self) -> (SubscriberId, mpsc::Receiver<Event>) {
        self.inner.connect()
    }

    fn disconnect(&self, subscriber: SubscriberId) {
        self.inner.disconnect(subscriber);
    }

    fn subscribe(&self, subscriber: SubscriberId, topic: Topic) {
        self.inner.subscribe(subscriber, topic);
    }

    fn unsubscribe(&self, subscriber: SubscriberId, topic: &Topic) {
        self.inner.unsubscribe(subscriber, topic);
    }

    fn publish(&self, topics: &[Topic], event: &Event) {
        if let ([Topic::Contact(account, _)], Event::Entry(appended)) = (topics, event) {
            self.notice(*account, &appended.summary);
        }
        self.inner.publish(topics, event);
    }
}
