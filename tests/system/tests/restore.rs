//! A relay that was set back to an old copy of its database: who was further notices, and the
//! others go on.
#![allow(clippy::unwrap_used)]

use sottovoce::wire::{ContactId, Suite};
use sottovoce_system_tests::{Business, Person, RelayProcess, Shown, TEAM};

const RELAY: &str = env!("CARGO_BIN_EXE_relay-process");

/// Waits until somebody's own words are at the relay.
async fn sent(person: &Person, words: &str) {
    let acknowledged = |shown: &Shown| shown.acknowledged.contains(words).then_some(());
    person.until(words, acknowledged).await;
}

async fn says(person: &Person, contact: ContactId, words: &str) {
    person.say(contact, words).await;
    sent(person, words).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_further_than_a_restored_relay_notices_and_others_go_on() {
    let business = Business::new(Suite::X25519);
    let mut relay = RelayProcess::start(RELAY, business.account).await;
    let url = relay.url();
    let mut session = business.administer(&url).await;
    business.publish(&mut session).await;
    let ada = Person::agent(&url, business.account, "Ada", None).await;
    business.approve(&mut session, &ada, "Ada", TEAM).await;
    drop(session);
    let ahead = Person::visitor(&url, business.account, None).await;
    let quiet = Person::visitor(&url, business.account, None).await;
    let changed = ahead.begin(None).await;
    let unchanged = quiet.begin(None).await;
    says(&ahead, changed, "before").await;
    says(&quiet, unchanged, "before").await;

    let copy = tempfile::tempdir().unwrap();
    let copy = copy.path().join("copy.db");
    let database = relay.database();
    let from = database.display().to_string();
    sottovoce_relay::back_up(&from, &copy).await.unwrap();
    says(&ahead, changed, "after the copy").await;

    relay.kill().await;
    for left in ["-wal", "-shm"] {
        let mut name = database.clone().into_os_string();
        name.push(left);
        let _ = std::fs::remove_file(name);
    }
    std::fs::copy(&copy, &database).unwrap();
    relay.restart().await;

    let alarmed = |shown: &Shown| shown.alarms.contains(&"log-truncated").then_some(());
    ahead.until("an alarm", alarmed).await;
    // Nothing goes out to a relay that hides what was said; nothing is lost from the screen either.
    ahead.say(changed, "into the void").await;
    let shown = ahead.shown();
    assert!(
        shown
            .transcript(changed)
            .iter()
            .any(|(_, _, words)| words == "after the copy")
    );
    says(&quiet, unchanged, "as if nothing had happened").await;
    assert!(!quiet.shown().alarms.contains(&"log-truncated"));
    // And new contacts begin.
    let anew = Person::visitor(&url, business.account, None).await;
    let contact = anew.begin(None).await;
    says(&anew, contact, "anew").await;
    ada.opens(contact).await;
    ada.hears(contact, "anew").await;
    assert!(!ahead.shown().acknowledged.contains("into the void"));
    relay.kill().await;
}
