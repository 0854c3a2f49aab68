//! Contacts' logs: positions, resends, races, resuming.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use scene::client::fresh_id;
use scene::{Client, Person, Scene, Talk};
use sottovoce::wire::Bytes;
use sottovoce::wire::frame::{ClientFrame, NewEntry};

/// A scene in which a visitor has started a contact.
async fn started() -> (Scene, Person, Talk, Client) {
    let scene = Scene::open().await;
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (talk, create) = Talk::start(&scene.business, &visitor);
    assert_eq!(client.append(talk.contact, create).await, Ok(1));
    (scene, visitor, talk, client)
}

#[tokio::test]
async fn a_conversation_gets_positions_without_gaps() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let ada = &scene.business.ada;
    let mut agent = scene.client(ada).await;
    let early = talk.say(&visitor, "hello?");
    assert_eq!(client.append(talk.contact, early).await, Ok(2));
    let claim = talk.claim(&scene.business, ada);
    assert_eq!(agent.append(talk.contact, claim.entry.clone()).await, Ok(3));
    talk.take(claim);
    let answer = talk.say(ada, "good morning");
    assert_eq!(agent.append(talk.contact, answer.clone()).await, Ok(4));
    let entries = client.resume(talk.contact, 0).await.unwrap();
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[3], answer);
    scene.end().await;
}

#[tokio::test]
async fn a_resent_append_keeps_its_position_and_a_reused_id_is_refused() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let id = fresh_id();
    let (first, second) = (talk.say(&visitor, "one"), talk.say(&visitor, "two"));
    assert_eq!(
        client.append_as(id, talk.contact, first.clone()).await,
        Ok(2)
    );
    assert_eq!(
        client.append_as(id, talk.contact, first.clone()).await,
        Ok(2)
    );
    let reused = client.append_as(id, talk.contact, second.clone()).await;
    assert_eq!(reused, Err("id-reused".to_owned()));
    // The same within one round, and after a restart of the relay.
    let id = fresh_id();
    for _ in 0..3 {
        let (contact, entry) = (talk.contact, second.clone());
        client
            .send(&ClientFrame::Append { id, contact, entry })
            .await;
    }
    for _ in 0..3 {
        assert_eq!(client.appended(id).await, Ok(3));
    }
    let scene = scene.restarted().await;
    let mut client = scene.client(&visitor).await;
    assert_eq!(client.append_as(id, talk.contact, second).await, Ok(3));
    let entries = client.resume(talk.contact, 0).await.unwrap();
    assert_eq!(entries.len(), 3);
    let third = talk.say(&visitor, "three");
    assert_eq!(client.append(talk.contact, third).await, Ok(4));
    drop(first);
    scene.end().await;
}

#[tokio::test]
async fn of_two_claims_exactly_one_wins() {
    let (scene, _, talk, _client) = started().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let mut ben = scene.client(&business.ben).await;
    let claims = (
        talk.claim(business, &business.ada),
        talk.claim(business, &business.ben),
    );
    let (one, two) = tokio::join!(
        ada.append(talk.contact, claims.0.entry),
        ben.append(talk.contact, claims.1.entry)
    );
    let mut outcomes = [one, two];
    outcomes.sort_by_key(Result::is_err);
    assert_eq!(outcomes, [Ok(2), Err("epoch-taken".to_owned())]);
    scene.end().await;
}

#[tokio::test]
async fn two_dozen_appenders_leave_no_gap_and_share_transactions() {
    const EACH: usize = 20;
    let (scene, visitor, mut talk, _client) = started().await;
    let before = (scene.counters.transactions(), scene.counters.appended());
    let mut tasks = Vec::new();
    for _ in 0..24 {
        let mut client = scene.client(&visitor).await;
        let entries: Vec<Bytes> = (0..EACH).map(|_| talk.say(&visitor, "text")).collect();
        let contact = talk.contact;
        tasks.push(tokio::spawn(async move {
            let mut positions = Vec::new();
            for entry in entries {
                positions.push(client.append(contact, entry).await.unwrap());
            }
            assert!(positions.is_sorted());
            positions
        }));
    }
    let mut positions = Vec::new();
    for task in tasks {
        positions.extend(task.await.unwrap());
    }
    positions.sort_unstable();
    let expected: Vec<u64> = (2..2 + 24 * EACH as u64).collect();
    assert_eq!(positions, expected);
    let transactions = scene.counters.transactions() - before.0;
    let appended = scene.counters.appended() - before.1;
    assert_eq!(appended, 24 * EACH as u64);
    assert!(
        transactions * 2 < appended,
        "{transactions} transactions for {appended} entries"
    );
    scene.end().await;
}

