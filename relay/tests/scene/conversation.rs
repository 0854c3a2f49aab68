//! A conversation that goes on through faults, and what readiness says meanwhile.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sottovoce::wire::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::fresh_id;
use super::{Business, Client, Person, Talk};

/// A conversation that is to go on.
pub struct Conversation {
    pub business: Business,
    pub visitor: Person,
    pub talk: Talk,
    pub address: SocketAddr,
    pub client: Client,
    pub said: Vec<Bytes>,
}

impl Conversation {
    pub async fn begin(business: Business, address: SocketAddr) -> Self {
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

    pub async fn says(&mut self) -> Result<u64, String> {
        let entry = self.talk.say(&self.visitor, "while it lasts");
        self.said.push(entry.clone());
        self.client.append(self.talk.contact, entry).await
    }

    /// Appends while nothing can be stored, and again and again until it can.
    pub async fn outlives(&mut self, back: impl Future<Output = ()>) {
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

    /// Connects anew, as often as it takes.
    pub async fn comes_back(&mut self) {
        loop {
            let connected = Client::connect(self.address, &self.business, &self.visitor).await;
            if let Ok(client) = connected {
                self.client = client;
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// That everything is there, once and in order.
    pub async fn is_complete(&mut self) {
        let kept = self.client.resume(self.talk.contact, 0).await.unwrap();
        assert_eq!(kept, self.said);
    }
}

/// What `/readyz` answers.
pub async fn readiness(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = "GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.rsplit("\r\n").next().unwrap().to_owned()
}

/// Waits until `/readyz` says something, for at most so many seconds.
pub async fn becomes(address: SocketAddr, what: &str, seconds: u64) {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        let said = readiness(address).await;
        if said.contains(what) {
            return;
        }
        assert!(Instant::now() < end, "{what}: {said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
