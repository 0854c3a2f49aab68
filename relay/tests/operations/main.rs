//! What operators do with a relay: ask whether it is ready, read its numbers and traces, end it,
//! copy its database and go back to the copy.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod numbers;
mod postgres;
#[path = "../scene/mod.rs"]
mod scene;
mod sqlite;
mod traces;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use scene::{Business, Client, Person, Talk};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// The whole answer to a GET.
async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Waits until `/readyz` says something.
async fn says(address: SocketAddr, what: &str) {
    let since = Instant::now();
    loop {
        let answer = get(address, "/readyz").await;
        if answer.contains(what) {
            return;
        }
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "{what}: {answer}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const READY: &str = r#"{"ready":true}"#;

/// Starts a relay as a process, with settings in its environment.
async fn start(
    business: &Business,
    database: &Path,
    settings: &[(&str, String)],
) -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_relay-under-test"))
        .arg(database)
        .arg(business.id.to_string())
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).await.unwrap();
    (child, line.trim().parse().unwrap())
}

async fn terminate(child: &Child) {
    let pid = child.id().unwrap().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(told.unwrap().success());
}

async fn set_up(business: &Business, address: SocketAddr) {
    let mut administrator = Client::connect(address, business, &business.administrator)
        .await
        .unwrap();
    for object in business.objects() {
        administrator.publish(object).await.unwrap();
    }
}

/// A visitor who writes to a relay until told to stop; how many entries were accepted.
async fn write_on(
    mut client: Client,
    mut talk: Talk,
    visitor: Person,
    stop: tokio_util::sync::CancellationToken,
) -> (Talk, Person, u64) {
    let mut accepted = 1;
    while !stop.is_cancelled() {
        let entry = talk.say(&visitor, "traffic");
        accepted = client.append(talk.contact, entry).await.unwrap();
    }
    (talk, visitor, accepted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_ends_tells_its_clients_one_after_the_other_and_loses_nothing() {
    const CLIENTS: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let business = Business::new();
    let database = folder.path().join("relay.db");
    let window = ("SOTTOVOCE__DRAIN__SECONDS", "2".to_owned());
    let (mut child, address) = start(&business, &database, &[window]).await;
    set_up(&business, address).await;
    let visitor = Person::new();
    let (mut talk, create) = Talk::start(&business, &visitor);
    // The first turn is the first connection's, which is not to be the writer's.
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(
            Client::connect(address, &business, &Person::new())
                .await
                .unwrap(),
        );
    }
    let mut writer = Client::connect(address, &business, &visitor).await.unwrap();
    writer.append(talk.contact, create).await.unwrap();

    terminate(&child).await;
    let since = Instant::now();
    // What listens for readiness is told at once, while others are served still.
    says(address, r#"{"ready":false,"code":"draining"}"#).await;
    assert!(since.elapsed() < Duration::from_secs(1));
    let writing = tokio::spawn(async move {
        let mut accepted = 1;
        loop {
            let entry = talk.say(&visitor, "late");
            match writer.append(talk.contact, entry).await {
                Ok(position) => accepted = position,
                Err(code) => {
                    assert_eq!(code, "going-away");
                    return (talk, visitor, accepted);
                }
            }
        }
    });
    let goodbyes = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            let code = client.goodbye().await;
            (code, since.elapsed())
        })
    });
    let mut times = Vec::new();
    for goodbye in goodbyes.collect::<Vec<_>>() {
        let (code, after) = goodbye.await.unwrap();
        assert_eq!(code, "going-away");
        times.push(after);
    }
    times.sort();
    // Spread over the window, not all at its beginning or end.
    let before = |time| times.iter().filter(|after| **after < time).count();
    assert!(
        before(Duration::from_millis(700)) >= CLIENTS / 8,
        "{times:?}"
    );
    assert!(
        before(Duration::from_millis(1_300)) <= CLIENTS * 7 / 8,
        "{times:?}"
    );
    assert!(child.wait().await.unwrap().success());
    let (talk, visitor, accepted) = writing.await.unwrap();

    let (mut child, address) = start(&business, &database, &[]).await;
    let mut client = Client::connect(address, &business, &visitor).await.unwrap();
    let log = client.resume(talk.contact, 0).await.unwrap();
    assert!(log.len() as u64 >= accepted, "{} of {accepted}", log.len());
    child.kill().await.unwrap();
}
