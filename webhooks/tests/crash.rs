//! What was recorded reaches the receiver after any crash: every event, in order for each contact.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod scene;

use std::collections::{HashMap, HashSet};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scene::{Answer, Call, Receiver, contact};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const KILLS: usize = 20;

/// The last position of each contact that a process said was durable.
type Durable = Arc<Mutex<HashMap<u8, u64>>>;

fn start(database: &str, url: &str, contacts: &str, durable: &Durable) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_webhooks-under-test"))
        .args([database, url, contacts])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let durable = Arc::clone(durable);
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let (contact, position) = line.split_once(' ').unwrap();
            let position: u64 = position.parse().unwrap();
            let mut durable = durable.lock().unwrap();
            let last = durable.entry(contact.parse().unwrap()).or_default();
            *last = position.max(*last);
        }
    });
    child
}

/// Sometimes slow, so that processes die in the middle, and sometimes forgetful, so that an event
/// that was taken in comes once more. No event meets that twice: it would wait for minutes.
async fn receiver() -> Receiver {
    let count = AtomicUsize::new(0);
    let forgotten = Mutex::new(HashSet::new());
    let is_first = move |call: &Call| {
        let id = call.header("webhook-id").to_owned();
        forgotten.lock().unwrap().insert(id)
    };
    Receiver::start(
        move |call| match count.fetch_add(1, Ordering::SeqCst) % 500 {
            7 if is_first(call) => Answer::Reset,
            number if number % 5 == 0 => {
                std::thread::sleep(Duration::from_millis(5));
                Answer::OK
            }
            _ => Answer::OK,
        },
    )
    .await
}

/// Each event's first arrival, by contact; and an event comes again only while it is the latest.
fn check(calls: &[Call], durable: &HashMap<u8, u64>) -> bool {
    let mut seen = HashSet::new();
    let mut last: HashMap<String, u64> = HashMap::new();
    for call in calls {
        let at = last.entry(call.contact()).or_default();
        if seen.insert(call.header("webhook-id").to_owned()) {
            assert_eq!(call.position(), *at + 1, "{}", call.contact());
            *at += 1;
        } else {
            assert_eq!(call.position(), *at, "an older event came again");
        }
    }
    durable
        .iter()
        .all(|(number, position)| last.get(&contact(*number).to_string()) >= Some(position))
}

async fn arrived(receiver: &Receiver, durable: &Durable) -> usize {
    for _ in 0..600 {
        let calls = receiver.calls();
        if check(&calls, &durable.lock().unwrap()) {
            return calls.len();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let calls = receiver.calls().len();
    panic!(
        "{calls} calls, but not all of {:?}",
        durable.lock().unwrap()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_survive_twenty_kills_of_the_only_process_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("webhooks.db").display().to_string();
    let receiver = receiver().await;
    let durable = Durable::default();
    let mut process = start(&database, &receiver.url(), "1,2,3,4,5", &durable);
    for round in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(100 + (round as u64 * 37) % 200)).await;
        process.kill().await.unwrap();
        process = start(&database, &receiver.url(), "1,2,3,4,5", &durable);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    process.kill().await.unwrap();
    // It records nothing new and delivers what is left.
    let _last = start(&database, &receiver.url(), "", &durable);
    let calls = arrived(&receiver, &durable).await;
    assert!(calls > KILLS * 5, "only {calls} calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_survive_twenty_kills_of_either_of_two_processes_in_order() {
    let database = tokio::task::spawn_blocking(sottovoce_test_postgres::database);
    let database = database.await.unwrap();
    let receiver = receiver().await;
    let durable = Durable::default();
    // Both write to some of the contacts.
    let contacts = ["1,2,3", "2,3,4"];
    let mut processes = Vec::new();
    for contacts in contacts {
        processes.push(start(&database, &receiver.url(), contacts, &durable));
        // The first makes the tables and registers.
        receiver.wait_for(1).await;
    }
    for round in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(100 + (round as u64 * 37) % 200)).await;
        let which = round % 2;
        processes[which].kill().await.unwrap();
        processes[which] = start(&database, &receiver.url(), contacts[which], &durable);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for process in &mut processes {
        process.kill().await.unwrap();
    }
    let _last = start(&database, &receiver.url(), "", &durable);
    let calls = arrived(&receiver, &durable).await;
    assert!(calls > KILLS * 4, "only {calls} calls");
}
