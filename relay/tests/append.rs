//! What the relay does not append: the second line behind what clients refuse themselves.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use scene::{Client, Person, Scene, Talk, now, refused};
use sottovoce::wire::ContactId;

async fn started() -> (Scene, Person, Talk, Client) {
    let scene = Scene::open().await;
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (talk, create) = Talk::start(&scene.business, &visitor);
    assert_eq!(client.append(talk.contact, create).await, Ok(1));
    (scene, visitor, talk, client)
}

#[tokio::test]
async fn nobody_writes_in_anothers_name() {
    let (scene, visitor, mut talk, _client) = started().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let entry = talk.say(&visitor, "I never said that");
    assert_eq!(ada.append(talk.contact, entry).await, refused("not-yours"));
    let claim = talk.claim(business, &business.ben);
    let outcome = ada.append(talk.contact, claim.entry).await;
    assert_eq!(outcome, refused("not-yours"));
    scene.end().await;
}

#[tokio::test]
async fn an_envelope_of_another_epoch_is_stale() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let early = talk.say(&visitor, "written before the claim");
    let claim = talk.claim(business, &business.ada);
    ada.append(talk.contact, claim.entry.clone()).await.unwrap();
    let outcome = client.append(talk.contact, early).await;
    assert_eq!(outcome, refused("stale-epoch"));
    talk.take(claim);
    let entry = talk.say(&visitor, "written after it");
    assert_eq!(client.append(talk.contact, entry).await, Ok(3));
    scene.end().await;
}

#[tokio::test]
async fn an_entry_for_another_contact_is_foreign() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let (other, create) = Talk::start(&scene.business, &visitor);
    client.append(other.contact, create).await.unwrap();
    let entry = talk.say(&visitor, "text");
    let outcome = client.append(other.contact, entry.clone()).await;
    assert_eq!(outcome, refused("foreign-contact"));
    let nowhere = ContactId::new([9; 16]);
    let outcome = client.append(nowhere, entry).await;
    assert_eq!(outcome, refused("unknown-contact"));
    let rekey = talk.rekey(&visitor);
    let outcome = client.append(other.contact, rekey.entry).await;
    assert_eq!(outcome, refused("foreign-contact"));
    scene.end().await;
}

#[tokio::test]
async fn strangers_may_not_write() {
    let (scene, _, mut talk, _client) = started().await;
    let business = &scene.business;
    let stranger = Person::new();
    let mut client = scene.client(&stranger).await;
    let entry = talk.say(&stranger, "let me in");
    let outcome = client.append(talk.contact, entry).await;
    assert_eq!(outcome, refused("not-on-roster"));
    // Cleo is staff, but in another team.
    let mut cleo = scene.client(&business.cleo).await;
    let claim = talk.claim(business, &business.cleo);
    let outcome = cleo.append(talk.contact, claim.entry).await;
    assert_eq!(outcome, refused("stranger"));
    scene.end().await;
}

#[tokio::test]
async fn a_contact_id_is_taken_once() {
    let (scene, _, talk, _client) = started().await;
    let mut client = scene.client(&scene.business.ada).await;
    let other = Person::new();
    let mut thief = scene.client(&other).await;
    let (mut second, _) = Talk::start(&scene.business, &other);
    second.contact = talk.contact;
    let mut core = second.rekey(&other).commit.core().clone();
    core.epoch = 0;
    core.reason = sottovoce::contact::Reason::Create;
    let entry = second.step(core, Vec::new(), None, &other).entry;
    let outcome = thief.append(talk.contact, entry).await;
    assert_eq!(outcome, refused("contact-taken"));
    assert_eq!(client.resume(talk.contact, 0).await.unwrap().len(), 1);
    scene.end().await;
}

#[tokio::test]
async fn a_commit_must_follow_the_one_before() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let first = talk.rekey(&visitor);
    let second = talk.rekey(&visitor);
    let mut ahead = talk.rekey(&visitor).commit.core().clone();
    ahead.epoch += 1;
    let ahead = talk.step(ahead, Vec::new(), None, &visitor);
    let outcome = client.append(talk.contact, ahead.entry).await;
    assert_eq!(outcome, refused("stale-epoch"));
    assert_eq!(
        client.append(talk.contact, first.entry.clone()).await,
        Ok(2)
    );
    let outcome = client.append(talk.contact, second.entry).await;
    assert_eq!(outcome, refused("epoch-taken"));
    // The right number on another history.
    let mut forked = talk.rekey(&visitor).commit.core().clone();
    forked.epoch = 2;
    let forked = talk.step(forked, Vec::new(), None, &visitor);
    let outcome = client.append(talk.contact, forked.entry).await;
    assert_eq!(outcome, refused("fork"));
    talk.take(first);
    let third = talk.rekey(&visitor);
    assert_eq!(client.append(talk.contact, third.entry).await, Ok(3));
    scene.end().await;
}

#[tokio::test]
async fn a_commit_of_another_time_is_refused() {
    let (scene, visitor, talk, mut client) = started().await;
    for minutes in [-11, 11] {
        let mut core = talk.rekey(&visitor).commit.core().clone();
        let shifted = now().millis().checked_add_signed(minutes * 60_000).unwrap();
        core.time = sottovoce::wire::Time::from_millis(shifted);
        let step = talk.step(core, Vec::new(), None, &visitor);
        let outcome = client.append(talk.contact, step.entry).await;
        assert_eq!(outcome, refused("time-off"));
    }
    scene.end().await;
}

#[tokio::test]
async fn nothing_comes_after_the_end() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let close = talk.close(&visitor);
    let late = talk.say(&visitor, "one more thing");
    let rekey = talk.rekey(&visitor);
    assert_eq!(client.append(talk.contact, close.entry).await, Ok(2));
    for entry in [late, rekey.entry] {
        let outcome = client.append(talk.contact, entry).await;
        assert_eq!(outcome, refused("closed"));
    }
    assert_eq!(client.resume(talk.contact, 0).await.unwrap().len(), 2);
    scene.end().await;
}

#[tokio::test]
async fn a_contact_goes_on_after_a_restart_where_it_was() {
    let (scene, visitor, mut talk, _client) = started().await;
    let mut ada = scene.client(&scene.business.ada).await;
    let claim = talk.claim(&scene.business, &scene.business.ada);
    ada.append(talk.contact, claim.entry.clone()).await.unwrap();
    talk.take(claim);
    let scene = scene.restarted().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let mut ben = scene.client(&business.ben).await;
    // Ben was too late before and still is; the contact is Ada's to hand on.
    let late = talk.claim(business, &business.ben);
    let outcome = ben.append(talk.contact, late.entry).await;
    assert_eq!(outcome, refused("stranger"));
    let transfer = talk.transfer(business, &business.ada, &business.ben);
    assert_eq!(
        ada.append(talk.contact, transfer.entry.clone()).await,
        Ok(3)
    );
    talk.take(transfer);
    let claim = talk.claim(business, &business.ben);
    assert_eq!(ben.append(talk.contact, claim.entry.clone()).await, Ok(4));
    talk.take(claim);
    let mut client = scene.client(&visitor).await;
    let entry = talk.say(&visitor, "hello Ben");
    assert_eq!(client.append(talk.contact, entry).await, Ok(5));
    scene.end().await;
}
