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
        device: None,
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

pub(in crate::store) async fn a_lifted_ban_takes_along_those_of_addresses_that_share_it(
    place: &Place,
) {
    let store = place.open().await;
    let (account, now) = (AccountId::new([1; 32]), Time::from_millis(50));
    let one = DeviceId::new([3; 32]);
    let other = DeviceId::new([4; 32]);
    let ban = |who, until, device| Ban {
        account,
        who,
        until: Time::from_millis(until),
        by: DeviceId::new([2; 32]),
        device,
    };
    let (v4, v6) = ("192.0.2.1", "2001:db8::");
    let address = |text: &str| Banned::Address(text.parse().unwrap());
    let in_force = || async {
        let mut bans = store.bans(now).await.unwrap();
        bans.sort_by_key(|ban| ban.until.millis());
        bans
    };
    let kept = [
        ban(Banned::Device(other), 300, None),
        ban(address(v6), 301, Some(other)),
    ];
    store
        .ban(&[
            ban(Banned::Device(one), 200, None),
            ban(address(v4), 200, Some(one)),
            // Two share it; it is of the one that lasts longer.
            kept[0],
            kept[1],
            ban(address(v6), 200, Some(one)),
        ])
        .await
        .unwrap();
    let elsewhere = AccountId::new([9; 32]);
    assert!(!store.lift_ban(elsewhere, one, now).await.unwrap());
    assert_eq!(in_force().await.len(), 4);
    assert!(store.lift_ban(account, one, now).await.unwrap());
    assert_eq!(in_force().await, kept);
    assert!(!store.lift_ban(account, one, now).await.unwrap());
    // A node that has not heard of it yet brings no address the ban that is gone.
    store
        .ban(&[ban(address(v4), 200, Some(one))])
        .await
        .unwrap();
    assert_eq!(in_force().await, kept);
    // One whose time is over is not in force.
    let late = Time::from_millis(300);
    assert!(!store.lift_ban(account, other, late).await.unwrap());
}
