//! What a relay asks of a client, and how much it sends it.

use sottovoce::client::*;
use sottovoce::contact::Reason;
use sottovoce::wire::frame::*;
use sottovoce::wire::*;

use crate::insider::New;
use crate::scene::{Scene, entry};

/// The proofs that a node has sent and the relay has not taken yet.
fn proofs(scene: &Scene, node: usize) -> Vec<Authentication> {
    let frames = scene.world.nodes[node].to_relay.iter();
    let proofs = frames.filter_map(|(_, bytes)| {
        let frame = decode::<ClientFrame>(bytes, limits::FRAME).unwrap();
        let ClientFrame::Authenticate { proof } = frame else {
            return None;
        };
        let signed = Signed::<Authentication>::from_bytes(&proof).unwrap();
        let proof = signed.parse().unwrap();
        signed.verify_by(&proof.device).unwrap();
        Some(proof)
    });
    proofs.collect()
}

#[test]
fn a_client_signs_only_what_it_dialled_and_nothing_after_it_was_let_in() {
    let mut scene = Scene::talking(110);
    let visitor = scene.visitor;
    let nonce = Nonce::new([0x42; 32]);
    let challenge = encode(&RelayFrame::Challenge { nonce });
    // Another relay's challenge, passed on after the welcome, is not answered.
    scene.forget();
    scene.world.input(visitor, Input::Frame(challenge.clone()));
    assert_eq!(scene.alarms(visitor), ["challenge-repeated"]);
    assert!(proofs(&scene, visitor).is_empty());
    // Passed on before it, it is answered for the host that was dialled, so it is of no use there.
    scene.world.disconnect(visitor);
    scene.world.nodes[visitor].connected = true;
    scene.world.input(visitor, Input::Connected);
    scene.world.input(visitor, Input::Frame(challenge));
    let [proof] = proofs(&scene, visitor).try_into().unwrap();
    assert_eq!(proof.host, "relay.example");
    assert_eq!(proof.relay_nonce, nonce);
    assert_eq!(proof.account, scene.world.account);
    assert_eq!(proof.device, scene.world.nodes[visitor].device());
    assert_eq!(proof.time, scene.world.now);
    assert_ne!(proof.client_nonce, nonce);
    scene.world.disconnect(visitor);
    scene.world.connect(visitor);
    scene.world.run(3);
    scene.goes_on();
}

#[test]
fn a_relay_gets_no_signature_over_bytes_of_its_choice() {
    let mut scene = Scene::talking(111);
    let visitor = scene.visitor;
    scene.world.disconnect(visitor);
    scene.world.nodes[visitor].connected = true;
    scene.world.input(visitor, Input::Connected);
    // A nonce is 32 bytes: anything longer, or of another kind, is no challenge.
    let good = encode(&RelayFrame::Challenge {
        nonce: Nonce::new([7; 32]),
    });
    let mut longer = good.clone();
    let length = longer.len() - 33;
    longer[length] += 1;
    longer.push(7);
    let mut text = good;
    text[length - 1] = 0x78;
    for frame in [longer, text] {
        scene.forget();
        scene.world.input(visitor, Input::Frame(frame));
        assert_eq!(scene.alarms(visitor).len(), 1);
        assert!(proofs(&scene, visitor).is_empty());
    }
    scene.world.disconnect(visitor);
    scene.world.connect(visitor);
    scene.world.run(3);
    scene.goes_on();
}

#[test]
fn more_work_than_a_client_does_is_an_alarm_and_the_connection_can_go_on() {
    let mut scene = Scene::talking(112);
    let visitor = scene.visitor;
    scene.world.disconnect(visitor);
    scene.world.nodes[visitor].connected = true;
    scene.world.input(visitor, Input::Connected);
    scene.forget();
    for bits in [19, 64, u64::MAX] {
        let nonce = Nonce::new([1; 32]);
        let work = encode(&RelayFrame::Work { nonce, bits });
        scene.world.input(visitor, Input::Frame(work));
    }
    assert_eq!(scene.alarms(visitor), ["work-refused"; 3]);
    scene.world.disconnect(visitor);
    scene.world.connect(visitor);
    scene.world.run(3);
    scene.goes_on();
}

