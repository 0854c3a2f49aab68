//! Who wrote something, and who has read it: nothing that a relay or another member says for somebody.

use minicbor::Encoder;
use sottovoce::client::*;
use sottovoce::crypto::Hash;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::message::*;
use sottovoce::wire::frame::RelayFrame;
use sottovoce::wire::log::Seen;
use sottovoce::wire::*;

use crate::forge::h;
use crate::insider::{chain, envelopes};
use crate::messages::{entry, hears, item};
use crate::scene::Scene;
#[test]
fn a_member_says_nothing_in_another_members_name() {
    let mut scene = Scene::talking(66);
    let visitor = scene.world.nodes[scene.visitor].device();
    let mut ada = scene.insider(scene.ada);
    let forged = ada.text(&scene.world, visitor, "I agree to everything");
    // It opens, for Ada knows the key; that it is not the visitor's is in the signature.
    let key = ada.key_of(&scene.world, 1).unwrap();
    assert!(forged.open(key.secret()).is_ok());
    scene.unchanged_by(|scene| scene.insert(&entry(&forged)));
    for node in [scene.visitor, scene.ada] {
        assert_eq!(scene.invalid(node), ["bad-signature"]);
    }
    scene.goes_on();
}

#[test]
fn a_message_that_the_relay_gives_to_another_author_is_not_believed() {
    let mut scene = Scene::talking(67);
    let devices = [scene.visitor, scene.ada].map(|node| scene.world.nodes[node].device());
    let ada = scene.ada;
    scene.world.tamper = Some(Box::new(move |peer, mut frame| {
        if let RelayFrame::Entries { entries, .. } = &mut frame
            && peer == ada
        {
            for bytes in entries {
                let [from, to] = devices.map(|device| *device.as_array());
                let mut places = bytes.windows(32).enumerate();
                let place = places.find(|(_, it)| **it == from).map(|(place, _)| place);
                if let Some(place) = place {
                    let mut changed = bytes.to_vec();
                    changed[place..place + 32].copy_from_slice(&to);
                    *bytes = changed.into();
                }
            }
        }
        vec![frame]
    }));
    scene.world.say(scene.visitor, "mine");
    scene.world.run(3);
    assert!(!hears(&scene, ada, "mine"));
    assert_eq!(scene.invalid(ada), ["bad-signature"]);
    // What Ada says next is compared with what the visitor saw, and the other way round.
    scene.world.tamper = None;
    scene.world.say(ada, "what did you say?");
    scene.world.run(3);
    assert_eq!(scene.stopped(scene.visitor), Some("fork"));
    scene.another_contact_goes_on();
}

#[test]
fn receipts_that_the_relay_makes_up_deliver_nothing() {
    let mut scene = Scene::talking(70);
    scene.world.offline.push(scene.ada);
    scene.world.disconnect(scene.ada);
    scene.world.say(scene.visitor, "is anybody there?");
    scene.world.run(2);
    let ada = scene.world.nodes[scene.ada].device();
    let position = scene.view(scene.visitor).head;
    let mut relay = scene.insider(scene.visitor);
    let header = {
        let template = relay.text(&scene.world, ada, "receipt");
        let hash = log_hash(&scene, position);
        Header {
            seen: Some(Seen { position, hash }),
            ..template.header().clone()
        }
    };
    // The relay cannot sign for Ada, even if the visitor's keys are known to it.
    let key = relay.key_of(&scene.world, 1).unwrap();
    let forged = relay.seal(&scene.world, header, &key, "receipt");
    let before = item(&scene, scene.visitor, "is anybody there?").state;
    assert_eq!(before, MessageState::Sent);
    scene.insert(&entry(&forged));
    let contact = scene.contact;
    for position in [position, position + 10] {
        let id = ContentId::new([3; 16]);
        let frame = RelayFrame::Appended {
            id,
            contact,
            position,
        };
        let frame = Input::Frame(encode(&frame));
        scene.world.input(scene.visitor, frame);
    }
    let after = item(&scene, scene.visitor, "is anybody there?").state;
    assert_eq!(after, MessageState::Sent);
    // Nor does an old receipt of hers count for what came after it.
    let old = envelopes(&scene.world, &contact, &ada)[0].clone();
    scene.forget();
    scene.insert(&entry(&old));
    assert_eq!(scene.alarms(scene.visitor), ["replayed"]);
    let after = item(&scene, scene.visitor, "is anybody there?").state;
    assert_eq!(after, MessageState::Sent);
}

