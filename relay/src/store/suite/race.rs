//! Several nodes that append at the same time.

use std::sync::Arc;

use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::{ContactId, ContentId};

use super::Place;
use super::additions::{ACCOUNT, CONTACT, append, entry, extend, key, swap_in};
use crate::store::{
    Addition, ContactKey, Mark, ObjectChange, Party, RosterChange, Store, StoredObject,
};

async fn positions(store: &Arc<dyn Store>, contact: ContactId) -> usize {
    let mut after = 0;
    loop {
        let entries = store
            .entries(&ACCOUNT, &contact, after, u64::MAX >> 1)
            .await;
        let entries = entries.unwrap().len();
        if entries == 0 {
            return usize::try_from(after).unwrap();
        }
        after += entries as u64;
    }
}

pub(in crate::store) async fn a_contact_that_moved_is_left_alone_and_others_are_added_to(
    place: &Place,
) {
    let store = place.open().await;
    let (moved, new) = (CONTACT, ContactId::new([4; 16]));
    swap_in(&store, extend(moved, 0, &[10; 3])).await;
    // Judged by what is no longer so, by what is yet to come, as if it were new, and as if it were
    // there.
    for (contact, base) in [(moved, 2), (moved, 4), (moved, 0), (new, 1)] {
        let mut third = *contact.as_array();
        third[0] = u8::try_from(base).unwrap() + 10;
        let third = ContactId::new(third);
        let additions = [extend(contact, base, &[10]), extend(third, 0, &[10; 2])];
        assert_eq!(
            append(&store, &additions).await,
            [key(contact)],
            "base {base}"
        );
        assert_eq!(positions(&store, third).await, 2);
    }
    assert_eq!(positions(&store, moved).await, 3);
    assert_eq!(positions(&store, new).await, 0);
    let (summary, _) = store.contact(&ACCOUNT, &moved).await.unwrap().unwrap();
    assert_eq!(summary.head, 3);
}

pub(in crate::store) async fn what_was_judged_by_other_objects_is_left_alone(place: &Place) {
    let store = place.open().await;
    swap_in(&store, extend(CONTACT, 0, &[10])).await;
    let policy = StoredObject {
        kind: ObjectKind::Policy,
        slot: vec![1],
        bytes: vec![1],
    };
    let changes = [ObjectChange::Put(policy)];
    assert!(
        store
            .change_objects(&ACCOUNT, 0, &changes, &[])
            .await
            .unwrap()
    );
    let old = extend(CONTACT, 1, &[10]);
    assert_eq!(
        append(&store, std::slice::from_ref(&old)).await,
        [key(CONTACT)]
    );
    swap_in(&store, Addition { version: 1, ..old }).await;
}

pub(in crate::store) async fn writers_on_several_nodes_leave_no_gap_and_lose_nothing(
    place: &Place,
) {
    const NODES: u8 = 4;
    const ROUNDS: u8 = 30;
    let contacts: Vec<_> = (0..6)
        .map(|contact| ContactId::new([contact; 16]))
        .collect();
    let mut writers = tokio::task::JoinSet::new();
    for node in 0..NODES {
        let store = place.open().await;
        let contacts = contacts.clone();
        writers.spawn(async move {
            for round in 0..ROUNDS {
                let mut left: Vec<ContactKey> = contacts.iter().copied().map(key).collect();
                // Every node has its own order, so that one that locks as it is told would hang.
                left.rotate_left(usize::from(node));
                while !left.is_empty() {
                    let summaries = store.summaries(&left).await.unwrap();
                    let head = |(_, contact): &ContactKey| {
                        let known = summaries
                            .iter()
                            .find(|(_, known)| known.contact == *contact);
                        known.map_or(0, |(_, known)| known.head)
                    };
                    let additions: Vec<_> = left
                        .iter()
                        .map(|of| {
                            let mut addition = extend(of.1, head(of), &[10]);
                            let mut id = *of.1.as_array();
                            id[14..].copy_from_slice(&[node, round]);
                            addition.entries[0].key.id = ContentId::new(id);
                            addition
                        })
                        .collect();
                    left = append(&store, &additions).await;
                }
            }
        });
    }
    writers.join_all().await;
    let store = place.open().await;
    for contact in contacts {
        let all = usize::from(NODES) * usize::from(ROUNDS);
        assert_eq!(positions(&store, contact).await, all);
        let (summary, _) = store.contact(&ACCOUNT, &contact).await.unwrap().unwrap();
        assert_eq!(summary.head, all as u64);
    }
}

