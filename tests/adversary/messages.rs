//! Messages that the relay keeps back, moves, repeats, rewrites or makes up, alone or with a member.

use sottovoce::account::Role;
use sottovoce::client::*;
use sottovoce::contact::Commit;
use sottovoce::message::*;
use sottovoce::wire::frame::{Entry, RelayFrame};
use sottovoce::wire::*;

use crate::insider::{commits, envelopes};
use crate::scene::Scene;
use crate::world::World;
pub fn entry(envelope: &Envelope) -> Entry {
    Entry::Envelope(envelope.to_bytes())
}

pub fn item<'a>(scene: &'a Scene, node: usize, text: &str) -> &'a Item {
    let transcript = scene.world.nodes[node].transcript();
    let is_it =
        |item: &&Item| matches!(&item.body, ItemBody::Text { text: said, .. } if said == text);
    transcript.into_iter().find(is_it).expect("it is shown")
}

pub fn hears(scene: &Scene, node: usize, text: &str) -> bool {
    scene.world.nodes[node].texts().iter().any(|it| it == text)
}

/// The relay shows a node no more entries.
fn silence(scene: &mut Scene, nodes: impl Fn(usize) -> bool + 'static) {
    scene.world.tamper = Some(Box::new(move |peer, frame| match frame {
        RelayFrame::Entries { .. } if nodes(peer) => Vec::new(),
        frame => vec![frame],
    }));
}

#[test]
fn the_last_message_that_is_dropped_is_shown_as_not_acknowledged() {
    let mut scene = Scene::talking(60);
    let ada = scene.ada;
    silence(&mut scene, move |peer| peer == ada);
    scene.world.say(scene.visitor, "the last one");
    scene.world.run(70);
    assert!(!hears(&scene, ada, "the last one"));
    let said = item(&scene, scene.visitor, "the last one");
    assert_eq!(said.state, MessageState::Sent);
    assert_eq!(said.marks, ["not-acknowledged"]);
    // Ada was told nothing wrong; when she hears it, all is well.
    scene.world.tamper = None;
    scene.world.disconnect(ada);
    scene.world.run(20);
    let said = item(&scene, scene.visitor, "the last one");
    assert_eq!(said.state, MessageState::Delivered);
    assert!(said.marks.is_empty());
    scene.goes_on();
}

#[test]
fn what_the_relay_acknowledges_and_keeps_from_everyone_is_never_shown_as_sent() {
    let mut scene = Scene::talking(61);
    silence(&mut scene, |_| true);
    scene.world.say(scene.visitor, "into the void");
    scene.world.run(70);
    let said = item(&scene, scene.visitor, "into the void");
    assert_eq!(said.state, MessageState::Sending);
    assert!(!hears(&scene, scene.ada, "into the void"));
}

#[test]
fn a_message_held_back_for_long_is_marked() {
    let mut scene = Scene::talking(62);
    let ada = scene.ada;
    silence(&mut scene, move |peer| peer == ada);
    scene.world.say(scene.visitor, "half an hour ago");
    scene.world.run(3);
    scene.world.tamper = None;
    scene.world.now = scene.world.now.plus_seconds(1_800);
    // What makes the relay come out with it is that Ada says something and misses a position.
    scene.world.say(scene.visitor, "now");
    scene.world.run(15);
    let late = item(&scene, ada, "half an hour ago");
    assert_eq!(late.marks, ["time-off"]);
    assert!(item(&scene, ada, "now").marks.is_empty());
    scene.goes_on();
}

#[test]
fn a_message_moved_to_another_contact_counts_for_nothing_there() {
    let mut scene = Scene::talking(63);
    scene.another_contact_goes_on();
    let visitor = scene.world.nodes[scene.visitor].device();
    let hello = envelopes(&scene.world, &scene.contact, &visitor)[0].clone();
    let mine = scene.contact;
    let mut contacts = scene.world.relay.contacts.keys().copied();
    let other = contacts.find(|id| *id != mine).unwrap();
    scene.contact = other;
    let before = scene.world.nodes[scene.ada].texts();
    scene.insert(&entry(&hello));
    assert_eq!(scene.world.nodes[scene.ada].texts(), before);
    assert_eq!(scene.invalid(scene.ada), ["foreign-contact"]);
    let everywhere = scene
        .world
        .nodes
        .iter()
        .flat_map(crate::world::Node::alarms);
    assert_eq!(everywhere.count(), 0);
}

#[test]
fn a_message_moved_to_another_account_counts_for_nothing_there() {
    let mut scene = Scene::talking(64);
    let other = Scene::talking(65);
    let ada = other.world.nodes[other.ada].device();
    let said = envelopes(&other.world, &other.contact, &ada)[0].clone();
    scene.unchanged_by(|scene| scene.insert(&entry(&said)));
    let commit = commits(&other.world, &other.contact)[1].to_bytes();
    scene.forget();
    scene.unchanged_by(|scene| scene.insert(&Entry::Commit(commit.into())));
    for node in [scene.visitor, scene.ada] {
        assert_eq!(scene.alarms(node), ["foreign-contact"]);
        let invalid = scene.invalid(node);
        assert_eq!(invalid, ["foreign-contact", "foreign-contact"]);
    }
    scene.goes_on();
}

