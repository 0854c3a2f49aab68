//! A relay that drops, repeats, reorders, rewrites, forks or forgets: whoever hears another
//! participant afterwards notices.

use sottovoce::client::*;
use sottovoce::wire::Bytes;
use sottovoce::wire::frame::RelayFrame;

use crate::conversation::{claim, greeted};
use crate::world::World;

/// Visitor and Ada have talked; whom the test lies to is the visitor.
fn talking(seed: u64) -> (World, usize, usize) {
    let (mut world, visitor, ada, _) = greeted(seed);
    claim(&mut world, ada);
    world.say(ada, "good morning");
    world.run(15);
    (world, visitor, ada)
}

fn stopped_by(world: &World, node: usize) -> Option<&'static str> {
    world.nodes[node]
        .view
        .as_ref()
        .and_then(|view| view.stopped_by)
}

#[test]
fn an_entry_dropped_for_one_participant_stops_its_sending() {
    let (mut world, visitor, ada) = talking(300);
    let mut dropped = false;
    world.tamper = Some(Box::new(move |peer, frame| match frame {
        RelayFrame::Entries {
            contact,
            first,
            entries,
            head,
        } if peer == visitor => {
            if !dropped {
                // This one never existed, says the relay.
                dropped = true;
                return Vec::new();
            }
            vec![RelayFrame::Entries {
                contact,
                first: first - 1,
                entries,
                head: head - 1,
            }]
        }
        frame => vec![frame],
    }));
    world.say(ada, "dropped");
    world.run(2);
    assert!(world.nodes[visitor].alarms().is_empty());
    world.say(ada, "heard");
    world.run(2);
    let alarms = world.nodes[visitor].alarms();
    assert!(alarms.contains(&"gap"), "{alarms:?}");
    assert!(alarms.contains(&"fork"), "{alarms:?}");
    assert_eq!(stopped_by(&world, visitor), Some("fork"));
    let before = world.relay.contacts[&world.contact_of(visitor)]
        .entries
        .len();
    world.tamper = None;
    world.say(visitor, "am I heard?");
    world.run(3);
    assert!(world.nodes[visitor].failures().contains(&"fork"));
    assert_eq!(
        world.relay.contacts[&world.contact_of(visitor)]
            .entries
            .len(),
        before
    );
}

#[test]
fn two_histories_are_noticed_as_soon_as_one_side_hears_the_other() {
    let (mut world, visitor, ada) = talking(301);
    // The visitor is shown Ada's next two entries in the other order.
    let mut held: Option<Bytes> = None;
    let mut swapped = false;
    world.tamper = Some(Box::new(move |peer, frame| match frame {
        RelayFrame::Entries {
            contact,
            first,
            entries,
            head,
        } if peer == visitor && !swapped => match held.take() {
            None => {
                held = entries.into_iter().next();
                Vec::new()
            }
            Some(earlier) => {
                swapped = true;
                let mut both = entries;
                both.push(earlier);
                vec![RelayFrame::Entries {
                    contact,
                    first: first - 1,
                    entries: both,
                    head,
                }]
            }
        },
        frame => vec![frame],
    }));
    world.say(ada, "first");
    world.say(ada, "second");
    world.run(3);
    world.say(ada, "third");
    world.run(3);
    assert_eq!(stopped_by(&world, visitor), Some("fork"));
    assert!(world.nodes[visitor].alarms().contains(&"fork"));
}

#[test]
fn whoever_hears_the_deceived_one_stops_too() {
    let (mut world, visitor, ada) = talking(302);
    let mut dropped = false;
    world.tamper = Some(Box::new(move |peer, frame| match frame {
        RelayFrame::Entries {
            contact,
            first,
            entries,
            head,
        } if peer == visitor => {
            if !dropped {
                dropped = true;
                return Vec::new();
            }
            vec![RelayFrame::Entries {
                contact,
                first: first - 1,
                entries,
                head: head - 1,
            }]
        }
        frame => vec![frame],
    }));
    world.say(ada, "dropped");
    world.run(2);
    world.say(visitor, "what I have seen is another log");
    world.run(3);
    assert_eq!(stopped_by(&world, ada), None, "a gap is no fork yet");
    world.say(visitor, "and still is");
    world.run(3);
    assert_eq!(stopped_by(&world, ada), Some("fork"));
}

