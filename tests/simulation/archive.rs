//! Contacts whose secrets are archived at a key manager: what clients seal to, what they refuse, and
//! what they make of the key manager's answers.

use std::cell::RefCell;
use std::rc::Rc;

use sottovoce::account::*;
use sottovoce::archive::*;
use sottovoce::client::*;
use sottovoce::contact::{Commit, EpochSecret};
use sottovoce::crypto::Random;
use sottovoce::wire::frame::{Entry, ObjectKind, RelayFrame};
use sottovoce::wire::*;

use crate::conversation::{claim, greet};
use crate::manager::{Manager, secrets, world};
use crate::world::World;

fn commits(world: &World, contact: &ContactId) -> Vec<Commit> {
    let entries = world.relay.contacts[contact].entries.iter();
    let commits = entries.filter_map(|entry| match decode(entry, limits::ENTRY).unwrap() {
        Entry::Commit(commit) => Some(Commit::parse(&commit).unwrap()),
        Entry::Envelope(_) => None,
    });
    commits.collect()
}

fn close(world: &mut World, agent: usize) -> ContactId {
    let contact = world.contact_of(agent);
    world.command(agent, Command::Close { contact });
    world.run(5);
    contact
}

fn ask_for(world: &mut World, reader: usize, contact: ContactId) -> (Outcome, String) {
    let release = Command::Release {
        contact,
        purpose: "transcript".into(),
        reason: "a complaint".into(),
    };
    world.nodes[reader].events.clear();
    world.command(reader, release);
    world.run(5);
    let mut events = world.nodes[reader].events.iter();
    let released = events.find_map(|event| match event {
        Event::Released { outcome, code, .. } => Some((*outcome, code.clone())),
        _ => None,
    });
    released.expect("an answer")
}

