//! What can be said, how far it got, and who is typing. In both suites.

use sottovoce::client::*;
use sottovoce::wire::{Suite, limits};

use crate::conversation::{claim, greet};
use crate::world::World;

/// A conversation under way in a suite: the world, the visitor, Ada.
fn talking(seed: u64, suite: Suite) -> (World, usize, usize) {
    let mut world = World::with_policy(seed, |policy| policy.lowest_suite = Suite::X25519);
    world.relay.only = Some(suite);
    let (visitor, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    world.run(3);
    let view = world.nodes[ada].view.clone().unwrap();
    assert_eq!(view.suite, suite.number());
    (world, visitor, ada)
}

/// Articles of the Universal Declaration in every script that the project has, and worse.
fn texts() -> Vec<String> {
    let declaration = include_str!("../texts/udhr.json");
    let declaration: serde_json::Value = serde_json::from_str(declaration).unwrap();
    let languages = declaration["languages"].as_array().unwrap();
    assert!(languages.len() >= 10);
    let mut texts: Vec<String> = languages
        .iter()
        .map(|language| language["articles"]["1"].as_str().unwrap().to_owned())
        .collect();
    texts.extend(
        [
            "x",
            "\u{0}",
            "before\u{0}after",
            "zero\u{200b}width\u{feff}\u{200d}joined",
            "\u{202e}right to left\u{202c} and \u{2067}isolated\u{2069}",
            "👩‍👩‍👧‍👦 🏳️‍🌈 🇺🇳 👍🏽",
            "e\u{301}\u{302}\u{303}\u{304}\u{305}",
            "<script>alert(1)</script>",
            "line\r\nline\n\tline",
        ]
        .map(str::to_owned),
    );
    for length in [252, 253, 4_096, limits::BODY - 1, limits::BODY] {
        texts.push("a".repeat(length));
    }
    texts.push("ß".repeat(limits::BODY / 2));
    texts
}

#[test]
fn texts_in_ten_scripts_and_of_every_size_arrive_as_they_were() {
    for suite in Suite::ALL {
        let (mut world, visitor, ada) = talking(700, suite);
        let mut said = vec!["hello".to_owned()];
        for (index, text) in texts().into_iter().enumerate() {
            let who = if index % 2 == 0 { visitor } else { ada };
            world.say(who, &text);
            said.push(text);
            world.run(1);
        }
        world.run(12);
        for node in [visitor, ada] {
            let texts = world.nodes[node].texts();
            let differ = texts.iter().zip(&said).find(|(a, b)| a != b);
            assert!(differ.is_none() && texts.len() == said.len());
            assert!(world.nodes[node].alarms().is_empty());
            assert!(world.nodes[node].failures().is_empty());
        }
    }
}

#[test]
fn what_is_too_large_or_empty_is_refused_before_it_is_sent() {
    let (mut world, visitor, _) = talking(701, Suite::XWing);
    world.run(15);
    let contact = world.contact_of(visitor);
    let before = world.relay.contacts[&contact].entries.len();
    world.say(visitor, &"a".repeat(limits::BODY + 1));
    world.say(visitor, &"€".repeat(limits::BODY / 3 + 1));
    world.say(visitor, "");
    let send = |kind: &str, body: &[u8]| Command::Send {
        contact,
        kind: kind.into(),
        body: body.to_vec(),
        reply_to: None,
        id: None,
    };
    world.command(visitor, send("text", &[0xff, 0xfe]));
    world.command(visitor, send(&"k".repeat(limits::NAME + 1), b"body"));
    world.run(3);
    assert_eq!(
        world.nodes[visitor].failures(),
        [
            "content-too-large",
            "content-too-large",
            "content-empty",
            "not-utf8",
            "content-too-large"
        ]
    );
    assert_eq!(world.relay.contacts[&contact].entries.len(), before);
    assert_eq!(world.nodes[visitor].texts(), ["hello"]);
}

#[test]
fn a_policy_may_allow_less_than_the_protocol() {
    let mut world = World::with_policy(702, |policy| policy.limits.text = 10);
    let (visitor, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    world.say(visitor, "0123456789");
    world.say(visitor, "0123456789a");
    world.run(3);
    assert_eq!(world.nodes[visitor].failures(), ["content-too-large"]);
    assert_eq!(world.nodes[ada].texts(), ["hello", "0123456789"]);
}

#[test]
fn content_of_an_unknown_kind_survives_as_it_is() {
    for suite in Suite::ALL {
        let (mut world, visitor, ada) = talking(703, suite);
        let contact = world.contact_of(visitor);
        let body: Vec<u8> = (0..=255).collect();
        for (kind, who) in [("attachment", visitor), ("from-the-future", ada)] {
            let command = Command::Send {
                contact,
                kind: kind.into(),
                body: body.clone(),
                reply_to: None,
                id: None,
            };
            world.command(who, command);
            world.run(3);
            for node in [visitor, ada] {
                let arrived = world.nodes[node].transcript().iter().any(|item| {
                    matches!(&item.body, ItemBody::Unsupported { kind: k, body: b, .. }
                        if k == kind && *b == body)
                });
                assert!(arrived, "{kind}");
            }
        }
        assert!(world.nodes.iter().all(|node| node.alarms().is_empty()));
    }
}

#[test]
fn typing_is_told_and_kept_nowhere() {
    for suite in Suite::ALL {
        let (mut world, visitor, ada) = talking(704, suite);
        world.run(15);
        let contact = world.contact_of(visitor);
        let before = world.relay.contacts[&contact].entries.len();
        for _ in 0..20 {
            world.command(visitor, Command::Typing { contact });
            world.run(1);
        }
        let device = world.nodes[visitor].device();
        let told = world.nodes[ada]
            .events
            .iter()
            .filter(
                |event| matches!(event, Event::Typing { author, .. } if author.device == device),
            )
            .count();
        assert!((3..=8).contains(&told), "{told}: often enough, not always");
        assert_eq!(world.relay.contacts[&contact].entries.len(), before);
    }
}

fn state_of(world: &World, node: usize, text: &str) -> (MessageState, Vec<&'static str>) {
    let transcript = world.nodes[node].transcript();
    let item = transcript
        .iter()
        .find(|item| matches!(&item.body, ItemBody::Text { text: t, .. } if t == text))
        .unwrap();
    (item.state, item.marks.clone())
}

#[test]
fn a_message_is_sent_then_delivered_then_read() {
    for suite in Suite::ALL {
        let (mut world, visitor, ada) = talking(705, suite);
        world.run(15);
        world.disconnect(visitor);
        world.say(visitor, "did you see?");
        assert_eq!(
            state_of(&world, visitor, "did you see?").0,
            MessageState::Sending
        );
        world.connect(visitor);
        world.run(3);
        assert_eq!(
            state_of(&world, visitor, "did you see?").0,
            MessageState::Sent
        );
        world.run(12);
        assert_eq!(
            state_of(&world, visitor, "did you see?").0,
            MessageState::Delivered
        );
        let contact = world.contact_of(visitor);
        let position = world.nodes[ada].view.as_ref().unwrap().head;
        world.command(ada, Command::Read { contact, position });
        world.run(5);
        assert_eq!(
            state_of(&world, visitor, "did you see?"),
            (MessageState::Read, vec![])
        );
    }
}

#[test]
fn a_message_that_nobody_acknowledges_is_marked_after_a_minute() {
    let (mut world, visitor, ada) = talking(706, Suite::XWing);
    world.run(15);
    // Ada's connection is dead, and stays so.
    world.offline.push(ada);
    world.disconnect(ada);
    world.say(visitor, "hello?");
    world.run(50);
    assert_eq!(
        state_of(&world, visitor, "hello?"),
        (MessageState::Sent, vec![])
    );
    world.run(15);
    assert_eq!(
        state_of(&world, visitor, "hello?"),
        (MessageState::Sent, vec!["not-acknowledged"])
    );
    world.offline.clear();
    world.connect(ada);
    world.run(15);
    assert_eq!(
        state_of(&world, visitor, "hello?"),
        (MessageState::Delivered, vec![])
    );
}

#[test]
fn messages_that_failed_are_in_no_other_ones_way() {
    let (mut world, visitor, ada) = talking(703, Suite::X25519);
    world.relay.refuses = Some("throttled");
    for number in 0..80 {
        world.say(visitor, &format!("refused {number}"));
        world.run(1);
    }
    world.relay.refuses = None;
    world.say(visitor, "heard");
    world.run(3);
    assert_eq!(world.nodes[ada].texts(), ["hello", "heard"]);
}
