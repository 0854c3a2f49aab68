//! Envelopes of every kind of content, paddings, what is sent and never kept, and what a team keeps.

use serde_json::{Value, json};
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Hash, Random, Secret};
use sottovoce::message::*;
use sottovoce::wire::log::Seen;
use sottovoce::wire::*;

use crate::account as scene;
use crate::{bytes, bytes_n, list, text};

const EPOCH_KEY: [u8; 32] = [0x33; 32];

/// Every kind that this version names, and one that it does not.
const KINDS: [&str; 15] = [
    kind::TEXT,
    kind::ATTACHMENT,
    kind::FORM,
    kind::RATING,
    kind::ACTION,
    kind::LINK,
    kind::LOCATION,
    kind::QUICK_REPLIES,
    kind::RECEIPT,
    kind::IDENTITY,
    kind::DETAILS,
    kind::LABELS,
    kind::CALL_SIGNAL,
    kind::NOTE,
    "of-a-later-version",
];

fn header(suite: Suite, number: u8, device: DeviceId, audience: Audience) -> Header {
    Header {
        version: Version,
        suite,
        account: scene::id(),
        contact: ContactId::new([9; 16]),
        epoch: 3,
        transcript: Hash::new([0x44; 32]),
        device,
        sequence: u64::from(number),
        salt: Salt::new([number; 16]),
        previous: Envelope::first_previous(&scene::id(), &ContactId::new([9; 16]), &device),
        seen: (number > 0).then(|| Seen {
            position: u64::from(number),
            hash: Hash::new([number; 32]),
        }),
        audience,
    }
}

fn envelope(suite: Suite, number: u8, kind: &str, body: Vec<u8>) -> Value {
    let author = scene::agent();
    let audience = match kind {
        kind::NOTE | kind::LABELS => Audience::Staff,
        _ => Audience::All,
    };
    let content = Content {
        id: ContentId::new([number; 16]),
        kind: kind.into(),
        sent: scene::NOW,
        reply_to: (number % 3 == 1).then(|| ContentId::new([7; 16])),
        body: body.into(),
    };
    let envelope = Envelope::seal(SealParams {
        header: header(suite, number, author.public(), audience),
        epoch_key: &Secret::new(EPOCH_KEY),
        content: &content,
        signing_key: &author,
    })
    .unwrap();
    json!({
        "suite": suite.number(),
        "kind": kind,
        "header": hex::encode(encode(envelope.header())),
        "content": hex::encode(encode(&content)),
        "envelope": hex::encode(&*envelope.to_bytes()),
        "hash": hex::encode(envelope.hash().as_array()),
    })
}

fn event(suite: Suite) -> Value {
    let author = scene::agent();
    let event = Ephemeral::seal(EphemeralParams {
        header: EphemeralHeader {
            version: Version,
            suite,
            account: scene::id(),
            contact: ContactId::new([9; 16]),
            epoch: 3,
            transcript: Hash::new([0x44; 32]),
            device: author.public(),
            salt: Salt::new([5; 16]),
            audience: Audience::All,
        },
        epoch_key: &Secret::new(EPOCH_KEY),
        event: EphemeralEvent {
            kind: EphemeralKind::Typing,
            counter: 7,
            time: scene::NOW,
        },
        signing_key: &author,
    });
    json!({
        "suite": suite.number(),
        "counter": 7,
        "time": scene::NOW.millis(),
        "event": hex::encode(&*event.to_bytes()),
    })
}

/// A team's canned replies and labels, under the key that it has then.
fn notebook(suite: Suite) -> Value {
    let record = scene::team_key(suite);
    let public = SealPublicKey::parse(suite, &record.public_key).unwrap();
    let mut page = Page::default();
    assert!(page.keep_reply("hours", "We are here from 9 to 17."));
    page.labels = vec!["refund".into(), "urgent".into()];
    let author = scene::agent();
    let params = NotebookParams {
        to: (&record, &public),
        number: 2,
        previous: Some(Hash::new([1; 32])),
        time: scene::NOW,
        page: &page,
        signing_key: &author,
    };
    let signed = Notebook::seal(&params, &mut Random::seeded(suite.number())).unwrap();
    json!({
        "suite": suite.number(),
        "team seed": hex::encode([7; 32]),
        "signed": hex::encode(&*signed.to_bytes()),
        "notebook": hex::encode(encode(&signed.parse().unwrap())),
        "page": hex::encode(encode(&page)),
    })
}

pub fn make() -> Value {
    let mut envelopes = Vec::new();
    for suite in Suite::ALL {
        for (number, kind) in (0..).zip(KINDS) {
            let body = match kind {
                kind::RECEIPT => Receipt { read: 12 }.to_body().to_vec(),
                kind => format!("a body of kind {kind}").into_bytes(),
            };
            envelopes.push(envelope(suite, number, kind, body));
        }
    }
    // The shortest and the longest body of a padded length.
    let lengths = [1, 208, 209, 464, 465, 976, 977];
    let paddings = (100..).zip(lengths);
    let paddings = paddings
        .map(|(number, length)| envelope(Suite::XWing, number, kind::TEXT, vec![b'x'; length]));
    json!({
        "about": "SPEC 5: envelopes and events under one epoch key, which is also the staff epoch key here",
        "epoch key": hex::encode(EPOCH_KEY),
        "author seed": hex::encode(scene::agent().seed().expose()),
        "envelopes": envelopes,
        "paddings": paddings.collect::<Vec<_>>(),
        "events": Suite::ALL.map(event),
        "notebooks": Suite::ALL.map(notebook),
    })
}

pub fn read(file: &Value) {
    let key = Secret::new(bytes_n(file, "epoch key"));
    let author = SigningKey::from_seed(&Secret::new(bytes_n(file, "author seed")));
    for case in list(file, "envelopes").iter().chain(list(file, "paddings")) {
        let envelope = Envelope::parse(&bytes(case, "envelope")).unwrap();
        envelope.verify_signature().unwrap();
        assert_eq!(envelope.header().device, author.public());
        assert_eq!(encode(envelope.header()), bytes(case, "header"));
        assert_eq!(envelope.hash().as_array().to_vec(), bytes(case, "hash"));
        let content = envelope.open(&key).unwrap();
        assert_eq!(encode(&content), bytes(case, "content"));
        assert_eq!(content.kind, text(case, "kind"));
        assert_eq!(envelope.to_bytes().to_vec(), bytes(case, "envelope"));
    }
    for case in list(file, "events") {
        let event = Ephemeral::parse(&bytes(case, "event")).unwrap();
        event.verify_signature().unwrap();
        let opened = event.open(&key).unwrap();
        assert_eq!(Some(opened.counter), case["counter"].as_u64());
        assert_eq!(Some(opened.time.millis()), case["time"].as_u64());
    }
    for case in list(file, "notebooks") {
        let signed = Signed::<Notebook>::from_bytes(&bytes(case, "signed")).unwrap();
        signed.verify_by(&author.public()).unwrap();
        let notebook = signed.parse().unwrap();
        assert_eq!(encode(&notebook), bytes(case, "notebook"));
        let seed = Secret::new(bytes_n(case, "team seed"));
        let team = SealPrivateKey::from_seed(notebook.suite, seed);
        assert_eq!(encode(&notebook.open(&team).unwrap()), bytes(case, "page"));
    }
}
