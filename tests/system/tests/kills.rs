//! What was shown as sent survives the death of any process, once and in order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use sottovoce::client::Command::Open;
use sottovoce::client::Kind;
use sottovoce::crypto::Random;
use sottovoce::wire::{AccountId, Suite};
use sottovoce_system_tests::writer::once_and_in_order;
use sottovoce_system_tests::{Business, Person, RelayProcess, Shown, TEAM, Writer};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;

const RELAY: &str = env!("CARGO_BIN_EXE_relay-process");
const CLIENT: &str = env!("CARGO_BIN_EXE_client-process");
/// Twenty kills of the relay.
const LIVES: usize = 5;
const KILLS_OF_EACH_LIFE: usize = 4;
const KILLS_OF_THE_CLIENT: usize = 10;
const VISITORS: [&str; 3] = ["Vera", "Viktor", "Vivian"];
const AGENTS: [&str; 2] = ["Ada", "Ben"];

/// A pause of random length: kills are to hit every moment.
async fn a_while() {
    let [moment] = Random::os().bytes().unwrap();
    tokio::time::sleep(Duration::from_millis(20 + u64::from(moment))).await;
}

/// The people of the test, and how they come back.
struct People {
    url: String,
    account: AccountId,
    folder: TempDir,
}

impl People {
    async fn start(&self, name: &str) -> Arc<Person> {
        let folder = self.folder.path().join(name);
        let kind = match name {
            "Ada" | "Ben" => Kind::Staff {
                name: name.into(),
                invitation: None,
            },
            _ => Kind::Visitor,
        };
        Arc::new(Person::start(&self.url, self.account, kind, Some(&folder)).await)
    }
}

/// Whoever loses the connection again and again waits longer each time before dialling, so
/// after some kills all clients are stopped and started as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_message_survives_kill_9_of_the_relay() {
    let business = Business::new(Suite::XWing);
    let mut relay = RelayProcess::start(RELAY, business.account).await;
    let people = People {
        url: relay.url(),
        account: business.account,
        folder: tempfile::tempdir().unwrap(),
    };
    let mut session = business.administer(&people.url).await;
    business.publish(&mut session).await;
    let mut agents = Vec::new();
    for name in AGENTS {
        let agent = people.start(name).await;
        business.approve(&mut session, &agent, name, TEAM).await;
        agents.push(agent);
    }
    // Two writers for each contact: its visitor, then its agent.
    let mut writers = Vec::new();
    for (index, name) in VISITORS.into_iter().enumerate() {
        let visitor = people.start(name).await;
        visitor.online().await;
        let contact = visitor.begin(None).await;
        let agent = &agents[index % AGENTS.len()];
        agent.take(contact).await;
        writers.push(Writer::new(&visitor, contact, format!("{name} ")));
        writers.push(Writer::new(agent, contact, format!("to {name} ")));
    }
    drop(agents);
    for life in 0..LIVES {
        if life > 0 {
            come_back(&people, &mut writers).await;
        }
        let (stop, stopping) = watch::channel(false);
        let first = Arc::clone(&writers[life % writers.len()].person);
        let writing: Vec<_> = writers
            .drain(..)
            .map(|writer| tokio::spawn(writer.write(stopping.clone())))
            .collect();
        for _ in 0..KILLS_OF_EACH_LIFE {
            // Every kill hits a relay that acknowledges.
            let before = first.shown().acknowledged.len();
            first
                .until("another acknowledgement", |shown| {
                    (shown.acknowledged.len() > before).then_some(())
                })
                .await;
            a_while().await;
            relay.kill().await;
            relay.restart().await;
        }
        stop.send_replace(true);
        for writer in writing {
            writers.push(writer.await.unwrap());
        }
    }
    for writer in &mut writers {
        writer.finish().await;
    }
    for pair in writers.chunks(2) {
        let acknowledged = [&pair[0].acknowledged, &pair[1].acknowledged];
        let count = acknowledged.iter().map(|texts| texts.len()).sum();
        for writer in pair {
            let all =
                |shown: &Shown| (shown.transcript(writer.contact).len() >= count).then_some(());
            writer.person.until("all that was acknowledged", all).await;
        }
        let transcripts =
            [&pair[0], &pair[1]].map(|writer| writer.person.shown().transcript(writer.contact));
        assert_eq!(transcripts[0], transcripts[1]);
        for writer in pair {
            once_and_in_order(&transcripts[0], writer);
            assert_eq!(writer.person.shown().alarms, Vec::<&str>::new());
        }
    }
}

