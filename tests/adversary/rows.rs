//! Forbidden rows of the authority table, committed by devices that are in the contact: every client
//! refuses them with a code, keeps what it had, and goes on. The rows one by one, as the log judges
//! them, are those of `tests/contact_rules`.

use sottovoce::account::*;
use sottovoce::client::{Command, ContactState};
use sottovoce::contact::*;
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Hash, Secret};
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::*;

use crate::forge::Forged;
use crate::insider::{Insider, New, commits};
use crate::scene::{Scene, entry};
use crate::world::{START, World};

/// Somebody whom an administrator let in, and a key that it published.
struct Joiner {
    member: Member,
    key: SealPrivateKey,
    evidence: Vec<Object>,
}

fn joiner(world: &World, number: u8, role: Role, via: Via) -> Joiner {
    let signer = SigningKey::from_seed(&Secret::new([number; 32]));
    let key = SealPrivateKey::from_seed(Suite::XWing, Secret::new([number; 32]));
    let device = signer.public();
    let credential = Credential {
        version: Version,
        suite: Suite::X25519,
        account: world.account,
        device,
        subject: "somebody".into(),
        name: "Somebody".into(),
        role,
        via,
        teams: match role {
            Role::Vault | Role::Auditor => Vec::new(),
            _ => vec!["support".into()],
        },
        issued: START,
        expires: START.plus_seconds(limits::DAY),
    };
    let credential = Signed::sign(&credential, &[&world.administrator]);
    let record = SealKey {
        version: Version,
        suite: Suite::XWing,
        account: world.account,
        device,
        generation: 0,
        public_key: key.public().as_bytes().to_vec().into(),
        from: START,
        until: START.plus_seconds(limits::KEY_CURRENT),
    };
    let record = Signed::sign(&record, &[&signer]);
    let member = Member {
        device,
        role,
        via,
        credential: Some(credential.hash()),
        key: key.public().id(),
    };
    let evidence = vec![
        Object::new(ObjectKind::Credential, credential.to_bytes()),
        Object::new(ObjectKind::SealKey, record.to_bytes()),
    ];
    Joiner {
        member,
        key,
        evidence,
    }
}

/// A commit of a member's device, with everything right but what it wants.
fn wanting(
    scene: &Scene,
    by: &mut Insider,
    reason: Reason,
    new: New,
    change: impl FnOnce(&mut Core),
) -> Commit {
    let mut core = by.core(&scene.world, reason);
    change(&mut core);
    by.build(&scene.world, core, new)
}

/// That nobody takes a commit for one that counts.
fn refused(scene: &mut Scene, commit: &Commit, code: &str) {
    scene.forget();
    scene.unchanged_by(|scene| scene.insert(&entry(commit)));
    for node in [scene.visitor, scene.ada] {
        assert_eq!(scene.alarms(node), [code]);
    }
}

#[test]
fn nobody_is_brought_in_whom_level_or_policy_forbid() {
    let mut scene = Scene::talking(40);
    let mut ada = scene.insider(scene.ada);
    let rows = [
        (Role::Vault, Via::Device, "level-not-allowed"),
        (Role::Agent, Via::Gateway, "level-not-allowed"),
        (Role::Administrator, Via::Device, "level-not-allowed"),
        (Role::Auditor, Via::Device, "policy-not-allowed"),
    ];
    for (number, (role, via, code)) in (100..).zip(rows) {
        for reason in [Reason::Invite, Reason::Transfer] {
            let who = joiner(&scene.world, number, role, via);
            let mut new = New::by_staff().key(&who.key.public());
            new.evidence = who.evidence;
            let commit = wanting(&scene, &mut ada, reason, new, |core| {
                core.roster.put_member(who.member);
            });
            refused(&mut scene, &commit, code);
        }
    }
    scene.goes_on();
}

