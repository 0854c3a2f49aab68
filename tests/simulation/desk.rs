//! What staff see before they open anything: who waits since when, who holds what, who looks at it.

use sottovoce::account::Role;
use sottovoce::client::*;
use sottovoce::wire::frame::{ClientFrame, RelayFrame};
use sottovoce::wire::{ContactId, Time, decode, limits};

use crate::conversation::{claim, greeted};
use crate::world::World;

fn entry(world: &World, node: usize) -> InboxEntry {
    let inbox = &world.nodes[node].inbox;
    assert_eq!(inbox.len(), 1, "{inbox:?}");
    inbox[0].clone()
}

/// What colleagues did, by name, as a node was told.
fn attending(world: &World, node: usize) -> Vec<(String, Attention)> {
    let events = world.nodes[node].events.iter();
    let told = events.filter_map(|event| match event {
        Event::Attending { author, what, .. } => Some((author.name.clone(), *what)),
        _ => None,
    });
    told.collect()
}

fn open(world: &mut World, node: usize, contact: ContactId) {
    world.command(node, Command::Open { contact });
    world.run(3);
}

fn hand_to_team(world: &mut World, agent: usize, contact: ContactId) {
    let transfer = Command::Transfer {
        contact,
        to: Target::Team("support".into()),
        history: true,
        note: None,
    };
    world.command(agent, transfer);
    world.run(4);
}

#[test]
fn a_contact_waits_since_it_was_created_then_since_the_first_unanswered_message() {
    let (mut world, visitor, ada, _) = greeted(820);
    let created = entry(&world, ada).created;
    assert_eq!(entry(&world, ada).waiting_since, Some(created));
    assert_eq!(entry(&world, ada).held_by, None);
    world.run(20);
    claim(&mut world, ada);
    let said = |world: &World| -> Vec<Time> {
        let transcript = world.nodes[ada].transcript();
        let texts = transcript.into_iter();
        let texts = texts.filter(|item| matches!(item.body, ItemBody::Text { .. }));
        texts.map(|item| item.time).collect()
    };
    assert_eq!(entry(&world, ada).waiting_since, Some(said(&world)[0]));
    assert!(entry(&world, ada).held_by.unwrap().own);
    world.say(ada, "good morning");
    world.run(3);
    assert_eq!(entry(&world, ada).waiting_since, None);
    world.say(visitor, "first");
    world.run(3);
    world.say(visitor, "second");
    world.run(3);
    assert_eq!(entry(&world, ada).waiting_since, Some(said(&world)[2]));
    // A private note is no answer, and a restart forgets nothing.
    let contact = world.contact_of(visitor);
    let text = "hm".to_owned();
    world.command(ada, Command::Note { contact, text });
    world.run(3);
    assert_eq!(entry(&world, ada).waiting_since, Some(said(&world)[2]));
    world.kill(ada);
    world.connect(ada);
    world.run(6);
    assert_eq!(entry(&world, ada).waiting_since, Some(said(&world)[2]));
}

#[test]
fn colleagues_are_told_who_holds_a_contact_of_their_team_and_cannot_read_it() {
    let (mut world, _, ada, bruno) = greeted(821);
    claim(&mut world, ada);
    let held = entry(&world, bruno);
    let holder = held.held_by.unwrap();
    assert_eq!(holder.device, world.nodes[ada].device());
    assert!(!held.mine && !held.can_claim && held.waiting_since.is_none());
    world.run(6);
    assert_eq!(entry(&world, bruno).held_by.unwrap().name, "Ada");
    let contact = held.contact;
    world.say(ada, "between us");
    open(&mut world, bruno, contact);
    assert_eq!(
        world.nodes[bruno].texts(),
        ["hello"],
        "from before the claim"
    );
    // Handed to the team it waits again, since the transfer.
    world.run(20);
    let before = world.now;
    hand_to_team(&mut world, ada, contact);
    let waits = entry(&world, bruno);
    assert!(waits.can_claim);
    assert!(waits.waiting_since.unwrap() >= before);
    assert_eq!(waits.held_by.unwrap().name, "Ada");
    world.command(bruno, Command::Claim { contact });
    world.run(4);
    assert!(entry(&world, bruno).held_by.unwrap().own);
    assert_eq!(entry(&world, ada).held_by.unwrap().name, "Bruno");
    world.command(bruno, Command::Close { contact });
    world.run(4);
    assert!(
        world.nodes[ada].inbox.is_empty(),
        "closed is held by nobody"
    );
    assert_eq!(world.nodes[ada].alarms(), [""; 0]);
}

