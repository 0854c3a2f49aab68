//! What receivers may do, and what follows.

use std::time::{Duration, Instant};

use sottovoce::wire::Time;
use sottovoce_webhooks::delivery::DeliveryState;
use sottovoce_webhooks::dispatch::Clock;
use sottovoce_webhooks::endpoint::Disabled;

use crate::scene::{Answer, Receiver, account, contact, message};
use crate::{Stage, config};

/// Each answer, and the status and the code that the log has for it.
fn failures() -> Vec<(Answer, Option<u16>, &'static str)> {
    let raw = |text: &str| Answer::Raw(text.as_bytes().to_vec());
    vec![
        (
            Answer::Status(500, "", "out of\torder"),
            Some(500),
            "status",
        ),
        (Answer::Status(404, "", ""), Some(404), "status"),
        (
            Answer::Status(301, "location: http://127.0.0.1:1/\r\n", ""),
            Some(301),
            "redirect",
        ),
        (
            Answer::Status(307, "location: /elsewhere\r\n", ""),
            Some(307),
            "redirect",
        ),
        (Answer::Status(304, "", ""), Some(304), "redirect"),
        (Answer::Reset, None, "connection-lost"),
        (raw(""), None, "connection-lost"),
        (raw("HTTP/1.1 2"), None, "connection-lost"),
        (raw("SSH-2.0-OpenSSH_9.2\r\n"), None, "answer-malformed"),
        (Answer::EndlessHead, None, "answer-malformed"),
        (Answer::Endless(503), Some(503), "status"),
    ]
}

#[tokio::test]
async fn every_failure_is_named_in_the_log_and_tried_again() {
    for (answer, status, code) in failures() {
        let stage = Stage::new().await;
        let shown = format!("{answer:?}");
        let receiver = Receiver::start(move |_| answer.clone()).await;
        stage.register(&receiver.url()).await;
        stage.record(&[message(contact(1), 1)]).await;
        let (delivery, attempts) = stage.attempts(1).await;
        assert_eq!(attempts[0].status, status, "{shown}");
        assert_eq!(attempts[0].error.as_deref(), Some(code), "{shown}");
        assert_eq!(delivery.state, DeliveryState::Pending, "{shown}");
        stage.advance(6);
        stage.attempts(2).await;
    }
}

#[tokio::test]
async fn slow_hanging_and_dripping_answers_end_in_time() {
    let mut impatient = config();
    impatient.answer_timeout = Duration::from_millis(300);
    for answer in [Answer::Hang, Answer::Drip] {
        let resolver = std::sync::Arc::new(sottovoce_webhooks::target::SystemResolver);
        let stage = Stage::with(impatient.clone(), resolver).await;
        let receiver = Receiver::start(move |_| answer.clone()).await;
        stage.register(&receiver.url()).await;
        let began = Instant::now();
        stage.record(&[message(contact(1), 1)]).await;
        let (_, attempts) = stage.attempts(1).await;
        assert_eq!(attempts[0].error.as_deref(), Some("answer-timeout"));
        assert!((300..5000).contains(&attempts[0].duration), "{attempts:?}");
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn what_follows_a_success_is_not_waited_for() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| Answer::Endless(200)).await;
    stage.register(&receiver.url()).await;
    stage.record(&[message(contact(1), 1)]).await;
    let (delivery, attempts) = stage.attempts(1).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!(
        (attempts[0].status, attempts[0].error.clone()),
        (Some(200), None)
    );
    assert_eq!(attempts[0].excerpt, None);
}

#[tokio::test]
async fn the_log_keeps_a_short_excerpt_of_a_failure() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| Answer::Endless(500)).await;
    stage.register(&receiver.url()).await;
    stage.record(&[message(contact(1), 1)]).await;
    let (_, attempts) = stage.attempts(1).await;
    assert_eq!(attempts[0].excerpt, Some("x".repeat(256)));
}

#[tokio::test]
async fn nobody_at_the_address_is_a_failure_like_others() {
    let stage = Stage::new().await;
    // The port was free a moment ago.
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    stage.register(&format!("http://{address}/")).await;
    stage.record(&[message(contact(1), 1)]).await;
    let (_, attempts) = stage.attempts(1).await;
    assert_eq!(attempts[0].error.as_deref(), Some("connect-failed"));
}

#[tokio::test]
async fn after_nine_retries_a_delivery_is_given_up_and_kept_for_replay() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| Answer::Status(500, "", "")).await;
    stage.register(&receiver.url()).await;
    stage.record(&[message(contact(1), 1)]).await;
    let delays = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
    let (_, mut attempts) = stage.attempts(1).await;
    for (number, delay) in delays.into_iter().enumerate() {
        // Not a second before its time; at the latest a tenth after.
        stage.advance(delay - 1);
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(receiver.calls().len(), number + 1, "after {delay} s");
        stage.advance(delay / 10 + 2);
        (_, attempts) = stage.attempts(number + 2).await;
    }
    assert_eq!(attempts.len(), 10);
    let delivery = stage.settled().await.remove(0);
    assert_eq!(delivery.state, DeliveryState::Failed);
    stage.advance(7 * 86_400);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(receiver.calls().len(), 10);
    let now = stage.clock.now();
    assert!(
        stage
            .store
            .replay(&account(1), delivery.id, now)
            .await
            .unwrap()
    );
    stage.dispatcher.wake();
    let calls = receiver.wait_for(11).await;
    // One event, whose id never changes.
    assert!(
        calls
            .iter()
            .all(|call| call.header("webhook-id") == delivery.event)
    );
    assert!(calls.iter().all(|call| call.body == calls[0].body));
}

#[tokio::test]
async fn retry_after_is_honoured_in_seconds_and_as_a_date() {
    for header in [
        "retry-after: 120\r\n",
        "retry-after: Mon, 21 Sep 2026 14:15:20 GMT\r\n",
    ] {
        let stage = Stage::new().await;
        let receiver = Receiver::start(move |_| Answer::Status(429, header, "")).await;
        stage.register(&receiver.url()).await;
        stage.record(&[message(contact(1), 1)]).await;
        stage.attempts(1).await;
        stage.advance(119);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(receiver.calls().len(), 1, "{header}");
        stage.advance(15);
        stage.attempts(2).await;
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled() {
    let stage = Stage::new().await;
    let receiver = Receiver::start(|_| Answer::Status(410, "", "")).await;
    stage.register(&receiver.url()).await;
    stage
        .record(&[message(contact(1), 1), message(contact(1), 2)])
        .await;
    let (delivery, attempts) = stage.attempts(1).await;
    assert_eq!(attempts[0].error.as_deref(), Some("gone"));
    assert_eq!(delivery.state, DeliveryState::Failed);
    stage.advance(86_400);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(receiver.calls().len(), 1);
    let endpoint = stage.store.endpoints(&account(1)).await.unwrap().remove(0);
    assert_eq!(endpoint.disabled, Some(Disabled::Gone));
    assert!(endpoint.is_insecure());
    // What happens meanwhile waits until it is enabled again.
    let recorded = stage.database.record(&[message(contact(2), 1)]).await;
    assert_eq!(recorded.deliveries, 1);
    assert!(stage.clock.now() > Time::default());
}