#[test]
fn every_epoch_secret_is_sealed_to_the_key_manager_and_opens_the_transcript_later() {
    let (mut world, manager) = world(300, &[KeyKind::OneTime], false);
    let (visitor, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    world.say(ada, "good morning");
    world.run(3);
    world.command(
        visitor,
        Command::Rekey {
            contact: world.contact_of(visitor),
        },
    );
    world.run(3);
    world.say(visitor, "thank you");
    world.run(3);
    let contact = close(&mut world, ada);
    let key = manager.borrow().private();
    let commits = commits(&world, &contact);
    assert_eq!(secrets(&key, &commits).len(), 3);
    for node in [visitor, ada] {
        assert_eq!(world.nodes[node].alarms(), [""; 0]);
    }
    let auditor = world.staff("Olga", Role::Auditor);
    world.connect(auditor);
    world.run(2);
    world.command(auditor, Command::Open { contact });
    world.run(3);
    assert!(world.nodes[auditor].texts().is_empty());
    assert_eq!(
        ask_for(&mut world, auditor, contact),
        (Outcome::Granted, String::new())
    );
    let texts = ["hello", "good morning", "thank you"];
    assert_eq!(world.nodes[auditor].texts(), texts);
    assert_eq!(world.nodes[auditor].alarms(), [""; 0]);
    // What was released is gone with the process.
    world.kill(auditor);
    world.run(5);
    assert!(world.nodes[auditor].texts().is_empty());
}

#[test]
fn a_key_that_the_key_manager_did_not_sign_starts_nothing() {
    let (mut world, _) = world(301, &[], true);
    let thief = Manager::new(999, world.account);
    let key = thief.key(KeyKind::OneTime, Suite::XWing);
    world.relay.archive_keys = vec![key];
    let (visitor, ada, _) = greet(&mut world);
    world.run(10);
    assert!(world.nodes[ada].inbox.is_empty());
    assert!(world.nodes[visitor].alarms().contains(&"not-signed"));
}

#[test]
fn without_one_time_keys_a_contact_starts_on_the_last_resort_key_where_that_is_allowed() {
    for (seed, allowed) in [(302, true), (303, false)] {
        let (mut world, _) = world(seed, &[KeyKind::LastResort], allowed);
        let (_, ada, _) = greet(&mut world);
        assert_eq!(world.nodes[ada].inbox.len(), usize::from(allowed));
    }
}

#[test]
fn a_key_manager_that_is_away_stops_no_chat_and_is_unavailable_to_who_asks() {
    let (mut world, _) = world(304, &[KeyKind::OneTime], false);
    world.relay.asked = None;
    let (visitor, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    world.say(ada, "we go on");
    world.run(3);
    assert_eq!(world.nodes[visitor].texts(), ["hello", "we go on"]);
    let contact = close(&mut world, ada);
    let answer = ask_for(&mut world, ada, contact);
    assert_eq!(answer, (Outcome::Unavailable, "unavailable".into()));
    assert_eq!(world.nodes[ada].failures(), [""; 0]);
}

#[test]
fn outcomes_reach_the_person_as_the_key_manager_said_them() {
    let outcomes = [
        (Outcome::Denied, "not-on-roster"),
        (Outcome::Unknown, "unknown-key"),
        (Outcome::Revoked, "revoked"),
        (Outcome::Erased, "erased"),
        (Outcome::Throttled, "throttled"),
    ];
    let (mut world, manager) = world(305, &[KeyKind::OneTime], false);
    let (_, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    let contact = close(&mut world, ada);
    for (outcome, code) in outcomes {
        let manager = Rc::clone(&manager);
        world.relay.asked = Some(Box::new(move |parcel| {
            manager
                .borrow_mut()
                .answer(parcel, |_, _| Err((outcome, code)))
        }));
        let answer = ask_for(&mut world, ada, contact);
        assert_eq!(answer, (outcome, code.to_owned()));
    }
}

#[test]
fn answers_that_are_not_the_key_managers_or_open_nothing_are_told_and_not_used() {
    let (mut world, manager) = world(306, &[KeyKind::OneTime], false);
    let (_, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    world.say(ada, "secret");
    world.run(3);
    let contact = close(&mut world, ada);
    let auditor = world.staff("Olga", Role::Auditor);
    world.connect(auditor);
    world.run(2);
    let seen = Rc::new(RefCell::new(Vec::new()));
    // The right answer, but changed on its way.
    let (honest, kept) = (Rc::clone(&manager), Rc::clone(&seen));
    world.relay.asked = Some(Box::new(move |parcel| {
        let mut answer = honest.borrow_mut().answer(parcel, |key, commits| {
            Ok(Grant::Secrets {
                secrets: secrets(key, commits),
            })
        });
        kept.borrow_mut().clone_from(&answer);
        let last = answer.len() - 1;
        answer[last] ^= 1;
        answer
    }));
    let refused = ask_for(&mut world, auditor, contact);
    assert_eq!(refused, (Outcome::Unavailable, "bad-signature".into()));
    // An old answer again.
    let old = Rc::clone(&seen);
    world.relay.asked = Some(Box::new(move |_| old.borrow().clone()));
    let refused = ask_for(&mut world, auditor, contact);
    assert_eq!(refused, (Outcome::Unavailable, "replayed".into()));
    // Secrets of something else.
    let wrong = Rc::clone(&manager);
    world.relay.asked = Some(Box::new(move |parcel| {
        wrong.borrow_mut().answer(parcel, |_, _| {
            let secret = EpochSecret::generate(&mut Random::seeded(1)).unwrap();
            let secrets = vec![ReleasedSecret { epoch: 0, secret }];
            Ok(Grant::Secrets { secrets })
        })
    }));
    let refused = ask_for(&mut world, auditor, contact);
    assert_eq!(refused, (Outcome::Malformed, "wrong-commitment".into()));
    assert!(world.nodes[auditor].texts().is_empty());
    let alarms = world.nodes[auditor].alarms();
    assert!(alarms.contains(&"wrong-commitment"));
}

#[test]
fn a_rewritten_audit_log_is_an_alarm() {
    let (mut world, manager) = world(307, &[KeyKind::OneTime], false);
    let (_, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    let contact = close(&mut world, ada);
    assert_eq!(ask_for(&mut world, ada, contact).0, Outcome::Granted);
    assert!(!world.nodes[ada].alarms().contains(&"audit-fork"));
    // The number that was told before, for another request.
    manager.borrow_mut().number -= 1;
    ask_for(&mut world, ada, contact);
    assert!(world.nodes[ada].alarms().contains(&"audit-fork"));
}

#[test]
fn staff_who_are_told_that_one_time_keys_run_short_bring_some() {
    let (mut world, manager) = world(308, &[KeyKind::OneTime], false);
    let ada = world.staff("Ada", Role::Agent);
    world.connect(ada);
    world.run(2);
    let key = manager
        .borrow()
        .key(KeyKind::OneTime, Suite::XWing)
        .to_bytes();
    let bringing = key.clone();
    world.relay.asked = Some(Box::new(move |parcel| {
        manager.borrow_mut().answer(parcel, |_, _| {
            Ok(Grant::Keys {
                keys: vec![bringing.clone()],
            })
        })
    }));
    let suite = Suite::XWing;
    world
        .relay
        .out
        .push((ada, RelayFrame::KeysWanted { suite, count: 1 }));
    world.collect();
    world.run(3);
    let published = world.relay.published.iter();
    let found = published.filter(|object| object.kind == ObjectKind::ArchiveKey);
    assert_eq!(
        found.map(|object| &object.bytes).collect::<Vec<_>>(),
        [&key]
    );
}

#[test]
fn whoever_asks_for_a_contact_that_the_relay_does_not_give_is_told_and_nothing_is_sent() {
    let (mut world, _) = world(309, &[KeyKind::OneTime], false);
    let auditor = world.staff("Olga", Role::Auditor);
    world.connect(auditor);
    world.run(2);
    let contact = ContactId::new([7; 16]);
    let answer = ask_for(&mut world, auditor, contact);
    assert_eq!(answer, (Outcome::Unknown, "unknown-contact".into()));
}
