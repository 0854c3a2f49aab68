//! What is stored at which level, and who can read it.

use serde_json::json;
use sottovoce::account::Level;

use crate::scene::{Scene, has, texts_of};

const QUESTION: &str = "where is order canary-4711";
const ANSWER: &str = "canary-parcel left on Monday";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_transport_the_words_stand_in_the_vaults_database() {
    let scene = Scene::open(Level::Transport).await;
    scene.is_ready(None).await;
    let (_visitor, contact) = scene.talk(QUESTION, ANSWER).await;
    scene.stores(contact, &[QUESTION, ANSWER]).await;
    let stored = scene.vault.stored();
    for words in [QUESTION, ANSWER, "Ada"] {
        assert!(has(&stored, words), "{words}");
        assert!(!has(scene.vault.logs().as_bytes(), words), "{words}");
    }
    scene.close(contact).await;
    scene.shows(contact, "complete", json!(true)).await;
    let (_, list) = scene.ask("GET", "/contacts").await;
    assert_eq!(list["contacts"][0]["contact"], contact.to_string());
    assert_eq!(list["contacts"][0]["level"], "transport");
    let path = format!("/contacts/{contact}/transcript?format=");
    let (_, page) = scene.ask("GET", &(path.clone() + "html")).await;
    assert!(page.as_str().unwrap().contains(ANSWER), "{page}");
    let (_, text) = scene.ask("GET", &(path + "text")).await;
    assert!(
        text.as_str()
            .unwrap()
            .contains(&format!("Ada (agent): {ANSWER}")),
        "{text}"
    );
    let (_, found) = scene.ask("GET", "/search?q=Canary-PARCEL").await;
    assert_eq!(texts_of(&found["matches"][0]), [ANSWER]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_storage_nothing_that_anybody_said_or_is_called_stands_anywhere() {
    let scene = Scene::open(Level::Storage).await;
    scene.is_ready(None).await;
    let (_visitor, contact) = scene.talk(QUESTION, ANSWER).await;
    scene.stores(contact, &[QUESTION, ANSWER]).await;
    scene.close(contact).await;
    scene.shows(contact, "complete", json!(true)).await;
    let (_, found) = scene.ask("GET", "/search?q=canary-parcel").await;
    assert_eq!(texts_of(&found["matches"][0]), [ANSWER]);
    let keys = scene.keys.as_ref().unwrap();
    let stored = scene.vault.stored();
    let mine = [&stored, &scene.vault.logs().into_bytes()];
    for bytes in mine {
        for words in ["canary", "Ada", "ACME"] {
            assert!(!has(bytes, words), "{words}");
        }
    }
    // The account's own objects, with its agents' names, are the key manager's and the relay's to know.
    let others = [
        keys.stored(),
        keys.logs().into_bytes(),
        scene.relay.read("relay.db"),
        scene.relay.read("relay.db-wal"),
    ];
    for bytes in others {
        assert!(!has(&bytes, "canary"));
    }
    // What is there in clear is found this way.
    assert!(has(&stored, "shop"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transcript_needs_a_token_that_may_read_it() {
    let scene = Scene::open(Level::Transport).await;
    let (_visitor, contact) = scene.talk(QUESTION, ANSWER).await;
    scene.stores(contact, &[QUESTION, ANSWER]).await;
    let account = scene.business.account;
    let path = format!("/v1/accounts/{account}/contacts/{contact}/transcript");
    let other = sottovoce_server::bearer::fresh().unwrap();
    for (token, code) in [("", "token-unknown"), (other.as_str(), "token-unknown")] {
        let (status, body) = scene.vault.ask("GET", &path, token).await;
        assert_eq!(status, 401);
        assert!(body.contains(code), "{body}");
        assert!(!body.contains("canary"), "{body}");
    }
    let foreign = format!("/v1/accounts/{}/contacts", "A".repeat(43));
    let (status, body) = scene.vault.ask("GET", &foreign, &scene.token).await;
    assert_eq!(status, 404);
    assert!(body.contains("unknown-account"), "{body}");
    let (status, body) = scene.ask("GET", "/contacts/AAAAAAAAAAAAAAAAAAAAAA").await;
    assert_eq!(
        (status, body["code"].as_str()),
        (404, Some("unknown-contact"))
    );
    let (status, description) = scene.vault.ask("GET", "/v1/openapi.json", "").await;
    assert_eq!(status, 200);
    for operation in [
        "list_contacts",
        "read_transcript",
        "search",
        "erase_contact",
    ] {
        assert!(description.contains(operation), "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_contact_leaves_no_words_and_does_not_come_back() {
    for level in [Level::Transport, Level::Storage] {
        let mut scene = Scene::open(level).await;
        let (_visitor, contact) = scene.talk(QUESTION, ANSWER).await;
        let (_other, kept) = scene
            .talk("canary-kept question", "canary-kept answer")
            .await;
        scene.stores(contact, &[QUESTION, ANSWER]).await;
        scene
            .stores(kept, &["canary-kept question", "canary-kept answer"])
            .await;
        let (status, body) = scene.ask("DELETE", &format!("/contacts/{contact}")).await;
        assert_eq!((status, body["key"].as_str()), (200, Some("erased")));
        let gone = async |scene: &Scene| {
            let path = format!("/contacts/{contact}/transcript");
            let (status, body) = scene.ask("GET", &path).await;
            assert_eq!((status, body["code"].as_str()), (410, Some("erased")));
            let stored = scene.vault.stored();
            assert!(!has(&stored, QUESTION) && !has(&stored, ANSWER));
        };
        gone(&scene).await;
        // The relay still has the contact, and the vault is on its roster.
        sottovoce_system_tests::Person::say(&scene.ada, contact, "canary-later").await;
        scene.vault.kill().await;
        // Nor does it come back with a database from before.
        if level == Level::Transport {
            scene.vault.lose().await;
        }
        scene.vault.restart().await;
        scene
            .stores(kept, &["canary-kept question", "canary-kept answer"])
            .await;
        gone(&scene).await;
        assert!(!has(&scene.vault.stored(), "canary-later"));
        if level == Level::Storage {
            use sottovoce::archive::{ContactState, Grant, Operation};
            let state = scene.administer_keys(Operation::Status { contact }).await;
            let erased = ContactState::Erased;
            assert!(matches!(state, Ok(Grant::Status { state, .. }) if state == erased));
        }
    }
}
