//! Bans.

use sottovoce::wire::{AccountId, DeviceId, Time};

use super::Place;
use crate::store::{Ban, Banned};

pub(in crate::store) async fn a_ban_is_kept_until_its_later_end(place: &Place) {
    let store = place.open().await;
    let ban = |who, until| Ban {
        account: AccountId::new([1; 32]),
        who,
        until: Time::from_millis(until),
        by: DeviceId::new([2; 32]),
    };
    let device = Banned::Device(DeviceId::new([3; 32]));
    let v4 = Banned::Address("192.0.2.1".parse().unwrap());
    let v6 = Banned::Address("2001:db8::".parse().unwrap());
    store
        .ban(&[ban(device, 200), ban(v4, 100), ban(v6, 300)])
        .await
        .unwrap();
    store.ban(&[ban(device, 150)]).await.unwrap();
    let in_force = |now| {
        let store = &store;
        async move {
            let mut bans = store.bans(Time::from_millis(now)).await.unwrap();
            bans.sort_by_key(|ban| ban.until.millis());
            bans
        }
    };
    assert_eq!(
        in_force(0).await,
        [ban(v4, 100), ban(device, 200), ban(v6, 300)]
    );
    assert_eq!(in_force(100).await, [ban(device, 200), ban(v6, 300)]);
    store.forget_bans(Time::from_millis(200)).await.unwrap();
    assert_eq!(in_force(0).await, [ban(v6, 300)]);
}
