//! What a device keeps, as its host shows it.

use std::path::Path;

use crate::scene::{Business, Person, no_roots};
use sottovoce::account::Pin;
use sottovoce::client::{Event, Kind};
use sottovoce::crypto::Secret;
use sottovoce::wire::AccountId;
use sottovoce_client::{HostConfig, SecretString, StartError, StateStore, StorageKey, start};

/// Nobody listens there.
const NOWHERE: &str = "ws://127.0.0.1:9";

fn kept(path: &Path, passphrase: Option<&str>) -> StateStore {
    let key = match passphrase {
        Some(passphrase) => StorageKey::Passphrase(SecretString::from(passphrase.to_owned())),
        None => StorageKey::Plain,
    };
    with_key(path, key)
}

fn with_key(path: &Path, key: StorageKey) -> StateStore {
    let path = path.to_owned();
    StateStore::Folder { path, key }
}

async fn refusal(account: AccountId, state: StateStore) -> &'static str {
    let config = HostConfig {
        url: NOWHERE.to_owned(),
        pin: Pin::account(account),
        kind: Kind::Visitor,
        state,
        tls: no_roots(),
    };
    start(config)
        .await
        .map_err(|error: StartError| error.code())
        .unwrap_err()
}

#[tokio::test]
async fn one_process_at_a_time_uses_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let account = Business::new().account;
    let path = folder.path();
    let first = Person::start(NOWHERE, account, Kind::Visitor, kept(path, None)).await;
    assert_eq!(refusal(account, kept(path, None)).await, "state-in-use");
    let device = first.handle.device();
    first.handle.stop().await;
    let next = Person::start(NOWHERE, account, Kind::Visitor, kept(path, None)).await;
    assert_eq!(next.handle.device(), device);
}

#[tokio::test]
async fn a_device_behind_a_passphrase_comes_back_with_it_only() {
    let folder = tempfile::tempdir().unwrap();
    let account = Business::new().account;
    let state = |passphrase| kept(folder.path(), passphrase);
    let first = Person::start(NOWHERE, account, Kind::Visitor, state(Some("right"))).await;
    let device = first.handle.device();
    first.handle.stop().await;
    assert_eq!(
        refusal(account, state(Some("wrong"))).await,
        "passphrase-wrong"
    );
    assert_eq!(refusal(account, state(None)).await, "passphrase-needed");
    let next = Person::start(NOWHERE, account, Kind::Visitor, state(Some("right"))).await;
    assert_eq!(next.handle.device(), device);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said_and_tried_again() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("device");
    // A folder of this name is in the way of every new file.
    std::fs::create_dir_all(path.join("records.new")).unwrap();
    let account = Business::new().account;
    let mut visitor = Person::start(NOWHERE, account, Kind::Visitor, kept(&path, None)).await;
    let storage = |event: &Event| match event {
        Event::Storage { working } => Some(*working),
        _ => None,
    };
    assert!(!visitor.wait_for(storage).await);
    std::fs::remove_dir(path.join("records.new")).unwrap();
    assert!(visitor.wait_for(storage).await);
    let device = visitor.handle.device();
    visitor.handle.stop().await;
    let next = Person::start(NOWHERE, account, Kind::Visitor, kept(&path, None)).await;
    assert_eq!(next.handle.device(), device);
}

#[tokio::test]
async fn a_stopped_client_takes_no_commands() {
    let account = Business::new().account;
    let mut visitor = Person::start(NOWHERE, account, Kind::Visitor, StateStore::Memory).await;
    let other = visitor.handle.clone();
    visitor.handle.stop().await;
    let start = sottovoce::client::Command::Presence {
        available: true,
        capacity: None,
    };
    assert_eq!(other.command(start).await.unwrap_err().code(), "stopped");
    while visitor.events.recv().await.is_some() {}
}

#[tokio::test]
async fn a_device_without_its_storage_key_starts_afresh() {
    let folder = tempfile::tempdir().unwrap();
    let account = Business::new().account;
    let path = folder.path();
    let first = Person::start(NOWHERE, account, Kind::Visitor, kept(path, None)).await;
    let device = first.handle.device();
    first.handle.stop().await;
    std::fs::remove_file(path.join("storage-key")).unwrap();
    let second = Person::start(NOWHERE, account, Kind::Visitor, kept(path, None)).await;
    let fresh = second.handle.device();
    assert_ne!(fresh, device);
    second.handle.stop().await;
    let third = Person::start(NOWHERE, account, Kind::Visitor, kept(path, None)).await;
    assert_eq!(
        third.handle.device(),
        fresh,
        "and comes back as what it is now"
    );
}

#[tokio::test]
async fn a_device_comes_back_with_the_key_of_a_keystore_and_starts_afresh_with_another() {
    let folder = tempfile::tempdir().unwrap();
    let account = Business::new().account;
    let state = |byte| {
        let key = StorageKey::Given(Secret::new([byte; 32]));
        with_key(folder.path(), key)
    };
    let first = Person::start(NOWHERE, account, Kind::Visitor, state(1)).await;
    let device = first.handle.device();
    first.handle.stop().await;
    let needed = refusal(account, kept(folder.path(), None)).await;
    assert_eq!(needed, "storage-key-needed");
    let again = Person::start(NOWHERE, account, Kind::Visitor, state(1)).await;
    assert_eq!(again.handle.device(), device);
    again.handle.stop().await;
    let other = Person::start(NOWHERE, account, Kind::Visitor, state(2)).await;
    assert_ne!(other.handle.device(), device);
}
