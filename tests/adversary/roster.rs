//! Participants who are none, and keys that are not whose they are said to be.

use sottovoce::account::*;
use sottovoce::client::*;
use sottovoce::contact::*;
use sottovoce::crypto::Secret;
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::codec::to_base64url;
use sottovoce::wire::frame::{Entry, Object, ObjectKind, RelayFrame};
use sottovoce::wire::*;

use crate::insider::New;
use crate::scene::{Scene, entry};
use crate::world::{START, World};
/// Somebody whom no administrator let in, with everything that the relay can make for it.
pub struct Ghost {
    pub signer: SigningKey,
    pub key: SealPrivateKey,
    pub credential: Signed<Credential>,
    pub seal_key: Signed<SealKey>,
}

impl Ghost {
    pub fn of(world: &World) -> Self {
        let signer = SigningKey::from_seed(&Secret::new([66; 32]));
        let key = SealPrivateKey::from_seed(Suite::XWing, Secret::new([66; 32]));
        let credential = Credential {
            version: Version,
            suite: Suite::X25519,
            account: world.account,
            device: signer.public(),
            subject: "ghost".into(),
            name: "Ada".into(),
            role: Role::Agent,
            via: Via::Device,
            teams: vec!["support".into()],
            issued: START,
            expires: START.plus_seconds(30 * limits::DAY),
        };
        let credential = Signed::sign(&credential, &[&signer]);
        let seal_key = seal_key(world, &signer, signer.public(), &key);
        Self {
            signer,
            key,
            credential,
            seal_key,
        }
    }

    fn member(&self) -> Member {
        Member {
            device: self.signer.public(),
            role: Role::Agent,
            via: Via::Device,
            credential: Some(self.credential.hash()),
            key: self.key.public().id(),
        }
    }

    fn brings(&self) -> New {
        New::by_staff()
            .key(&self.key.public())
            .object(ObjectKind::Credential, &self.credential)
            .object(ObjectKind::SealKey, &self.seal_key)
    }
}

fn seal_key(
    world: &World,
    by: &SigningKey,
    device: DeviceId,
    key: &SealPrivateKey,
) -> Signed<SealKey> {
    let record = SealKey {
        version: Version,
        suite: Suite::XWing,
        account: world.account,
        device,
        generation: 9,
        public_key: key.public().as_bytes().to_vec().into(),
        from: START,
        until: START.plus_seconds(limits::KEY_CURRENT),
    };
    Signed::sign(&record, &[by])
}

/// The relay changes the objects that it answers a node with.
pub fn answering(scene: &mut Scene, node: usize, change: impl Fn(&mut Vec<Object>) + 'static) {
    scene.world.tamper = Some(Box::new(move |peer, mut frame| {
        if let RelayFrame::Found { objects, .. } = &mut frame
            && peer == node
        {
            change(objects);
        }
        vec![frame]
    }));
}

#[test]
fn a_ghost_agent_is_put_on_no_roster_and_nothing_is_sealed_to_it() {
    let mut scene = Scene::talking(1);
    let ghost = Ghost::of(&scene.world);
    // With everything that Ada's device has, and by the ghost itself.
    let ada = scene.insider(scene.ada);
    let mut itself = scene.insider(scene.ada);
    itself.signer = SigningKey::from_seed(&ghost.signer.seed());
    let mut insiders = [ada, itself];
    for (by, shown, code) in [
        (0, true, "not-signed"),
        (1, true, "not-signed"),
        (1, false, "stranger"),
    ] {
        let by = &mut insiders[by];
        for reason in [Reason::Invite, Reason::Transfer] {
            let mut core = by.core(&scene.world, reason);
            core.roster.put_member(ghost.member());
            let mut new = ghost.brings();
            new.evidence.retain(|_| shown);
            let commit = by.build(&scene.world, core, new);
            scene.forget();
            scene.unchanged_by(|scene| scene.insert(&entry(&commit)));
            for node in [scene.visitor, scene.ada] {
                assert_eq!(scene.alarms(node), [code]);
            }
        }
    }
    scene.goes_on();
    for node in [scene.visitor, scene.ada] {
        assert_eq!(scene.view(node).participants.len(), 2);
    }
}

#[test]
fn a_ghost_agent_in_a_team_is_shown_to_nobody_and_nothing_is_handed_to_it() {
    let mut scene = Scene::talking(2);
    let ghost = Ghost::of(&scene.world);
    let device = ghost.signer.public();
    let (credential, key) = (ghost.credential.to_bytes(), ghost.seal_key.to_bytes());
    let ada = scene.ada;
    answering(&mut scene, ada, move |objects| {
        objects.push(Object::new(ObjectKind::Credential, credential.clone()));
        objects.push(Object::new(ObjectKind::SealKey, key.clone()));
    });
    let (contact, team) = (scene.contact, "support".to_owned());
    scene.world.command(scene.ada, Command::LookUpTeam { team });
    scene.world.run(2);
    let shown = &scene.world.nodes[scene.ada].team;
    assert!(!shown.is_empty() && shown.iter().all(|member| member.author.device != device));
    assert!(scene.alarms(scene.ada).contains(&"not-signed"));
    let to = Target::Device(device);
    let (history, note) = (true, None);
    let transfer = Command::Transfer {
        contact,
        to,
        history,
        note,
    };
    scene.unchanged_by(|scene| {
        scene.world.command(scene.ada, transfer);
        scene.world.run(3);
    });
    assert_eq!(scene.world.nodes[scene.ada].failures(), ["unknown-device"]);
    scene.goes_on();
}

