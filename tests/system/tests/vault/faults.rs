//! What people see when something fails: contacts go on, nothing is stored in clear, nothing is lost.

use serde_json::json;
use sottovoce::account::Level;
use sottovoce::archive::{Operation, Outcome};
use sottovoce::wire::{ContactId, Suite};
use sottovoce_client::key_manager::KeyManagerError;
use sottovoce_system_tests::line::{Line, Mode};
use sottovoce_system_tests::service::{Database, key_manager_config};
use sottovoce_system_tests::{Business, Person, ServiceProcess};

use crate::scene::{KEYS, Scene, has, says};

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
    keys.lose().await;
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
    scene.vault.lose().await;
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
    let database = scene.vault.database();
    let statements = format!(
        "UPDATE records SET (nonce, body) = (SELECT nonce, body FROM records r WHERE r.contact = {0}
             AND r.position = records.position) WHERE contact = {1};
         UPDATE records SET nonce = NULL, body = {2} WHERE contact = {0} AND position = 2;",
        database.literal(one.as_array()),
        database.literal(two.as_array()),
        database.literal(b"{}"),
    );
    database.change(&statements).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_has_destroyed_its_keys_takes_nothing_from_what_is_stored() {
    let business = Business::new(Suite::X25519).at_level(Level::Transport);
    let business = business.with_device_history(0);
    let mut scene = Scene::of(business, Level::Transport, "", |_, url| url).await;
    let (_visitor, contact) = scene.talk("question", "answer").await;
    scene.stores(contact, &["question", "answer"]).await;
    scene.close(contact).await;
    scene.shows(contact, "complete", json!(true)).await;
    scene.vault.kill().await;
    // As if it had been killed between the close and the note that all is stored.
    let statement = "UPDATE contacts SET complete = 0, closed = NULL";
    scene.vault.database().change(statement).await;
    scene.vault.restart().await;
    scene.shows(contact, "complete", json!(true)).await;
    scene.stores(contact, &["question", "answer"]).await;
}

/// Waits for a contact to be held back for a reason, while people go on, and checks that nothing of it is
/// stored.
async fn waits(scene: &Scene, code: &str) -> (Person, ContactId) {
    let (visitor, contact) = scene.talk("canary-question", "canary-answer").await;
    scene.shows(contact, "waits_for", json!(code)).await;
    scene.shows(contact, "stored_to", json!(0)).await;
    assert!(!has(&scene.vault.stored(), "canary"));
    (visitor, contact)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_manager_that_is_slow_or_repeats_itself_holds_nobody_up() {
    let line = Line::default();
    let there = line.clone();
    let extra = "keys = { patience = 1, life = 1 }";
    let scene = Scene::with(Level::Storage, extra, |keys, _| there.to(keys.address())).await;
    scene.is_ready(None).await;
    line.set(Mode::Silent);
    let (_visitor, slow) = waits(&scene, "key-manager-unavailable").await;
    scene.is_ready(Some("key-manager-unavailable")).await;
    line.set(Mode::Through);
    scene
        .stores(slow, &["canary-question", "canary-answer"])
        .await;
    // Answers to other requests are no answers.
    line.set(Mode::Repeating);
    let (_visitor, repeated) = waits(&scene, "not-the-key-manager").await;
    line.set(Mode::Through);
    scene
        .stores(repeated, &["canary-question", "canary-answer"])
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_manager_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let account = Business::new(Suite::X25519).account;
    let database = Database::new(folder.path());
    let (config, _) = key_manager_config(folder.path(), account, &database);
    let other = ServiceProcess::start(KEYS, folder, database, &config).await;
    let scene = Scene::with(Level::Storage, "", |_, _| other.url()).await;
    other.configure(|config| {
        config.replace(&account.to_string(), &scene.business.account.to_string())
    });
    let mut other = other;
    other.kill().await;
    other.restart().await;
    waits(&scene, "not-the-key-manager").await;
    scene.is_ready(Some("not-the-key-manager")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_than_before_stores_nothing() {
    let mut scene = Scene::with(Level::Storage, "keys = { life = 1 }", |_, url| url).await;
    let (visitor, contact) = scene.talk("question", "answer").await;
    scene.stores(contact, &["question", "answer"]).await;
    let stored = scene.ask("GET", &format!("/contacts/{contact}")).await.1["stored_to"].clone();
    let keys = scene.keys.as_mut().unwrap();
    keys.kill().await;
    keys.lose().await;
    keys.restart().await;
    // Somebody has another secret made for the contact.
    scene
        .administer_keys(Operation::Issue { contact })
        .await
        .unwrap();
    scene.cannot_read(contact, 503, "wrong-key").await;
    says(&visitor, contact, "canary-later").await;
    scene.shows(contact, "waits_for", json!("wrong-key")).await;
    scene.shows(contact, "stored_to", stored).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_manager_that_denies_is_asked_again() {
    let mut scene = Scene::open(Level::Storage).await;
    let keys = scene.keys.as_mut().unwrap();
    let rules = keys.folder().join("rules.toml");
    std::fs::write(&rules, "[data-key]\nroles = []\nper-minute = 600\n").unwrap();
    keys.configure(|config| format!("rules = {rules:?}\n{config}"));
    keys.kill().await;
    keys.restart().await;
    let (_visitor, contact) = waits(&scene, "key-denied").await;
    std::fs::write(&rules, "").unwrap();
    let keys = scene.keys.as_mut().unwrap();
    keys.kill().await;
    keys.restart().await;
    scene
        .stores(contact, &["canary-question", "canary-answer"])
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_manager_without_a_trusted_certificate_is_not_asked() {
    let mut scene = Scene::with(Level::Storage, "", |_, url| url.replace("http:", "https:")).await;
    let keys = scene.keys.as_mut().unwrap();
    let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = keys.folder().join("tls.crt");
    let key = keys.folder().join("tls.key");
    std::fs::write(&certificate, signed.cert.pem()).unwrap();
    std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    keys.configure(|config| {
        format!("{config}\n[listen]\ncertificate = {certificate:?}\nkey = {key:?}\n")
    });
    keys.kill().await;
    keys.restart().await;
    let (_visitor, contact) = waits(&scene, "key-manager-unavailable").await;
    assert!(
        scene.vault.logs().contains("certificate is refused"),
        "{}",
        scene.vault.logs()
    );
    // Once it is trusted, everything is stored.
    scene.vault.kill().await;
    scene
        .vault
        .configure(|config| format!("trust = {certificate:?}\n{config}"));
    scene.vault.restart().await;
    scene
        .stores(contact, &["canary-question", "canary-answer"])
        .await;
}
