//! State that is older than the log, and two processes with one state.

use std::collections::BTreeSet;

use sottovoce::message::Envelope;
use sottovoce::wire::frame::Entry;
use sottovoce::wire::{decode, limits};

use crate::conversation::{claim, greeted};
use crate::world::World;

#[test]
fn a_state_that_was_rolled_back_is_noticed_and_goes_on_with_new_keys() {
    let (mut world, visitor, ada, _) = greeted(200);
    claim(&mut world, ada);
    world.run(3);
    let snapshot = world.nodes[visitor].storage.clone();
    for text in ["one", "two", "three"] {
        world.say(visitor, text);
        world.run(2);
    }
    world.say(ada, "four");
    world.run(15);
    let epoch = world.nodes[visitor].view.as_ref().unwrap().epoch;
    world.restore(visitor, snapshot);
    world.connect(visitor);
    world.run(5);
    assert!(
        world.nodes[visitor]
            .alarms()
            .iter()
            .all(|code| *code == "state-rolled-back")
    );
    assert!(!world.nodes[visitor].alarms().is_empty());
    let view = world.nodes[visitor].view.clone().unwrap();
    assert!(view.epoch > epoch, "new keys");
    assert!(view.can_send);
    world.say(visitor, "five");
    world.run(2);
    world.say(ada, "six");
    world.run(3);
    let said = ["hello", "one", "two", "three", "four", "five", "six"];
    for node in [visitor, ada] {
        assert_eq!(world.nodes[node].texts(), said);
    }
    assert!(world.nodes[ada].alarms().is_empty());
}

/// Every envelope of a contact's log: device, epoch's transcript, sequence, salt.
fn keys_used(world: &World, visitor: usize) -> Vec<Vec<u8>> {
    let contact = world.contact_of(visitor);
    world.relay.contacts[&contact]
        .entries
        .iter()
        .filter_map(|bytes| match decode(bytes, limits::ENTRY).unwrap() {
            Entry::Envelope(envelope) => {
                let envelope = Envelope::parse(&envelope).unwrap();
                let header = envelope.header();
                let sequence = header.sequence.to_be_bytes();
                let parts: [&[u8]; 4] = [
                    header.device.as_array(),
                    header.transcript.as_array(),
                    &sequence,
                    header.salt.as_array(),
                ];
                Some(parts.concat())
            }
            Entry::Commit(_) => None,
        })
        .collect()
}

#[test]
fn two_processes_with_one_state_use_no_key_twice_and_both_are_heard() {
    let (mut world, visitor, ada, _) = greeted(201);
    claim(&mut world, ada);
    world.run(15);
    let copy = world.copy_of(visitor);
    world.connect(copy);
    world.run(3);
    // In one instant: both use the same sequence number.
    world.say(visitor, "from the one");
    world.say(copy, "from the other");
    world.run(20);
    let used = keys_used(&world, visitor);
    let distinct: BTreeSet<_> = used.iter().collect();
    assert_eq!(distinct.len(), used.len(), "a key and nonce was used twice");
    let sequences: BTreeSet<_> = used
        .iter()
        .map(|parts| parts[..parts.len() - 16].to_vec())
        .collect();
    assert!(
        sequences.len() < used.len(),
        "both wrote under one sequence number"
    );
    let heard: BTreeSet<_> = world.nodes[ada].texts().into_iter().collect();
    for text in ["from the one", "from the other"] {
        assert!(heard.contains(text), "{heard:?}");
    }
    assert!(world.nodes[ada].alarms().contains(&"two-with-one-sequence"));
    let marked = world.nodes[ada]
        .transcript()
        .into_iter()
        .filter(|item| item.marks.contains(&"two-with-one-sequence"))
        .count();
    assert!(marked > 0, "people are shown which");
    let noticed = [visitor, copy].map(|node| {
        let alarms = world.nodes[node].alarms();
        alarms.contains(&"state-rolled-back") || alarms.contains(&"two-with-one-sequence")
    });
    assert!(noticed.contains(&true), "one of them meets the other's");
}
