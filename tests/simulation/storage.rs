//! A store that is slow, fails, or loses what it had not yet kept: nothing that depends on a
//! record leaves before the record is durable.

use sottovoce::client::*;
use sottovoce::wire::ContentId;

use crate::conversation::{claim, greeted};
use crate::world::World;

fn head(world: &World, contact: &sottovoce::wire::ContactId) -> usize {
    world.relay.contacts[contact].entries.len()
}

fn storage_events(world: &World, node: usize) -> Vec<bool> {
    world.nodes[node]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Storage { working } => Some(*working),
            _ => None,
        })
        .collect()
}

#[test]
fn nothing_leaves_before_its_record_is_durable() {
    let (mut world, visitor, ada, _) = greeted(100);
    claim(&mut world, ada);
    world.run(15);
    let contact = world.contact_of(visitor);
    let before = head(&world, &contact);
    world.nodes[visitor].store_delay = 3_600_000;
    world.say(visitor, "not kept");
    world.command(visitor, Command::Rekey { contact });
    world.run(5);
    assert_eq!(head(&world, &contact), before);
    // The process dies: what was never durable was never sent, and nothing is missed.
    world.nodes[visitor].store_delay = 0;
    world.kill(visitor);
    world.connect(visitor);
    world.run(3);
    world.say(visitor, "kept");
    world.run(3);
    for node in [visitor, ada] {
        assert_eq!(world.nodes[node].texts(), ["hello", "kept"]);
        assert!(world.nodes[node].alarms().is_empty());
    }
}

#[test]
fn a_message_that_its_host_names_is_there_once_however_often_it_is_said() {
    let (mut world, visitor, ada, _) = greeted(103);
    claim(&mut world, ada);
    world.run(15);
    let contact = world.contact_of(visitor);
    let send = |id: u8, text: &str| Command::Send {
        contact,
        kind: "text".into(),
        body: text.into(),
        reply_to: None,
        id: Some(ContentId::new([id; 16])),
    };
    // While it waits to be sent, when it was sent, and by a process that came up without knowing.
    world.disconnect(visitor);
    world.command(visitor, send(1, "once"));
    world.command(visitor, send(1, "once"));
    world.kill(visitor);
    world.command(visitor, send(1, "once"));
    world.connect(visitor);
    world.run(3);
    world.command(visitor, send(1, "once"));
    world.kill(visitor);
    world.command(visitor, send(1, "once"));
    world.command(visitor, send(2, "another"));
    world.connect(visitor);
    world.run(3);
    for node in [visitor, ada] {
        assert_eq!(world.nodes[node].texts(), ["hello", "once", "another"]);
        assert!(world.nodes[node].alarms().is_empty());
        assert!(world.nodes[node].failures().is_empty());
    }
}

#[test]
fn a_slow_store_delays_and_changes_nothing() {
    let (mut world, visitor, ada, _) = greeted(101);
    claim(&mut world, ada);
    for node in [visitor, ada] {
        world.nodes[node].store_delay = 400;
    }
    let mut said = vec!["hello".to_owned()];
    for number in 0..20 {
        let who = if number % 3 == 0 { ada } else { visitor };
        let text = format!("number {number}");
        world.say(who, &text);
        said.push(text);
        world.run(2);
    }
    world.run(10);
    for node in [visitor, ada] {
        assert_eq!(world.nodes[node].texts(), said);
        assert!(world.nodes[node].alarms().is_empty());
        assert!(world.nodes[node].failures().is_empty());
    }
}

#[test]
fn a_store_that_fails_is_told_of_and_tried_again() {
    let (mut world, visitor, ada, _) = greeted(102);
    claim(&mut world, ada);
    world.run(15);
    let contact = world.contact_of(visitor);
    let before = head(&world, &contact);
    world.nodes[visitor].store_fails = true;
    world.say(visitor, "when there is room again");
    world.run(5);
    assert_eq!(storage_events(&world, visitor), [false], "told once");
    assert_eq!(head(&world, &contact), before);
    world.nodes[visitor].store_fails = false;
    world.run(5);
    assert_eq!(storage_events(&world, visitor), [false, true]);
    assert_eq!(
        world.nodes[ada].texts(),
        ["hello", "when there is room again"]
    );
}

