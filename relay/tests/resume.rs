//! Following contacts: exactly what was missed, then whatever comes; for whoever it concerns.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::time::Duration;

use scene::{Client, Person, Scene, Talk};
use sottovoce::wire::Bytes;
use sottovoce::wire::frame::{ClientFrame, ContactSummary, RelayFrame};

async fn started() -> (Scene, Person, Talk, Client) {
    let scene = Scene::open().await;
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (talk, create) = Talk::start(&scene.business, &visitor);
    assert_eq!(client.append(talk.contact, create).await, Ok(1));
    (scene, visitor, talk, client)
}

/// The next change of a contact in a console's list.
async fn contacts(client: &mut Client) -> (bool, Vec<ContactSummary>) {
    client
        .wait_for(|frame| match frame {
            RelayFrame::Contacts { all, contacts } => Some((*all, contacts.clone())),
            _ => None,
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_client_gets_exactly_what_it_missed() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let mut said = Vec::new();
    for number in 0..150 {
        let entry = talk.say(&visitor, &format!("number {number}"));
        client.append(talk.contact, entry.clone()).await.unwrap();
        said.push(entry);
    }
    for after in [0, 1, 2, 64, 65, 100, 150, 151] {
        let mut again = scene.client(&visitor).await;
        let entries = again.resume(talk.contact, after).await.unwrap();
        let missed = said.len() + 1 - usize::try_from(after).unwrap();
        assert_eq!(entries.len(), missed, "after {after}");
        assert!(said.ends_with(&entries[usize::from(after == 0)..]));
    }
    // Further than there is: the client is told the head and can draw its conclusions.
    let mut again = scene.client(&visitor).await;
    let (contact, after) = (talk.contact, 1000);
    again.send(&ClientFrame::Resume { contact, after }).await;
    assert_eq!(again.entries(contact).await, Ok((152, Vec::new(), 151)));
    scene.end().await;
}

#[tokio::test]
async fn nothing_is_missed_or_doubled_between_history_and_live() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let entries: Vec<Bytes> = (0..300).map(|_| talk.say(&visitor, "text")).collect();
    let contact = talk.contact;
    let written = entries.clone();
    let writer = tokio::spawn(async move {
        for entry in written {
            client.append(contact, entry).await.unwrap();
        }
    });
    let mut readers = Vec::new();
    for delay in 0..6 {
        let mut reader = scene.client(&visitor).await;
        readers.push(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(delay * 40)).await;
            let mut all = reader.resume(contact, 1).await.unwrap();
            while all.len() < 300 {
                let (first, entries, _) = reader.entries(contact).await.unwrap();
                assert_eq!(first, all.len() as u64 + 2, "a gap or a repetition");
                all.extend(entries);
            }
            all
        }));
    }
    for reader in readers {
        assert_eq!(reader.await.unwrap(), entries);
    }
    writer.await.unwrap();
    scene.end().await;
}

#[tokio::test]
async fn large_entries_arrive_in_frames_of_bounded_size() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let text = "x".repeat(60_000);
    for _ in 0..12 {
        let entry = talk.say(&visitor, &text);
        client.append(talk.contact, entry).await.unwrap();
    }
    let (contact, after) = (talk.contact, 0);
    client.send(&ClientFrame::Resume { contact, after }).await;
    let mut got = 0;
    while got < 13 {
        let (_, entries, _) = client.entries(contact).await.unwrap();
        let size: usize = entries.iter().map(|entry| entry.len()).sum();
        assert!(size <= 256 * 1024, "{size}");
        got += entries.len();
    }
    scene.end().await;
}

#[tokio::test]
async fn a_contact_is_shown_to_its_roster_and_to_nobody_else() {
    let (scene, _, talk, _client) = started().await;
    let business = &scene.business;
    let unknown = Err("unknown-contact".to_owned());
    let mut stranger = scene.client(&Person::new()).await;
    assert_eq!(stranger.resume(talk.contact, 0).await, unknown);
    let mut cleo = scene.client(&business.cleo).await;
    assert_eq!(cleo.resume(talk.contact, 0).await, unknown);
    let mut ada = scene.client(&business.ada).await;
    assert_eq!(
        ada.resume(talk.contact, 0).await.map(|all| all.len()),
        Ok(1)
    );
    scene.end().await;
}

