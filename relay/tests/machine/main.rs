//! The machine misbehaves under a relay: its clock jumps, its disk turns read-only. What was
//! acknowledged stays, whoever is refused is told why, and all comes back by itself.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

#[path = "../scene/mod.rs"]
mod scene;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use scene::conversation::{Conversation, becomes, readiness};
use scene::{Business, Client, Person, Talk};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const HOUR: i64 = 3600;

/// A relay whose machine is this test's.
struct Machine {
    folder: TempDir,
    address: SocketAddr,
    _relay: Child,
}

impl Machine {
    async fn start(business: &Business) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("machine.so");
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/machine/machine.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(source)
            .status();
        assert!(compiled.await.unwrap().success());
        let mut relay = Command::new(env!("CARGO_BIN_EXE_relay-under-test"))
            .arg(folder.path().join("relay.db"))
            .arg(business.id.to_string())
            .env("LD_PRELOAD", library)
            .env("MACHINE", folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(relay.stdout.take().unwrap());
        out.read_line(&mut line).await.unwrap();
        Self {
            folder,
            address: line.trim().parse().unwrap(),
            _relay: relay,
        }
    }

    /// Puts the clock so many seconds off, at one moment.
    fn clock(&self, seconds: i64) {
        let (new, place) = (
            self.folder.path().join("new"),
            self.folder.path().join("clock"),
        );
        std::fs::write(&new, seconds.to_string()).unwrap();
        std::fs::rename(new, place).unwrap();
    }

    fn disk_is_read_only(&self, is_so: bool) {
        let switch = self.folder.path().join("read-only");
        if is_so {
            std::fs::write(switch, "").unwrap();
        } else {
            std::fs::remove_file(switch).unwrap();
        }
    }
}

/// What somebody new is told, who says something right away.
async fn newcomer(conversation: &Conversation) -> Result<(), String> {
    let (business, visitor) = (&conversation.business, Person::new());
    let mut client = Client::connect(conversation.address, business, &visitor).await?;
    let (talk, create) = Talk::start(business, &visitor);
    client.append(talk.contact, create).await.map(|_| ())
}

#[tokio::test]
async fn a_clock_that_jumps_refuses_newcomers_with_a_code_and_loses_nothing() {
    let business = Business::new();
    let machine = Machine::start(&business).await;
    let mut conversation = Conversation::begin(business, machine.address).await;
    assert_eq!(newcomer(&conversation).await, Ok(()));
    for seconds in [HOUR, -HOUR] {
        machine.clock(seconds);
        // Who is there goes on; who comes is told that a clock is off.
        assert!(conversation.says().await.is_ok(), "{seconds}");
        assert_eq!(newcomer(&conversation).await, Err("time-off".to_owned()));
        assert!(readiness(machine.address).await.contains(r#""ready":true"#));
        machine.clock(0);
        assert_eq!(newcomer(&conversation).await, Ok(()));
        assert!(conversation.says().await.is_ok());
    }
    conversation.comes_back().await;
    assert!(conversation.says().await.is_ok());
    conversation.is_complete().await;
}

#[tokio::test]
async fn a_relay_outlives_a_disk_that_turns_read_only() {
    let business = Business::new();
    let machine = Machine::start(&business).await;
    let mut conversation = Conversation::begin(business, machine.address).await;
    becomes(machine.address, r#""ready":true"#, 10).await;
    machine.disk_is_read_only(true);
    becomes(machine.address, r#""code":"database-unusable""#, 20).await;
    // What is there can be read.
    conversation.is_complete().await;
    conversation
        .outlives(async { machine.disk_is_read_only(false) })
        .await;
    becomes(machine.address, r#""ready":true"#, 20).await;
}
