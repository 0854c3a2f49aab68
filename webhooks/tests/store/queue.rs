//! Claims and reports.

use std::collections::HashMap;

use sottovoce::wire::Time;
use sottovoce_webhooks::delivery::Attempt;
use sottovoce_webhooks::event::EventKind;
use sottovoce_webhooks::store::{Claim, Job, Next, Report};

use crate::scene::{Database, START, account, contact, event, message, only, registration};

crate::on_both!(
    an_event_goes_to_every_endpoint_that_wants_it_if_its_transaction_commits,
    events_of_one_contact_go_one_after_the_other_and_those_of_others_beside,
    what_failed_holds_back_its_contact_until_it_is_given_up,
    a_lease_that_ends_is_another_ones_and_its_late_report_counts_for_nothing,
    no_endpoint_gets_more_than_its_share,
    many_claim_at_once_and_nothing_is_taken_twice,
);

pub(crate) fn claim(now: Time, holder: &str, most: usize) -> Claim {
    Claim {
        now,
        until: now.plus_seconds(60),
        holder: holder.to_owned(),
        most,
        per_endpoint: most,
        busy: HashMap::new(),
    }
}

pub(crate) fn report(job: &Job, next: Next) -> Report {
    let delivered = next == Next::Delivered;
    Report {
        lease: job.lease.clone(),
        delivery: job.delivery,
        attempt: Attempt {
            started: START,
            duration: 12,
            status: Some(if delivered { 204 } else { 500 }),
            error: (!delivered).then(|| "status".to_owned()),
            excerpt: None,
        },
        next,
    }
}

fn position(job: &Job) -> u64 {
    let body: serde_json::Value = serde_json::from_slice(&job.body).unwrap();
    body["data"]["position"].as_u64().unwrap()
}

async fn an_event_goes_to_every_endpoint_that_wants_it_if_its_transaction_commits(
    database: &Database,
) {
    let store = database.store();
    let all = registration("http://127.0.0.1:9000/all");
    let closes = only("http://127.0.0.1:9000/closes", &[EventKind::ContactClosed]);
    for (owner, wanted) in [(1, &all), (1, &closes), (2, &all)] {
        store
            .create_endpoint(&account(owner), wanted, START)
            .await
            .unwrap();
    }
    database.record_in_vain(&[message(contact(1), 1)]).await;
    assert_eq!(database.record(&[]).await.deliveries, 0);
    let close = event(EventKind::ContactClosed, contact(1), 2);
    assert_eq!(
        database
            .record(&[message(contact(1), 1), close])
            .await
            .deliveries,
        3
    );
    assert_eq!(database.count("webhook_events").await, 2);
    let jobs = store.claim(&claim(START, "a", 10)).await.unwrap();
    let mut told: Vec<_> = jobs
        .iter()
        .map(|job| (job.url.path().to_owned(), position(job)))
        .collect();
    told.sort();
    assert_eq!(told, [("/all".to_owned(), 1), ("/closes".to_owned(), 2)]);
    assert!(
        jobs.iter()
            .all(|job| job.tokens.len() == 1 && job.keys.len() == 1)
    );
    assert!(jobs.iter().all(|job| job.account == account(1)));
}

