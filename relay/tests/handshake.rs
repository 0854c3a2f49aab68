//! The handshake: who is let in, and who is told what instead.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use scene::client::claim;
use scene::{Business, Client, Person, Scene, now, refused};
use sottovoce::account::Revocation;
use sottovoce::crypto::sign::{PublicKey, Signature};
use sottovoce::wire::frame::{Authentication, ClientFrame, Nonce, ObjectKind, Query, RelayFrame};
use sottovoce::wire::{Bytes, Signed, SignedBy, encode};

/// Authenticates with a proof that was changed before it was signed.
async fn with(scene: &Scene, change: impl FnOnce(&mut Authentication)) -> Result<(), String> {
    let person = Person::new();
    let (client, nonce) = Client::dial(scene.address, &scene.business.id.to_string()).await;
    let mut claim = claim(scene.address, &scene.business, person.device(), nonce?);
    change(&mut claim);
    let proof = Signed::sign(&claim, &[&person.key]);
    client.authenticate(&proof).await.map(|_| ())
}

#[tokio::test]
async fn a_proof_for_anything_else_is_refused() {
    let scene = Scene::open().await;
    assert_eq!(with(&scene, |_| {}).await, Ok(()));
    let other_host = with(&scene, |claim| claim.host = "relay.example".to_owned()).await;
    assert_eq!(other_host, refused("wrong-host"));
    let other_port = with(&scene, |claim| claim.host = "127.0.0.1:1".to_owned()).await;
    assert_eq!(other_port, refused("wrong-host"));
    let other_nonce = with(&scene, |claim| claim.relay_nonce = Nonce::new([0; 32])).await;
    assert_eq!(other_nonce, refused("wrong-nonce"));
    let other_account = with(&scene, |claim| claim.account = Business::new().id).await;
    assert_eq!(other_account, refused("foreign-account"));
    let other_device = with(&scene, |claim| claim.device = Person::new().device()).await;
    assert_eq!(other_device, refused("not-signed"));
    scene.end().await;
}

#[tokio::test]
async fn a_clock_may_be_ten_minutes_off_and_no_more() {
    const MINUTE: i64 = 60_000;
    let scene = Scene::open().await;
    for (minutes, expected) in [
        (-9, Ok(())),
        (9, Ok(())),
        (-11, refused("time-off")),
        (11, refused("time-off")),
    ] {
        let shifted = now().millis().checked_add_signed(minutes * MINUTE).unwrap();
        let outcome = with(&scene, |claim| {
            claim.time = sottovoce::wire::Time::from_millis(shifted);
        });
        assert_eq!(outcome.await, expected, "{minutes} minutes");
    }
    scene.end().await;
}

#[tokio::test]
async fn a_device_that_has_not_proved_itself_cannot_send_much() {
    let scene = Scene::open().await;
    let dial = async || {
        let (client, nonce) = Client::dial(scene.address, &scene.business.id.to_string()).await;
        assert!(nonce.is_ok());
        client
    };
    let proof = |length: usize| {
        let proof = vec![0; length].into();
        encode(&ClientFrame::Authenticate { proof })
    };
    let mut short = dial().await;
    short.send_raw(proof(3000)).await;
    assert_eq!(short.goodbye().await, "malformed");
    let mut long = dial().await;
    long.send_raw(proof(5000)).await;
    assert_eq!(long.goodbye().await, "too-large");
    // Who is let in may send more.
    let mut client = scene.client(&Person::new()).await;
    client.send_raw(vec![0; 5000]).await;
    assert_ne!(client.goodbye().await, "too-large");
    scene.end().await;
}

#[tokio::test]
async fn a_proof_is_good_for_one_connection() {
    let scene = Scene::open().await;
    let person = Person::new();
    let account = scene.business.id.to_string();
    let (client, nonce) = Client::dial(scene.address, &account).await;
    let claim = claim(
        scene.address,
        &scene.business,
        person.device(),
        nonce.unwrap(),
    );
    let proof = Signed::sign(&claim, &[&person.key]);
    assert!(client.authenticate(&proof).await.is_ok());
    let (client, _) = Client::dial(scene.address, &account).await;
    let replayed = client.authenticate(&proof).await.map(|_| ());
    assert_eq!(replayed, refused("wrong-nonce"));
    scene.end().await;
}

#[tokio::test]
async fn a_weak_key_is_refused() {
    let scene = Scene::open().await;
    let (client, nonce) = Client::dial(scene.address, &scene.business.id.to_string()).await;
    // The neutral element: every signature of a certain form would verify under it.
    let mut weak = [0; 32];
    weak[0] = 1;
    let weak = PublicKey::new(weak);
    let claim = claim(scene.address, &scene.business, weak, nonce.unwrap());
    let signature = SignedBy {
        signer: weak,
        signature: Signature::new([0; 64]),
    };
    let bytes = encode(&(Bytes::from(encode(&claim)), vec![signature]));
    let proof = Signed::from_bytes(&bytes).unwrap();
    let outcome = client.authenticate(&proof).await.map(|_| ());
    assert_eq!(outcome, refused("weak-key"));
    scene.end().await;
}

#[tokio::test]
async fn only_listed_accounts_are_served() {
    let scene = Scene::open().await;
    for account in [Business::new().id.to_string(), "nonsense".to_owned()] {
        let (_, nonce) = Client::dial(scene.address, &account).await;
        assert_eq!(nonce, Err("unknown-account".to_owned()));
    }
    scene.end().await;
}

#[tokio::test]
async fn nothing_is_answered_before_the_proof() {
    let scene = Scene::open().await;
    let account = scene.business.id.to_string();
    let (mut client, _) = Client::dial(scene.address, &account).await;
    let query = Query::TeamKey("support".to_owned());
    client.send(&ClientFrame::Lookup { id: 1, query }).await;
    assert_eq!(client.goodbye().await, "not-authenticated");
    assert_eq!(client.receive().await, None);
    scene.end().await;
}

#[tokio::test]
async fn the_welcome_says_what_is_in_force() {
    let scene = Scene::open().await;
    let kinds = |client: &Client| -> Vec<ObjectKind> {
        client.welcome.iter().map(|object| object.kind).collect()
    };
    let visitor = scene.client(&Person::new()).await;
    assert_eq!(kinds(&visitor), [ObjectKind::Root, ObjectKind::Policy]);
    let agent = scene.client(&scene.business.ada).await;
    assert_eq!(
        kinds(&agent),
        [ObjectKind::Root, ObjectKind::Policy, ObjectKind::Credential]
    );
    scene.end().await;
}

#[tokio::test]
async fn a_revoked_device_is_turned_away_and_put_out() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let mut policy = business.policy();
    policy.number = 2;
    policy.previous = Some(business.signed_policy().hash());
    policy.revocations = vec![Revocation::Device(business.ada.device())];
    let policy = business.by_administrator(&policy);
    let mut administrator = scene.client(&business.administrator).await;
    let object = scene::account::object(ObjectKind::Policy, &policy);
    administrator.publish(object).await.unwrap();
    let told = ada
        .wait_for(|frame| matches!(frame, RelayFrame::Announce { .. }).then_some(()))
        .await;
    assert_eq!(told, Ok(()));
    assert_eq!(ada.goodbye().await, "revoked");
    let again = Client::connect(scene.address, business, &business.ada).await;
    assert_eq!(again.map(|_| ()), refused("revoked"));
    scene.end().await;
}