#[test]
fn who_looks_at_an_unclaimed_contact_is_seen_by_colleagues_and_never_by_the_visitor() {
    let (mut world, visitor, ada, bruno) = greeted(822);
    let contact = world.contact_of(visitor);
    for agent in [ada, bruno] {
        open(&mut world, agent, contact);
    }
    world.run(6);
    for _ in 0..30 {
        for agent in [ada, bruno] {
            world.command(agent, Command::Attend { contact });
        }
        world.run(1);
    }
    let told = attending(&world, ada);
    assert!(
        (2..=5).contains(&told.len()),
        "{}: not each time",
        told.len()
    );
    assert!(
        told.iter()
            .all(|it| *it == ("Bruno".into(), Attention::Viewing))
    );
    assert!(!attending(&world, bruno).is_empty());
    world.command(bruno, Command::Typing { contact });
    world.run(1);
    assert_eq!(
        attending(&world, ada).last(),
        Some(&("Bruno".into(), Attention::Typing))
    );
    let is_told = |event: &Event| matches!(event, Event::Typing { .. } | Event::Attending { .. });
    assert!(!world.nodes[visitor].events.iter().any(is_told));
    // After the claim it is the roster's: the visitor sees who types, and others nothing.
    world.command(ada, Command::Claim { contact });
    world.run(4);
    let before = attending(&world, ada).len();
    world.command(bruno, Command::Attend { contact });
    world.command(bruno, Command::Typing { contact });
    world.command(ada, Command::Typing { contact });
    world.run(2);
    assert_eq!(attending(&world, ada).len(), before);
    assert!(world.nodes[visitor].events.iter().any(is_told));
    for node in &world.nodes {
        assert_eq!(node.alarms(), [""; 0], "{}", node.name);
    }
}

#[test]
fn what_colleagues_say_of_a_contact_under_transfer_is_under_the_staff_secret() {
    let (mut world, visitor, ada, bruno) = greeted(823);
    claim(&mut world, ada);
    let contact = world.contact_of(visitor);
    hand_to_team(&mut world, ada, contact);
    open(&mut world, bruno, contact);
    world.command(bruno, Command::Attend { contact });
    world.run(2);
    assert_eq!(
        attending(&world, ada),
        [("Bruno".into(), Attention::Viewing)]
    );
    world.command(ada, Command::Attend { contact });
    world.run(2);
    assert_eq!(
        attending(&world, bruno),
        [("Ada".into(), Attention::Viewing)]
    );
}

#[test]
fn nobody_without_a_credential_of_the_team_is_believed_to_look() {
    // The visitor's client is told that it may: it does not know how.
    let (mut world, visitor, ada, bruno) = greeted(824);
    let contact = world.contact_of(visitor);
    for agent in [ada, bruno] {
        open(&mut world, agent, contact);
    }
    world.command(visitor, Command::Attend { contact });
    world.run(2);
    assert!(attending(&world, ada).is_empty());
    // Events that a relay repeats are stale, whatever contact it says they are for.
    let heard = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let kept = std::rc::Rc::clone(&heard);
    world.tamper = Some(Box::new(move |_, frame| {
        if matches!(frame, RelayFrame::Ephemeral { .. }) {
            kept.borrow_mut().push(frame.clone());
        }
        vec![frame]
    }));
    world.command(bruno, Command::Attend { contact });
    world.run(2);
    world.tamper = None;
    let once = attending(&world, ada).len();
    assert_eq!(once, 1);
    for frame in heard.borrow().iter() {
        let RelayFrame::Ephemeral { event, .. } = frame else {
            continue;
        };
        for contact in [contact, ContactId::new([9; 16])] {
            let event = event.clone();
            let frame = sottovoce::wire::encode(&RelayFrame::Ephemeral { contact, event });
            for node in [ada, visitor] {
                world.input(node, Input::Frame(frame.clone()));
            }
        }
    }
    assert_eq!(attending(&world, ada).len(), once);
    assert!(attending(&world, visitor).is_empty());
}

