//! Commits whose seals, commitments, tags and back-links are wrong, by somebody with a member's
//! device; by somebody with its signing key alone; and two for one epoch. The contact stops with an
//! alarm, nobody's keys are used for anything else, and other contacts go on.

use sottovoce::account::{Archive, KeyKind};
use sottovoce::contact::*;
use sottovoce::crypto::Hash;
use sottovoce::crypto::Random;
use sottovoce::wire::Suite;

use crate::forge::{Forged, labelled};
use crate::insider::{Insider, New, commits};
use crate::manager;
use crate::scene::{Scene, entry};

/// A rekey by Ada's device that a test spoils; tag and signature are right afterwards.
fn spoiled(
    scene: &mut Scene,
    history: bool,
    spoil: impl FnOnce(&Scene, &Insider, &mut Forged),
) -> Commit {
    let mut ada = scene.insider(scene.ada);
    let mut core = ada.core(&scene.world, Reason::Rekey);
    core.history = history.then_some(0);
    let commit = ada.build(&scene.world, core, New::by_staff());
    let mut forged = Forged::from(&commit);
    spoil(scene, &ada, &mut forged);
    ada.vouch(&scene.world, forged)
}

/// What visitor and Ada say when they meet a commit, and that it stops their sending for good.
fn stops(scene: &mut Scene, commit: &Commit, codes: [&'static str; 2]) {
    scene.forget();
    scene.insert(&entry(commit));
    for (node, code) in [scene.visitor, scene.ada].into_iter().zip(codes) {
        assert_eq!(scene.stopped(node), Some(code));
        assert_eq!(scene.alarms(node), [code]);
    }
    let before = scene.entries().len();
    for node in [scene.visitor, scene.ada] {
        scene.world.say(node, "who reads this?");
        scene.world.run(2);
    }
    assert_eq!(scene.entries().len(), before, "nothing is sent any more");
    // It stays so after a restart, on both sides alike.
    for (node, code) in [scene.visitor, scene.ada].into_iter().zip(codes) {
        scene.world.kill(node);
        scene.world.connect(node);
        scene.world.run(4);
        assert_eq!(scene.stopped(node), Some(code));
    }
    assert_eq!(scene.entries().len(), before);
    scene.another_contact_goes_on();
}

fn place(core: &Core, scene: &Scene, node: usize) -> usize {
    let device = scene.world.nodes[node].device();
    let mut members = core.roster.members.iter();
    members.position(|it| it.device == device).unwrap()
}

/// Another secret, or the same under other randomness, sealed to the visitor by hand.
fn seal_by_hand(scene: &Scene, forged: &mut Forged, secret: &[u8]) {
    let place = place(&forged.core, scene, scene.visitor);
    let member = forged.core.roster.members[place].clone();
    let log = &scene.world.relay.contacts[&scene.contact].log;
    let key = log.key(&member.key).unwrap();
    let [hc, _] = forged.hashes();
    let parts = [
        hc.as_array().as_slice(),
        member.device.as_array(),
        key.as_bytes(),
    ];
    let info = labelled("seal", &parts);
    let seal = key.seal_fresh(&mut Random::seeded(5), &info, secret);
    forged.seals.all[place] = seal.unwrap();
}

#[test]
fn a_secret_of_its_own_for_one_recipient_stops_both() {
    let mut scene = Scene::talking(20);
    let commit = spoiled(&mut scene, false, |scene, _, forged| {
        seal_by_hand(scene, forged, &[7; 32]);
    });
    stops(
        &mut scene,
        &commit,
        ["wrong-commitment", "wrong-other-seal"],
    );
}

#[test]
fn a_seal_with_other_randomness_stops_both_though_it_opens() {
    let mut scene = Scene::talking(21);
    let commit = spoiled(&mut scene, false, |scene, ada, forged| {
        let commit = ada.vouch(&scene.world, Forged::from(&forged.sign(&ada.signer)));
        let find = |id: &Hash| ada.keys.iter().find(|key| key.public().id() == *id);
        let secret = EpochSecret::open(Strand::All, &commit, find)
            .unwrap()
            .unwrap();
        seal_by_hand(scene, forged, secret.secret().expose());
    });
    stops(
        &mut scene,
        &commit,
        ["wrong-other-seal", "wrong-other-seal"],
    );
}

#[test]
fn seals_of_an_earlier_commit_stop_both() {
    let mut scene = Scene::talking(22);
    let commit = spoiled(&mut scene, false, |scene, _, forged| {
        let claim = &commits(&scene.world, &scene.contact)[1];
        forged.seals.all.clone_from(&claim.seals().all);
    });
    stops(&mut scene, &commit, ["wrong-seal", "wrong-seal"]);
}

#[test]
fn a_commitment_of_an_earlier_commit_stops_both() {
    let mut scene = Scene::talking(23);
    let commit = spoiled(&mut scene, false, |scene, _, forged| {
        let claim = &commits(&scene.world, &scene.contact)[1];
        forged.core.commitment = claim.core().commitment;
    });
    // The seals are bound to what the commit says, so that they no longer open either.
    stops(&mut scene, &commit, ["wrong-seal", "wrong-seal"]);
}

#[test]
fn seals_of_another_contact_stop_both() {
    let mut scene = Scene::talking(24);
    scene.another_contact_goes_on();
    let mine = scene.contact;
    let others = scene.world.relay.contacts.keys();
    let other = *others.into_iter().find(|id| **id != mine).unwrap();
    let commit = spoiled(&mut scene, false, |scene, _, forged| {
        let claim = &commits(&scene.world, &other)[1];
        forged.seals.all.clone_from(&claim.seals().all);
        forged.seals.staff.clone_from(&claim.seals().staff);
    });
    stops(&mut scene, &commit, ["wrong-seal", "wrong-seal"]);
}

#[test]
fn a_staff_secret_of_its_own_for_one_member_stops_staff() {
    let mut scene = Scene::talking(25);
    scene.hand_to_bruno(true);
    let mut bruno = scene.insider(scene.bruno);
    let commit = bruno.rekey(&scene.world);
    let mut forged = Forged::from(&commit);
    forged.seals.staff = vec![forged.seals.all[0].clone()];
    let commit = bruno.vouch(&scene.world, forged);
    scene.forget();
    scene.insert(&entry(&commit));
    assert_eq!(scene.alarms(scene.bruno), ["wrong-seal"]);
    assert_eq!(scene.stopped(scene.bruno), Some("wrong-seal"));
}

#[test]
fn a_wrong_archive_seal_stops_both() {
    let (world, _) = manager::world(26, &[KeyKind::OneTime; 2], false);
    let mut scene = Scene::talking_in(world);
    let log = &scene.world.relay.contacts[&scene.contact].log;
    assert_eq!(log.archive(), Archive::KeyManager);
    scene.world.relay.asked = None;
    let commit = spoiled(&mut scene, false, |_, _, forged| {
        let archived = forged.seals.archive.as_mut().unwrap();
        *archived = forged.seals.all[0].clone();
    });
    stops(
        &mut scene,
        &commit,
        ["wrong-other-seal", "wrong-other-seal"],
    );
}

#[test]
fn a_commit_with_a_stolen_signing_key_and_no_membership_tag_stops_both() {
    for (seed, earlier) in [(27, false), (28, true)] {
        let mut scene = Scene::talking(seed);
        let mut ada = scene.insider(scene.ada);
        let commit = ada.rekey(&scene.world);
        let mut forged = Forged::from(&commit);
        // None that it could make, or one that it saw.
        forged.tag = if earlier {
            commits(&scene.world, &scene.contact)[1].tag().copied()
        } else {
            Some(Hash::new([0; 32]))
        };
        let commit = forged.sign(&ada.signer);
        let code = "wrong-membership-tag";
        stops(&mut scene, &commit, [code, code]);
    }
}

#[test]
fn a_close_by_a_stolen_signing_key_stops_both() {
    let mut scene = Scene::talking(29);
    let mut ada = scene.insider(scene.ada);
    let core = ada.core(&scene.world, Reason::Close);
    let mut forged = Forged::from(&ada.build(&scene.world, core, New::by_staff()));
    forged.tag = Some(Hash::new([1; 32]));
    let commit = forged.sign(&ada.signer);
    scene.forget();
    scene.insert(&entry(&commit));
    for node in [scene.visitor, scene.ada] {
        assert_eq!(scene.alarms(node), ["wrong-membership-tag"]);
        assert_eq!(scene.stopped(node), Some("wrong-membership-tag"));
    }
}

#[test]
fn a_back_link_that_leads_nowhere_stops_whoever_holds_the_epoch() {
    let mut scene = Scene::talking(30);
    let commit = spoiled(&mut scene, true, |_, _, forged| {
        forged.core.back_link = Some(vec![0; 48].into());
    });
    // What the seals are bound to has changed with it.
    stops(&mut scene, &commit, ["wrong-seal", "wrong-seal"]);
}

#[test]
fn a_back_link_to_a_secret_that_was_never_in_force_stops_both() {
    let mut scene = Scene::talking(31);
    let mut ada = scene.insider(scene.ada);
    let right = ada.key_of(&scene.world, 1).unwrap();
    let wrong = EpochSecret::generate(&mut Random::seeded(6)).unwrap();
    ada.secrets.get_mut(&1).unwrap()[0] = Some(wrong);
    let mut core = ada.core(&scene.world, Reason::Rekey);
    core.history = Some(0);
    let commit = ada.build(&scene.world, core, New::by_staff());
    let forged = Forged::from(&commit).tagged_with(&right);
    let commit = forged.sign(&ada.signer);
    stops(&mut scene, &commit, ["wrong-back-link", "wrong-back-link"]);
}

#[test]
fn two_commits_for_one_epoch_are_noticed_as_soon_as_one_side_hears_the_other() {
    for (seed, first) in [(32, true), (33, false)] {
        let mut scene = Scene::talking(seed);
        let (mut ada, mut visitor) = (scene.insider(scene.ada), scene.insider(scene.visitor));
        let of_ada = ada.rekey(&scene.world);
        let core = visitor.core(&scene.world, Reason::Rekey);
        let of_visitor = visitor.build(&scene.world, core, New::default());
        // Each is shown the other's commit as the only one.
        scene.forget();
        scene.show(scene.visitor, &entry(&of_ada));
        scene.show(scene.ada, &entry(&of_visitor));
        for node in [scene.visitor, scene.ada] {
            assert_eq!(scene.view(node).epoch, 2);
            assert_eq!(scene.stopped(node), None);
        }
        let (speaks, hears) = if first {
            (scene.ada, scene.visitor)
        } else {
            (scene.visitor, scene.ada)
        };
        let mine = if first { of_visitor } else { of_ada };
        let known = scene.world.relay.contacts.get_mut(&scene.contact).unwrap();
        known.log.apply(&scene.world.relay.account, &mine).unwrap();
        let bytes = sottovoce::wire::encode(&entry(&mine));
        known.entries.push(bytes.into());
        scene.world.say(speaks, "one of two");
        scene.world.run(3);
        assert_eq!(scene.alarms(hears), ["fork"]);
        assert_eq!(scene.stopped(hears), Some("fork"));
        let texts = scene.world.nodes[hears].texts();
        assert!(!texts.contains(&"one of two".to_owned()));
        scene.another_contact_goes_on();
    }
}

#[test]
fn a_message_from_an_epoch_that_the_relay_kept_back_stops_sending() {
    let mut scene = Scene::talking(34);
    let mut ada = scene.insider(scene.ada);
    let rekey = ada.rekey(&scene.world);
    // Ada is shown a commit that the visitor is not.
    scene.forget();
    scene.show(scene.ada, &entry(&rekey));
    let known = scene.world.relay.contacts.get_mut(&scene.contact).unwrap();
    known.log.apply(&scene.world.relay.account, &rekey).unwrap();
    let visitor = scene.visitor;
    scene.world.say(scene.ada, "in the next epoch");
    scene.world.run(3);
    assert_eq!(scene.alarms(visitor), ["fork"]);
    assert_eq!(scene.stopped(visitor), Some("fork"));
}

#[test]
fn suites_do_not_matter_to_what_stops() {
    // What stands above runs in the default suite; this one in the other.
    let world = crate::world::World::with_policy(35, |policy| {
        policy.lowest_suite = Suite::X25519;
    });
    let mut world = world;
    world.relay.only = Some(Suite::X25519);
    let mut scene = Scene::talking_in(world);
    let log = &scene.world.relay.contacts[&scene.contact].log;
    assert_eq!(log.suite(), Suite::X25519);
    let commit = spoiled(&mut scene, false, |scene, _, forged| {
        seal_by_hand(scene, forged, &[7; 32]);
    });
    let codes = ["wrong-commitment", "wrong-other-seal"];
    stops(&mut scene, &commit, codes);
}