#[test]
fn a_replayed_entry_is_shown_once_and_told_of() {
    let (mut world, visitor, ada) = talking(303);
    let contact = world.contact_of(visitor);
    world.say(visitor, "once");
    world.run(2);
    let entries = &world.relay.contacts[&contact].entries;
    let last = entries.last().unwrap().clone();
    world.relay.insert(contact, last);
    world.collect();
    world.run(15);
    for node in [visitor, ada] {
        let texts = world.nodes[node].texts();
        assert_eq!(texts.iter().filter(|text| *text == "once").count(), 1);
        assert!(world.nodes[node].alarms().contains(&"replayed"));
    }
    world.say(ada, "still here");
    world.run(3);
    assert_eq!(world.nodes[visitor].texts().last().unwrap(), "still here");
}

#[test]
fn a_replayed_commit_counts_for_nothing() {
    let (mut world, visitor, ada) = talking(304);
    let contact = world.contact_of(visitor);
    let claim = world.relay.contacts[&contact]
        .entries
        .iter()
        .rfind(|entry| entry[1] == 0)
        .unwrap()
        .clone();
    let epoch = world.nodes[visitor].view.as_ref().unwrap().epoch;
    world.relay.insert(contact, claim);
    world.collect();
    world.run(3);
    for node in [visitor, ada] {
        assert!(world.nodes[node].alarms().contains(&"stale-epoch"));
        assert_eq!(world.nodes[node].view.as_ref().unwrap().epoch, epoch);
    }
}

#[test]
fn a_rewritten_entry_is_not_believed() {
    let (mut world, visitor, ada) = talking(305);
    let mut done = false;
    world.tamper = Some(Box::new(move |peer, mut frame| {
        if let RelayFrame::Entries { entries, .. } = &mut frame
            && peer == visitor
            && !done
        {
            done = true;
            let mut bytes = entries[0].to_vec();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            entries[0] = bytes.into();
        }
        vec![frame]
    }));
    world.say(ada, "rewritten");
    world.run(3);
    assert!(!world.nodes[visitor].texts().contains(&"rewritten".into()));
    let invalid = world.nodes[visitor]
        .transcript()
        .iter()
        .any(|item| item.body == ItemBody::Invalid("bad-signature"));
    assert!(invalid, "the place of the entry is shown");
    world.say(ada, "next");
    world.run(3);
    assert_eq!(stopped_by(&world, visitor), Some("fork"));
}

#[test]
fn a_log_that_became_shorter_is_noticed_after_a_restart() {
    let (mut world, visitor, _) = talking(306);
    let contact = world.contact_of(visitor);
    let known = world.relay.contacts.get_mut(&contact).unwrap();
    let shorter = known.entries.len() - 1;
    known.entries.truncate(shorter);
    world.kill(visitor);
    world.connect(visitor);
    world.run(5);
    assert!(world.nodes[visitor].alarms().contains(&"log-truncated"));
    assert_eq!(stopped_by(&world, visitor), Some("log-truncated"));
}

#[test]
fn another_log_of_the_same_length_is_noticed_after_a_restart() {
    let (mut world, visitor, _) = talking(307);
    let contact = world.contact_of(visitor);
    let known = world.relay.contacts.get_mut(&contact).unwrap();
    let last = known.entries.len() - 1;
    known.entries.swap(last, last - 1);
    world.kill(visitor);
    world.connect(visitor);
    world.run(5);
    assert_eq!(stopped_by(&world, visitor), Some("fork"));
}
