//! A relay whose database is a PostgreSQL of its own, whatever the other tests are on.

use std::time::Duration;

use sottovoce_relay::{Config, Relay};
use tokio::process::Command;

use crate::scene::{Business, Person, Scene, Talk};
use crate::{READY, says, write_on};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_not_ready_while_postgresql_is_away() {
    let server = sottovoce_test_postgres::Server::start(&[]);
    let database = server.database();
    let scene = Scene::with(Business::new(), |config| config.database = database).await;
    says(scene.address, READY).await;
    server.stop();
    says(
        scene.address,
        r#"{"ready":false,"code":"database-unreachable"}"#,
    )
    .await;
    // One that starts now says what is the matter.
    let config = Config::loopback(scene.database.clone(), scene.business.id);
    let Err(error) = Relay::bind(config).await else {
        panic!("started without a database");
    };
    assert_eq!(error.code(), "database-unreachable");
    assert!(!error.to_string().contains("pool"), "{error}");
    server.resume();
    says(scene.address, READY).await;
    scene.set_up().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_postgresql_is_whole_and_a_relay_starts_from_it() {
    let server = sottovoce_test_postgres::Server::start(&["fsync=off"]);
    let database = server.database();
    let scene = Scene::with(Business::new(), |config| config.database = database.clone()).await;
    scene.set_up().await;
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (talk, create) = Talk::start(&scene.business, &visitor);
    client.append(talk.contact, create).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let writer = tokio::spawn(write_on(client, talk, visitor, stop.clone()));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let dump = scene.folder.path().join("relay.dump");
    let dumped = Command::new(sottovoce_test_postgres::program("pg_dump"))
        .args(["--format=custom", "--file"])
        .arg(&dump)
        .arg(&database)
        .status()
        .await;
    assert!(dumped.unwrap().success());
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.cancel();
    let (mut talk, visitor, accepted) = writer.await.unwrap();
    let (business, folder) = scene.end().await;

    let empty = server.database();
    let restored = Command::new(sottovoce_test_postgres::program("pg_restore"))
        .args(["--exit-on-error", "--no-owner", "--dbname", &empty])
        .arg(&dump)
        .status()
        .await;
    assert!(restored.unwrap().success());
    let config = Config::loopback(empty, business.id);
    let restored = Scene::started(business, folder, config).await;
    let mut client = restored.client(&visitor).await;
    let log = client.resume(talk.contact, 0).await.unwrap();
    let kept = log.len() as u64;
    assert!(kept > 1 && kept < accepted, "{kept} of {accepted}");
    let entry = talk.say(&visitor, "after");
    assert_eq!(client.append(talk.contact, entry).await, Ok(kept + 1));
    restored.end().await;
}
