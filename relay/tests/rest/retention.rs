//! What is left, and where, once entries' time is over or a contact is erased: nothing that could
//! be deciphered, in no file of the database.

use std::collections::HashSet;
use std::path::Path;

use serde_json::json;
use sottovoce::wire::codec::to_base64url;
use sottovoce::wire::{Bytes, ContactId};
use sottovoce_relay::contact::ReadEntry;
use sottovoce_test_postgres::Server;
use sqlx::Connection;

use crate::contacts::{answered, begun, path};
use crate::integrator::Integrator;
use crate::scene::client::fresh_id;
use crate::scene::{Business, Scene, now};

/// How many milliseconds a contact is made older.
const TWO_DAYS: i64 = 2 * 24 * 60 * 60 * 1000;

/// Says that entries stay for a day.
async fn keep_for_a_day(scene: &Scene, integrator: &Integrator) {
    let business = &scene.business;
    let mut policy = business.policy();
    policy.number = 2;
    policy.previous = Some(business.signed_policy().hash());
    policy.issued = now();
    policy.retention.days = 1;
    let signed = business.by_administrator(&policy).to_bytes();
    let body = json!({ "signed": to_base64url(&signed) });
    assert_eq!(integrator.post("/policies", &body).await.status, 201);
}

/// Pieces of envelopes that stand in a file as they are, wherever a page begins: of their ends,
/// ciphertext and signature, which nothing else has.
fn pieces(entries: &[Bytes]) -> Vec<Vec<u8>> {
    entries
        .iter()
        .filter(|entry| ReadEntry::read(entry).is_ok_and(|entry| !entry.is_commit()))
        .flat_map(|entry| {
            let (pieces, _) = entry[entry.len() - 320..].as_chunks::<24>();
            pieces
                .iter()
                .map(|piece| piece.to_vec())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Whether a file below a folder has one of the pieces.
fn remains(folder: &Path, pieces: &[Vec<u8>]) -> bool {
    let mut found = false;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found |= remains(&path, pieces);
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            // The first byte tells most places apart, at little cost.
            let known: HashSet<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let first: HashSet<u8> = pieces.iter().map(|piece| piece[0]).collect();
            let mut begins = [false; 256];
            for byte in first {
                begins[usize::from(byte)] = true;
            }
            found |= bytes
                .windows(24)
                .any(|window| begins[usize::from(window[0])] && known.contains(window));
        }
    }
    found
}

/// Moves a contact two days into the past, where only the database can put it.
pub(crate) async fn make_old(database: &str, contact: &ContactId) {
    const OLDER: &str =
        "UPDATE contacts SET began = began - $1, changed = changed - $1 WHERE contact = $2";
    let contact = contact.as_array().as_slice();
    if database.starts_with("postgres") {
        let mut connection = sqlx::PgConnection::connect(database).await.unwrap();
        let older = sqlx::query(OLDER).bind(TWO_DAYS).bind(contact);
        older.execute(&mut connection).await.unwrap();
    } else {
        let mut connection = sqlx::SqliteConnection::connect(database).await.unwrap();
        let older = sqlx::query(OLDER).bind(TWO_DAYS).bind(contact);
        older.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn entries_are_dropped_when_their_time_is_over_and_their_hashes_stay() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    keep_for_a_day(&scene, &integrator).await;
    let (mut old, ..) = begun(&scene).await;
    let mut ada = answered(&scene, &mut old).await;
    let entries = ada.resume(old.contact, 0).await.unwrap();
    let (young, ..) = begun(&scene).await;
    let page = format!("{}/entries", path(&old.contact));
    let before = integrator.get(&page).await.good();
    let token = integrator.token.clone();
    let files = scene.files();
    if let Some(files) = &files {
        assert!(remains(files, &pieces(&entries)), "the test sees nothing");
    }
    make_old(&scene.database, &old.contact).await;

    let scene = scene.restarted().await;
    let mut integrator = Integrator::new(&scene).await;
    integrator.token = token;
    // The relay looks for what is outdated when it starts.
    let detail = loop {
        let detail = integrator.get(&path(&old.contact)).await.good();
        if detail["expired"].is_u64() {
            break detail;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(detail["outcome"], "successful");
    assert_eq!(detail["epochs"], json!([]));
    let after = integrator.get(&page).await.good();
    for (was, is) in before["entries"]
        .as_array()
        .unwrap()
        .iter()
        .zip(after["entries"].as_array().unwrap())
    {
        assert!(was["bytes"].is_string());
        assert!(is["bytes"].is_null());
        assert_eq!(was["sha256"], is["sha256"]);
    }
    let mut ada = scene.client(&scene.business.ada).await;
    assert_eq!(ada.resume(old.contact, 0).await, Err("expired".to_owned()));
    let late = old.say(&scene.business.ada, "still there?");
    let refused = ada.append_as(fresh_id(), old.contact, late).await;
    assert_eq!(refused, Err("expired".to_owned()));
    assert_eq!(ada.resume(young.contact, 0).await.unwrap().len(), 2);
    let (_, _folder) = scene.end().await;
    if let Some(files) = &files {
        assert!(!remains(files, &pieces(&entries)), "bytes are left");
    }
}

#[tokio::test]
async fn nothing_of_an_erased_contact_is_left() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let (mut talk, ..) = begun(&scene).await;
    let mut ada = answered(&scene, &mut talk).await;
    let entries = ada.resume(talk.contact, 0).await.unwrap();
    let pieces = pieces(&entries);
    let files = scene.files();
    if let Some(files) = &files {
        assert!(remains(files, &pieces), "the test sees nothing");
    }
    integrator.delete(&path(&talk.contact)).await.good();
    // While the relay runs: in SQLite's database, its write-ahead log and that one's index.
    if let Some(files) = &files {
        assert!(!remains(files, &pieces), "bytes are left");
    }
    let gone = ada.resume(talk.contact, 0).await;
    assert_eq!(gone, Err("erased".to_owned()));
    scene.end().await;
}

#[tokio::test]
async fn nothing_of_an_erased_contact_is_left_in_postgresqls_tables_after_a_full_vacuum() {
    let server = Server::start(&[]);
    let url = server.database();
    let (name, _) = url.split_once('?').unwrap();
    let name = name.rsplit('/').next().unwrap().to_owned();
    let scene = Scene::with(Business::new(), |config| config.database = url).await;
    scene.set_up().await;
    let integrator = Integrator::new(&scene).await;
    let (mut talk, ..) = begun(&scene).await;
    let mut ada = answered(&scene, &mut talk).await;
    let entries = ada.resume(talk.contact, 0).await.unwrap();
    let pieces = pieces(&entries);
    let data = server.run(&name, "SHOW data_directory");
    let data = data.lines().find(|line| line.contains('/')).unwrap().trim();
    let oid = "SELECT oid FROM pg_database WHERE datname = current_database()";
    let oid = server.run(&name, oid);
    let oid = oid
        .lines()
        .map(str::trim)
        .find(|line| line.parse::<u32>().is_ok());
    let tables = Path::new(data).join("base").join(oid.unwrap());
    server.run(&name, "CHECKPOINT");
    assert!(remains(&tables, &pieces), "the test sees nothing");
    integrator.delete(&path(&talk.contact)).await.good();
    let gone = integrator.get(&path(&talk.contact)).await;
    assert_eq!(gone.problem(), (410, "erased"));
    server.run(&name, "VACUUM FULL");
    server.run(&name, "CHECKPOINT");
    assert!(!remains(&tables, &pieces), "bytes are left");
    scene.end().await;
}
