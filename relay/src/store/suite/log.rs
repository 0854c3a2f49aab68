//! Contacts and their logs.

use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId, Time};

use super::Place;
use crate::outcome::{Fact, Side};
use crate::store::{AppendKey, Batch, CHUNK_BYTES, NewEntry, Party, RosterChange};

const ACCOUNT: AccountId = AccountId::new([1; 32]);
const CONTACT: ContactId = ContactId::new([2; 16]);
const DEVICE: DeviceId = DeviceId::new([3; 32]);

fn entry(position: u64, size: usize) -> NewEntry {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&position.to_be_bytes());
    NewEntry {
        key: AppendKey {
            account: ACCOUNT,
            device: DEVICE,
            id: ContentId::new(id),
        },
        contact: CONTACT,
        position,
        is_commit: position == 1,
        received: Time::from_millis(position),
        fact: Fact {
            side: Side::Visitor,
            reason: None,
            staff_only: false,
            bytes: size as u64,
            received: Time::from_millis(position),
        },
        bytes: vec![7; size],
    }
}

fn batch(entries: Vec<NewEntry>) -> Batch {
    Batch {
        entries,
        ..Batch::default()
    }
}

pub(in crate::store) async fn a_batch_is_kept_whole_or_not_at_all(place: &Place) {
    let store = place.open().await;
    store.append(&batch(vec![entry(1, 10)])).await.unwrap();
    // The second entry's position is taken, so the first is not kept either.
    let twice = batch(vec![entry(2, 10), entry(1, 10)]);
    assert!(store.append(&twice).await.is_err());
    let kept = store.entries(&ACCOUNT, &CONTACT, 0, u64::MAX >> 1).await;
    assert_eq!(kept.unwrap().len(), 1);
}

pub(in crate::store) async fn entries_come_in_chunks_of_bounded_size_and_always_at_least_one(
    place: &Place,
) {
    let store = place.open().await;
    let large = CHUNK_BYTES + 1;
    let mut entries: Vec<_> = (1..=100).map(|position| entry(position, 10)).collect();
    entries.extend([entry(101, large), entry(102, large), entry(103, 10)]);
    store.append(&batch(entries)).await.unwrap();
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
    let known = entry(1, 10).key;
    store.append(&batch(vec![entry(1, 10)])).await.unwrap();
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
        account: ACCOUNT,
        contact: CONTACT,
        party,
        joined,
        position,
    };
    let team = || Party::Team("support".to_owned());
    let summary = ContactSummary {
        contact: CONTACT,
        entry_point: "shop".to_owned(),
        created: Time::from_millis(0),
        head: 3,
        epoch: 0,
        teams: Vec::new(),
        devices: Vec::new(),
        closed: false,
    };
    let mut all = batch((1..=3).map(|position| entry(position, 10)).collect());
    all.contacts = vec![(ACCOUNT, summary)];
    all.roster = vec![
        party(Party::Device(DEVICE), true, 1),
        party(team(), true, 1),
        party(team(), false, 2),
    ];
    store.append(&all).await.unwrap();
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
