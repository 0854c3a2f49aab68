//! Every frame of both sides.

use serde_json::{Value, json};
use sottovoce::crypto::Hash;
use sottovoce::wire::frame::*;
use sottovoce::wire::*;

use crate::account as scene;
use crate::{bytes, list, text};

fn contact() -> ContactId {
    ContactId::new([9; 16])
}

fn id(number: u8) -> ContentId {
    ContentId::new([number; 16])
}

fn some_bytes() -> Bytes {
    vec![0x11; 40].into()
}

fn of_clients() -> Vec<ClientFrame> {
    let (contact, device) = (contact(), scene::agent().public());
    let queries = [
        Query::TeamKey("support".into()),
        Query::TeamMembers("support".into()),
        Query::TeamSeals("support".into()),
        Query::Policy(Hash::new([1; 32])),
        Query::Devices,
        Query::Vaults,
        Query::ArchiveKeys(Suite::XWing),
        Query::RequestKeys,
        Query::Notebook("support".into()),
    ];
    let mut frames = vec![
        ClientFrame::Authenticate {
            proof: some_bytes(),
        },
        ClientFrame::Publish {
            id: 1,
            object: Object::new(ObjectKind::SealKey, some_bytes()),
        },
        ClientFrame::Append {
            id: id(1),
            contact,
            entry: some_bytes(),
        },
        ClientFrame::Resume { contact, after: 7 },
        ClientFrame::Leave { contact },
        ClientFrame::Ephemeral {
            contact,
            event: some_bytes(),
        },
        ClientFrame::Presence { available: true },
        ClientFrame::AppendBoth {
            contact,
            first: NewEntry {
                id: id(1),
                entry: some_bytes(),
            },
            second: NewEntry {
                id: id(2),
                entry: some_bytes(),
            },
        },
        ClientFrame::Solve { answer: 70_000 },
        ClientFrame::Push {
            id: 4,
            target: Some(PushTarget {
                kind: PushKind::WebPush,
                token: "https://push.example/1".into(),
            }),
        },
        ClientFrame::Push {
            id: 5,
            target: None,
        },
        ClientFrame::Ask {
            id: 6,
            request: some_bytes(),
        },
    ];
    let periods = [
        BanPeriod::Hour,
        BanPeriod::Day,
        BanPeriod::Week,
        BanPeriod::Month,
    ];
    frames.extend(periods.map(|period| ClientFrame::Ban {
        id: 3,
        contact,
        device,
        period,
    }));
    frames.extend(queries.map(|query| ClientFrame::Lookup { id: 2, query }));
    frames
}

fn of_relays() -> Vec<RelayFrame> {
    let (contact, device) = (contact(), scene::agent().public());
    let objects = || vec![Object::new(ObjectKind::TeamKey, some_bytes())];
    let refused = [
        RefusedId::Append(id(1), contact),
        RefusedId::Request(2),
        RefusedId::Contact(contact),
    ];
    let mut frames = vec![
        RelayFrame::Challenge {
            nonce: Nonce::new([1; 32]),
        },
        RelayFrame::Welcome { objects: objects() },
        RelayFrame::Published { id: 1 },
        RelayFrame::Found {
            id: 2,
            objects: objects(),
            available: vec![device],
            more: false,
        },
        RelayFrame::Appended {
            id: id(1),
            contact,
            position: 3,
        },
        RelayFrame::Entries {
            contact,
            first: 3,
            entries: vec![some_bytes(), some_bytes()],
            head: 9,
        },
        RelayFrame::Ephemeral {
            contact,
            event: some_bytes(),
        },
        RelayFrame::Contacts {
            all: true,
            contacts: vec![ContactSummary {
                contact,
                entry_point: "shop".into(),
                created: scene::NOW,
                head: 4,
                epoch: 1,
                teams: vec!["support".into()],
                devices: vec![device],
                closed: false,
                past_teams: vec!["sales".into()],
                responsible: Some(device),
                waiting_since: Some(scene::NOW),
            }],
        },
        RelayFrame::Announce { objects: objects() },
        RelayFrame::Goodbye {
            code: "going-away".into(),
        },
        RelayFrame::Work {
            nonce: Nonce::new([2; 32]),
            bits: 16,
        },
        RelayFrame::Answered {
            id: 6,
            answer: some_bytes(),
        },
        RelayFrame::KeysWanted {
            suite: Suite::XWing,
            count: 12,
        },
    ];
    frames.extend(refused.map(|id| RelayFrame::Refused {
        id,
        code: "throttled".into(),
    }));
    frames
}

pub fn make() -> Value {
    let of_clients = of_clients();
    let of_clients = of_clients
        .iter()
        .map(|frame| json!({ "structure": "ClientFrame", "bytes": hex::encode(encode(frame)) }));
    let of_relays = of_relays();
    let of_relays = of_relays
        .iter()
        .map(|frame| json!({ "structure": "RelayFrame", "bytes": hex::encode(encode(frame)) }));
    json!({
        "about": "SPEC 8: frames of both sides",
        "frames": of_clients.chain(of_relays).collect::<Vec<_>>(),
    })
}

pub fn read(file: &Value) {
    let frames = list(file, "frames");
    assert!(frames.len() > 35);
    for case in frames {
        let bytes = bytes(case, "bytes");
        let again = match text(case, "structure") {
            "ClientFrame" => encode(&decode::<ClientFrame>(&bytes, limits::FRAME).unwrap()),
            _ => encode(&decode::<RelayFrame>(&bytes, limits::FRAME).unwrap()),
        };
        assert_eq!(again, bytes);
    }
}