/// Processes die at any moment of a slow store: what is in the log was durable before, or the
/// next process would meet an own entry that it does not remember.
#[test]
fn a_process_that_dies_while_it_stores_has_sent_nothing_that_it_forgets() {
    for seed in 110..118 {
        let (mut world, visitor, ada, _) = greeted(seed);
        claim(&mut world, ada);
        let contact = world.contact_of(visitor);
        for node in [visitor, ada] {
            world.nodes[node].store_delay = 60;
        }
        (world.cut, world.crash) = (2, 8);
        for step in 0..2_500_u32 {
            world.step();
            let who = if world.chance(500) { visitor } else { ada };
            let view = world.nodes[who].view.clone();
            if view.is_some_and(|view| view.can_send) {
                if world.chance(40) {
                    world.say(who, &format!("{step}"));
                }
                if world.chance(4) {
                    world.command(who, Command::Rekey { contact });
                }
            }
        }
        (world.cut, world.crash) = (0, 0);
        for node in [visitor, ada] {
            world.nodes[node].store_delay = 0;
        }
        world.run(30);
        let texts = world.nodes[visitor].texts();
        assert_eq!(texts, world.nodes[ada].texts(), "seed {seed}");
        assert!(texts.len() > 10, "seed {seed}: {}", texts.len());
        let mut once = texts.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), texts.len(), "seed {seed}: said twice");
        for node in [visitor, ada] {
            let serious: Vec<_> = world.nodes[node]
                .alarms()
                .into_iter()
                .filter(|code| *code != "not-authenticated")
                .collect();
            assert!(serious.is_empty(), "seed {seed}: {serious:?}");
        }
    }
}

#[test]
fn a_process_that_dies_with_a_commit_on_its_way_goes_on_with_both_contact_and_commit() {
    let (mut world, visitor, ada, _) = greeted(119);
    claim(&mut world, ada);
    world.run(15);
    let contact = world.contact_of(visitor);
    let before = world.relay.contacts[&contact].log.epoch();
    world.command(visitor, Command::Rekey { contact });
    world.kill(visitor);
    world.run(5);
    assert_eq!(world.nodes[visitor].texts(), ["hello"]);
    assert_eq!(world.relay.contacts[&contact].log.epoch(), before + 1);
}

#[test]
fn what_was_read_at_the_start_is_not_written_again() {
    let (mut world, visitor, ada, _) = greeted(108);
    claim(&mut world, ada);
    world.say(ada, "good morning");
    world.run(15);
    world.offline = vec![visitor, ada];
    for node in [visitor, ada] {
        let kept = world.nodes[node].storage.clone();
        world.kill(node);
        world.run(2);
        assert_eq!(
            world.nodes[node].storage, kept,
            "every write has a new salt"
        );
    }
}

#[test]
fn many_unsent_messages_are_stored_one_by_one_and_sent_in_order() {
    let (mut world, visitor, ada, _) = greeted(109);
    claim(&mut world, ada);
    world.offline = vec![visitor];
    world.disconnect(visitor);
    let mut said = vec!["hello".to_owned()];
    for number in 0..300 {
        let kept = world.nodes[visitor].storage.clone();
        said.push(format!("number {number}"));
        world.say(visitor, said.last().unwrap());
        let changed = |(name, bytes): &(&String, &Vec<u8>)| kept.get(*name) != Some(*bytes);
        let written = world.nodes[visitor].storage.iter().filter(changed);
        assert_eq!(written.count(), 1, "one record for one message");
    }
    world.kill(visitor);
    world.offline.clear();
    world.run(2);
    world.kill(visitor);
    world.run(30);
    for node in [visitor, ada] {
        assert_eq!(world.nodes[node].texts(), said);
        assert!(world.nodes[node].alarms().is_empty());
    }
    let left = |name: &&String| name.starts_with("message.");
    assert_eq!(world.nodes[visitor].storage.keys().filter(left).count(), 0);
}
