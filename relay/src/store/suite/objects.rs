//! Account objects.

use sottovoce::wire::AccountId;
use sottovoce::wire::frame::ObjectKind;

use super::Place;
use crate::store::{ObjectChange, StoredObject};

const ACCOUNT: AccountId = AccountId::new([1; 32]);

fn object(kind: ObjectKind, slot: u8, byte: u8) -> StoredObject {
    StoredObject {
        kind,
        slot: vec![slot],
        bytes: vec![byte; 100],
    }
}

pub(in crate::store) async fn objects_of_every_kind_are_read_back(place: &Place) {
    let kinds = [
        ObjectKind::Root,
        ObjectKind::Policy,
        ObjectKind::Renewal,
        ObjectKind::Credential,
        ObjectKind::SealKey,
        ObjectKind::TeamKey,
        ObjectKind::TeamSeals,
        ObjectKind::Enrolment,
        ObjectKind::ArchiveKey,
        ObjectKind::Notebook,
    ];
    let objects = kinds.map(|kind| object(kind, 1, 1));
    let store = place.open().await;
    let puts = objects.clone().map(ObjectChange::Put);
    assert!(store.change_objects(&ACCOUNT, 0, &puts, &[]).await.unwrap());
    assert_eq!(store.objects(&ACCOUNT).await.unwrap().1, objects);
}

pub(in crate::store) async fn an_object_replaces_the_one_in_its_slot(place: &Place) {
    let store = place.open().await;
    let put = |kind, slot, byte| ObjectChange::Put(object(kind, slot, byte));
    let first = [
        put(ObjectKind::SealKey, 1, 1),
        put(ObjectKind::Policy, 1, 2),
        put(ObjectKind::SealKey, 2, 3),
        put(ObjectKind::Enrolment, 1, 4),
    ];
    assert!(
        store
            .change_objects(&ACCOUNT, 0, &first, &[])
            .await
            .unwrap()
    );
    let second = [
        put(ObjectKind::SealKey, 1, 5),
        ObjectChange::Remove(ObjectKind::Enrolment, vec![1]),
        ObjectChange::Remove(ObjectKind::Enrolment, vec![9]),
    ];
    assert!(
        store
            .change_objects(&ACCOUNT, 1, &second, &[])
            .await
            .unwrap()
    );
    let kept = [
        object(ObjectKind::Policy, 1, 2),
        object(ObjectKind::SealKey, 1, 5),
        object(ObjectKind::SealKey, 2, 3),
    ];
    let (version, objects) = store.objects(&ACCOUNT).await.unwrap();
    assert_eq!((version, objects.as_slice()), (2, &kept[..]));
    let other = AccountId::new([9; 32]);
    assert_eq!(store.objects(&other).await.unwrap(), (0, Vec::new()));
}

pub(in crate::store) async fn of_two_changes_of_one_version_only_one_counts(place: &Place) {
    let nodes = [place.open().await, place.open().await];
    let change = |slot: u8| [ObjectChange::Put(object(ObjectKind::Policy, slot, slot))];
    for version in 0..8 {
        let (first, second) = (change(0), change(1));
        let (first, second) = tokio::join!(
            nodes[0].change_objects(&ACCOUNT, version, &first, &[]),
            nodes[1].change_objects(&ACCOUNT, version, &second, &[]),
        );
        assert_ne!(first.unwrap(), second.unwrap(), "version {version}");
        let known = nodes[0].object_version(&ACCOUNT).await.unwrap();
        assert_eq!(known, version + 1);
    }
    // Neither an old version nor one that is yet to come.
    for version in [0, 7, 9] {
        let changed = nodes[0]
            .change_objects(&ACCOUNT, version, &change(2), &[])
            .await;
        assert!(!changed.unwrap(), "version {version}");
    }
    let (version, objects) = nodes[1].objects(&ACCOUNT).await.unwrap();
    assert_eq!(version, 8);
    assert!(objects.iter().all(|object| object.slot != [2]));
}