#[tokio::test]
async fn who_left_reads_up_to_leaving_and_nothing_later() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let mut ben = scene.client(&business.ben).await;
    // Both follow live; Ada claims, which takes the team off the roster, and Ben with it.
    ada.resume(talk.contact, 0).await.unwrap();
    ben.resume(talk.contact, 0).await.unwrap();
    let claim = talk.claim(business, &business.ada);
    assert_eq!(ada.append(talk.contact, claim.entry.clone()).await, Ok(2));
    let (first, entries, _) = ben.entries(talk.contact).await.unwrap();
    assert_eq!((first, entries), (2, vec![claim.entry.clone()]));
    talk.take(claim);
    for text in ["one", "two"] {
        let entry = talk.say(&visitor, text);
        client.append(talk.contact, entry).await.unwrap();
    }
    let later = ben.resume(talk.contact, 0).await.unwrap();
    assert_eq!(later.len(), 2);
    let mut again = scene.client(&business.ben).await;
    assert_eq!(
        again.resume(talk.contact, 1).await.map(|all| all.len()),
        Ok(1)
    );
    // Nor may Ben write there any more.
    let entry = talk.say(&business.ben, "me too");
    let outcome = ben.append(talk.contact, entry).await;
    assert_eq!(outcome, Err("not-on-roster".to_owned()));
    scene.end().await;
}

#[tokio::test]
async fn after_leaving_a_contact_nothing_of_it_arrives() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let mut other = scene.client(&visitor).await;
    other.resume(talk.contact, 0).await.unwrap();
    let contact = talk.contact;
    other.send(&ClientFrame::Leave { contact }).await;
    assert!(other.is_served().await);
    let entry = talk.say(&visitor, "text");
    client.append(contact, entry).await.unwrap();
    assert!(other.is_served().await);
    let entries = other.resume(contact, 1).await.unwrap();
    assert_eq!(entries.len(), 1);
    scene.end().await;
}

#[tokio::test]
async fn consoles_see_the_queue_and_every_change_of_it() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let mut ben = scene.client(&business.ben).await;
    let mut cleo = scene.client(&business.cleo).await;
    for console in [&mut ada, &mut ben, &mut cleo] {
        assert_eq!(contacts(console).await, (true, Vec::new()));
    }
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (mut talk, create) = Talk::start(business, &visitor);
    client.append(talk.contact, create).await.unwrap();
    for console in [&mut ada, &mut ben] {
        let (all, changed) = contacts(console).await;
        assert!(!all);
        assert_eq!(changed[0].teams, ["support"]);
        assert_eq!(changed[0].entry_point, "shop");
        assert_eq!((changed[0].head, changed[0].epoch), (1, 0));
    }
    let claim = talk.claim(business, &business.ada);
    ada.append(talk.contact, claim.entry.clone()).await.unwrap();
    talk.take(claim);
    for console in [&mut ada, &mut ben] {
        let (_, changed) = contacts(console).await;
        assert!(changed[0].teams.is_empty());
        assert!(changed[0].devices.contains(&business.ada.device()));
    }
    // It is Ada's now: Ben hears that, and no more until it ends, and Cleo never did.
    let entry = talk.say(&visitor, "thank you");
    client.append(talk.contact, entry).await.unwrap();
    assert_eq!(contacts(&mut ada).await.1[0].head, 3);
    let close = talk.close(&business.ada);
    ada.append(talk.contact, close.entry.clone()).await.unwrap();
    for console in [&mut ada, &mut ben] {
        let (_, changed) = contacts(console).await;
        assert!(changed[0].closed && changed[0].head == 4);
    }
    assert!(cleo.is_served().await);
    cleo.send(&ClientFrame::Presence { available: false }).await;
    let mut ada = scene.client(&business.ada).await;
    let (all, snapshot) = contacts(&mut ada).await;
    assert!(all && snapshot.len() == 1 && snapshot[0].closed);
    let mut ben = scene.client(&business.ben).await;
    assert_eq!(contacts(&mut ben).await, (true, Vec::new()));
    scene.end().await;
}

