//! A whole client among bad bytes: from its relay, from other participants, from its store.

use sottovoce::account::Role;
use sottovoce::client::*;
use sottovoce::contact::Commit;
use sottovoce::crypto::{Random, Secret};
use sottovoce::wire::frame::{Entry, RelayFrame};
use sottovoce::wire::{Bytes, ContactId, DecodeError, decode, encode, limits};

use crate::mutation::try_everything;
use crate::world::World;

/// A visitor and an agent who have spoken.
fn conversation(seed: u64) -> (World, usize, usize, ContactId) {
    let mut world = World::new(seed);
    let agent = world.staff("Ada", Role::Agent);
    world.connect(agent);
    world.run(4);
    let visitor = world.visitor();
    world.connect(visitor);
    world.command(
        visitor,
        Command::Start {
            entry_point: "shop".into(),
            identity: None,
            details: Vec::new(),
        },
    );
    world.say(visitor, "hello");
    world.run(4);
    let contact = world.nodes[agent].inbox[0].contact;
    world.command(agent, Command::Open { contact });
    world.run(2);
    world.command(agent, Command::Claim { contact });
    world.run(3);
    world.say(agent, "good morning");
    world.run(12);
    (world, visitor, agent, contact)
}

/// That nothing of what came before did any harm.
fn goes_on(world: &mut World, visitor: usize, agent: usize) {
    world.say(visitor, "are you there?");
    world.run(2);
    world.say(agent, "yes");
    world.run(2);
    for node in [visitor, agent] {
        assert_eq!(
            world.nodes[node].texts(),
            ["hello", "good morning", "are you there?", "yes"]
        );
    }
}

#[test]
fn commits_are_read_strictly() {
    let (world, _, _, contact) = conversation(1);
    let mut commits = 0;
    for bytes in &world.relay.contacts[&contact].entries {
        let Entry::Commit(commit) = decode(bytes, limits::ENTRY).unwrap() else {
            continue;
        };
        commits += 1;
        try_everything("commit", &commit, &|bytes| {
            Commit::parse(bytes).map(|commit| commit.to_bytes())
        });
    }
    assert_eq!(commits, 2);
}

#[test]
fn bytes_that_are_no_frame_change_nothing() {
    let (mut world, visitor, agent, contact) = conversation(2);
    let head = world.relay.contacts[&contact].entries.len() as u64;
    let good = encode(&RelayFrame::Entries {
        contact,
        first: head,
        entries: vec![Bytes::default()],
        head,
    });
    let storage = world.nodes[visitor].storage.clone();
    let mut bad: Vec<Vec<u8>> = (0..good.len()).map(|n| good[..n].to_vec()).collect();
    bad.extend([
        vec![0xff; 100],
        vec![0x81; 60_000],
        vec![0; limits::FRAME + 1],
        [&good[..], &[0]].concat(),
    ]);
    for frame in bad {
        let expected = decode::<RelayFrame>(&frame, limits::FRAME).unwrap_err();
        world.nodes[visitor].events.clear();
        world.input(visitor, Input::Frame(frame));
        assert_eq!(world.nodes[visitor].alarms(), [expected.code()]);
        assert_eq!(world.nodes[visitor].events.len(), 1);
    }
    assert_eq!(world.nodes[visitor].storage, storage);
    goes_on(&mut world, visitor, agent);
}

#[test]
fn frames_that_nobody_asked_for_change_nothing() {
    use sottovoce::wire::ContentId;
    use sottovoce::wire::frame::{Nonce, Object, ObjectKind, RefusedId};

    let (mut world, visitor, agent, contact) = conversation(3);
    let other = ContactId::new([9; 16]);
    let junk = || {
        vec![
            Object::new(ObjectKind::Root, vec![1].into()),
            Object::new(ObjectKind::Policy, Bytes::default()),
            Object::new(ObjectKind::Renewal, vec![0x80].into()),
            Object::new(ObjectKind::Credential, vec![0xff; 300].into()),
            Object::new(ObjectKind::SealKey, vec![0x81; 60_000].into()),
            Object::new(ObjectKind::TeamKey, vec![0xc0; 60_000].into()),
            Object::new(ObjectKind::TeamSeals, vec![0x9f; 60_000].into()),
            Object::new(ObjectKind::Enrolment, vec![1, 2, 3].into()),
        ]
    };
    let frames = [
        RelayFrame::Challenge {
            nonce: Nonce::new([1; 32]),
        },
        RelayFrame::Welcome { objects: junk() },
        RelayFrame::Announce { objects: junk() },
        RelayFrame::Published { id: u64::MAX },
        RelayFrame::Found {
            id: u64::MAX,
            objects: junk(),
            available: Vec::new(),
            more: true,
        },
        RelayFrame::Appended {
            id: ContentId::new([0; 16]),
            contact: other,
            position: u64::MAX,
        },
        RelayFrame::Refused {
            id: RefusedId::Append(ContentId::new([0; 16]), contact),
            code: "no such code \u{202e}".into(),
        },
        RelayFrame::Refused {
            id: RefusedId::Request(3),
            code: String::new(),
        },
        RelayFrame::Ephemeral {
            contact,
            event: vec![0x83; 60_000].into(),
        },
        RelayFrame::Ephemeral {
            contact: other,
            event: Bytes::default(),
        },
        RelayFrame::Entries {
            contact: other,
            first: 1,
            entries: vec![vec![1; 100].into()],
            head: 1,
        },
        RelayFrame::Contacts {
            all: true,
            contacts: Vec::new(),
        },
    ];
    for node in [visitor, agent] {
        for frame in &frames {
            world.input(node, Input::Frame(encode(frame)));
        }
    }
    goes_on(&mut world, visitor, agent);
}

