//! What a client does when a relay under load asks for work.
#![allow(clippy::unwrap_used, clippy::panic)]

use sottovoce::account::Pin;
use sottovoce::client::{Client, Config, Event, Input, Kind, Output};
use sottovoce::crypto::{Random, Secret};
use sottovoce::wire::frame::{ClientFrame, Nonce, RelayFrame};
use sottovoce::wire::{AccountId, Time, decode, encode, limits, work};

const NOW: Time = Time::from_millis(1_750_000_000_000);

fn visitor() -> Client {
    let config = Config {
        pin: Pin::account(AccountId::new([7; 32])),
        host: "relay.example".to_owned(),
        kind: Kind::Visitor,
        storage_key: Secret::new([1; 32]),
        generation: 1,
    };
    let mut client = Client::open(config, &[], Random::os(), NOW).unwrap();
    client.handle(NOW, Input::Connected);
    frame(
        &mut client,
        &RelayFrame::Challenge {
            nonce: Nonce::new([1; 32]),
        },
    );
    client
}

fn frame(client: &mut Client, frame: &RelayFrame) {
    client.handle(NOW, Input::Frame(encode(frame)));
}

/// All that the client wants done now.
fn outputs(client: &mut Client) -> Vec<Output> {
    let mut found = Vec::new();
    while let Some(output) = client.poll(NOW) {
        if let Output::Store(batch) = &output {
            client.handle(NOW, Input::Stored(batch.id));
        }
        found.push(output);
    }
    found
}

fn answer(outputs: &[Output]) -> Option<u64> {
    outputs.iter().find_map(|output| match output {
        Output::Transmit(bytes) => match decode(bytes, limits::FRAME).unwrap() {
            ClientFrame::Solve { answer } => Some(answer),
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn work_is_done_in_small_steps_between_which_the_host_is_free() {
    let mut client = visitor();
    let nonce = Nonce::new([2; 32]);
    let bits = 14;
    frame(&mut client, &RelayFrame::Work { nonce, bits });
    let mut steps = 1;
    let answer = loop {
        let found = outputs(&mut client);
        if let Some(answer) = answer(&found) {
            break answer;
        }
        assert!(found.iter().any(|it| matches!(it, Output::WakeAt(_))) || steps > 1);
        client.handle(NOW, Input::Tick);
        steps += 1;
        assert!(steps < 1_000);
    };
    assert!(work::is_done(&nonce, answer, bits));
    // A thousand tries a step.
    assert_eq!(steps, answer / 1_000 + 1);
}

#[test]
fn work_that_is_too_hard_is_refused() {
    let mut client = visitor();
    let nonce = Nonce::new([2; 32]);
    let bits = u64::from(work::MOST_BITS) + 1;
    frame(&mut client, &RelayFrame::Work { nonce, bits });
    let found = outputs(&mut client);
    assert_eq!(answer(&found), None);
    let is_alarm = |output: &Output| {
        matches!(output, Output::Event(event)
            if matches!(&**event, Event::Alarm { code, .. } if *code == "work-refused"))
    };
    assert!(found.iter().any(is_alarm));
}

#[test]
fn work_ends_with_the_connection() {
    let mut client = visitor();
    let nonce = Nonce::new([2; 32]);
    frame(&mut client, &RelayFrame::Work { nonce, bits: 18 });
    client.handle(NOW, Input::Disconnected);
    for _ in 0..1_000 {
        client.handle(NOW, Input::Tick);
    }
    assert_eq!(answer(&outputs(&mut client)), None);
}

#[test]
fn an_answer_is_checked_by_its_leading_zero_bits() {
    let nonce = Nonce::new([0; 32]);
    assert!(work::is_done(&nonce, 0, 0));
    let found = (0..)
        .find(|answer| work::is_done(&nonce, *answer, 10))
        .unwrap();
    assert!((0..=10).all(|bits| work::is_done(&nonce, found, bits)));
    assert!(!work::is_done(&nonce, found, 33));
}
