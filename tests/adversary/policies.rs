//! Policies and root statements of a relay that would like others: rolled back, foreign, two of one
//! version, signed by whoever may no longer; and later ones that would change what has begun.

use sottovoce::account::*;
use sottovoce::client::*;
use sottovoce::crypto::Secret;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::{Object, ObjectKind, RelayFrame};
use sottovoce::wire::*;

use crate::greeting::write;
use crate::scene::Scene;
use crate::world::{START, World};

fn announce(scene: &mut Scene, kind: ObjectKind, bytes: &Bytes) {
    scene.forget();
    scene.world.relay.announce(Object::new(kind, bytes.clone()));
    scene.world.collect();
    scene.world.run(2);
}

fn number_of(scene: &Scene, node: usize) -> u64 {
    let mut events = scene.world.nodes[node].events.iter().rev();
    let shown = events.find_map(|event| match event {
        Event::Account(view) => Some(view.policy),
        _ => None,
    });
    shown.expect("the account is shown")
}

fn signed(scene: &Scene, change: impl FnOnce(&mut Policy)) -> Signed<Policy> {
    let mut policy = scene.world.policy.clone();
    change(&mut policy);
    Signed::sign(&policy, &[&scene.world.administrator])
}

#[test]
fn an_older_policy_in_the_greeting_is_an_alarm_and_changes_nothing() {
    let mut scene = Scene::talking(90);
    let older = signed(&scene, |_| {}).to_bytes();
    let device = scene.world.nodes[scene.bruno].device();
    scene
        .world
        .publish_policy(|policy| policy.revocations = vec![Revocation::Device(device)]);
    scene.world.run(2);
    assert_eq!(number_of(&scene, scene.visitor), 2);
    scene.world.tamper = Some(Box::new(move |_, mut frame| {
        if let RelayFrame::Welcome { objects } = &mut frame {
            for object in objects {
                if object.kind == ObjectKind::Policy {
                    object.bytes = older.clone();
                }
            }
        }
        vec![frame]
    }));
    for node in [scene.visitor, scene.ada] {
        scene.world.kill(node);
        scene.forget();
        scene.world.connect(node);
        scene.world.run(3);
        assert_eq!(scene.alarms(node), ["rolled-back"]);
    }
    scene.world.tamper = None;
    // Whom the newer one revokes is handed nothing.
    scene.hand_to_bruno(true);
    assert_eq!(scene.world.nodes[scene.ada].failures(), ["unknown-device"]);
    scene.goes_on();
}

#[test]
fn a_policy_of_another_account_is_an_alarm_and_changes_nothing() {
    let mut scene = Scene::talking(91);
    let other = World::new(92);
    let foreign = Signed::sign(&other.policy, &[&other.administrator]);
    scene.unchanged_by(|scene| announce(scene, ObjectKind::Policy, &foreign.to_bytes()));
    for node in [scene.visitor, scene.ada] {
        assert_eq!(scene.alarms(node), ["foreign-account"]);
    }
    scene.goes_on();
}

#[test]
fn two_policies_of_one_version_are_an_alarm_that_stops_sending() {
    let mut scene = Scene::talking(93);
    let other = signed(&scene, |policy| policy.retention.days += 1);
    announce(&mut scene, ObjectKind::Policy, &other.to_bytes());
    for node in [scene.visitor, scene.ada] {
        assert!(scene.alarms(node).contains(&"conflict"));
        assert_eq!(scene.stopped(node), Some("conflict"));
    }
    let before = scene.entries().len();
    scene.world.say(scene.visitor, "under which of them?");
    scene.world.run(3);
    assert_eq!(scene.entries().len(), before);
    assert!(
        scene.world.nodes[scene.visitor]
            .failures()
            .contains(&"conflict")
    );
}

#[test]
fn a_policy_that_nobody_or_a_revoked_administrator_signed_is_an_alarm_and_changes_nothing() {
    let second = SigningKey::from_seed(&Secret::new([80; 32]));
    let device = second.public();
    let world = World::with(
        94,
        |root| {
            root.administrators.push(device);
            root.administrators.sort_unstable();
        },
        |_| {},
    );
    let mut scene = Scene::talking_in(world);
    scene
        .world
        .publish_policy(|policy| policy.revocations = vec![Revocation::Device(device)]);
    scene.world.run(2);
    let stranger = SigningKey::from_seed(&Secret::new([81; 32]));
    let mut next = scene.world.policy.clone();
    (next.number, next.revocations) = (3, Vec::new());
    for signer in [second, stranger] {
        let signed = Signed::sign(&next, &[&signer]).to_bytes();
        scene.unchanged_by(|scene| announce(scene, ObjectKind::Policy, &signed));
        for node in [scene.visitor, scene.ada] {
            assert_eq!(scene.alarms(node), ["not-signed"]);
        }
    }
    scene.goes_on();
}