#[test]
fn a_commit_whose_time_the_relay_changes_is_refused() {
    let mut scene = Scene::waiting(68);
    let visitor = scene.visitor;
    let now = scene.world.now;
    scene.world.tamper = Some(Box::new(move |peer, mut frame| {
        if let RelayFrame::Entries { entries, .. } = &mut frame
            && peer == visitor
        {
            for bytes in entries {
                let Ok(Entry::Commit(commit)) = decode(bytes, limits::ENTRY) else {
                    continue;
                };
                let commit = Commit::parse(&commit).unwrap();
                let time = commit.core().time.millis();
                if commit.core().epoch > 0 && time >= now.millis() {
                    let (from, to) = (time.to_be_bytes(), (time + 1_000).to_be_bytes());
                    let place = bytes.windows(8).position(|it| *it == from).unwrap();
                    let mut changed = bytes.to_vec();
                    changed[place..place + 8].copy_from_slice(&to);
                    *bytes = changed.into();
                }
            }
        }
        vec![frame]
    }));
    scene.forget();
    crate::greeting::claim(&mut scene.world, scene.ada);
    assert_eq!(scene.alarms(visitor), ["bad-signature"]);
    assert_eq!(scene.view(visitor).epoch, 0);
}

#[test]
fn a_time_far_from_the_clock_is_told() {
    let mut scene = Scene::talking(69);
    let mut ada = scene.insider(scene.ada);
    let now = scene.world.now;
    // A member whose clock is an hour ahead.
    scene.world.now = now.plus_seconds(3_600);
    let text = ada.text(&scene.world, ada.device(), "from the future");
    scene.world.now = now;
    scene.insert(&entry(&text));
    let said = item(&scene, scene.visitor, "from the future");
    assert_eq!(said.marks, ["time-off"]);
    scene.goes_on();
    let mut scene = Scene::talking(59);
    let mut ada = scene.insider(scene.ada);
    scene.world.now = scene.world.now.plus_seconds(3_600);
    let rekey = ada.rekey(&scene.world);
    scene.world.now = now;
    scene.forget();
    scene.commit(&rekey);
    for node in [scene.visitor, scene.ada] {
        assert_eq!(scene.alarms(node), ["time-off"]);
    }
    scene.goes_on();
}

#[test]
fn a_late_message_of_an_agent_who_was_removed_is_not_shown() {
    let mut scene = Scene::talking(71);
    let mut ada = scene.insider(scene.ada);
    // Written while she was there, and kept by the relay until she was not,
    let kept = ada.text(&scene.world, ada.device(), "kept back");
    scene.hand_to_bruno(true);
    let epoch = scene.view(scene.bruno).epoch;
    assert_eq!(epoch, 3);
    // and written afterwards, under the new epoch's name.
    let later = ada.text_in(&scene.world, epoch, ada.device(), "still here");
    for (envelope, invalid) in [(kept, &[][..]), (later, &["not-on-roster"][..])] {
        let entries = scene.entries().len();
        scene.forget();
        scene.insert(&entry(&envelope));
        assert_eq!(scene.entries().len(), entries + 1);
        for node in [scene.visitor, scene.bruno] {
            assert!(!hears(&scene, node, "kept back"));
            assert!(!hears(&scene, node, "still here"));
            assert_eq!(scene.invalid(node), invalid);
            let late = if invalid.is_empty() { 1 } else { 0 };
            assert_eq!(scene.alarms(node), vec!["stale-epoch"; late]);
            assert_eq!(scene.stopped(node), None);
        }
    }
    scene.world.say(scene.bruno, "Bruno here");
    scene.world.run(3);
    assert!(hears(&scene, scene.visitor, "Bruno here"));
}

#[test]
fn messages_in_the_wrong_order_are_marked_and_the_next_word_stops_the_deceived() {
    let mut world = World::new(74);
    let sofia = world.staff("Sofia", Role::Supervisor);
    world.connect(sofia);
    let mut scene = Scene::talking_in(world);
    let visitor = scene.visitor;
    let mut held: Option<Bytes> = None;
    scene.world.tamper = Some(Box::new(move |peer, frame| match frame {
        RelayFrame::Entries {
            contact,
            first,
            mut entries,
            head,
        } if peer == visitor => match held.take() {
            None if entries.len() == 1 => {
                held = entries.pop();
                Vec::new()
            }
            Some(earlier) => {
                entries.push(earlier);
                let first = first - 1;
                vec![RelayFrame::Entries {
                    contact,
                    first,
                    entries,
                    head,
                }]
            }
            None => vec![RelayFrame::Entries {
                contact,
                first,
                entries,
                head,
            }],
        },
        frame => vec![frame],
    }));
    scene.forget();
    scene.world.say(scene.ada, "first");
    scene.world.say(scene.ada, "second");
    scene.world.run(3);
    scene.world.tamper = None;
    let marks = &item(&scene, visitor, "second").marks;
    assert_eq!(*marks, ["gap"]);
    scene.world.say(scene.ada, "third");
    scene.world.run(3);
    assert_eq!(scene.stopped(visitor), Some("fork"));
}
