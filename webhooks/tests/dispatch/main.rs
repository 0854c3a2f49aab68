//! What the dispatcher promises, with real receivers on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

#[path = "../scene/mod.rs"]
mod scene;

mod answers;
mod certificates;
mod order;
mod requests;
mod targets;

use std::sync::Arc;
use std::time::Duration;

use sottovoce_webhooks::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use sottovoce_webhooks::dispatch::{Clock, Config, Dispatcher};
use sottovoce_webhooks::store::Store;
use sottovoce_webhooks::target::{Resolver, SystemResolver};

use scene::{Database, LOOPBACK, TestClock, account};

/// A dispatcher with its database and its clock.
struct Stage {
    database: Database,
    store: Arc<dyn Store>,
    clock: Arc<TestClock>,
    dispatcher: Dispatcher,
}

/// Patient enough for a busy machine, impatient enough for tests.
fn config() -> Config {
    Config {
        host: "chat.example.com".to_owned(),
        targets: LOOPBACK,
        connect_timeout: Duration::from_secs(5),
        answer_timeout: Duration::from_secs(5),
        ..Config::default()
    }
}

impl Stage {
    async fn new() -> Self {
        Self::with(config(), Arc::new(SystemResolver)).await
    }

    async fn with(config: Config, resolver: Arc<dyn Resolver>) -> Self {
        let database = Database::sqlite().await;
        let store = database.store();
        let clock = TestClock::new();
        let time = Arc::clone(&clock) as Arc<dyn Clock>;
        let dispatcher = Dispatcher::start_with(Arc::clone(&store), config, time, resolver)
            .await
            .unwrap();
        Self {
            database,
            store,
            clock,
            dispatcher,
        }
    }

    async fn register(&self, url: &str) {
        self.register_as(&scene::registration(url)).await;
    }

    async fn register_as(&self, wanted: &sottovoce_webhooks::endpoint::Registration) {
        let now = self.clock.now();
        self.store
            .create_endpoint(&account(1), wanted, now)
            .await
            .unwrap();
    }

    async fn record(&self, events: &[sottovoce_webhooks::event::NewEvent]) {
        self.database.record(events).await;
        self.dispatcher.wake();
    }

    /// Lets time pass, and the dispatcher look.
    fn advance(&self, seconds: u64) {
        self.clock.advance(seconds);
        self.dispatcher.wake();
    }

    async fn deliveries(&self) -> Vec<Delivery> {
        let all = DeliveryFilter::default();
        self.store
            .deliveries(&account(1), &all, 1000)
            .await
            .unwrap()
    }

    /// The oldest delivery and its attempts, once there are so many. The delivery is read after
    /// them, so that it is as they left it.
    async fn attempts(&self, count: usize) -> (Delivery, Vec<Attempt>) {
        for _ in 0..2000 {
            if let Some(Delivery { id, .. }) = self.deliveries().await.pop() {
                let attempts = self.store.attempts(&account(1), id).await.unwrap();
                if attempts.len() >= count {
                    let delivery = self.deliveries().await.pop();
                    return (delivery.unwrap(), attempts);
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no {count} attempts");
    }

    /// Waits until nothing is pending.
    async fn settled(&self) -> Vec<Delivery> {
        for _ in 0..2000 {
            let deliveries = self.deliveries().await;
            let pending = |delivery: &Delivery| delivery.state == DeliveryState::Pending;
            if !deliveries.iter().any(pending) {
                return deliveries;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("something is still pending");
    }
}
