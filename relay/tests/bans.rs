//! Visitors who are kept away: by whom, how, and for how long.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use scene::{Business, Client, Person, Scene, Talk};
use sottovoce::wire::frame::BanPeriod;
use sottovoce_relay::Proxies;

/// A visitor with a contact.
async fn visitor(scene: &Scene) -> (Person, Client, Talk) {
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (talk, create) = Talk::start(&scene.business, &visitor);
    client.append(talk.contact, create).await.unwrap();
    (visitor, client, talk)
}

async fn refused(scene: &Scene, person: &Person) -> Option<String> {
    Client::connect(scene.address, &scene.business, person)
        .await
        .err()
}

#[tokio::test]
async fn an_agent_keeps_a_visitor_away_by_device_and_by_address() {
    let scene = Scene::open().await;
    let (banned, mut client, talk) = visitor(&scene).await;
    let mut ada = scene.client(&scene.business.ada).await;
    let device = banned.device();
    assert_eq!(ada.ban(talk.contact, device, BanPeriod::Hour).await, Ok(()));
    // Whoever is here is cut at once.
    assert_eq!(client.goodbye().await, "banned");
    assert_eq!(refused(&scene, &banned).await, Some("banned".to_owned()));
    // Another device from the same address is kept away; staff there are not.
    assert_eq!(
        refused(&scene, &Person::new()).await,
        Some("banned".to_owned())
    );
    assert_eq!(refused(&scene, &scene.business.ben).await, None);

    // It is stored.
    let again = scene.restarted().await;
    assert_eq!(refused(&again, &banned).await, Some("banned".to_owned()));
    again.end().await;
}

#[tokio::test]
async fn only_staff_who_may_read_a_contact_ban_and_only_its_visitor() {
    let scene = Scene::open().await;
    let (banned, mut client, talk) = visitor(&scene).await;
    let (other, _, _) = visitor(&scene).await;
    let device = banned.device();
    let day = BanPeriod::Day;
    let no = |code: &str| Err(code.to_owned());
    let by_visitor = client.ban(talk.contact, device, day).await;
    assert_eq!(by_visitor, no("not-allowed"));
    let mut ada = scene.client(&scene.business.ada).await;
    let elsewhere = ada.ban(talk.contact, other.device(), day).await;
    assert_eq!(elsewhere, no("not-on-roster"));
    let unknown = Talk::start(&scene.business, &other).0.contact;
    assert_eq!(ada.ban(unknown, device, day).await, no("unknown-contact"));
    // Cleo is of another team.
    let mut cleo = scene.client(&scene.business.cleo).await;
    assert_eq!(
        cleo.ban(talk.contact, device, day).await,
        no("unknown-contact")
    );
    let step = talk.claim(&scene.business, &scene.business.ada);
    ada.append(talk.contact, step.entry.clone()).await.unwrap();
    let staff = ada
        .ban(talk.contact, scene.business.ada.device(), day)
        .await;
    assert_eq!(staff, no("not-allowed"));
    assert_eq!(refused(&scene, &banned).await, None);
    scene.end().await;
}

#[tokio::test]
async fn a_header_counts_from_a_trusted_proxy_only() {
    // The test's connections come from 127.0.0.1: first as anybody, then as the proxy.
    for (trusted, expected) in [(Vec::new(), Some("banned")), (vec!["127.0.0.0/8"], None)] {
        let scene = Scene::with(Business::new(), |config| {
            config.proxies = Proxies {
                trusted: trusted.iter().map(|net| net.parse().unwrap()).collect(),
                ..Proxies::default()
            };
        })
        .await;
        scene.set_up().await;
        let banned = Person::new();
        let business = &scene.business;
        let mut client = Client::connect_from(scene.address, business, &banned, "192.0.2.1")
            .await
            .unwrap();
        let (talk, create) = Talk::start(business, &banned);
        client.append(talk.contact, create).await.unwrap();
        let mut ada = scene.client(&business.ada).await;
        ada.ban(talk.contact, banned.device(), BanPeriod::Week)
            .await
            .unwrap();
        let address = scene.address;
        let stranger = Person::new();
        let same = Client::connect_from(address, business, &stranger, "192.0.2.1").await;
        let same = same.err();
        assert_eq!(same.as_deref(), Some("banned"));
        let other = Client::connect_from(address, business, &stranger, "192.0.2.2").await;
        let other = other.err();
        assert_eq!(other.as_deref(), expected);
        scene.end().await;
    }
}
