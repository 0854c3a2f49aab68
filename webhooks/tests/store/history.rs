//! The delivery log, replay, erasure and retention.

use std::time::Duration;

use sottovoce_webhooks::delivery::{DeliveryFilter, DeliveryId, DeliveryState};
use sottovoce_webhooks::endpoint::{Disabled, EndpointChange};
use sottovoce_webhooks::event::EventKind;
use sottovoce_webhooks::store::{Next, Retention, Store};

use crate::queue::{claim, report};
use crate::scene::{Database, START, account, contact, event, message, registration};

crate::on_both!(
    the_log_says_what_became_of_a_delivery,
    a_replayed_delivery_goes_before_what_came_after_it,
    a_delivery_that_waits_can_be_tried_before_its_time,
    all_failures_since_a_time_can_be_replayed,
    an_erased_contact_leaves_only_the_news_of_that,
    what_is_old_is_forgotten_and_what_waits_is_not,
    an_endpoint_with_too_long_a_backlog_is_disabled,
    what_happens_while_an_endpoint_is_disabled_waits_for_it_up_to_the_backlog,
);

async fn endpoint(store: &dyn Store) {
    let wanted = registration("http://127.0.0.1:9000/");
    store
        .create_endpoint(&account(1), &wanted, START)
        .await
        .unwrap();
}

/// Claims all that is due and says that it ended so.
async fn end_all(store: &dyn Store, next: Next) -> usize {
    let jobs = store.claim(&claim(START, "a", 1000)).await.unwrap();
    let reports: Vec<_> = jobs.iter().map(|job| report(job, next)).collect();
    store.finish(&reports, START).await.unwrap();
    jobs.len()
}

fn of_state(state: DeliveryState) -> DeliveryFilter {
    DeliveryFilter {
        state: Some(state),
        ..DeliveryFilter::default()
    }
}

async fn the_log_says_what_became_of_a_delivery(database: &Database) {
    let store = database.store();
    endpoint(&*store).await;
    database
        .record(&[message(contact(1), 1), message(contact(2), 1)])
        .await;
    let jobs = store.claim(&claim(START, "a", 10)).await.unwrap();
    let reports = [
        report(&jobs[0], Next::Delivered),
        report(&jobs[1], Next::Disable(Disabled::Gone)),
    ];
    store.finish(&reports, START).await.unwrap();
    let all = DeliveryFilter::default();
    let log = store.deliveries(&account(1), &all, 10).await.unwrap();
    assert_eq!(log.len(), 2);
    assert!(log[0].id > log[1].id, "newest first");
    let page = store.deliveries(&account(1), &all, 1).await.unwrap();
    assert_eq!(page, log[..1]);
    let filter = DeliveryFilter {
        before: Some(log[0].id),
        endpoint: Some(log[0].endpoint.clone()),
        ..DeliveryFilter::default()
    };
    assert_eq!(
        store.deliveries(&account(1), &filter, 10).await.unwrap(),
        log[1..]
    );
    let failed = of_state(DeliveryState::Failed);
    let failed = store.deliveries(&account(1), &failed, 10).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].kind, EventKind::ContactMessage);
    assert_eq!(failed[0].finished, Some(START));
    let attempts = store.attempts(&account(1), failed[0].id).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].status, Some(500));
    assert_eq!(attempts[0].error.as_deref(), Some("status"));
    let endpoints = store.endpoints(&account(1)).await.unwrap();
    assert_eq!(endpoints[0].disabled, Some(Disabled::Gone));
    // Of another account's there is nothing to be seen.
    assert!(
        store
            .deliveries(&account(2), &all, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        store
            .attempts(&account(2), failed[0].id)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        store
            .delivery(&account(2), failed[0].id)
            .await
            .unwrap()
            .is_none()
    );
}