/// A contact that Ada has claimed and now hands to Ben, with a text behind the transfer.
async fn handing_on() -> (Scene, Talk, Client, Bytes, Bytes) {
    let (scene, _, mut talk, _) = started().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let claim = talk.claim(business, &business.ada);
    ada.append(talk.contact, claim.entry.clone()).await.unwrap();
    talk.take(claim);
    let transfer = talk.transfer(business, &business.ada, &business.ben);
    let commit = transfer.entry.clone();
    talk.take(transfer);
    let note = talk.say(&business.ada, "knows the order");
    (scene, talk, ada, commit, note)
}

#[tokio::test]
async fn entries_appended_together_stand_together_whatever_others_append() {
    let (scene, talk, mut ada, commit, note) = handing_on().await;
    let business = &scene.business;
    let mut ben = scene.client(&business.ben).await;
    let claim = talk.claim(business, &business.ben);
    // Ben's claim is tried all the time: it counts the moment that the transfer is there.
    let contact = talk.contact;
    let claims = tokio::spawn(async move {
        loop {
            match ben.append(contact, claim.entry.clone()).await {
                Ok(position) => return position,
                Err(code) => assert_eq!(code, "stale-epoch"),
            }
        }
    });
    let positions = ada.append_both(contact, commit.clone(), note.clone()).await;
    assert_eq!(positions, [Ok(3), Ok(4)]);
    assert_eq!(claims.await.unwrap(), 5);
    let entries = ada.resume(contact, 0).await.unwrap();
    assert_eq!(entries[2..4], [commit, note]);
    scene.end().await;
}

#[tokio::test]
async fn of_entries_appended_together_both_count_or_neither() {
    let (scene, talk, mut ada, commit, note) = handing_on().await;
    let contact = talk.contact;
    let stale = ada.append_both(contact, note.clone(), commit.clone()).await;
    assert_eq!(stale, ["stale-epoch"; 2].map(|code| Err(code.to_owned())));
    let broken: Bytes = vec![0x82, 0].into();
    let malformed = ada.append_both(contact, commit.clone(), broken).await;
    assert_eq!(malformed, ["malformed"; 2].map(|code| Err(code.to_owned())));
    let twice = ada
        .append_both(contact, commit.clone(), commit.clone())
        .await;
    assert_eq!(twice, ["epoch-taken"; 2].map(|code| Err(code.to_owned())));
    // The first of them has left no trace: it counts now.
    let positions = ada.append_both(contact, commit, note).await;
    assert_eq!(positions, [Ok(3), Ok(4)]);
    scene.end().await;
}

#[tokio::test]
async fn entries_appended_together_and_resent_keep_their_positions() {
    let (scene, talk, mut ada, commit, note) = handing_on().await;
    let contact = talk.contact;
    let [first, second] = [commit, note].map(|entry| NewEntry {
        id: fresh_id(),
        entry,
    });
    for _ in 0..3 {
        let (first, second) = (first.clone(), second.clone());
        let positions = ada.append_both_as(contact, first, second).await;
        assert_eq!(positions, [Ok(3), Ok(4)]);
    }
    let alone = ada
        .append_as(second.id, contact, second.entry.clone())
        .await;
    assert_eq!(alone, Ok(4), "alone it is the same");
    let other = NewEntry {
        id: fresh_id(),
        entry: second.entry.clone(),
    };
    let half = ada.append_both_as(contact, first, other).await;
    assert_eq!(half, ["id-reused"; 2].map(|code| Err(code.to_owned())));
    scene.end().await;
}
