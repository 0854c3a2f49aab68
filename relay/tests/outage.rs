//! The database is away or full for a while: nothing is acknowledged meanwhile, clients are told,
//! and all comes back by itself.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::time::Duration;

use scene::client::fresh_id;
use scene::{Business, Client, Person, Talk};
use sottovoce::wire::Bytes;
use sottovoce_relay::store::Database;
use sottovoce_relay::{Config, Relay};
use sottovoce_test_postgres::Server;

/// A conversation that is to go on.
struct Conversation {
    business: Business,
    visitor: Person,
    talk: Talk,
    address: std::net::SocketAddr,
    client: Client,
    said: Vec<Bytes>,
}

impl Conversation {
    async fn begin(business: Business, address: std::net::SocketAddr) -> Self {
        let mut admin = Client::connect(address, &business, &business.administrator)
            .await
            .unwrap();
        for object in business.objects() {
            admin.publish(object).await.unwrap();
        }
        let visitor = Person::new();
        let mut client = Client::connect(address, &business, &visitor).await.unwrap();
        let (talk, create) = Talk::start(&business, &visitor);
        client.append(talk.contact, create.clone()).await.unwrap();
        Self {
            business,
            visitor,
            talk,
            address,
            client,
            said: vec![create],
        }
    }

    async fn says(&mut self) -> Result<u64, String> {
        let entry = self.talk.say(&self.visitor, "while it lasts");
        self.said.push(entry.clone());
        self.client.append(self.talk.contact, entry).await
    }

    /// Appends while nothing can be stored, and again and again until it can.
    async fn outlives(&mut self, back: impl Future<Output = ()>) {
        let (id, contact) = (fresh_id(), self.talk.contact);
        let entry = self.talk.say(&self.visitor, "meanwhile");
        self.said.push(entry.clone());
        let outcome = self.client.append_as(id, contact, entry.clone()).await;
        assert_eq!(outcome, Err("unavailable".to_owned()));
        back.await;
        loop {
            self.client = Client::connect(self.address, &self.business, &self.visitor)
                .await
                .unwrap();
            match self.client.append_as(id, contact, entry.clone()).await {
                Ok(position) => break assert_eq!(position, self.said.len() as u64),
                Err(code) => assert_eq!(code, "unavailable"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(self.says().await.is_ok());
        let kept = self.client.resume(contact, 0).await.unwrap();
        assert_eq!(kept, self.said);
    }
}

#[tokio::test]
async fn a_relay_outlives_its_postgresql() {
    let server = Server::start(&["fsync=off"]);
    let business = Business::new();
    let config = Config::loopback(server.database(), business.id);
    let relay = Relay::bind(config).await.unwrap();
    let address = relay.address();
    tokio::spawn(relay.serve(std::future::pending::<()>()));
    let mut conversation = Conversation::begin(business, address).await;
    server.stop();
    conversation.outlives(async { server.resume() }).await;
    server.kill();
    conversation.outlives(async { server.resume() }).await;
}

#[tokio::test]
async fn a_relay_outlives_a_full_sqlite_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db").display().to_string();
    let business = Business::new();
    let relay = Relay::bind(Config::loopback(path, business.id))
        .await
        .unwrap();
    let address = relay.address();
    let database = relay.database().clone();
    tokio::spawn(relay.serve(std::future::pending::<()>()));
    let mut conversation = Conversation::begin(business, address).await;
    let Database::Sqlite { writer, .. } = database else {
        unreachable!();
    };
    let pages = async |most: &'static str| {
        sqlx::query(most).execute(&writer).await.unwrap();
    };
    // No less than it has: the next page that is needed is one too many.
    pages("PRAGMA max_page_count = 1").await;
    while conversation.says().await.is_ok() {}
    conversation.client = Client::connect(address, &conversation.business, &conversation.visitor)
        .await
        .unwrap();
    conversation.said.pop();
    let back = pages("PRAGMA max_page_count = 1000000");
    conversation.outlives(back).await;
}