#[test]
fn the_visitor_is_neither_removed_nor_given_another_key() {
    let mut scene = Scene::talking(41);
    let mut ada = scene.insider(scene.ada);
    let visitor = scene.world.nodes[scene.visitor].device();
    let commit = wanting(&scene, &mut ada, Reason::Remove, New::by_staff(), |core| {
        core.roster.remove_member(&visitor);
    });
    refused(&mut scene, &commit, "visitor-immutable");
    let own = SealPrivateKey::from_seed(Suite::XWing, Secret::new([90; 32])).public();
    for reason in [Reason::Rekey, Reason::Remove, Reason::Invite] {
        let new = New::by_staff().key(&own);
        let commit = wanting(&scene, &mut ada, reason, new, |core| {
            let member = core.roster.member(&visitor).unwrap().clone();
            let key = own.id();
            core.roster.put_member(Member { key, ..member });
        });
        refused(&mut scene, &commit, "visitor-immutable");
    }
    scene.goes_on();
}

/// A claim by Bruno's device while the contact waits.
fn claim(scene: &Scene, change: impl FnOnce(&mut Core), more: Option<Joiner>) -> Commit {
    let mut bruno = scene.insider(scene.bruno);
    // He opens it with his team's key, as its members do.
    let create = &commits(&scene.world, &scene.contact)[0];
    let find = |id: &Hash| bruno.keys.iter().find(|key| key.public().id() == *id);
    let secret = EpochSecret::open(Strand::All, create, find)
        .unwrap()
        .unwrap();
    bruno.secrets.insert(0, [Some(secret), None]);
    let own = SealPrivateKey::from_seed(Suite::XWing, Secret::new([91; 32])).public();
    let credential = scene.world.relay.credential_of(&bruno.device()).unwrap();
    let mut new = New::by_staff()
        .key(&own)
        .object(ObjectKind::Credential, credential);
    if let Some(who) = &more {
        new = new.key(&who.key.public());
        new.evidence.extend(who.evidence.clone());
    }
    let member = Member {
        device: bruno.device(),
        role: Role::Agent,
        via: Via::Device,
        credential: Some(credential.hash()),
        key: own.id(),
    };
    wanting(scene, &mut bruno, Reason::Claim, new, |core| {
        core.roster.teams.clear();
        core.roster.put_member(member);
        core.new_key = Some(own.as_bytes().to_vec().into());
        if let Some(who) = more {
            core.roster.put_member(who.member);
        }
        change(core);
    })
}

#[test]
fn a_claim_keeps_no_team_brings_nobody_and_leaves_the_visitors_key() {
    let mut scene = Scene::waiting(42);
    let (visitor, contact) = (scene.visitor, scene.contact);
    let log = &scene.world.relay.contacts[&contact].log;
    let teams = log.roster().teams.clone();
    let device = scene.world.nodes[visitor].device();
    let key = SealPrivateKey::from_seed(Suite::XWing, Secret::new([91; 32])).public();
    let supervisor = joiner(&scene.world, 120, Role::Supervisor, Via::Device);
    let rows = [
        (
            claim(&scene, |core| core.roster.teams = teams, None),
            "roster-change-not-allowed",
        ),
        (
            claim(&scene, |_| {}, Some(supervisor)),
            "roster-change-not-allowed",
        ),
        (
            claim(
                &scene,
                |core| {
                    let member = core.roster.member(&device).unwrap().clone();
                    let key = key.id();
                    core.roster.put_member(Member { key, ..member });
                },
                None,
            ),
            "visitor-immutable",
        ),
        (
            claim(&scene, |core| core.roster.remove_member(&device), None),
            "roster-change-not-allowed",
        ),
    ];
    for (commit, code) in rows {
        scene.forget();
        scene.insert(&entry(&commit));
        assert_eq!(scene.alarms(visitor), [code]);
        let view = scene.view(visitor);
        assert_eq!((view.epoch, view.state), (0, ContactState::Waiting));
        assert_eq!(view.participants.len(), 1);
    }
    crate::greeting::claim(&mut scene.world, scene.ada);
    scene.goes_on();
}