#[test]
fn an_entry_that_is_none_counts_for_nothing_and_the_conversation_goes_on() {
    let (mut world, visitor, agent, contact) = conversation(4);
    let entries = world.relay.contacts[&contact].entries.clone();
    let last = entries.last().unwrap();
    let bad = [
        Bytes::default(),
        vec![0xff].into(),
        vec![0x81; 60_000].into(),
        last[..last.len() - 1].to_vec().into(),
        Bytes::from(encode(&Entry::Commit(vec![0x85; 50].into()))),
        Bytes::from(encode(&Entry::Envelope(vec![0x84; 50].into()))),
        // A replay.
        last.clone(),
    ];
    // The relay is hostile, but tells everybody the same.
    for entry in bad {
        let known = world.relay.contacts.get_mut(&contact).unwrap();
        known.entries.push(entry.clone());
        let head = known.entries.len() as u64;
        let frame = encode(&RelayFrame::Entries {
            contact,
            first: head,
            entries: vec![entry],
            head,
        });
        for node in [visitor, agent] {
            world.input(node, Input::Frame(frame.clone()));
        }
    }
    world.run(2);
    goes_on(&mut world, visitor, agent);
}

#[test]
fn stored_state_that_was_changed_is_not_opened() {
    let (world, visitor, agent, _) = conversation(5);
    for (index, node) in [
        (visitor, &world.nodes[visitor]),
        (agent, &world.nodes[agent]),
    ] {
        let good: Vec<Record> = node
            .storage
            .iter()
            .map(|(name, bytes)| Record {
                name: name.clone(),
                bytes: bytes.clone(),
            })
            .collect();
        let open = |records: &[Record]| {
            let kind = if index == visitor {
                Kind::Visitor
            } else {
                Kind::Staff {
                    name: node.name.into(),
                    invitation: None,
                }
            };
            let config = Config {
                pin: sottovoce::account::Pin::account(world.account),
                host: "relay.example".into(),
                kind,
                storage_key: Secret::new([index as u8; 32]),
                generation: 0,
            };
            Client::open(config, records, Random::os(), world.now)
        };
        assert_eq!(open(&good).unwrap().device(), node.device());
        for record in 0..good.len() {
            let length = good[record].bytes.len();
            let mut spoilt: Vec<Vec<u8>> = [0, 1, 15, 16, 31, 32, length - 1]
                .into_iter()
                .map(|length| good[record].bytes[..length].to_vec())
                .collect();
            for byte in (0..length).step_by(length / 40 + 1) {
                let mut changed = good[record].bytes.clone();
                changed[byte] ^= 1;
                spoilt.push(changed);
            }
            for bytes in spoilt {
                let mut records = good.clone();
                records[record].bytes = bytes;
                let error = open(&records).unwrap_err();
                assert_eq!(error.code(), "state-unreadable");
            }
        }
        // A record under the name of another.
        let mut swapped = good.clone();
        let (first, second) = (swapped[0].bytes.clone(), swapped[1].bytes.clone());
        (swapped[0].bytes, swapped[1].bytes) = (second, first);
        assert_eq!(open(&swapped).unwrap_err().code(), "state-unreadable");
    }
}

#[test]
fn commands_that_make_no_sense_fail_with_a_code() {
    let mut world = World::new(6);
    let visitor = world.visitor();
    let contact = ContactId::new([1; 16]);
    let team = || "support".to_owned();
    let commands = [
        Command::Claim { contact },
        Command::Close { contact },
        Command::Rekey { contact },
        Command::Leave { contact },
        Command::Typing { contact },
        Command::Note {
            contact,
            text: "x".into(),
        },
        Command::Transfer {
            contact,
            to: Target::Team(team()),
            history: true,
            note: None,
        },
        Command::Remove {
            contact,
            target: Target::Team(team()),
        },
        Command::Send {
            contact,
            kind: "text".into(),
            body: vec![b'x'; limits::BODY + 1],
            reply_to: None,
            id: None,
        },
    ];
    for command in commands {
        world.nodes[visitor].events.clear();
        world.command(visitor, command.clone());
        assert_eq!(
            world.nodes[visitor].failures(),
            ["unknown-contact"],
            "{command:?}"
        );
    }
}

#[test]
fn a_decode_error_has_a_stable_code() {
    assert_eq!(DecodeError::Malformed.code(), "malformed");
    assert_eq!(DecodeError::NotDeterministic.code(), "not-deterministic");
    assert_eq!(DecodeError::TooLarge.code(), "too-large");
}
