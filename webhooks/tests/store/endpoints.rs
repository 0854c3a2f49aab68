//! Endpoints.

use sottovoce_webhooks::endpoint::{
    Disabled, ENDPOINTS, EndpointChange, EndpointError, EndpointId, HmacHeader, Registration,
    Settings, Shape,
};
use sottovoce_webhooks::event::EventKind;
use sottovoce_webhooks::keys::TokenUse;
use sottovoce_webhooks::store::StoreError;

use crate::scene::{Database, LOOPBACK, START, account, contact, message, only, registration};

crate::on_both!(
    an_endpoint_is_kept_as_it_was_registered,
    an_account_has_a_bounded_number_of_endpoints,
    a_deleted_endpoint_leaves_nothing,
    a_disabled_endpoint_is_not_called_and_goes_on_when_it_is_enabled,
);

async fn an_endpoint_is_kept_as_it_was_registered(database: &Database) {
    let store = database.store();
    let settings = Settings {
        header: HmacHeader::parse("X-ACME-Signature").unwrap(),
        token_use: TokenUse::Hex,
        shape: Shape::Older,
    };
    let kinds = [EventKind::ContactMessage, EventKind::ContactClosed];
    let url = "https://hooks.example.com:8443/a?b=ü";
    let wanted = Registration::new(url, kinds.into_iter().collect(), settings, &LOOPBACK).unwrap();
    let made = store
        .create_endpoint(&account(1), &wanted, START)
        .await
        .unwrap();
    assert!(!made.is_insecure());
    assert_eq!(EndpointId::parse(made.id.as_str()), Some(made.id.clone()));
    let read = store.endpoint(&account(1), &made.id).await.unwrap();
    assert_eq!(read, Some(made.clone()));
    assert_eq!(
        store.endpoints(&account(1)).await.unwrap(),
        std::slice::from_ref(&made)
    );
    // Nobody else's.
    assert_eq!(store.endpoint(&account(2), &made.id).await.unwrap(), None);
    assert_eq!(store.endpoints(&account(2)).await.unwrap(), []);

    let change = EndpointChange {
        registration: Some(registration("http://127.0.0.1:9000/")),
        enabled: Some(false),
    };
    let other = store
        .change_endpoint(&account(2), &made.id, &change, START)
        .await;
    assert_eq!(other.unwrap(), None);
    let changed = store
        .change_endpoint(&account(1), &made.id, &change, START)
        .await;
    let changed = changed.unwrap().unwrap();
    assert_eq!(Some(changed.registration.clone()), change.registration);
    assert_eq!(changed.disabled, Some(Disabled::ByAccount));
    assert!(changed.is_insecure());
    assert_eq!(changed.created, made.created);
}

async fn an_account_has_a_bounded_number_of_endpoints(database: &Database) {
    let store = database.store();
    let wanted = registration("http://127.0.0.1:9000/");
    for _ in 0..ENDPOINTS {
        store
            .create_endpoint(&account(1), &wanted, START)
            .await
            .unwrap();
    }
    let error = store
        .create_endpoint(&account(1), &wanted, START)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        StoreError::Endpoint(EndpointError::TooMany)
    ));
    store
        .create_endpoint(&account(2), &wanted, START)
        .await
        .unwrap();
}

async fn a_deleted_endpoint_leaves_nothing(database: &Database) {
    let store = database.store();
    let wanted = registration("http://127.0.0.1:9000/");
    let made = store
        .create_endpoint(&account(1), &wanted, START)
        .await
        .unwrap();
    database
        .record(&[message(contact(1), 1), message(contact(2), 1)])
        .await;
    assert!(!store.delete_endpoint(&account(2), &made.id).await.unwrap());
    assert!(store.delete_endpoint(&account(1), &made.id).await.unwrap());
    assert!(!store.delete_endpoint(&account(1), &made.id).await.unwrap());
    for table in [
        "endpoints",
        "endpoint_keys",
        "deliveries",
        "lanes",
        "attempts",
    ] {
        assert_eq!(
            database.count(&format!("webhook_{table}")).await,
            0,
            "{table}"
        );
    }
}

async fn a_disabled_endpoint_is_not_called_and_goes_on_when_it_is_enabled(database: &Database) {
    let store = database.store();
    let wanted = only("http://127.0.0.1:9000/", &[EventKind::ContactMessage]);
    let made = store
        .create_endpoint(&account(1), &wanted, START)
        .await
        .unwrap();
    assert_eq!(
        database.record(&[message(contact(1), 1)]).await.deliveries,
        1
    );
    let change = |enabled| EndpointChange {
        registration: None,
        enabled: Some(enabled),
    };
    store
        .change_endpoint(&account(1), &made.id, &change(false), START)
        .await
        .unwrap();
    assert_eq!(
        database.record(&[message(contact(1), 2)]).await.deliveries,
        1
    );
    let claim = crate::queue::claim(START, "a", 10);
    assert!(store.claim(&claim).await.unwrap().is_empty());
    store
        .change_endpoint(&account(1), &made.id, &change(true), START)
        .await
        .unwrap();
    assert_eq!(
        database.record(&[message(contact(1), 3)]).await.deliveries,
        1
    );
    assert_eq!(store.claim(&claim).await.unwrap().len(), 1);
}
