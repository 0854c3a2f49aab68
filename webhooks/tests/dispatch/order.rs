//! Order, bounds, and an end in order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sottovoce_webhooks::delivery::DeliveryState;
use sottovoce_webhooks::target::SystemResolver;

use crate::scene::{Answer, Call, Receiver, contact, message};
use crate::{Stage, config};

/// Each event's first arrival, by contact.
fn order(calls: &[Call]) -> HashMap<String, Vec<u64>> {
    let mut seen = std::collections::HashSet::new();
    let mut order: HashMap<String, Vec<u64>> = HashMap::new();
    for call in calls {
        if seen.insert(call.header("webhook-id").to_owned()) {
            order
                .entry(call.contact())
                .or_default()
                .push(call.position());
        }
    }
    order
}

#[tokio::test]
async fn an_unreliable_receiver_gets_everything_in_order_for_each_contact() {
    let stage = Stage::new().await;
    let count = AtomicUsize::new(0);
    let receiver = Receiver::start(move |_| {
        if count.fetch_add(1, Ordering::SeqCst).is_multiple_of(3) {
            Answer::Status(503, "", "")
        } else {
            Answer::OK
        }
    })
    .await;
    stage.register(&receiver.url()).await;
    for position in 1..=10 {
        let events: Vec<_> = (0..6)
            .map(|number| message(contact(number), position))
            .collect();
        stage.record(&events).await;
    }
    for _ in 0..400 {
        stage.advance(400);
        let deliveries = stage.deliveries().await;
        if deliveries
            .iter()
            .all(|delivery| delivery.state != DeliveryState::Pending)
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let deliveries = stage.settled().await;
    assert_eq!(deliveries.len(), 60);
    assert!(
        deliveries
            .iter()
            .all(|delivery| delivery.state == DeliveryState::Delivered)
    );
    let order = order(&receiver.calls());
    assert_eq!(order.len(), 6);
    for positions in order.values() {
        assert_eq!(*positions, (1..=10).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_stubborn_contact_does_not_hold_back_others() {
    let stage = Stage::new().await;
    let stubborn = contact(1).to_string();
    let receiver = Receiver::start(move |call| {
        if call.contact() == stubborn {
            Answer::Status(500, "", "")
        } else {
            Answer::OK
        }
    })
    .await;
    stage.register(&receiver.url()).await;
    let events: Vec<_> = (1..=3)
        .flat_map(|position| [message(contact(1), position), message(contact(2), position)])
        .collect();
    stage.record(&events).await;
    receiver.wait_for(4).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let order = order(&receiver.calls());
    assert_eq!(order[&contact(1).to_string()], [1]);
    assert_eq!(order[&contact(2).to_string()], [1, 2, 3]);
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_was_said() {
    let mut bounded = config();
    bounded.in_flight = 5;
    bounded.in_flight_per_endpoint = 3;
    let stage = Stage::with(bounded, Arc::new(SystemResolver)).await;
    let mut receivers = Vec::new();
    for _ in 0..2 {
        let receiver = Receiver::start(|_| {
            std::thread::sleep(Duration::from_millis(3));
            Answer::OK
        })
        .await;
        stage.register(&receiver.url()).await;
        receivers.push(receiver);
    }
    let events: Vec<_> = (0..30).map(|number| message(contact(number), 1)).collect();
    stage.record(&events).await;
    for receiver in &receivers {
        receiver.wait_for(30).await;
        // The receiver may see a connection's end a little later than the sender.
        assert!(receiver.most_at_once() <= 4, "{}", receiver.most_at_once());
    }
}

#[tokio::test]
async fn what_is_under_way_is_finished_before_the_end_and_nothing_more_is_begun() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| {
        std::thread::sleep(Duration::from_millis(100));
        Answer::OK
    })
    .await;
    stage.register(&receiver.url()).await;
    stage
        .record(&[message(contact(1), 1), message(contact(1), 2)])
        .await;
    receiver.wait_for(1).await;
    stage.dispatcher.drain().await;
    assert_eq!(receiver.calls().len(), 1);
    let all = sottovoce_webhooks::delivery::DeliveryFilter::default();
    let log = stage
        .store
        .deliveries(&crate::scene::account(1), &all, 10)
        .await
        .unwrap();
    let states: Vec<_> = log.iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [DeliveryState::Pending, DeliveryState::Delivered]);
}
