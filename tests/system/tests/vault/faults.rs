//! What people see when something fails: contacts go on, nothing is stored in clear, nothing is lost.

use serde_json::json;
use sottovoce::account::Level;
use sottovoce::archive::{Operation, Outcome};
use sottovoce_client::key_manager::KeyManagerError;
use sottovoce_system_tests::service::STORE;

use crate::scene::{Scene, has, says};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_that_was_away_catches_up_with_open_and_closed_contacts() {
    let mut scene = Scene::open(Level::Storage).await;
    scene.is_ready(None).await;
    let (first, open) = scene.talk("first question", "first answer").await;
    scene
        .stores(open, &["first question", "first answer"])
        .await;
    scene.vault.kill().await;
    says(&first, open, "still there?").await;
    says(&scene.ada, open, "always").await;
    let (_second, closed) = scene.talk("second question", "second answer").await;
    scene.close(closed).await;
    scene.vault.restart().await;
    let all = ["first question", "first answer", "still there?", "always"];
    scene.stores(open, &all).await;
    scene
        .stores(closed, &["second question", "second answer"])
        .await;
    scene.shows(closed, "complete", json!(true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    for level in [Level::Transport, Level::Storage] {
        let mut scene = Scene::open(level).await;
        let (visitor, contact) = scene.talk("0", "answer").await;
        let mut expected = vec!["0".to_owned(), "answer".to_owned()];
        for round in 0..5 {
            for number in 0..20 {
                let words = format!("{round} {number}");
                says(&visitor, contact, &words).await;
                expected.push(words);
            }
            scene.vault.kill().await;
            scene.vault.restart().await;
        }
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        scene.stores(contact, &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_key_manager_the_vault_stores_nothing_and_catches_up_later() {
    let mut scene = Scene::open(Level::Storage).await;
    scene.is_ready(None).await;
    scene.keys.as_mut().unwrap().kill().await;
    let (visitor, contact) = scene.talk("canary-question", "canary-answer").await;
    // People go on; the vault says what it waits for.
    scene.is_ready(Some("key-manager-unavailable")).await;
    scene
        .shows(contact, "waits_for", json!("key-manager-unavailable"))
        .await;
    scene.shows(contact, "stored_to", json!(0)).await;
    let (_, status) = scene.ask("GET", "/status").await;
    assert_eq!(status["keys"], "key-manager-unavailable");
    assert_eq!(status["waiting"][0]["contacts"], 1);
    for text in 0..300 {
        says(&visitor, contact, &format!("canary-{text}")).await;
    }
    assert!(!has(&scene.vault.stored(), "canary"));
    scene.keys.as_mut().unwrap().restart().await;
    let path = format!("/contacts/{contact}/transcript");
    scene
        .until("all", async || scene.texts(contact).await.len() == 302)
        .await;
    let (_, transcript) = scene.ask("GET", &path).await;
    assert!(transcript.get("waits_for").is_none());
    assert!(!has(&scene.vault.stored(), "canary"));
    scene.is_ready(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_the_key_manager_misses_is_done_when_it_is_back() {
    let mut scene = Scene::open(Level::Storage).await;
    let (_visitor, contact) = scene.talk("question", "answer").await;
    scene.stores(contact, &["question", "answer"]).await;
    scene.keys.as_mut().unwrap().kill().await;
    let (status, body) = scene.ask("DELETE", &format!("/contacts/{contact}")).await;
    assert_eq!((status, body["key"].as_str()), (202, Some("pending")));
    scene.keys.as_mut().unwrap().restart().await;
    scene
        .until("the erasure", async || {
            let key = scene.administer_keys(Operation::Revoke { contact }).await;
            matches!(
                key,
                Err(KeyManagerError::NotGranted {
                    outcome: Outcome::Erased,
                    ..
                })
            )
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_whose_keys_are_erased_mid_chat_is_gone_and_others_go_on() {
    let scene = Scene::with(Level::Storage, "keys = { life = 1 }", |_, url| url).await;
    let (visitor, contact) = scene.talk("canary-question", "canary-answer").await;
    let (_other, kept) = scene.talk("kept question", "kept answer").await;
    scene
        .stores(contact, &["canary-question", "canary-answer"])
        .await;
    scene
        .administer_keys(Operation::Erase { contact })
        .await
        .unwrap();
    says(&visitor, contact, "canary-later").await;
    // Visitor and agent go on: their keys are their own.
    scene.ada.hears(contact, "canary-later").await;
    scene.cannot_read(contact, 410, "erased").await;
    scene.stores(kept, &["kept question", "kept answer"]).await;
    assert!(!has(&scene.vault.stored(), "canary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_whose_keys_are_revoked_mid_chat_waits_and_cannot_be_read() {
    let scene = Scene::with(Level::Storage, "keys = { life = 1 }", |_, url| url).await;
    let (visitor, contact) = scene.talk("question", "answer").await;
    scene.stores(contact, &["question", "answer"]).await;
    scene
        .administer_keys(Operation::Revoke { contact })
        .await
        .unwrap();
    scene.cannot_read(contact, 503, "key-revoked").await;
    says(&visitor, contact, "canary-later").await;
    scene.ada.hears(contact, "canary-later").await;
    scene
        .shows(contact, "waits_for", json!("key-revoked"))
        .await;
    let (_, found) = scene.ask("GET", "/search?q=question").await;
    assert_eq!(found["unreadable"], 1);
    assert!(!has(&scene.vault.stored(), "canary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_manager_with_an_older_database_makes_no_second_key_for_a_contact() {
    let mut scene = Scene::with(Level::Storage, "keys = { life = 1 }", |_, url| url).await;
    let (visitor, contact) = scene.talk("question", "answer").await;
    scene.stores(contact, &["question", "answer"]).await;
    let keys = scene.keys.as_mut().unwrap();
    keys.kill().await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(keys.folder().join(format!("{STORE}{suffix}")));
    }
    keys.restart().await;
    // Data without keys.
    scene.cannot_read(contact, 503, "key-lost").await;
    says(&visitor, contact, "canary-later").await;
    scene.shows(contact, "waits_for", json!("key-lost")).await;
    // Other contacts go on, under new keys.
    let (_other, new) = scene.talk("new question", "new answer").await;
    scene.stores(new, &["new question", "new answer"]).await;
    assert!(!has(&scene.vault.stored(), "canary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_without_data_read_the_contacts_again_from_the_relay() {
    let mut scene = Scene::open(Level::Storage).await;
    let (_visitor, contact) = scene.talk("question", "answer").await;
    scene.stores(contact, &["question", "answer"]).await;
    scene.vault.kill().await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(scene.vault.folder().join(format!("{STORE}{suffix}")));
    }
    scene.vault.restart().await;
    // The relay has it still, so it is whole again.
    scene.stores(contact, &["question", "answer"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_were_swapped_or_put_in_clear_are_not_taken_for_what_they_were() {
    let mut scene = Scene::open(Level::Storage).await;
    let (_first, one) = scene.talk("one question", "one answer").await;
    let (_second, two) = scene.talk("two question", "two answer").await;
    scene.stores(one, &["one question", "one answer"]).await;
    scene.stores(two, &["two question", "two answer"]).await;
    scene.close(one).await;
    scene.close(two).await;
    scene.shows(one, "complete", json!(true)).await;
    scene.shows(two, "complete", json!(true)).await;
    scene.vault.kill().await;
    let database = scene.vault.folder().join(STORE);
    let statements = format!(
        "UPDATE records SET (nonce, body) = (SELECT nonce, body FROM records r WHERE r.contact = x'{0}'
             AND r.position = records.position) WHERE contact = x'{1}';
         UPDATE records SET nonce = NULL, body = x'7b7d' WHERE contact = x'{0}' AND position = 2;",
        hex(one.as_array()),
        hex(two.as_array()),
    );
    sottovoce_system_tests::service::change(&database, &statements).await;
    scene.vault.restart().await;
    for contact in [one, two] {
        let path = format!("/contacts/{contact}/transcript");
        let (status, body) = scene.ask("GET", &path).await;
        assert_eq!(
            (status, body["code"].as_str()),
            (500, Some("record-damaged"))
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
