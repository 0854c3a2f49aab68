//! Bans: who is kept away, and being let in again.

use sottovoce::wire::frame::BanPeriod;

use crate::contacts::begun;
use crate::integrator::Integrator;
use crate::scene::{Client, Person, Scene, now};

/// With which code a person is kept away, if so.
async fn refused(scene: &Scene, person: &Person) -> Option<String> {
    let client = Client::connect(scene.address, &scene.business, person).await;
    client.err()
}

#[tokio::test]
async fn a_ban_is_listed_without_its_address_and_lifted_with_it() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let empty = serde_json::json!({ "bans": [] });
    assert_eq!(integrator.get("/bans").await.good(), empty);
    let (talk, banned, _) = begun(&scene).await;
    let device = banned.device();
    let mut ada = scene.client(&scene.business.ada).await;
    let until = now().plus_seconds(3_600).millis();
    ada.ban(talk.contact, device, BanPeriod::Hour)
        .await
        .unwrap();
    let mut listed = integrator.get("/bans").await.good();
    let ends = listed["bans"][0]["until"].take().as_u64().unwrap();
    assert!((until..until + 60_000).contains(&ends), "{ends}");
    let by = scene.business.ada.device().to_string();
    let expected =
        serde_json::json!({ "device": device.to_string(), "until": null, "banned_by": by });
    assert_eq!(listed["bans"], serde_json::json!([expected]));
    // Somebody else at that address is kept away too, until the device is let in.
    let neighbour = Person::new();
    assert_eq!(refused(&scene, &neighbour).await.as_deref(), Some("banned"));

    let place = format!("/bans/{device}");
    assert_eq!(integrator.delete(&place).await.status, 204);
    assert_eq!(integrator.get("/bans").await.good(), empty);
    assert_eq!(refused(&scene, &banned).await, None);
    assert_eq!(refused(&scene, &neighbour).await, None);
    let again = integrator.delete(&place).await;
    assert_eq!(again.problem(), (404, "unknown-ban"));
    // Nothing of it was left in the database.
    let scene = scene.restarted().await;
    assert_eq!(refused(&scene, &banned).await, None);
    scene.end().await;
}

#[tokio::test]
async fn bans_want_their_own_scopes_and_are_of_one_device() {
    let scene = Scene::open().await;
    let reader = Integrator::with(&scene, &["bans:read"]).await;
    let lifter = Integrator::with(&scene, &["bans:lift"]).await;
    let (talk, banned, _) = begun(&scene).await;
    let mut ada = scene.client(&scene.business.ada).await;
    ada.ban(talk.contact, banned.device(), BanPeriod::Day)
        .await
        .unwrap();
    let place = format!("/bans/{}", banned.device());
    let missing = (403, "scope-missing");
    assert_eq!(lifter.get("/bans").await.problem(), missing);
    assert_eq!(reader.delete(&place).await.problem(), missing);
    for other in [Person::new().device().to_string(), "nobody".to_owned()] {
        let unknown = lifter.delete(&format!("/bans/{other}")).await;
        assert_eq!(unknown.problem(), (404, "unknown-ban"));
    }
    assert_eq!(refused(&scene, &banned).await.as_deref(), Some("banned"));
    let listed = reader.get("/bans").await.good();
    assert_eq!(listed["bans"].as_array().unwrap().len(), 1);
    scene.end().await;
}
