//! A relay whose database is a file, whatever the other tests are on.

use std::path::PathBuf;
use std::time::Duration;

use sottovoce_relay::{BackupError, Config, back_up};

use crate::scene::{Business, Person, Scene, Talk};
use crate::{READY, get, says, write_on};

#[tokio::test]
async fn a_relay_whose_file_is_gone_is_not_ready_until_it_is_back() {
    let scene = Scene::on_sqlite(Business::new(), tempfile::tempdir().unwrap()).await;
    says(scene.address, READY).await;
    let database = PathBuf::from(&scene.database);
    let elsewhere = scene.folder.path().join("elsewhere.db");
    std::fs::rename(&database, &elsewhere).unwrap();
    says(scene.address, r#"{"ready":false,"code":"database-gone"}"#).await;
    assert!(
        get(scene.address, "/readyz")
            .await
            .starts_with("HTTP/1.1 503")
    );
    assert!(
        get(scene.address, "/healthz")
            .await
            .starts_with("HTTP/1.1 200")
    );
    std::fs::rename(&elsewhere, &database).unwrap();
    says(scene.address, READY).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_sqlite_made_under_traffic_is_whole_and_a_relay_starts_from_it() {
    let scene = Scene::on_sqlite(Business::new(), tempfile::tempdir().unwrap()).await;
    scene.set_up().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let mut writers = Vec::new();
    for _ in 0..4 {
        let visitor = Person::new();
        let mut client = scene.client(&visitor).await;
        let (talk, create) = Talk::start(&scene.business, &visitor);
        client.append(talk.contact, create).await.unwrap();
        writers.push(tokio::spawn(write_on(client, talk, visitor, stop.clone())));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let copy = scene.folder.path().join("copy.db");
    back_up(&scene.database, &copy).await.unwrap();
    let again = back_up(&scene.database, &copy).await;
    assert!(matches!(again, Err(BackupError::Exists { .. })));
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.cancel();
    let mut written = Vec::new();
    for writer in writers {
        written.push(writer.await.unwrap());
    }
    let (business, folder) = scene.end().await;

    let config = Config::loopback(copy.display().to_string(), business.id);
    let restored = Scene::started(business, folder, config).await;
    for (mut talk, visitor, accepted) in written {
        let mut client = restored.client(&visitor).await;
        let log = client.resume(talk.contact, 0).await.unwrap();
        let kept = log.len() as u64;
        assert!(kept > 1 && kept < accepted, "{kept} of {accepted}");
        // It goes on where the copy ends.
        let entry = talk.say(&visitor, "after");
        assert_eq!(client.append(talk.contact, entry).await, Ok(kept + 1));
    }
    restored.end().await;
}

#[tokio::test]
async fn a_copy_of_what_is_no_sqlite_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy.db");
    let missing = folder.path().join("missing.db").display().to_string();
    let code = |outcome: Result<(), BackupError>| outcome.unwrap_err().code();
    assert_eq!(code(back_up(&missing, &to).await), "database-unusable");
    let other = back_up("postgres://localhost/relay", &to).await;
    assert_eq!(code(other), "database-unsupported");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