async fn a_replayed_delivery_goes_before_what_came_after_it(database: &Database) {
    let store = database.store();
    endpoint(&*store).await;
    database
        .record(&[message(contact(1), 1), message(contact(1), 2)])
        .await;
    end_all(&*store, Next::Failed).await;
    let failed = store
        .deliveries(&account(1), &of_state(DeliveryState::Failed), 10)
        .await;
    let failed = failed.unwrap().remove(0);
    assert!(!store.replay(&account(2), failed.id, START).await.unwrap());
    assert!(store.replay(&account(1), failed.id, START).await.unwrap());
    assert!(
        !store.replay(&account(1), failed.id, START).await.unwrap(),
        "it waits already"
    );
    let jobs = store.claim(&claim(START, "a", 10)).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].delivery, failed.id);
    assert_eq!(jobs[0].tries, 0);
    store
        .finish(&[report(&jobs[0], Next::Delivered)], START)
        .await
        .unwrap();
    let again = store
        .delivery(&account(1), failed.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((again.state, again.attempts), (DeliveryState::Delivered, 2));
    assert_eq!(
        store.attempts(&account(1), failed.id).await.unwrap().len(),
        2
    );
    // What was delivered can be sent again too.
    assert_eq!(end_all(&*store, Next::Delivered).await, 1);
    assert!(store.replay(&account(1), failed.id, START).await.unwrap());
    assert_eq!(end_all(&*store, Next::Delivered).await, 1);
    assert_eq!(database.count("webhook_lanes").await, 0);
}

async fn a_delivery_that_waits_can_be_tried_before_its_time(database: &Database) {
    let store = database.store();
    endpoint(&*store).await;
    database
        .record(&[message(contact(1), 1), message(contact(1), 2)])
        .await;
    let later = START.plus_seconds(300);
    let next = async || {
        let all = DeliveryFilter::default();
        let log = store.deliveries(&account(1), &all, 10).await.unwrap();
        (log[1].next, log[0].next)
    };
    // The second waits for the first, which is due, then under way, then to be repeated.
    assert_eq!(next().await, (Some(START), None));
    let jobs = store.claim(&claim(START, "a", 10)).await.unwrap();
    let first = jobs[0].delivery;
    assert_eq!(next().await, (None, None));
    let hasten = async |of: u8, id| store.hasten(&account(of), id, START).await.unwrap();
    assert!(hasten(1, first).await, "it is being tried");
    store
        .finish(&[report(&jobs[0], Next::Retry(later))], START)
        .await
        .unwrap();
    assert_eq!(next().await, (Some(later), None));
    let none = store.claim(&claim(START, "a", 10)).await.unwrap();
    assert!(none.is_empty());
    assert!(!hasten(2, first).await, "it is another account's");
    let second = DeliveryId::new(first.number() + 1);
    assert!(hasten(1, second).await);
    assert_eq!(next().await, (Some(START), None));
    let jobs = store.claim(&claim(START, "a", 10)).await.unwrap();
    assert_eq!(jobs[0].delivery, first, "in order");
    store
        .finish(&[report(&jobs[0], Next::Delivered)], START)
        .await
        .unwrap();
    assert_eq!(next().await, (None, Some(START)));
    assert!(!hasten(1, first).await, "it has ended");
}

async fn all_failures_since_a_time_can_be_replayed(database: &Database) {
    let store = database.store();
    endpoint(&*store).await;
    let mut old = message(contact(1), 1);
    old.time = START.plus_seconds(1);
    let mut new = message(contact(2), 1);
    new.time = START.plus_seconds(2);
    let mut newer = message(contact(2), 2);
    newer.time = START.plus_seconds(3);
    database.record(&[old, new, newer]).await;
    let late = START.plus_seconds(10);
    while let Some(job) = store.claim(&claim(late, "a", 1)).await.unwrap().first() {
        store
            .finish(&[report(job, Next::Failed)], late)
            .await
            .unwrap();
    }
    let id = store.endpoints(&account(1)).await.unwrap().remove(0).id;
    let since = START.plus_seconds(2);
    let other = store.replay_failed(&account(2), &id, since, late).await;
    assert_eq!(other.unwrap(), 0);
    let replayed = store.replay_failed(&account(1), &id, since, late).await;
    assert_eq!(replayed.unwrap(), 2);
    let jobs = store.claim(&claim(late, "a", 10)).await.unwrap();
    assert_eq!(jobs.len(), 1, "in order");
    assert_eq!(database.count("webhook_lanes").await, 1);
}