fn log_hash(scene: &Scene, position: u64) -> Hash {
    use sottovoce::wire::log::{log_next, log_start};
    let mut hash = log_start(&scene.world.account, &scene.contact);
    for (place, bytes) in (1..=position).zip(scene.entries()) {
        hash = log_next(&hash, place, bytes);
    }
    hash
}

#[test]
fn a_ciphertext_under_another_commitment_is_not_opened() {
    let mut scene = Scene::talking(72);
    let mut ada = scene.insider(scene.ada);
    let honest = ada.text(&scene.world, ada.device(), "one key only");
    let bytes = honest.to_bytes();
    let mut input = minicbor::Decoder::new(&bytes);
    input.array().unwrap();
    let header = input.bytes().unwrap();
    input.skip().unwrap();
    let ciphertext = input.bytes().unwrap();
    // Signed by its author, as everything here is, so that nothing but the commitment is wrong.
    let forged = signed_by_hand(&scene, &ada.signer, header, [9; 32], ciphertext);
    let key = ada.key_of(&scene.world, 1).unwrap();
    assert!(forged.verify_signature().is_ok());
    assert!(forged.open(key.secret()).is_err());
    scene.insert(&entry(&forged));
    for node in [scene.visitor, scene.ada] {
        assert_eq!(scene.invalid(node), ["undecryptable"]);
        assert!(!hears(&scene, node, "one key only"));
    }
    scene.world.say(scene.visitor, "what was that?");
    scene.world.run(3);
    assert!(hears(&scene, scene.ada, "what was that?"));
}

/// SPEC 5.2: `[header, commitment, ciphertext, signature]`.
fn signed_by_hand(
    scene: &Scene,
    signer: &SigningKey,
    header: &[u8],
    commitment: [u8; 32],
    ciphertext: &[u8],
) -> Envelope {
    let hash = h("envelope", &[header, &commitment, ciphertext]);
    let mut body = Encoder::new(Vec::new());
    body.array(4).unwrap().u64(0).unwrap();
    body.u64(Suite::XWing.number()).unwrap();
    body.bytes(scene.world.account.as_array()).unwrap();
    body.bytes(hash.as_array()).unwrap();
    let signature = signer.sign("envelope", body.writer());
    let mut out = Encoder::new(Vec::new());
    out.array(4).unwrap().bytes(header).unwrap();
    out.bytes(&commitment).unwrap();
    out.bytes(ciphertext).unwrap();
    out.bytes(signature.as_array()).unwrap();
    Envelope::parse(out.writer()).unwrap()
}

#[test]
fn two_envelopes_of_one_sequence_are_both_shown_and_marked() {
    let mut scene = Scene::talking(73);
    let mut ada = scene.insider(scene.ada);
    let both = ["one", "two"].map(|text| ada.text(&scene.world, ada.device(), text));
    scene.forget();
    for envelope in &both {
        let bytes = encode(&entry(envelope)).into();
        scene.world.relay.insert(scene.contact, bytes);
    }
    scene.world.collect();
    scene.world.run(2);
    assert!(item(&scene, scene.visitor, "one").marks.is_empty());
    let second = item(&scene, scene.visitor, "two");
    assert_eq!(second.marks, ["two-with-one-sequence"]);
    assert_eq!(scene.alarms(scene.visitor), ["two-with-one-sequence"]);
    let (next, _) = chain(&scene.world, &scene.contact, &ada.device());
    assert_eq!(next, both[0].header().sequence + 1);
    // The real Ada meets what she does not remember, and goes on with new keys.
    assert!(scene.alarms(scene.ada).contains(&"state-rolled-back"));
    scene.world.run(5);
    assert!(scene.view(scene.visitor).epoch > 1);
    scene.goes_on();
}
