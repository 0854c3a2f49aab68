//! Contacts and their logs.

use super::Place;
use super::additions::{ACCOUNT, CONTACT, DEVICE, append, entry, extend, key, swap_in};
use crate::store::{AppendKey, CHUNK_BYTES, Party, RosterChange};

use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId};

pub(in crate::store) async fn entries_come_in_chunks_of_bounded_size_and_always_at_least_one(
    place: &Place,
) {
    let store = place.open().await;
    let large = CHUNK_BYTES + 1;
    let sizes = [&[10; 100][..], &[large, large, 10]].concat();
    swap_in(&store, extend(CONTACT, 0, &sizes)).await;
    for (after, until, many) in [
        (0, 103, 64),
        (64, 103, 36),
        (64, 70, 6),
        (100, 103, 1),
        (101, 103, 1),
        (102, 103, 1),
        (103, 103, 0),
    ] {
        let chunk = store.entries(&ACCOUNT, &CONTACT, after, until).await;
        assert_eq!(chunk.unwrap().len(), many, "after {after} until {until}");
    }
}

pub(in crate::store) async fn appends_are_known_by_account_device_and_id(place: &Place) {
    let store = place.open().await;
    let known = entry(CONTACT, 1, 10).key;
    swap_in(&store, extend(CONTACT, 0, &[10])).await;
    let others = [
        AppendKey {
            account: AccountId::new([9; 32]),
            ..known
        },
        AppendKey {
            device: DeviceId::new([9; 32]),
            ..known
        },
        AppendKey {
            id: ContentId::new([9; 16]),
            ..known
        },
    ];
    assert!(store.known_appends(&others).await.unwrap().is_empty());
    let many = [&others[..], &[known]].concat();
    let found = store.known_appends(&many).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(
        found
            .iter()
            .all(|found| found.key == known && found.position == 1)
    );
}

pub(in crate::store) async fn who_left_may_read_up_to_leaving(place: &Place) {
    let store = place.open().await;
    let party = |party, joined, position| RosterChange {
        party,
        joined,
        position,
    };
    let team = || Party::Team("support".to_owned());
    let mut addition = extend(CONTACT, 0, &[10; 3]);
    addition.roster = vec![
        party(Party::Device(DEVICE), true, 1),
        party(team(), true, 1),
        party(team(), false, 2),
    ];
    swap_in(&store, addition).await;
    let support = ["support".to_owned()];
    let other = DeviceId::new([9; 32]);
    let until = async |device: &DeviceId, teams: &[String]| {
        let access = store.access(&ACCOUNT, &CONTACT, device, teams).await;
        access.unwrap().map(|access| access.until)
    };
    assert_eq!(until(&DEVICE, &[]).await, Some(None));
    assert_eq!(until(&DEVICE, &support).await, Some(None));
    assert_eq!(until(&other, &support).await, Some(Some(2)));
    assert_eq!(until(&other, &[]).await, None);
}

pub(in crate::store) async fn contacts_are_as_they_were_left(place: &Place) {
    let store = place.open().await;
    swap_in(&store, extend(CONTACT, 0, &[10, 20])).await;
    swap_in(&store, extend(CONTACT, 2, &[30])).await;
    let (summary, commits) = store.contact(&ACCOUNT, &CONTACT).await.unwrap().unwrap();
    assert_eq!(summary.head, 3);
    assert_eq!(commits, [entry(CONTACT, 1, 10).bytes]);
    let unknown = (AccountId::new([9; 32]), CONTACT);
    let found = store.summaries(&[unknown, key(CONTACT)]).await.unwrap();
    assert_eq!(found, [(ACCOUNT, summary)]);
    assert!(
        store
            .contact(&unknown.0, &unknown.1)
            .await
            .unwrap()
            .is_none()
    );
    assert!(append(&store, &[]).await.is_empty());
}

pub(in crate::store) async fn what_others_of_a_team_hold_is_found_while_it_is_open(place: &Place) {
    let store = place.open().await;
    let change = |party, joined, position| RosterChange {
        party,
        joined,
        position,
    };
    let team = || Party::Team("support".to_owned());
    let holder = DeviceId::new([8; 32]);
    let mut addition = extend(CONTACT, 0, &[10; 2]);
    addition.roster = vec![
        change(team(), true, 1),
        change(team(), false, 2),
        change(Party::Device(holder), true, 2),
    ];
    swap_in(&store, addition).await;
    let waiting = ContactId::new([7; 16]);
    let mut addition = extend(waiting, 0, &[10]);
    addition.roster = vec![change(team(), true, 1)];
    swap_in(&store, addition).await;
    let found = async |device: &DeviceId, teams: &[&str]| -> Vec<ContactId> {
        let teams: Vec<_> = teams.iter().map(|team| (*team).to_owned()).collect();
        let found = store.contacts_of(&ACCOUNT, device, &teams).await.unwrap();
        found.iter().map(|summary| summary.contact).collect()
    };
    assert_eq!(found(&DEVICE, &["support"]).await, [waiting, CONTACT]);
    assert_eq!(found(&holder, &["support"]).await.len(), 2, "each once");
    assert_eq!(found(&holder, &[]).await, [CONTACT]);
    assert_eq!(found(&DEVICE, &["sales"]).await, []);
    assert_eq!(found(&DEVICE, &[]).await, []);
    let mut addition = extend(CONTACT, 2, &[10]);
    addition.summary.closed = true;
    swap_in(&store, addition).await;
    assert_eq!(found(&DEVICE, &["support"]).await, [waiting]);
}