#[test]
fn a_visitor_brings_nobody_in_and_removes_nobody() {
    let mut scene = Scene::talking(43);
    let mut visitor = scene.insider(scene.visitor);
    let ada = scene.world.nodes[scene.ada].device();
    let who = joiner(&scene.world, 121, Role::Agent, Via::Device);
    for reason in [Reason::Invite, Reason::Transfer] {
        let mut new = New::default().key(&who.key.public());
        new.evidence = who.evidence.clone();
        let member = who.member.clone();
        let commit = wanting(&scene, &mut visitor, reason, new, |core| {
            core.roster.put_member(member);
        });
        refused(&mut scene, &commit, "role-not-allowed");
    }
    let commit = wanting(
        &scene,
        &mut visitor,
        Reason::Remove,
        New::default(),
        |core| {
            core.roster.remove_member(&ada);
        },
    );
    refused(&mut scene, &commit, "role-not-allowed");
    let new = New::default();
    let commit = wanting(&scene, &mut visitor, Reason::Claim, new, |_| {});
    refused(&mut scene, &commit, "role-not-allowed");
    scene.goes_on();
}

#[test]
fn a_bot_that_was_invited_commits_nothing() {
    let mut scene = Scene::talking(44);
    let bot = scene.bot();
    let (contact, team) = (scene.contact, "support".to_owned());
    scene.world.command(scene.ada, Command::LookUpTeam { team });
    scene.world.run(1);
    let device = scene.world.nodes[bot].device();
    let history = false;
    let invite = Command::Invite {
        contact,
        device,
        history,
    };
    scene.world.command(scene.ada, invite);
    scene.world.run(4);
    scene.world.command(bot, Command::Open { contact });
    scene.world.run(3);
    assert_eq!(scene.view(scene.visitor).participants.len(), 3);
    let ada = scene.world.nodes[scene.ada].device();
    let mut robot = scene.insider(bot);
    assert!(robot.key_of(&scene.world, 2).is_some());
    let own = SealPrivateKey::from_seed(Suite::XWing, Secret::new([92; 32])).public();
    let with_key = |core: &mut Core| {
        let member = core.roster.member(&device).unwrap().clone();
        let key = own.id();
        core.roster.put_member(Member { key, ..member });
        core.new_key = Some(own.as_bytes().to_vec().into());
    };
    for reason in [
        Reason::Rekey,
        Reason::Remove,
        Reason::Transfer,
        Reason::Claim,
    ] {
        let new = New::default().key(&own);
        let commit = wanting(&scene, &mut robot, reason, new, |core| {
            with_key(core);
            if reason == Reason::Remove {
                core.roster.remove_member(&ada);
            }
        });
        refused(&mut scene, &commit, "role-not-allowed");
    }
    let close = wanting(&scene, &mut robot, Reason::Close, New::default(), |_| {});
    refused(&mut scene, &close, "role-not-allowed");
    scene.goes_on();
}

#[test]
fn nothing_of_what_create_fixed_is_changed_by_a_members_commit() {
    let mut scene = Scene::talking(45);
    let mut ada = scene.insider(scene.ada);
    let commit = ada.rekey(&scene.world);
    let setup = Setup {
        entry_point: "shop".into(),
        archive: Archive::None,
    };
    type Spoil = fn(&mut Core);
    let changes: [(Spoil, &str); 3] = [
        (|core| core.level = Level::Storage, "fixed-field-changed"),
        (|core| core.suite = Suite::X25519, "fixed-field-changed"),
        (
            |core| core.archive = Some(Hash::new([1; 32])),
            "contradiction",
        ),
    ];
    for (change, code) in changes {
        let mut forged = Forged::from(&commit);
        change(&mut forged.core);
        let commit = ada.vouch(&scene.world, forged);
        refused(&mut scene, &commit, code);
    }
    let mut forged = Forged::from(&commit);
    forged.core.setup = Some(setup);
    let commit = ada.vouch(&scene.world, forged);
    refused(&mut scene, &commit, "fixed-field-changed");
    scene.goes_on();
}
