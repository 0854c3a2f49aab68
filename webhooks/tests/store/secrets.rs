//! Secret tokens and keys, and their change.

use std::time::Duration;

use crate::scene::{Database, START, account, registration};

const HOUR: Duration = Duration::from_secs(3600);

crate::on_both!(
    an_account_has_one_secret_token_of_its_own,
    a_former_token_is_valid_until_the_overlap_is_over,
    the_keys_of_an_endpoint_change_like_tokens,
    keys_that_change_twice_sign_for_as_long_as_each_was_promised,
);

async fn an_account_has_one_secret_token_of_its_own(database: &Database) {
    let store = database.store();
    let first = store.secret_tokens(&account(1), START).await.unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].until, None);
    let again = store.secret_tokens(&account(1), START).await.unwrap();
    assert_eq!(again[0].token, first[0].token);
    let other = store.secret_tokens(&account(2), START).await.unwrap();
    assert_ne!(other[0].token, first[0].token);
}

async fn a_former_token_is_valid_until_the_overlap_is_over(database: &Database) {
    let store = database.store();
    let id = account(1);
    let first = store
        .secret_tokens(&id, START)
        .await
        .unwrap()
        .remove(0)
        .token;
    let tokens = store.rotate_secret_token(&id, HOUR, START).await.unwrap();
    let second = tokens[0].token.clone();
    assert_ne!(second, first);
    assert_eq!(tokens[1].token, first);
    assert_eq!(tokens[1].until, Some(START.plus_seconds(3600)));
    let just_before = store
        .secret_tokens(&id, START.plus_seconds(3599))
        .await
        .unwrap();
    assert_eq!(just_before.len(), 2);
    let after = store
        .secret_tokens(&id, START.plus_seconds(3600))
        .await
        .unwrap();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].token, second);

    // A second change within the overlap would break the first one's promise.
    let refused = store
        .rotate_secret_token(&id, HOUR, START.plus_seconds(10))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "rotation-under-way");
    let tokens = store
        .secret_tokens(&id, START.plus_seconds(10))
        .await
        .unwrap();
    assert_eq!((&tokens[0].token, &tokens[1].token), (&second, &first));
    let later = START.plus_seconds(3600);
    let tokens = store.rotate_secret_token(&id, HOUR, later).await.unwrap();
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[1].token, second);
    // Without overlap the former one is void at once.
    let tokens = store
        .rotate_secret_token(&id, Duration::ZERO, later.plus_seconds(20))
        .await;
    assert_eq!(tokens.unwrap().len(), 1);
    assert_eq!(database.count("webhook_tokens").await, 1);
}

async fn the_keys_of_an_endpoint_change_like_tokens(database: &Database) {
    let store = database.store();
    let id = account(1);
    let wanted = registration("http://127.0.0.1:9000/");
    let endpoint = store.create_endpoint(&id, &wanted, START).await.unwrap().id;
    let first = store.endpoint_keys(&id, &endpoint, START).await.unwrap();
    assert_eq!(first.len(), 1);
    let keys = store
        .rotate_endpoint_keys(&id, &endpoint, HOUR, START)
        .await
        .unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[1].secret, first[0].secret);
    assert_eq!(keys[1].public, first[0].public);
    assert_ne!(keys[0].secret, first[0].secret);
    let after = START.plus_seconds(3600);
    let keys = store.endpoint_keys(&id, &endpoint, after).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(database.count("webhook_endpoint_keys").await, 2);
    // Of an endpoint of somebody else there are none to see or to change.
    let other = account(2);
    assert!(
        store
            .endpoint_keys(&other, &endpoint, START)
            .await
            .unwrap()
            .is_empty()
    );
    let changed = store
        .rotate_endpoint_keys(&other, &endpoint, HOUR, START)
        .await;
    assert!(changed.unwrap().is_empty());
}

async fn keys_that_change_twice_sign_for_as_long_as_each_was_promised(database: &Database) {
    let store = database.store();
    let id = account(1);
    let wanted = registration("http://127.0.0.1:9000/");
    let endpoint = store.create_endpoint(&id, &wanted, START).await.unwrap().id;
    let first = store.endpoint_keys(&id, &endpoint, START).await.unwrap();
    let rotate = async |overlap, seconds| {
        store
            .rotate_endpoint_keys(&id, &endpoint, overlap, START.plus_seconds(seconds))
            .await
    };
    rotate(HOUR, 0).await.unwrap();
    let keys = rotate(HOUR / 2, 10).await.unwrap();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys[2].secret, first[0].secret);
    assert_eq!(keys[2].until, Some(START.plus_seconds(3600)));
    assert_eq!(keys[1].until, Some(START.plus_seconds(1810)));
    let later = START.plus_seconds(1810);
    let keys = store.endpoint_keys(&id, &endpoint, later).await.unwrap();
    assert_eq!(keys.len(), 2);
    // No more than eight at a time.
    for seconds in 1820..1826 {
        rotate(HOUR, seconds).await.unwrap();
    }
    let refused = rotate(HOUR, 1830).await.unwrap_err();
    assert_eq!(refused.code(), "rotation-under-way");
    // A key that is known to others ends at once, with all before it.
    assert_eq!(rotate(Duration::ZERO, 1840).await.unwrap().len(), 1);
    assert_eq!(database.count("webhook_endpoint_keys").await, 1);
}
