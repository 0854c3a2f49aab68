//! What was acknowledged is there after any crash: every entry, once, in order. And what a
//! relay logs and stores holds nothing that it should not know.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use scene::client::fresh_id;
use scene::{Business, Client, Person, Talk};
use sottovoce::crypto::Random;
use sottovoce::wire::{Bytes, ContactId, ContentId};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

const KILLS: usize = 20;
const WRITERS: usize = 6;

struct Process {
    child: Child,
    address: SocketAddr,
}

/// Starts a relay and waits until it listens.
async fn start(business: &Business, database: &Path) -> Process {
    let mut child = Command::new(env!("CARGO_BIN_EXE_relay-under-test"))
        .arg(database)
        .arg(business.id.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).await.unwrap();
    Process {
        address: line.trim().parse().unwrap(),
        child,
    }
}

/// Somebody who writes without end, and after a crash resends what was not acknowledged, under
/// the same id, as clients do.
struct Writer {
    business: Arc<Business>,
    visitor: Person,
    contact: ContactId,
    /// All entries to be written, with their append ids.
    entries: Vec<(ContentId, Bytes)>,
}

impl Writer {
    /// A visitor with more to say than there is time for.
    fn new(business: &Arc<Business>) -> Self {
        let visitor = Person::new();
        let (mut talk, create) = Talk::start(business, &visitor);
        let said = (0..4000).map(|_| talk.say(&visitor, "text"));
        let entries = std::iter::once(create).chain(said);
        let entries = entries.map(|entry| (fresh_id(), entry)).collect();
        Self {
            business: Arc::clone(business),
            visitor,
            contact: talk.contact,
            entries,
        }
    }

    /// Writes until told to stop; returns the acknowledged positions in order.
    async fn run(
        self,
        mut address: watch::Receiver<Option<SocketAddr>>,
        stop: watch::Receiver<bool>,
    ) -> (Self, Vec<u64>) {
        let mut positions = Vec::new();
        while !*stop.borrow() {
            let at = address.wait_for(Option::is_some).await.unwrap().unwrap();
            let client = self.connect(at).await;
            let Some(mut client) = client else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            while !*stop.borrow() {
                let Some((id, entry)) = self.entries.get(positions.len()) else {
                    return (self, positions);
                };
                match self.append(&mut client, *id, entry).await {
                    Some(position) => positions.push(position),
                    None => break,
                }
            }
        }
        (self, positions)
    }

    /// The connection, unless the relay is gone.
    async fn connect(&self, address: SocketAddr) -> Option<Client> {
        let stream = tokio::net::TcpStream::connect(address).await.ok()?;
        drop(stream);
        let business = Arc::clone(&self.business);
        let visitor = Person {
            key: sottovoce::crypto::sign::SigningKey::from_seed(&self.visitor.key.seed()),
            seal_key: self.visitor.seal_key.duplicate(),
        };
        // A relay that dies in the middle makes the small client panic.
        let connecting =
            tokio::spawn(async move { Client::connect(address, &business, &visitor).await });
        connecting.await.ok()?.ok()
    }

    async fn append(&self, client: &mut Client, id: ContentId, entry: &Bytes) -> Option<u64> {
        client.try_append(id, self.contact, entry.clone()).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_twenty_kills_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("relay.db");
    let business = Arc::new(Business::new());
    let mut process = start(&business, &database).await;
    let mut administrator = Client::connect(process.address, &business, &business.administrator)
        .await
        .unwrap();
    for object in business.objects() {
        administrator.publish(object).await.unwrap();
    }

    let writers: Vec<_> = (0..WRITERS).map(|_| Writer::new(&business)).collect();
    let (address, addresses) = watch::channel(Some(process.address));
    let (stop, stopping) = watch::channel(false);
    let running = |writer: Writer| tokio::spawn(writer.run(addresses.clone(), stopping.clone()));
    let writers: Vec<_> = writers.into_iter().map(running).collect();
    for _ in 0..KILLS {
        let [moment] = Random::os().bytes().unwrap();
        tokio::time::sleep(Duration::from_millis(20 + u64::from(moment))).await;
        address.send_replace(None);
        // SIGKILL: no destructor, no flush, no goodbye.
        process.child.kill().await.unwrap();
        process = start(&business, &database).await;
        address.send_replace(Some(process.address));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send_replace(true);

    let mut written = 0;
    for writer in writers {
        let (writer, positions) = writer.await.unwrap();
        // Acknowledged in order and without gaps, though many were sent more than once.
        let expected: Vec<u64> = (1..=positions.len() as u64).collect();
        assert_eq!(positions, expected);
        let mut client = Client::connect(process.address, &business, &writer.visitor)
            .await
            .unwrap();
        let log = client.resume(writer.contact, 0).await.unwrap();
        // At most the one that was under way when the writers stopped is there besides.
        assert!((positions.len()..=positions.len() + 1).contains(&log.len()));
        for (kept, (_, sent)) in log.iter().zip(&writer.entries) {
            assert_eq!(kept, sent);
        }
        written += positions.len();
    }
    assert!(
        written > KILLS * WRITERS,
        "only {written} entries were written"
    );
    process.child.kill().await.unwrap();
}

#[tokio::test]
async fn a_relay_ends_in_order_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let business = Business::new();
    let mut process = start(&business, &folder.path().join("relay.db")).await;
    let mut client = Client::connect(process.address, &business, &business.ada)
        .await
        .unwrap();
    let pid = process.child.id().unwrap().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(told.unwrap().success());
    assert_eq!(client.goodbye().await, "going-away");
    drop(client);
    let ended = tokio::time::timeout(Duration::from_secs(20), process.child.wait()).await;
    assert!(ended.unwrap().unwrap().success());
}

#[tokio::test]
async fn logs_hold_ids_and_codes_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let business = Business::new();
    let mut process = start(&business, &folder.path().join("relay.db")).await;
    let mut administrator = Client::connect(process.address, &business, &business.administrator)
        .await
        .unwrap();
    for object in business.objects() {
        administrator.publish(object).await.unwrap();
    }
    let visitor = Person::new();
    let mut client = Client::connect(process.address, &business, &visitor)
        .await
        .unwrap();
    let (mut talk, create) = Talk::start(&business, &visitor);
    client.append(talk.contact, create).await.unwrap();
    let entry = talk.say(&visitor, "the canary sings at midnight");
    client.append(talk.contact, entry).await.unwrap();
    client.send_raw(vec![0]).await;
    client.goodbye().await;
    let pid = process.child.id().unwrap().to_string();
    Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .await
        .unwrap();
    let mut logs = String::new();
    let mut errors = process.child.stderr.take().unwrap();
    errors.read_to_string(&mut logs).await.unwrap();
    assert!(logs.lines().count() >= 2, "{logs}");
    for line in logs.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    }
    assert!(logs.contains("malformed"), "{logs}");
    for confidential in ["canary", "127.0.0.1", "Ada", "ACME"] {
        assert!(!logs.contains(confidential), "{confidential}: {logs}");
    }
}
