//! Who reads how far back, and who reads nothing later, with everything that their devices keep.

use sottovoce::account::{Role, SealKey, Via};
use sottovoce::client::*;
use sottovoce::contact::*;
use sottovoce::crypto::Random;
use sottovoce::crypto::seal::SealPublicKey;
use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::*;

use crate::forge::Forged;
use crate::insider::{Insider, New, commits, envelopes};
use crate::scene::Scene;
use crate::world::World;

/// That a device opens no message of others from an epoch on, whatever it keeps.
fn reads_nothing_since(scene: &Scene, insider: &Insider, epoch: u64) {
    let commits = commits(&scene.world, &scene.contact);
    let later: Vec<_> = commits
        .iter()
        .filter(|commit| commit.core().epoch >= epoch)
        .collect();
    assert!(!later.is_empty());
    for commit in later {
        assert!(!insider.opens(commit));
        assert!(!insider.secrets.contains_key(&commit.core().epoch));
    }
    let visitor = scene.world.nodes[scene.visitor].device();
    let said = envelopes(&scene.world, &scene.contact, &visitor);
    let said = said.iter().filter(|it| it.header().epoch >= epoch);
    let mut messages = 0;
    for envelope in said {
        messages += 1;
        for known in insider.secrets.keys() {
            if let Some(key) = insider.key_of(&scene.world, *known) {
                assert!(envelope.open(key.secret()).is_err());
            }
        }
    }
    assert!(messages > 0, "there is something to read");
}

#[test]
fn the_agent_who_lost_the_race_reads_nothing_of_what_is_said_after_it() {
    let mut scene = Scene::waiting(80);
    let contact = scene.contact;
    for agent in [scene.ada, scene.bruno] {
        scene.world.command(agent, Command::Open { contact });
    }
    scene.world.run(2);
    for agent in [scene.ada, scene.bruno] {
        scene.world.command(agent, Command::Claim { contact });
    }
    scene.world.run(4);
    let responsible = scene.world.relay.contacts[&contact].log.responsible();
    let lost = if responsible == Some(&scene.world.nodes[scene.ada].device()) {
        scene.bruno
    } else {
        scene.ada
    };
    scene.world.say(scene.visitor, "to whoever won");
    scene.world.run(3);
    let texts = scene.world.nodes[lost].texts();
    assert!(!texts.contains(&"to whoever won".to_owned()));
    reads_nothing_since(&scene, &scene.insider(lost), 1);
}

#[test]
fn an_agent_who_handed_a_contact_on_reads_nothing_later_with_all_its_keys() {
    let mut scene = Scene::talking(81);
    scene.hand_to_bruno(true);
    scene.world.say(scene.visitor, "to Bruno alone");
    scene.world.run(3);
    let bruno = scene.world.nodes[scene.bruno].texts();
    assert!(bruno.contains(&"to Bruno alone".to_owned()));
    // Epoch 2 handed the contact on, epoch 3 is Bruno's claim.
    reads_nothing_since(&scene, &scene.insider(scene.ada), 3);
}

#[test]
fn a_supervisor_who_leaves_keeps_no_key_of_what_is_said_later_though_it_made_that_epoch() {
    let mut world = World::new(85);
    let sofia = world.staff("Sofia", Role::Supervisor);
    world.connect(sofia);
    let mut scene = Scene::talking_in(world);
    let (contact, team) = (scene.contact, "support".to_owned());
    let device = scene.world.nodes[sofia].device();
    scene.world.command(scene.ada, Command::LookUpTeam { team });
    scene.world.run(2);
    let invite = Command::Invite {
        contact,
        device,
        history: false,
    };
    scene.world.command(scene.ada, invite);
    scene.world.run(3);
    scene.world.command(sofia, Command::Open { contact });
    scene.world.run(3);
    let leave = Command::Remove {
        contact,
        target: Target::Device(device),
    };
    scene.world.command(sofia, leave);
    scene.world.run(3);
    scene.world.say(scene.visitor, "without Sofia");
    scene.world.run(3);
    assert!(
        !scene
            .view(scene.ada)
            .participants
            .iter()
            .any(|it| it.author.device == device)
    );
    let texts = scene.world.nodes[sofia].texts();
    assert!(!texts.contains(&"without Sofia".to_owned()));
    // Epoch 2 let it in, epoch 3 is its leave.
    reads_nothing_since(&scene, &scene.insider(sofia), 3);
    scene.goes_on();
}

/// The newest seal key that a device published.
fn current_key(scene: &Scene, device: DeviceId) -> (Signed<SealKey>, SealPublicKey) {
    let mut keys = scene.published(ObjectKind::SealKey);
    let key = keys.find_map(|object| {
        let signed = Signed::<SealKey>::from_bytes(&object.bytes).unwrap();
        let record = signed.parse().unwrap();
        let is_its = record.device == device && record.suite == Suite::XWing;
        let public = SealPublicKey::parse(record.suite, &record.public_key);
        is_its.then(|| (signed, public.unwrap()))
    });
    key.unwrap()
}