async fn events_of_one_contact_go_one_after_the_other_and_those_of_others_beside(
    database: &Database,
) {
    let store = database.store();
    let wanted = registration("http://127.0.0.1:9000/");
    store
        .create_endpoint(&account(1), &wanted, START)
        .await
        .unwrap();
    let events = [
        message(contact(1), 1),
        message(contact(2), 11),
        message(contact(1), 2),
        message(contact(1), 3),
    ];
    database.record(&events).await;
    let jobs = store.claim(&claim(START, "a", 10)).await.unwrap();
    let mut positions: Vec<_> = jobs.iter().map(position).collect();
    positions.sort_unstable();
    assert_eq!(positions, [1, 11]);
    // Nothing more while those are under way.
    database.record(&[message(contact(1), 4)]).await;
    assert!(
        store
            .claim(&claim(START, "a", 10))
            .await
            .unwrap()
            .is_empty()
    );
    for expected in 1..=4 {
        let jobs = if expected == 1 {
            jobs.clone()
        } else {
            store.claim(&claim(START, "a", 10)).await.unwrap()
        };
        let reports: Vec<_> = jobs
            .iter()
            .map(|job| report(job, Next::Delivered))
            .collect();
        assert!(jobs.iter().any(|job| position(job) == expected));
        store.finish(&reports, START).await.unwrap();
    }
    assert!(
        store
            .claim(&claim(START, "a", 10))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(database.count("webhook_lanes").await, 0);
    assert_eq!(database.count("webhook_attempts").await, 5);
}

async fn what_failed_holds_back_its_contact_until_it_is_given_up(database: &Database) {
    let store = database.store();
    let wanted = registration("http://127.0.0.1:9000/");
    store
        .create_endpoint(&account(1), &wanted, START)
        .await
        .unwrap();
    database
        .record(&[message(contact(1), 1), message(contact(1), 2)])
        .await;
    let job = store.claim(&claim(START, "a", 10)).await.unwrap().remove(0);
    let later = START.plus_seconds(5);
    store
        .finish(&[report(&job, Next::Retry(later))], START)
        .await
        .unwrap();
    assert!(
        store
            .claim(&claim(START.plus_seconds(4), "a", 10))
            .await
            .unwrap()
            .is_empty()
    );
    let job = store.claim(&claim(later, "a", 10)).await.unwrap().remove(0);
    assert_eq!((position(&job), job.tries), (1, 1));
    store
        .finish(&[report(&job, Next::Failed)], later)
        .await
        .unwrap();
    let job = store.claim(&claim(later, "a", 10)).await.unwrap().remove(0);
    assert_eq!((position(&job), job.tries), (2, 0));
}

async fn a_lease_that_ends_is_another_ones_and_its_late_report_counts_for_nothing(
    database: &Database,
) {
    let store = database.store();
    let wanted = registration("http://127.0.0.1:9000/");
    store
        .create_endpoint(&account(1), &wanted, START)
        .await
        .unwrap();
    database.record(&[message(contact(1), 1)]).await;
    let first = store.claim(&claim(START, "a", 10)).await.unwrap().remove(0);
    let later = START.plus_seconds(59);
    assert!(
        store
            .claim(&claim(later, "b", 10))
            .await
            .unwrap()
            .is_empty()
    );
    let later = START.plus_seconds(60);
    let second = store.claim(&claim(later, "b", 10)).await.unwrap().remove(0);
    assert_eq!(second.delivery, first.delivery);
    store
        .finish(&[report(&first, Next::Failed)], later)
        .await
        .unwrap();
    assert_eq!(database.count("webhook_attempts").await, 0);
    store
        .finish(&[report(&second, Next::Delivered)], later)
        .await
        .unwrap();
    // And once more: nothing is there to be changed.
    store
        .finish(&[report(&second, Next::Failed)], later)
        .await
        .unwrap();
    let delivery = store
        .delivery(&account(1), first.delivery)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(delivery.state.name(), "delivered");
    assert_eq!(delivery.attempts, 1);
}

async fn no_endpoint_gets_more_than_its_share(database: &Database) {
    let store = database.store();
    for path in ["a", "b"] {
        let wanted = registration(&format!("http://127.0.0.1:9000/{path}"));
        store
            .create_endpoint(&account(1), &wanted, START)
            .await
            .unwrap();
    }
    let events: Vec<_> = (0..10).map(|number| message(contact(number), 1)).collect();
    database.record(&events).await;
    let mut wanted = claim(START, "x", 5);
    wanted.per_endpoint = 3;
    let jobs = store.claim(&wanted).await.unwrap();
    assert_eq!(jobs.len(), 5);
    let mut busy = HashMap::new();
    for job in &jobs {
        *busy.entry(job.lease.endpoint.clone()).or_insert(0) += 1;
    }
    let mut shares: Vec<_> = busy.values().copied().collect();
    shares.sort_unstable();
    assert_eq!(shares, [2, 3]);
    wanted.most = 100;
    wanted.busy = busy;
    assert_eq!(store.claim(&wanted).await.unwrap().len(), 1);
}

async fn many_claim_at_once_and_nothing_is_taken_twice(database: &Database) {
    let store = database.store();
    let wanted = registration("http://127.0.0.1:9000/");
    store
        .create_endpoint(&account(1), &wanted, START)
        .await
        .unwrap();
    let events: Vec<_> = (0..4)
        .flat_map(|position| (0..30).map(move |number| message(contact(number), position)))
        .collect();
    database.record(&events).await;
    let workers = ["a", "b", "c"].map(|holder| {
        let store = std::sync::Arc::clone(&store);
        tokio::spawn(async move {
            let mut done = Vec::new();
            loop {
                let jobs = store.claim(&claim(START, holder, 4)).await.unwrap();
                if jobs.is_empty() {
                    return done;
                }
                let reports: Vec<_> = jobs
                    .iter()
                    .map(|job| report(job, Next::Delivered))
                    .collect();
                store.finish(&reports, START).await.unwrap();
                done.extend(jobs.iter().map(|job| job.delivery));
            }
        })
    });
    let mut done = Vec::new();
    for worker in workers {
        done.extend(worker.await.unwrap());
    }
    // A worker may have ended while the others held what was left.
    let rest = store
        .claim(&claim(START.plus_seconds(60), "d", 1000))
        .await
        .unwrap();
    done.extend(rest.iter().map(|job| job.delivery));
    let count = done.len();
    done.sort_unstable();
    done.dedup();
    assert_eq!(done.len(), count);
    assert_eq!(count, 120);
}
