//! One-time keys.

use std::collections::HashSet;
use std::sync::Arc;

use sottovoce::crypto::Hash;
use sottovoce::wire::{AccountId, Suite, Time};

use super::Place;
use crate::store::Prekey;

const ACCOUNT: AccountId = AccountId::new([1; 32]);
const NOW: Time = Time::from_millis(1_000);
const UNTIL: Time = Time::from_millis(9_000);

fn key(id: u8, suite: Suite) -> Prekey {
    Prekey {
        id: Hash::new([id; 32]),
        suite,
        until: UNTIL,
        record: vec![id],
    }
}

pub(in crate::store) async fn a_one_time_key_is_given_away_once_and_not_taken_back(place: &Place) {
    let store = place.open().await;
    let suite = Suite::XWing;
    for id in [1, 2] {
        store
            .add_prekey(&ACCOUNT, &key(id, suite), NOW)
            .await
            .unwrap();
    }
    store
        .add_prekey(&ACCOUNT, &key(3, Suite::X25519), NOW)
        .await
        .unwrap();
    let left = async |suite| store.prekeys_left(&ACCOUNT, suite, NOW).await.unwrap();
    assert_eq!((left(suite).await, left(Suite::X25519).await), (2, 1));
    let take = async |now| store.take_prekey(&ACCOUNT, suite, now).await.unwrap();
    let first = take(NOW).await.unwrap();
    // Somebody saw it and publishes it again.
    store
        .add_prekey(&ACCOUNT, &key(first[0], suite), NOW)
        .await
        .unwrap();
    assert_eq!(left(suite).await, 1);
    assert_eq!(take(UNTIL).await, None);
    let second = take(NOW).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(take(NOW).await, None);
    let other = AccountId::new([2; 32]);
    let elsewhere = store.take_prekey(&other, Suite::X25519, NOW);
    assert_eq!(elsewhere.await.unwrap(), None);
}

pub(in crate::store) async fn of_many_who_ask_at_once_each_has_another_key(place: &Place) {
    let store = place.open().await;
    let suite = Suite::X25519;
    for id in 0..40 {
        store
            .add_prekey(&ACCOUNT, &key(id, suite), NOW)
            .await
            .unwrap();
    }
    let asking = (0..30).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.take_prekey(&ACCOUNT, suite, NOW).await })
    });
    let mut given = HashSet::new();
    for asked in asking.collect::<Vec<_>>() {
        given.insert(asked.await.unwrap().unwrap().unwrap());
    }
    assert_eq!(given.len(), 30);
}