pub(in crate::store) async fn one_append_id_on_two_nodes_is_one_entry(place: &Place) {
    let nodes = [place.open().await, place.open().await];
    let other = ContactId::new([4; 16]);
    // To one contact: whoever comes second finds that it moved. To two: the id itself is taken.
    let mut misused = extend(other, 0, &[10]);
    misused.entries[0].key = entry(CONTACT, 2, 10).key;
    swap_in(&nodes[0], extend(CONTACT, 0, &[10])).await;
    for second in [extend(CONTACT, 1, &[10]), misused] {
        let first = [extend(CONTACT, 1, &[10])];
        let second = [second];
        let (first, second) = tokio::join!(nodes[0].append(&first), nodes[1].append(&second));
        let refused = first.unwrap().len() + second.unwrap().len();
        assert!(refused >= 1);
    }
    let known = nodes[0].known_appends(&[entry(CONTACT, 2, 10).key]).await;
    assert_eq!(known.unwrap().len(), 1);
    let entries = positions(&nodes[1], CONTACT).await + positions(&nodes[1], other).await;
    assert_eq!(entries, 2);
}

pub(in crate::store) async fn what_was_appended_before_is_not_appended_again(place: &Place) {
    let store = place.open().await;
    let other = ContactId::new([4; 16]);
    swap_in(&store, extend(CONTACT, 0, &[10; 2])).await;
    // The same once more, as if it were new; and the id somewhere else.
    let mut again = extend(CONTACT, 2, &[10]);
    again.entries[0].key = entry(CONTACT, 2, 10).key;
    let mut misused = extend(other, 0, &[10]);
    misused.entries[0].key = entry(CONTACT, 2, 10).key;
    for (repeated, third) in [(again, [5; 16]), (misused, [6; 16])] {
        let (contact, third) = (repeated.summary.contact, ContactId::new(third));
        let left = append(&store, &[repeated, extend(third, 0, &[10])]).await;
        assert!(left.contains(&key(contact)));
        if store.finds_repeats() {
            assert_eq!(left, [key(contact)]);
            assert_eq!(positions(&store, third).await, 1);
        }
    }
    assert_eq!(positions(&store, CONTACT).await, 2);
    assert_eq!(positions(&store, other).await, 0);
}

pub(in crate::store) async fn what_others_added_is_found_by_looking(place: &Place) {
    let nodes = [place.open().await, place.open().await];
    let (none, mark) = nodes[1].advances(&Mark::default()).await.unwrap();
    assert_eq!(none, []);
    let left = [
        Party::Device(super::additions::DEVICE),
        Party::Team("support".to_owned()),
    ];
    let mut addition = extend(CONTACT, 0, &[10; 3]);
    for party in &left {
        for (joined, position) in [(true, 1), (false, 3)] {
            let party = party.clone();
            addition.roster.push(RosterChange {
                party,
                joined,
                position,
            });
        }
    }
    swap_in(&nodes[0], addition).await;
    let (found, next) = nodes[1].advances(&mark).await.unwrap();
    if place.is_shared() {
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].key, found[0].head), (key(CONTACT), 3));
        assert_eq!(found[0].left, left);
        swap_in(&nodes[0], extend(CONTACT, 3, &[10])).await;
        let (found, mut mark) = nodes[1].advances(&next).await.unwrap();
        assert_eq!((found.len(), found[0].head), (1, 4));
        // Some is found again as long as a transaction of anybody on that server is open.
        loop {
            let (found, next) = nodes[1].advances(&mark).await.unwrap();
            if found.is_empty() {
                break;
            }
            mark = next;
        }
    } else {
        assert_eq!(found, []);
    }
}