#[test]
fn a_flood_of_frames_and_entries_is_outlived() {
    let mut scene = Scene::talking(113);
    let (visitor, contact) = (scene.visitor, scene.contact);
    let junk = [
        vec![0xff; 1_000],
        encode(&RelayFrame::Published { id: 9 }),
        encode(&RelayFrame::Ephemeral {
            contact,
            event: vec![0x83; 500].into(),
        }),
        encode(&RelayFrame::Entries {
            contact: ContactId::new([9; 16]),
            first: 1,
            entries: vec![vec![0; 100].into(); 100],
            head: u64::MAX,
        }),
        encode(&RelayFrame::Refused {
            id: RefusedId::Contact(ContactId::new([9; 16])),
            code: "erased".into(),
        }),
    ];
    let contacts = scene.world.nodes[visitor].client.as_ref().unwrap();
    let before = contacts.contacts().count();
    for _ in 0..500 {
        for frame in &junk {
            scene.world.input(visitor, Input::Frame(frame.clone()));
        }
    }
    let contacts = scene.world.nodes[visitor].client.as_ref().unwrap();
    assert_eq!(contacts.contacts().count(), before);
    // Entries of the own contact that are none, for everybody the same.
    for _ in 0..300 {
        scene.world.relay.insert(contact, vec![0xff; 64].into());
    }
    scene.world.collect();
    scene.world.run(10);
    let head = scene.entries().len() as u64;
    for node in [visitor, scene.ada] {
        assert_eq!(scene.view(node).head, head);
    }
    scene.goes_on();
}

#[test]
fn a_visitor_that_rekeys_without_end_does_not_keep_a_contact_from_being_claimed() {
    for seed in 114..116 {
        let mut scene = Scene::waiting(seed);
        let contact = scene.contact;
        scene.world.command(scene.ada, Command::Open { contact });
        scene.world.run(2);
        scene.forget();
        let before = scene.view(scene.visitor).epoch;
        scene.world.command(scene.ada, Command::Claim { contact });
        for _ in 0..300 {
            scene
                .world
                .command(scene.visitor, Command::Rekey { contact });
            scene.world.step();
        }
        assert!(scene.view(scene.visitor).epoch > before + 1, "it did try");
        assert_eq!(scene.view(scene.ada).state, ContactState::Open);
        assert!(scene.world.nodes[scene.ada].failures().is_empty());
        scene.world.run(3);
        scene.goes_on();
    }
}

#[test]
fn a_claim_that_always_comes_second_is_told_of_and_can_be_made_again() {
    let mut scene = Scene::waiting(121);
    let contact = scene.contact;
    scene.world.command(scene.ada, Command::Open { contact });
    scene.world.run(2);
    scene.forget();
    scene.world.command(scene.ada, Command::Claim { contact });
    // The relay is the visitor's friend: each time it has a commit that was there before.
    let mut rounds = 0;
    while scene.world.nodes[scene.ada].failures().is_empty() {
        rounds += 1;
        assert!(rounds < 20, "it is not tried without end");
        let mut visitor = scene.insider(scene.visitor);
        let core = visitor.core(&scene.world, Reason::Rekey);
        let commit = visitor.build(&scene.world, core, New::default());
        let known = scene.world.relay.contacts.get_mut(&contact).unwrap();
        known
            .log
            .apply(&scene.world.relay.account, &commit)
            .unwrap();
        let bytes = encode(&entry(&commit)).into();
        scene.world.relay.insert(contact, bytes);
        scene.world.collect();
        for _ in 0..100 {
            scene.world.nodes[scene.ada].to_relay.clear();
            scene.world.step();
        }
    }
    assert_eq!(scene.world.nodes[scene.ada].failures(), ["epoch-taken"]);
    scene.world.command(scene.ada, Command::Claim { contact });
    scene.world.run(3);
    scene.goes_on();
}
