//! Key managers and their keys, between clients and a relay that mixes them up.

use std::cell::RefCell;
use std::rc::Rc;

use sottovoce::account::*;
use sottovoce::archive::*;
use sottovoce::client::*;
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::*;

use crate::manager::{Judged, Manager, secrets, world};
use crate::scene::Scene;

/// Ada asks for a contact; what she is told.
fn ask(scene: &mut Scene) -> (Outcome, String) {
    let (contact, ada) = (scene.contact, scene.ada);
    scene.forget();
    let release = Command::Release {
        contact,
        purpose: "transcript".into(),
        reason: "a complaint".into(),
    };
    scene.world.command(ada, release);
    scene.world.run(5);
    let mut events = scene.world.nodes[ada].events.iter();
    let released = events.find_map(|event| match event {
        Event::Released { outcome, code, .. } => Some((*outcome, code.clone())),
        _ => None,
    });
    released.expect("an answer")
}

fn denied(code: &'static str) -> Judged {
    Err((Outcome::Denied, code))
}

#[test]
fn a_one_time_key_that_a_second_contact_was_given_is_an_alarm() {
    let (world, manager) = world(140, &[KeyKind::OneTime], false);
    // The relay gives the one key to everybody; the key manager remembers the first.
    let first = Rc::new(RefCell::new(None));
    let mut scene = {
        let mut world = world;
        let key = manager.borrow().key(KeyKind::OneTime, Suite::XWing);
        world.relay.archive_keys.extend([key.clone(), key]);
        let (manager, first) = (Rc::clone(&manager), Rc::clone(&first));
        world.relay.asked = Some(Box::new(move |parcel| {
            let first = Rc::clone(&first);
            manager.borrow_mut().judge(parcel, move |_, request, _| {
                let Operation::Rewrap { contact } = request.operation else {
                    return denied("role-not-allowed");
                };
                let owner = *first.borrow_mut().get_or_insert(contact);
                if owner == contact {
                    let state = sottovoce::archive::ContactState::Live;
                    Ok(Grant::Done { state })
                } else {
                    denied("key-taken")
                }
            })
        }));
        Scene::talking_in(world)
    };
    assert_eq!(scene.alarms(scene.ada), [""; 0]);
    assert_eq!(*first.borrow(), Some(scene.contact));
    scene.another_contact_goes_on();
    scene.world.run(3);
    assert_eq!(scene.alarms(scene.ada), ["key-taken"]);
    assert_eq!(scene.stopped(scene.visitor), None);
}

#[test]
fn a_key_made_out_to_another_contact_is_not_archived_to() {
    let (world, manager) = world(141, &[KeyKind::LastResort], true);
    let mut scene = {
        let mut world = world;
        let manager = Rc::clone(&manager);
        world.relay.asked = Some(Box::new(move |parcel| {
            manager.borrow_mut().judge(parcel, |manager, _, _| {
                let key = ArchiveKey {
                    contact: Some(ContactId::new([9; 16])),
                    kind: KeyKind::Contact,
                    ..manager
                        .key(KeyKind::LastResort, Suite::XWing)
                        .parse()
                        .unwrap()
                };
                let key = Signed::sign(&key, &[&manager.identity]).to_bytes();
                Ok(Grant::Key { key })
            })
        }));
        Scene::talking_in(world)
    };
    let log = &scene.world.relay.contacts[&scene.contact].log;
    let (kind, _) = log.archive_key().unwrap();
    assert_eq!(*kind, KeyKind::LastResort);
    scene.goes_on();
}

#[test]
fn an_answer_of_an_identity_that_is_not_pinned_is_none() {
    let (world, manager) = world(142, &[KeyKind::OneTime], false);
    let mut scene = Scene::talking_in(world);
    let mut thief = Manager::new(999, scene.world.account);
    let number = manager.borrow().number;
    thief.number = number;
    let honest = Rc::clone(&manager);
    scene.world.relay.asked = Some(Box::new(move |parcel| {
        // It has seen the right answer, and signs one like it.
        honest.borrow_mut().answer(parcel, |key, commits| {
            let secrets = secrets(key, commits);
            Ok(Grant::Secrets { secrets })
        });
        thief.forged(parcel, Outcome::Denied)
    }));
    let answer = ask(&mut scene);
    assert_eq!(answer, (Outcome::Unavailable, "bad-signature".into()));
    assert_eq!(scene.alarms(scene.ada), ["bad-signature"]);
    scene.goes_on();
}

#[test]
fn requests_are_not_sealed_to_a_key_of_another_identity() {
    let (world, _) = world(143, &[KeyKind::OneTime], false);
    let mut scene = Scene::talking_in(world);
    let thief = Manager::new(998, scene.world.account);
    let key = thief.key(KeyKind::Request, Suite::XWing).to_bytes();
    scene.world.relay.request_keys = vec![Object::new(ObjectKind::ArchiveKey, key)];
    let asked = Rc::new(RefCell::new(0));
    let counted = Rc::clone(&asked);
    scene.world.relay.asked = Some(Box::new(move |_| {
        *counted.borrow_mut() += 1;
        Vec::new()
    }));
    // A console that starts anew has no key from before.
    scene.world.kill(scene.ada);
    scene.world.connect(scene.ada);
    scene.world.run(4);
    assert!(scene.alarms(scene.ada).contains(&"not-signed"));
    let answer = ask(&mut scene);
    assert_eq!(answer, (Outcome::Unavailable, "unavailable".into()));
    assert_eq!(*asked.borrow(), 0, "nothing was sent");
    scene.goes_on();
}