#[test]
fn an_expired_policy_in_the_greeting_starts_nothing() {
    let mut scene = Scene::talking(95);
    let expired = signed(&scene, |policy| {
        policy.issued = Time::from_millis(START.millis() - 8 * 86_400_000);
        policy.expires = Time::from_millis(START.millis() - 86_400_000);
    });
    scene.world.tamper = Some(Box::new(move |_, mut frame| {
        if let RelayFrame::Welcome { objects } = &mut frame {
            for object in objects {
                if object.kind == ObjectKind::Policy {
                    object.bytes = expired.to_bytes();
                }
            }
        }
        vec![frame]
    }));
    let visitor = scene.world.visitor();
    scene.world.connect(visitor);
    write(&mut scene.world, visitor, "under an old policy");
    scene.world.run(5);
    assert!(scene.world.nodes[visitor].failures().contains(&"expired"));
    let contact = scene.world.contact_of(visitor);
    assert!(!scene.world.relay.contacts.contains_key(&contact));
    scene.goes_on();
}

#[test]
fn a_root_statement_that_is_older_or_another_of_its_version_is_an_alarm() {
    let mut scene = Scene::talking(96);
    let objects = scene.world.relay.account.objects();
    let is_root = |object: &&Object| object.kind == ObjectKind::Root;
    let first = objects.iter().find(is_root).unwrap().bytes.clone();
    scene.world.appoint(scene.ada);
    scene.world.run(2);
    announce(&mut scene, ObjectKind::Root, &first);
    for node in [scene.visitor, scene.ada] {
        assert_eq!(scene.alarms(node), ["rolled-back"]);
    }
    scene.goes_on();
    let thief = SigningKey::from_seed(&Secret::new([82; 32]));
    let statement: Signed<RootStatement> = Signed::from_bytes(&first).unwrap();
    let mut statement = statement.parse().unwrap();
    statement.number = 9;
    statement.administrators = vec![thief.public()];
    for root in [thief.public(), statement.root] {
        statement.root = root;
        let signed = Signed::sign(&statement, &[&thief]).to_bytes();
        scene.unchanged_by(|scene| announce(scene, ObjectKind::Root, &signed));
        assert_eq!(scene.alarms(scene.visitor), ["not-signed"]);
    }
}

#[test]
fn a_later_policy_changes_nothing_of_a_contact_that_has_begun() {
    let world = World::with(
        97,
        |root| root.lowest_level = Level::Storage,
        |policy| policy.lowest_suite = Suite::X25519,
    );
    let mut scene = Scene::talking_in(world);
    let before = scene.view(scene.visitor).clone();
    assert_eq!(before.level, Level::E2ee);
    scene.world.publish_policy(|policy| {
        policy.entry_points[0].level = Level::Storage;
        policy.entry_points[0].teams = vec!["sales".into()];
        let sales = Team {
            id: "sales".into(),
            name: "Sales".into(),
            lowest_generation: 0,
        };
        policy.teams.insert(0, sales);
    });
    scene.world.run(3);
    let contact = scene.contact;
    scene
        .world
        .command(scene.visitor, Command::Rekey { contact });
    scene.world.run(3);
    scene.goes_on();
    for node in [scene.visitor, scene.ada] {
        let view = scene.view(node);
        assert_eq!((view.level, view.suite), (before.level, before.suite));
        assert_eq!(view.entry_point, before.entry_point);
        assert_eq!(view.archived, before.archived);
        assert_eq!(scene.alarms(node), [""; 0]);
    }
    scene
        .world
        .publish_policy(|policy| policy.lowest_suite = Suite::XWing);
    scene.world.run(2);
    scene.goes_on();
}

#[test]
fn a_team_key_that_is_old_or_below_the_policys_generation_starts_nothing() {
    let mut scene = Scene::talking(98);
    let old = scene.world.relay.newest_team_key().clone();
    let signer = old.signers().next().unwrap();
    let signer = scene.world.relay.credential_of(signer).unwrap().to_bytes();
    let old = old.to_bytes();
    for (later, lowest) in [(0, 5), (limits::KEY_CURRENT, 5)] {
        scene.world.now = scene.world.now.plus_seconds(later);
        let number = scene.world.policy.number;
        if number == 1 {
            scene
                .world
                .publish_policy(|policy| policy.teams[0].lowest_generation = lowest);
        }
        scene.world.run(3);
        let visitor = scene.world.visitor();
        let (shown, signed) = (old.clone(), signer.clone());
        scene.world.tamper = Some(Box::new(move |peer, mut frame| {
            if let RelayFrame::Found { objects, .. } = &mut frame
                && peer == visitor
            {
                for object in objects {
                    match object.kind {
                        ObjectKind::TeamKey => object.bytes = shown.clone(),
                        ObjectKind::Credential => object.bytes = signed.clone(),
                        _ => {}
                    }
                }
            }
            vec![frame]
        }));
        scene.world.connect(visitor);
        write(&mut scene.world, visitor, "for those who are there now");
        scene.world.run(6);
        let contact = scene.world.contact_of(visitor);
        assert!(!scene.world.relay.contacts.contains_key(&contact));
        // Time or a newer generation explains it: that is no sign of anything.
        assert_eq!(scene.alarms(visitor), [""; 0]);
        scene.world.tamper = None;
        scene.world.run(12);
        assert!(scene.world.relay.contacts.contains_key(&contact));
    }
}