/// A transfer by an insider, who grants history since an epoch.
fn transfer(scene: &Scene, by: &mut Insider, to: DeviceId, since: u64) -> Commit {
    let mut core = by.core(&scene.world, Reason::Transfer);
    core.history = Some(since);
    let credential = scene.world.relay.credential_of(&to).unwrap().clone();
    let (signed, public) = current_key(scene, to);
    core.roster.put_member(Member {
        device: to,
        role: Role::Agent,
        via: Via::Device,
        credential: Some(credential.hash()),
        key: public.id(),
    });
    let new = New::by_staff()
        .key(&public)
        .object(ObjectKind::Credential, &credential)
        .object(ObjectKind::SealKey, &signed);
    by.build(&scene.world, core, new)
}

#[test]
fn a_joiner_reads_no_further_back_than_the_history_field_says() {
    let mut scene = Scene::talking(82);
    let contact = scene.contact;
    scene.world.say(scene.visitor, "between the two of us");
    scene.world.run(3);
    scene.world.command(scene.ada, Command::Rekey { contact });
    scene.world.run(3);
    scene.world.say(scene.visitor, "Bruno may read this");
    scene.world.run(3);
    // A member hands it on from the epoch before, but back-links of before lead further.
    let mut ada = scene.insider(scene.ada);
    let bruno = scene.world.nodes[scene.bruno].device();
    let commit = transfer(&scene, &mut ada, bruno, 2);
    assert_eq!(commit.core().epoch, 3);
    scene.commit(&commit);
    scene.world.command(scene.bruno, Command::Open { contact });
    scene.world.run(4);
    let texts = scene.world.nodes[scene.bruno].texts();
    // He is in the team that the first message was addressed to.
    assert_eq!(texts, ["hello", "Bruno may read this"]);
    assert_eq!(scene.stopped(scene.bruno), None);
    // Nor after a restart, and what follows he reads.
    scene.world.kill(scene.bruno);
    scene.world.connect(scene.bruno);
    scene.world.run(4);
    scene.world.command(scene.bruno, Command::Claim { contact });
    scene.world.run(3);
    scene.world.say(scene.visitor, "welcome");
    scene.world.run(3);
    let texts = scene.world.nodes[scene.bruno].texts();
    assert_eq!(texts, ["hello", "Bruno may read this", "welcome"]);
}

#[test]
fn whoever_comes_back_reads_nothing_of_the_time_between_with_all_its_keys() {
    let mut scene = Scene::talking(83);
    scene.hand_to_bruno(true);
    scene.world.say(scene.visitor, "to Bruno alone");
    scene.world.run(3);
    let contact = scene.contact;
    scene.hand_over(scene.bruno, scene.ada, false);
    scene.world.say(scene.visitor, "to Ada again");
    scene.world.run(3);
    let ada = scene.insider(scene.ada);
    let between = 3;
    assert!(!ada.secrets.contains_key(&between));
    assert!(!ada.opens(&commits(&scene.world, &contact)[3]));
    let visitor = scene.world.nodes[scene.visitor].device();
    let said = envelopes(&scene.world, &contact, &visitor);
    let kept = said.iter().filter(|it| it.header().epoch == between);
    let mut messages = 0;
    for envelope in kept {
        messages += 1;
        for epoch in ada.secrets.keys() {
            let key = ada.key_of(&scene.world, *epoch);
            assert!(key.is_none_or(|key| envelope.open(key.secret()).is_err()));
        }
    }
    assert!(messages > 0);
    let texts = scene.world.nodes[scene.ada].texts();
    assert!(!texts.contains(&"to Bruno alone".to_owned()));
    assert!(texts.contains(&"to Ada again".to_owned()));
}

#[test]
fn a_joiner_whose_back_link_leads_to_another_secret_stops() {
    let mut scene = Scene::talking(84);
    let contact = scene.contact;
    // An epoch from which nothing leads back: what is wrong shows nowhere but there.
    let rekey = scene.insider(scene.ada).rekey(&scene.world);
    scene.commit(&rekey);
    let mut ada = scene.insider(scene.ada);
    let right = ada.key_of(&scene.world, 2).unwrap();
    let wrong = EpochSecret::generate(&mut Random::seeded(7)).unwrap();
    ada.secrets.get_mut(&2).unwrap()[0] = Some(wrong);
    let bruno = scene.world.nodes[scene.bruno].device();
    let commit = transfer(&scene, &mut ada, bruno, 2);
    let commit = Forged::from(&commit).tagged_with(&right).sign(&ada.signer);
    scene.forget();
    scene.commit(&commit);
    for node in [scene.visitor, scene.ada] {
        assert_eq!(scene.stopped(node), Some("wrong-back-link"));
    }
    // He knows no secret of before to compare it with, but what was committed to.
    scene.world.command(scene.bruno, Command::Open { contact });
    scene.world.run(4);
    assert_eq!(scene.alarms(scene.bruno), ["wrong-back-link"]);
    assert_eq!(scene.stopped(scene.bruno), Some("wrong-back-link"));
}
