//! The database is away or full for a while: nothing is acknowledged meanwhile, clients are told,
//! and all comes back by itself.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scene::client::fresh_id;
use scene::conversation::{Conversation, becomes, readiness};
use scene::{Business, Client};
use sottovoce_relay::{Config, Relay};
use sottovoce_test_postgres::Server;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_is_one_that_does_not_answer() {
    let server = Arc::new(Server::start(&["fsync=off"]));
    let business = Business::new();
    let patience = "&options=-c%20lock_timeout%3D300";
    let config = Config::loopback(server.database() + patience, business.id);
    let relay = Relay::bind(config).await.unwrap();
    let address = relay.address();
    tokio::spawn(relay.serve(std::future::pending::<()>()));
    let mut conversation = Conversation::begin(business, address).await;
    let hanging = std::thread::spawn({
        let server = Arc::clone(&server);
        move || {
            let lock = "LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5)";
            server.run("test_0", &format!("BEGIN; {lock}; COMMIT"));
        }
    });
    let locks = "SELECT count(*) FROM pg_locks
                 WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'contacts'::regclass";
    while server.run("test_0", locks).trim() == "0" {}
    conversation
        .outlives(async { hanging.join().unwrap() })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_that_stands_still_is_not_waited_for_without_end() {
    let server = Server::start(&["fsync=off"]);
    let business = Business::new();
    let relay = Relay::bind(Config::loopback(server.database(), business.id))
        .await
        .unwrap();
    let address = relay.address();
    tokio::spawn(relay.serve(std::future::pending::<()>()));
    let mut conversation = Conversation::begin(business, address).await;
    becomes(address, r#""ready":true"#, 10).await;
    let mut reader = Client::connect(address, &conversation.business, &conversation.visitor)
        .await
        .unwrap();

    server.freeze();
    let (id, contact) = (fresh_id(), conversation.talk.contact);
    let entry = conversation
        .talk
        .say(&conversation.visitor, "while all stands still");
    conversation.said.push(entry.clone());
    let waiting = async {
        let appended = conversation.client.append_as(id, contact, entry.clone());
        tokio::time::timeout(Duration::from_secs(40), appended).await
    };
    let reading = async {
        let read = reader.resume(contact, 0);
        tokio::time::timeout(Duration::from_secs(40), read).await
    };
    let unready = becomes(address, r#""code":"database-slow""#, 20);
    let (appended, read, ()) = tokio::join!(waiting, reading, unready);
    assert_eq!(appended.unwrap(), Err("unavailable".to_owned()));
    // Whatever the reader was told, it was told something.
    assert!(read.unwrap().is_err());

    server.thaw();
    becomes(address, r#""ready":true"#, 30).await;
    loop {
        conversation.client =
            Client::connect(address, &conversation.business, &conversation.visitor)
                .await
                .unwrap();
        // The one that was told "unavailable" may have been stored after all: under its id it is so once.
        let again = conversation
            .client
            .append_as(id, contact, entry.clone())
            .await;
        match again {
            Ok(position) => break assert_eq!(position, conversation.said.len() as u64),
            Err(code) => assert_eq!(code, "unavailable"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(conversation.says().await.is_ok());
    let kept = conversation.client.resume(contact, 0).await.unwrap();
    assert_eq!(kept, conversation.said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_says_that_postgresql_is_away_for_as_long_as_it_is() {
    let server = Server::start(&["fsync=off"]);
    let business = Business::new();
    let relay = Relay::bind(Config::loopback(server.database(), business.id))
        .await
        .unwrap();
    let address = relay.address();
    tokio::spawn(relay.serve(std::future::pending::<()>()));
    let mut conversation = Conversation::begin(business, address).await;
    becomes(address, r#""ready":true"#, 10).await;
    server.kill();
    becomes(address, r#""code":"database-unreachable""#, 20).await;
    let end = Instant::now() + Duration::from_secs(15);
    while Instant::now() < end {
        let said = readiness(address).await;
        assert!(said.contains("database-unreachable"), "{said}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    conversation.outlives(async { server.resume() }).await;
    becomes(address, r#""ready":true"#, 10).await;
}

/// Limits the size of files that a process may write, as a full disk would.
async fn limit(process: u32, bytes: &str) {
    let limited = Command::new("prlimit")
        .args(["--pid", &process.to_string(), &format!("--fsize={bytes}:")])
        .status();
    assert!(limited.await.unwrap().success());
}

#[tokio::test]
async fn a_relay_outlives_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db").display().to_string();
    let business = Business::new();
    // A process that may write no more is told by a signal, which would end it.
    let mut relay = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_relay-under-test"))
        .arg(&path)
        .arg(business.id.to_string())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(relay.stdout.take().unwrap());
    out.read_line(&mut line).await.unwrap();
    let process = relay.id().unwrap();
    let address = line.trim().parse().unwrap();
    let mut conversation = Conversation::begin(business, address).await;
    let log = std::fs::metadata(format!("{path}-wal")).unwrap().len();
    limit(process, &(log + 40_000).to_string()).await;
    while conversation.says().await.is_ok() {}
    // It is kept by nobody, so it is said again.
    conversation.said.pop();
    conversation.client = Client::connect(address, &conversation.business, &conversation.visitor)
        .await
        .unwrap();
    conversation.outlives(limit(process, "unlimited")).await;
}