#[tokio::test]
async fn typing_reaches_followers_and_comes_from_participants_only() {
    let (scene, visitor, talk, mut client) = started().await;
    let business = &scene.business;
    let contact = talk.contact;
    let mut ada = scene.client(&business.ada).await;
    ada.resume(contact, 0).await.unwrap();
    client.resume(contact, 0).await.unwrap();
    // Ada waits in the team, but is no participant yet; an event that names another author,
    // and one that is none, are dropped as well.
    for event in [
        talk.typing(&business.ada),
        talk.typing(&visitor),
        vec![1, 2, 3].into(),
    ] {
        ada.send(&ClientFrame::Ephemeral { contact, event }).await;
    }
    assert!(ada.is_served().await);
    let event = talk.typing(&visitor);
    let sent = event.clone();
    client
        .send(&ClientFrame::Ephemeral { contact, event })
        .await;
    let heard = |frame: &RelayFrame| match frame {
        RelayFrame::Ephemeral { event, .. } => Some(event.clone()),
        _ => None,
    };
    assert_eq!(ada.wait_for(heard).await, Ok(sent));
    assert!(client.is_served().await);
    let early = tokio::time::timeout(Duration::from_millis(100), client.wait_for(heard));
    assert!(early.await.is_err(), "nobody hears himself or a stranger");
    scene.end().await;
}

#[tokio::test]
async fn who_looks_is_told_to_colleagues_by_who_may_read_and_visitors_hear_nothing() {
    let (scene, visitor, mut talk, mut client) = started().await;
    let business = &scene.business;
    let contact = talk.contact;
    let mut ada = scene.client(&business.ada).await;
    let mut ben = scene.client(&business.ben).await;
    for (follower, after) in [(&mut ada, 0), (&mut ben, 0), (&mut client, 0)] {
        follower.resume(contact, after).await.unwrap();
    }
    let heard = |frame: &RelayFrame| match frame {
        RelayFrame::Ephemeral { event, .. } => Some(event.clone()),
        _ => None,
    };
    // What a visitor says to staff only is nobody's business.
    let event = talk.viewing(&visitor);
    client
        .send(&ClientFrame::Ephemeral { contact, event })
        .await;
    assert!(client.is_served().await);
    let event = talk.viewing(&business.ben);
    let sent = event.clone();
    ben.send(&ClientFrame::Ephemeral { contact, event }).await;
    assert_eq!(ada.wait_for(heard).await, Ok(sent));
    assert!(client.is_served().await);
    let early = tokio::time::timeout(Duration::from_millis(100), client.wait_for(heard));
    assert!(early.await.is_err(), "a visitor was told");
    let claim = talk.claim(business, &business.ada);
    ada.append(contact, claim.entry.clone()).await.unwrap();
    talk.take(claim);
    let event = talk.viewing(&business.ben);
    ben.send(&ClientFrame::Ephemeral { contact, event }).await;
    assert!(ben.is_served().await);
    let late = tokio::time::timeout(Duration::from_millis(100), ada.wait_for(heard));
    assert!(late.await.is_err(), "Ben may not read it any more");
    scene.end().await;
}

#[tokio::test]
async fn a_console_that_comes_later_is_told_what_colleagues_hold_until_it_ends() {
    let (scene, _, mut talk, _client) = started().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let claim = talk.claim(business, &business.ada);
    ada.append(talk.contact, claim.entry.clone()).await.unwrap();
    talk.take(claim);
    let mut ben = scene.client(&business.ben).await;
    let (all, snapshot) = contacts(&mut ben).await;
    assert!(all);
    assert_eq!(snapshot[0].past_teams, ["support"]);
    assert_eq!(snapshot[0].responsible, Some(business.ada.device()));
    assert_eq!(snapshot[0].waiting_since, None);
    let mut cleo = scene.client(&business.cleo).await;
    assert_eq!(contacts(&mut cleo).await, (true, Vec::new()));
    let close = talk.close(&business.ada);
    ada.append(talk.contact, close.entry.clone()).await.unwrap();
    assert!(contacts(&mut ben).await.1[0].closed);
    let mut ben = scene.client(&business.ben).await;
    assert_eq!(contacts(&mut ben).await, (true, Vec::new()));
    scene.end().await;
}

#[tokio::test]
async fn presence_is_what_a_device_says_while_it_is_connected() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let ben = scene.client(&business.ben).await;
    let query = || sottovoce::wire::frame::Query::TeamMembers("support".to_owned());
    let (_, available) = ada.look_up(query()).await.unwrap();
    assert_eq!(available.len(), 2);
    ada.send(&ClientFrame::Presence { available: false }).await;
    let (_, available) = ada.look_up(query()).await.unwrap();
    assert_eq!(available, [business.ben.device()]);
    drop(ben);
    for _ in 0..100 {
        let (_, available) = ada.look_up(query()).await.unwrap();
        if available.is_empty() {
            scene.end().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a device that is gone is still available");
}
