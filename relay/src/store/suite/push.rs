//! Push targets.

use sottovoce::wire::frame::{PushKind, PushTarget};
use sottovoce::wire::{AccountId, DeviceId};

use super::Place;

pub(in crate::store) async fn a_device_has_one_push_target_or_none(place: &Place) {
    let store = place.open().await;
    let account = AccountId::new([1; 32]);
    let device = DeviceId::new([2; 32]);
    let found = || store.push_target(&account, &device);
    assert_eq!(found().await.unwrap(), None);
    for kind in [
        PushKind::Apns,
        PushKind::Fcm,
        PushKind::WebPush,
        PushKind::Test,
    ] {
        let token = format!("{kind:?}");
        let target = PushTarget { kind, token };
        store
            .set_push_target(&account, &device, Some(&target))
            .await
            .unwrap();
        assert_eq!(found().await.unwrap(), Some(target));
    }
    let other = DeviceId::new([3; 32]);
    store.set_push_target(&account, &other, None).await.unwrap();
    assert!(found().await.unwrap().is_some());
    store
        .set_push_target(&account, &device, None)
        .await
        .unwrap();
    assert_eq!(found().await.unwrap(), None);
}