#[test]
fn an_auditor_who_is_not_staff_does_not_look_for_others() {
    let (mut world, visitor, ada, _) = greeted(825);
    let auditor = world.staff("Otto", Role::Auditor);
    world.connect(auditor);
    let contact = world.contact_of(visitor);
    open(&mut world, ada, contact);
    open(&mut world, auditor, contact);
    world.command(auditor, Command::Attend { contact });
    world.run(2);
    assert!(attending(&world, ada).is_empty());
    let sent = world.nodes[auditor].to_relay.iter();
    assert!(!sent.into_iter().any(|(_, frame)| matches!(
        decode(frame, limits::FRAME),
        Ok(ClientFrame::Ephemeral { .. })
    )));
}

#[test]
fn a_contact_that_comes_back_to_somebody_who_had_it_open_goes_on_there() {
    for to_team in [false, true] {
        let (mut world, visitor, ada, bruno) = greeted(826);
        let contact = world.contact_of(visitor);
        open(&mut world, bruno, contact);
        claim(&mut world, ada);
        world.say(ada, "one moment");
        world.run(3);
        assert_eq!(world.nodes[bruno].texts(), ["hello"]);
        let team = "support".to_owned();
        world.command(ada, Command::LookUpTeam { team: team.clone() });
        world.run(3);
        let to = match to_team {
            true => Target::Team(team),
            false => Target::Device(world.nodes[bruno].device()),
        };
        let transfer = Command::Transfer {
            contact,
            to,
            history: true,
            note: None,
        };
        world.command(ada, transfer);
        world.run(4);
        let view = world.nodes[bruno].view.clone().unwrap();
        assert!(view.can_claim && view.state == ContactState::Transferring);
        assert_eq!(world.nodes[bruno].texts(), ["hello", "one moment"]);
        world.command(bruno, Command::Claim { contact });
        world.run(4);
        world.say(bruno, "here I am");
        world.run(3);
        assert_eq!(
            world.nodes[visitor].texts(),
            ["hello", "one moment", "here I am"]
        );
        assert_eq!(world.nodes[bruno].alarms(), [""; 0]);
    }
}

fn presence(world: &World, node: usize) -> PresenceView {
    let events = world.nodes[node].events.iter().rev();
    let mut views = events.filter_map(|event| match event {
        Event::Account(view) => view.presence,
        _ => None,
    });
    views.next().unwrap()
}

fn is_available(world: &World, node: usize) -> bool {
    world.relay.available[&world.nodes[node].device()]
}

#[test]
fn a_device_is_away_while_it_has_as_many_contacts_as_it_can_take() {
    let (mut world, visitor, ada, _) = greeted(830);
    assert!(is_available(&world, ada) && presence(&world, ada).available);
    let choose = |available, capacity| Command::Presence {
        available,
        capacity,
    };
    world.command(ada, choose(true, Some(1)));
    world.run(2);
    assert!(is_available(&world, ada));
    claim(&mut world, ada);
    assert!(!is_available(&world, ada));
    let full = PresenceView {
        available: true,
        capacity: Some(1),
        own: 1,
        welcome: false,
    };
    assert_eq!(presence(&world, ada), full);
    // The choice survives a restart, and a relay that takes everybody for available is told.
    world.kill(ada);
    world.connect(ada);
    world.run(6);
    assert_eq!(presence(&world, ada), full);
    assert!(!is_available(&world, ada));
    let contact = world.contact_of(visitor);
    world.command(ada, Command::Close { contact });
    world.run(4);
    assert!(is_available(&world, ada));
    world.command(ada, choose(false, None));
    world.run(2);
    assert!(!is_available(&world, ada));
    world.disconnect(ada);
    world.connect(ada);
    world.run(3);
    assert!(!is_available(&world, ada));
    assert_eq!(presence(&world, ada).own, 0);
}
