//! A database in a file that was set back to an old copy: what ended since then has ended still.

use std::path::Path;

use sottovoce_relay::back_up;

use crate::contacts::{begun, path};
use crate::integrator::Integrator;
use crate::scene::{Business, Scene};

/// Puts a copy in the place of the database.
fn set_back(folder: &Path, copy: &Path) {
    for left in ["relay.db-wal", "relay.db-shm"] {
        let _ = std::fs::remove_file(folder.join(left));
    }
    std::fs::copy(copy, folder.join("relay.db")).unwrap();
}

#[tokio::test]
async fn a_restored_database_brings_back_neither_an_erased_contact_nor_a_revoked_token() {
    let scene = Scene::on_sqlite(Business::new(), tempfile::tempdir().unwrap()).await;
    let copies = tempfile::tempdir().unwrap();
    let before = copies.path().join("before.db");
    let empty = copies.path().join("empty.db");
    back_up(&scene.database, &empty).await.unwrap();
    scene.set_up().await;
    let keeper = Integrator::new(&scene).await;
    let leaver = Integrator::with(&scene, &["contacts:read"]).await;
    let (talk, ..) = begun(&scene).await;
    let (other, ..) = begun(&scene).await;
    back_up(&scene.database, &before).await.unwrap();
    let tokens = keeper.get("/tokens").await.good();
    let leaving = tokens["tokens"].as_array().unwrap().iter();
    let leaving = leaving
        .filter(|token| token["scopes"].as_array().unwrap().len() == 1)
        .map(|token| token["id"].as_str().unwrap().to_owned())
        .next()
        .unwrap();
    let place = format!("/tokens/{leaving}");
    assert_eq!(keeper.delete(&place).await.status, 204);
    let erased = keeper.delete(&path(&talk.contact)).await.good();

    let (business, folder) = scene.end().await;
    set_back(folder.path(), &before);
    let scene = Scene::on_sqlite(business, folder).await;
    let keeper = keeper.at(&scene);
    let refused = leaver.at(&scene).get("/contacts").await;
    assert_eq!(refused.problem(), (401, "token-revoked"));
    let gone = keeper.get(&path(&talk.contact)).await;
    assert_eq!(gone.problem(), (410, "erased"));
    assert_eq!(keeper.delete(&path(&talk.contact)).await.good(), erased);
    assert_eq!(keeper.get(&path(&other.contact)).await.status, 200);

    // In a copy that is older than the contact, its tombstone stands all the same.
    let (business, folder) = scene.end().await;
    set_back(folder.path(), &empty);
    let scene = Scene::on_sqlite(business, folder).await;
    scene.set_up().await;
    let keeper = Integrator::new(&scene).await;
    let gone = keeper.get(&path(&talk.contact)).await;
    assert_eq!(gone.problem(), (410, "erased"));
    scene.end().await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_what_a_relay_keeps() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::on_sqlite(Business::new(), tempfile::tempdir().unwrap()).await;
    scene.set_up().await;
    let folder = scene.folder.path().to_owned();
    let copy = folder.join("copy.db");
    back_up(&scene.database, &copy).await.unwrap();
    let mode = |name: &str| {
        let known = std::fs::metadata(folder.join(name)).unwrap();
        known.permissions().mode() & 0o777
    };
    for name in ["relay.db", "relay.db-wal", "relay.db-endings", "copy.db"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    // One that others could read is closed to them; its group was chosen by somebody.
    let (business, folder) = scene.end().await;
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.path().join("relay.db"), open).unwrap();
    let scene = Scene::on_sqlite(business, folder).await;
    assert_eq!(mode("relay.db"), 0o640);
    scene.end().await;
}
