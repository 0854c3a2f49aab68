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

pub(in crate::store) async fn an_object_replaces_the_one_in_its_slot(place: &Place) {
    let store = place.open().await;
    let put = |kind, slot, byte| ObjectChange::Put(object(kind, slot, byte));
    let first = [
        put(ObjectKind::SealKey, 1, 1),
        put(ObjectKind::Policy, 1, 2),
        put(ObjectKind::SealKey, 2, 3),
        put(ObjectKind::Enrolment, 1, 4),
    ];
    store.change_objects(&ACCOUNT, &first).await.unwrap();
    let second = [
        put(ObjectKind::SealKey, 1, 5),
        ObjectChange::Remove(ObjectKind::Enrolment, vec![1]),
        ObjectChange::Remove(ObjectKind::Enrolment, vec![9]),
    ];
    store.change_objects(&ACCOUNT, &second).await.unwrap();
    let kept = [
        object(ObjectKind::Policy, 1, 2),
        object(ObjectKind::SealKey, 1, 5),
        object(ObjectKind::SealKey, 2, 3),
    ];
    assert_eq!(store.objects(&ACCOUNT).await.unwrap(), kept);
    let other = AccountId::new([9; 32]);
    assert!(store.objects(&other).await.unwrap().is_empty());
}