async fn an_erased_contact_leaves_only_the_news_of_that(database: &Database) {
    let store = database.store();
    endpoint(&*store).await;
    database
        .record(&[
            message(contact(1), 1),
            message(contact(1), 2),
            message(contact(2), 1),
        ])
        .await;
    let jobs = store.claim(&claim(START, "a", 10)).await.unwrap();
    // One is under way while it happens.
    database
        .erase(&event(EventKind::ContactErased, contact(1), 3))
        .await;
    let reports: Vec<_> = jobs
        .iter()
        .map(|job| report(job, Next::Delivered))
        .collect();
    store.finish(&reports, START).await.unwrap();
    let jobs = store.claim(&claim(START, "a", 10)).await.unwrap();
    assert_eq!(jobs.len(), 1);
    let body = String::from_utf8(jobs[0].body.clone()).unwrap();
    assert!(body.contains("contact.erased"), "{body}");
    store
        .finish(&[report(&jobs[0], Next::Delivered)], START)
        .await
        .unwrap();
    assert_eq!(database.count("webhook_events").await, 2);
    assert_eq!(database.count("webhook_attempts").await, 2);
    assert_eq!(database.count("webhook_lanes").await, 0);
}

async fn what_is_old_is_forgotten_and_what_waits_is_not(database: &Database) {
    let store = database.store();
    endpoint(&*store).await;
    database.record(&[message(contact(1), 1)]).await;
    end_all(&*store, Next::Delivered).await;
    database.record(&[message(contact(2), 1)]).await;
    end_all(&*store, Next::Failed).await;
    database.record(&[message(contact(3), 1)]).await;
    let retention = Retention {
        delivered: Duration::from_secs(60),
        failed: Duration::from_secs(600),
        backlog: 10,
    };
    assert_eq!(
        store
            .prune(&retention, START.plus_seconds(60))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        store
            .prune(&retention, START.plus_seconds(61))
            .await
            .unwrap(),
        1
    );
    assert_eq!(database.count("webhook_deliveries").await, 2);
    assert_eq!(database.count("webhook_events").await, 2);
    assert_eq!(database.count("webhook_attempts").await, 1);
    // What nobody takes for so long is forgotten too.
    assert_eq!(
        store
            .prune(&retention, START.plus_seconds(601))
            .await
            .unwrap(),
        2
    );
    for table in ["deliveries", "events", "attempts", "lanes"] {
        assert_eq!(
            database.count(&format!("webhook_{table}")).await,
            0,
            "{table}"
        );
    }
}

async fn an_endpoint_with_too_long_a_backlog_is_disabled(database: &Database) {
    let store = database.store();
    endpoint(&*store).await;
    let events: Vec<_> = (0..4)
        .map(|position| message(contact(1), position))
        .collect();
    database.record(&events).await;
    let mut retention = Retention::default();
    for (backlog, disabled) in [(4, None), (3, Some(Disabled::Backlog))] {
        retention.backlog = backlog;
        store.prune(&retention, START).await.unwrap();
        assert_eq!(
            store.endpoints(&account(1)).await.unwrap()[0].disabled,
            disabled
        );
    }
}

async fn what_happens_while_an_endpoint_is_disabled_waits_for_it_up_to_the_backlog(
    database: &Database,
) {
    let store = database.store();
    endpoint(&*store).await;
    let id = store.endpoints(&account(1)).await.unwrap().remove(0).id;
    let enable = async |enabled: bool| {
        let change = EndpointChange {
            registration: None,
            enabled: Some(enabled),
        };
        let changed = store
            .change_endpoint(&account(1), &id, &change, START)
            .await;
        changed.unwrap().unwrap().disabled
    };
    assert_eq!(enable(false).await, Some(Disabled::ByAccount));
    for position in 0..4 {
        database.record(&[message(contact(1), position)]).await;
    }
    assert_eq!(database.count("webhook_deliveries").await, 4);
    let claimed = store.claim(&claim(START, "a", 1000)).await.unwrap();
    assert!(claimed.is_empty(), "nothing is sent meanwhile");
    // Beyond the backlog nothing more is kept.
    let retention = Retention {
        backlog: 3,
        ..Retention::default()
    };
    store.prune(&retention, START).await.unwrap();
    let known = store.endpoints(&account(1)).await.unwrap().remove(0);
    assert_eq!(known.disabled, Some(Disabled::Backlog));
    let recorded = database.record(&[message(contact(1), 4)]).await;
    assert_eq!((recorded.deliveries, recorded.dropped), (0, 1));
    assert_eq!(database.count("webhook_deliveries").await, 4);
    // All that waits goes out once it is enabled.
    assert_eq!(enable(true).await, None);
    let claimed = store.claim(&claim(START, "a", 1000)).await.unwrap();
    assert_eq!(claimed.len(), 1);
}