/// Stops everybody and starts them from their folders.
async fn come_back(people: &People, writers: &mut [Writer]) {
    for writer in &*writers {
        writer.person.handle.clone().stop().await;
    }
    let mut agents = Vec::new();
    for name in AGENTS {
        agents.push(people.start(name).await);
    }
    for (index, pair) in writers.chunks_mut(2).enumerate() {
        pair[0].person = people.start(VISITORS[index]).await;
        pair[1].person = Arc::clone(&agents[index % AGENTS.len()]);
        for writer in pair {
            let contact = writer.contact;
            writer.person.command(Open { contact }).await;
        }
    }
}

/// A visitor in a process of its own.
struct Visitor {
    child: Child,
    texts: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    sent: BTreeSet<u64>,
    alarms: Vec<String>,
}

impl Visitor {
    async fn start(url: &str, account: AccountId, folder: &Path) -> Self {
        let mut child = Command::new(CLIENT)
            .arg(url)
            .arg(account.to_string())
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut visitor = Self {
            texts: child.stdin.take().unwrap(),
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            sent: BTreeSet::new(),
            alarms: Vec::new(),
        };
        while visitor.line().await.unwrap() != "contact " {}
        visitor
    }

    async fn say(&mut self, number: u64) {
        let line = format!("{number}\n");
        self.texts.write_all(line.as_bytes()).await.unwrap();
    }

    /// The next line, or none at the end.
    async fn line(&mut self) -> Option<String> {
        let line = self.lines.next_line().await.unwrap()?;
        match line.split_once(' ') {
            Some(("sent", number)) => {
                self.sent.insert(number.parse().unwrap());
            }
            Some(("alarm" | "failed", code)) => self.alarms.push(code.to_owned()),
            _ => {}
        }
        Some(line)
    }

    async fn until_sent(&mut self, number: u64) {
        while !self.sent.contains(&number) {
            self.line().await.expect("the client runs");
        }
    }

    /// Kills it; what it had shown until then counts.
    async fn kill(mut self) -> (BTreeSet<u64>, Vec<String>) {
        self.child.kill().await.unwrap();
        while self.line().await.is_some() {}
        (self.sent, self.alarms)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_a_client_loses_nothing_that_was_shown_as_sent() {
    let files = tempfile::tempdir().unwrap();
    let business = Business::new(Suite::XWing);
    let relay = RelayProcess::start(RELAY, business.account).await;
    let mut session = business.administer(&relay.url()).await;
    business.publish(&mut session).await;
    let ada = Person::agent(&relay.url(), business.account, "Ada", None).await;
    business.approve(&mut session, &ada, "Ada", TEAM).await;

    let mut sent = BTreeSet::new();
    let mut next = 0;
    for life in 0..=KILLS_OF_THE_CLIENT {
        let mut visitor = Visitor::start(&relay.url(), business.account, files.path()).await;
        // At first one that has to be there before an agent can take the contact.
        visitor.say(next).await;
        visitor.until_sent(next).await;
        next += 1;
        if life == 0 {
            let waiting = ada.until("a contact", |shown| Some(shown.inbox.first()?.contact));
            let contact = waiting.await;
            ada.take(contact).await;
        }
        // All at once: the kill comes somewhere between the first one's keys and the last one's
        // acknowledgement.
        let first = next;
        for _ in 0..20 {
            visitor.say(next).await;
            next += 1;
        }
        let [count] = Random::os().bytes().unwrap();
        if life == KILLS_OF_THE_CLIENT {
            visitor.until_sent(next - 1).await;
        } else {
            visitor.until_sent(first + u64::from(count % 12)).await;
        }
        let (acknowledged, alarms) = visitor.kill().await;
        assert_eq!(alarms, Vec::<String>::new(), "in life {life}");
        sent.extend(acknowledged);
    }
    let contact = ada.shown().inbox[0].contact;
    ada.hears(contact, &(next - 1).to_string()).await;
    let shown = ada.shown();
    let numbers: Vec<u64> = shown
        .transcript(contact)
        .iter()
        .map(|(_, _, text)| text.parse().unwrap())
        .collect();
    assert!(numbers.is_sorted_by(|one, two| one < two), "{numbers:?}");
    let there: BTreeSet<u64> = numbers.into_iter().collect();
    let lost: Vec<&u64> = sent.difference(&there).collect();
    assert!(lost.is_empty(), "{lost:?} of {sent:?}");
    assert_eq!(shown.alarms, Vec::<&str>::new());
}