#[test]
fn an_agents_key_that_the_relay_swaps_is_not_sealed_to() {
    let mut scene = Scene::talking(3);
    let ghost = Ghost::of(&scene.world);
    let bruno = scene.world.nodes[scene.bruno].device();
    let swapped = seal_key(&scene.world, &ghost.signer, bruno, &ghost.key).to_bytes();
    let ada = scene.ada;
    answering(&mut scene, ada, move |objects| {
        for object in objects {
            if object.kind == ObjectKind::SealKey {
                object.bytes.clone_from(&swapped);
            }
        }
    });
    let before = scene.entries().len();
    scene.hand_to_bruno(true);
    assert_eq!(scene.world.nodes[scene.ada].failures(), ["no-seal-key"]);
    assert!(scene.alarms(scene.ada).contains(&"not-signed"));
    assert_eq!(scene.entries().len(), before);
    // Told the truth, she can.
    scene.world.tamper = None;
    scene.hand_to_bruno(true);
    let bruno = scene.bruno;
    scene.world.say(bruno, "Bruno here");
    scene.world.run(3);
    let texts = scene.world.nodes[scene.visitor].texts();
    assert_eq!(texts.last().unwrap(), "Bruno here");
}

#[test]
fn a_roster_key_that_the_relay_swaps_breaks_the_signature_and_the_sides_part() {
    let mut scene = Scene::waiting(11);
    let ghost = Ghost::of(&scene.world);
    let (visitor, key) = (scene.visitor, ghost.key.public());
    // Ada's claim reaches the visitor with another key for her.
    scene.world.tamper = Some(Box::new(move |peer, mut frame| {
        if let RelayFrame::Entries { entries, .. } = &mut frame
            && peer == visitor
        {
            for bytes in entries {
                let Ok(Entry::Commit(commit)) = decode(bytes, limits::ENTRY) else {
                    continue;
                };
                let commit = Commit::parse(&commit).unwrap();
                let Some(own) = commit.core().new_key.clone() else {
                    continue;
                };
                let member = commit.core().roster.member(&commit.core().committer);
                let id = member.unwrap().key;
                let swapped = replaced(bytes, &own, key.as_bytes());
                *bytes = replaced(&swapped, id.as_array(), key.id().as_array()).into();
            }
        }
        vec![frame]
    }));
    scene.forget();
    crate::greeting::claim(&mut scene.world, scene.ada);
    assert_eq!(scene.alarms(visitor), ["bad-signature"]);
    let view = scene.view(visitor);
    assert_eq!((view.epoch, view.state), (0, ContactState::Waiting));
    // From now on they see different logs: whatever Ada says is of no epoch that the visitor knows.
    scene.world.tamper = None;
    scene.forget();
    scene.world.say(scene.ada, "good morning");
    scene.world.run(3);
    assert_eq!(scene.alarms(visitor), ["stale-epoch"]);
    let before = scene.entries().len();
    scene.world.say(visitor, "to whom?");
    scene.world.run(3);
    assert_eq!(scene.entries().len(), before);
    scene.another_contact_goes_on();
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let places = bytes.windows(from.len()).enumerate();
    let places: Vec<_> = places.filter(|(_, it)| *it == from).collect();
    for (place, _) in places {
        out[place..place + to.len()].copy_from_slice(to);
    }
    out
}

#[test]
fn a_request_for_a_key_of_another_device_lets_nobody_in() {
    let mut scene = Scene::talking(12);
    let ghost = Ghost::of(&scene.world);
    scene.world.appoint(scene.ada);
    scene.world.run(2);
    let request = EnrolmentRequest {
        version: Version,
        suite: Suite::X25519,
        account: scene.world.account,
        device: scene.world.nodes[scene.bruno].device(),
        name: "Bruno's telephone".into(),
        time: scene.world.now,
        invitation: None,
    };
    let signed = Signed::sign(&request, &[&ghost.signer]);
    let approval = Approval {
        subject: "ghost".into(),
        name: None,
        role: Role::Agent,
        teams: vec!["support".into()],
    };
    let request = to_base64url(&signed.to_bytes());
    scene.forget();
    let approve = Command::Approve { request, approval };
    scene.world.command(scene.ada, approve);
    scene.world.run(2);
    let events = &scene.world.nodes[scene.ada].events;
    let refused = |event: &Event| {
        matches!(
            event,
            Event::NotAdministered {
                code: "bad-request",
                ..
            }
        )
    };
    assert!(events.iter().any(refused), "{events:?}");
    assert_eq!(scene.published(ObjectKind::Credential).count(), 0);
    scene.goes_on();
}
