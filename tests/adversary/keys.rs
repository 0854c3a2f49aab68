//! Keys of teams and members: swapped by the relay, or weak by their makers' choice.

use sottovoce::account::*;
use sottovoce::contact::*;
use sottovoce::crypto::Secret;
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::*;

use crate::forge::Forged;
use crate::greeting::write;
use crate::insider::New;
use crate::roster::{Ghost, answering};
use crate::scene::{Scene, entry};
/// A visitor to whom the relay gives another team key. It waits, says so, and starts with the truth.
fn swapped_team_key(seed: u64, record: impl Fn(&Scene, TeamKey) -> (Signed<TeamKey>, Object)) {
    let mut scene = Scene::talking(seed);
    let known = scene.world.relay.newest_team_key().parse().unwrap();
    let (swapped, signer) = record(&scene, known);
    let visitor = scene.world.visitor();
    answering(&mut scene, visitor, move |objects| {
        for object in objects {
            match object.kind {
                ObjectKind::TeamKey => object.bytes = swapped.to_bytes(),
                ObjectKind::Credential => *object = signer.clone(),
                _ => {}
            }
        }
    });
    scene.world.connect(visitor);
    write(&mut scene.world, visitor, "for the team's eyes");
    scene.world.run(4);
    let contact = scene.world.contact_of(visitor);
    assert!(!scene.world.relay.contacts.contains_key(&contact));
    let alarms = scene.alarms(visitor);
    assert!(!alarms.is_empty());
    for code in alarms {
        assert!(matches!(code, "not-signed" | "contradiction"), "{code}");
    }
    scene.world.tamper = None;
    scene.world.run(12);
    assert!(scene.world.relay.contacts.contains_key(&contact));
    scene.goes_on();
}

fn credential_of(scene: &Scene, node: usize) -> Object {
    let device = scene.world.nodes[node].device();
    let credential = scene.world.relay.credential_of(&device).unwrap();
    Object::new(ObjectKind::Credential, credential.to_bytes())
}

#[test]
fn a_team_key_that_the_relay_swaps_starts_no_contact() {
    swapped_team_key(4, |scene, known| {
        let ghost = Ghost::of(&scene.world);
        let swapped = TeamKey {
            generation: known.generation + 1,
            public_key: ghost.key.public().as_bytes().to_vec().into(),
            ..known
        };
        // It cannot sign as Ada,
        let signed = Signed::sign(&swapped, &[&ghost.signer]);
        (signed, credential_of(scene, scene.ada))
    });
    swapped_team_key(5, |scene, known| {
        let ghost = Ghost::of(&scene.world);
        let swapped = TeamKey {
            public_key: ghost.key.public().as_bytes().to_vec().into(),
            ..known
        };
        // nor be believed as itself.
        let signer = Object::new(ObjectKind::Credential, ghost.credential.to_bytes());
        (Signed::sign(&swapped, &[&ghost.signer]), signer)
    });
}

#[test]
fn a_weak_team_key_of_a_member_starts_no_contact() {
    for (seed, part) in (6..).zip(weak_x25519()) {
        swapped_team_key(seed, |scene, known| {
            let mut key = known.public_key.to_vec();
            let start = key.len() - 32;
            key[start..].copy_from_slice(&part);
            let public_key = key.into();
            let weak = TeamKey {
                public_key,
                ..known
            };
            let ada = scene.insider(scene.ada);
            let signed = Signed::sign(&weak, &[&ada.signer]);
            (signed, credential_of(scene, scene.ada))
        });
    }
}

/// All-zero, of low order, and not canonical.
fn weak_x25519() -> [[u8; 32]; 3] {
    let mut low = [0; 32];
    low[0] = 1;
    let mut not_canonical = [0xff; 32];
    (not_canonical[0], not_canonical[31]) = (0xf0, 0x7f);
    [[0; 32], low, not_canonical]
}

#[test]
fn a_weak_key_that_a_member_makes_for_itself_counts_for_nothing() {
    let mut scene = Scene::talking(10);
    let mut ada = scene.insider(scene.ada);
    let own = SealPrivateKey::from_seed(Suite::XWing, Secret::new([67; 32])).public();
    for part in weak_x25519() {
        let device = ada.device();
        let mut core = ada.core(&scene.world, Reason::Rekey);
        let member = core.roster.member(&device).unwrap().clone();
        let key = own.id();
        core.roster.put_member(Member { key, ..member });
        core.new_key = Some(own.as_bytes().to_vec().into());
        let commit = ada.build(&scene.world, core, New::by_staff().key(&own));
        let mut forged = Forged::from(&commit);
        let mut weak = own.as_bytes().to_vec();
        let start = weak.len() - 32;
        weak[start..].copy_from_slice(&part);
        forged.core.new_key = Some(weak.into());
        let commit = ada.vouch(&scene.world, forged);
        scene.forget();
        scene.unchanged_by(|scene| scene.insert(&entry(&commit)));
        assert_eq!(scene.alarms(scene.visitor), ["contradiction"]);
    }
    scene.goes_on();
}
