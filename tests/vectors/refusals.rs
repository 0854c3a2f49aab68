//! What must be refused, and with which code: bytes that are no structure, commits that do not count,
//! and secrets that are not what was committed to.

use serde_json::{Value, json};
use sottovoce::account::{Account, Credential, Policy};
use sottovoce::contact::*;
use sottovoce::crypto::Secret;
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::message::Envelope;
use sottovoce::wire::frame::{ClientFrame, Entry, Nonce, Object, RelayFrame};
use sottovoce::wire::*;

use crate::account::{self as objects, administrator};
use crate::refused_commits::{commits_refused, described, opened, secrets_refused};
use crate::{bytes, list, text};

/// Bytes that are read as a structure, and the code of what is wrong with them.
fn bytes_refused() -> Vec<Value> {
    let challenge = encode(&RelayFrame::Challenge {
        nonce: Nonce::new([1; 32]),
    });
    let credential = Signed::sign(&objects::credential(), &[&administrator(1)]);
    let contact = ContactId::new([9; 16]);
    let leave = encode(&ClientFrame::Leave { contact });
    let with =
        |bytes: &[u8], place: usize, to: &[u8]| [&bytes[..place], to, &bytes[place + 1..]].concat();
    let envelope = Envelope::parse(&envelope()).unwrap().to_bytes();
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("nothing at all", "RelayFrame", Vec::new()),
        ("cut off", "RelayFrame", challenge[..20].to_vec()),
        (
            "something behind it",
            "RelayFrame",
            [&challenge[..], &[0]].concat(),
        ),
        (
            "an array of indefinite length",
            "RelayFrame",
            with(&challenge, 0, &[0x9f]),
        ),
        (
            "a length that is longer than need be",
            "RelayFrame",
            with(&challenge, 0, &[0x98, 2]),
        ),
        (
            "a number that is longer than need be",
            "RelayFrame",
            with(&challenge, 1, &[0x18, 0]),
        ),
        (
            "a choice of a later version",
            "RelayFrame",
            with(&challenge, 1, &[0x17]),
        ),
        (
            "a negative number",
            "RelayFrame",
            with(&challenge, 1, &[0x20]),
        ),
        (
            "a byte string of indefinite length",
            "RelayFrame",
            with(&challenge, 3, &[0x5f]),
        ),
        ("a map", "RelayFrame", with(&challenge, 0, &[0xa1])),
        ("a tag", "RelayFrame", [&[0xc0][..], &challenge].concat()),
        ("nested without end", "ClientFrame", vec![0x81; 300]),
        ("a contact of 15 bytes", "ClientFrame", {
            let mut short = with(&leave, 3, &[0x4f]);
            short.pop();
            short
        }),
        (
            "neither commit nor envelope",
            "Entry",
            vec![0x82, 2, 0x81, 0x40],
        ),
        (
            "an object of a later kind",
            "Object",
            vec![0x82, 0x17, 0x40],
        ),
        (
            "another version",
            "Credential",
            with(&encode(&objects::credential()), 1, &[1]),
        ),
        (
            "another suite",
            "Credential",
            with(&encode(&objects::credential()), 2, &[3]),
        ),
        (
            "a signed object cut off",
            "Signed",
            credential.to_bytes()[..80].to_vec(),
        ),
        (
            "longer than an account object may be",
            "Signed",
            vec![0x82; limits::OBJECT + 1],
        ),
        (
            "an envelope of a length that padding never makes",
            "Envelope",
            {
                let mut out = minicbor::Encoder::new(Vec::new());
                let mut input = minicbor::Decoder::new(&envelope);
                input.array().unwrap();
                out.array(4).unwrap().bytes(input.bytes().unwrap()).unwrap();
                out.bytes(input.bytes().unwrap()).unwrap();
                out.bytes(&[0; 300]).unwrap();
                input.skip().unwrap();
                out.bytes(input.bytes().unwrap()).unwrap();
                out.into_writer()
            },
        ),
    ];
    let described = cases.into_iter().map(|(what, structure, bytes)| {
        let code = judged(structure, &bytes).unwrap_err();
        // One byte again and again is written once.
        let same = bytes.len() > 1_000 && bytes.iter().all(|byte| *byte == bytes[0]);
        let (times, shown) = if same {
            (bytes.len(), &bytes[..1])
        } else {
            (1, &bytes[..])
        };
        json!({
            "what": what,
            "structure": structure,
            "bytes": hex::encode(shown),
            "times": times,
            "code": code,
        })
    });
    described.collect()
}

fn judged(structure: &str, bytes: &[u8]) -> Result<(), &'static str> {
    let code = |error: DecodeError| error.code();
    match structure {
        "RelayFrame" => decode::<RelayFrame>(bytes, limits::FRAME)
            .map(drop)
            .map_err(code),
        "ClientFrame" => decode::<ClientFrame>(bytes, limits::FRAME)
            .map(drop)
            .map_err(code),
        "Entry" => decode::<Entry>(bytes, limits::ENTRY)
            .map(drop)
            .map_err(code),
        "Object" => decode::<Object>(bytes, limits::OBJECT)
            .map(drop)
            .map_err(code),
        "Credential" => decode::<Credential>(bytes, limits::OBJECT)
            .map(drop)
            .map_err(code),
        "Signed" => Signed::<Policy>::from_bytes(bytes).map(drop).map_err(code),
        "Envelope" => Envelope::parse(bytes)
            .map(drop)
            .map_err(|error| error.code()),
        other => panic!("{other}"),
    }
}

fn envelope() -> Vec<u8> {
    let file = crate::messages::make();
    let first = &list(&file, "envelopes")[0];
    bytes(first, "envelope")
}

/// Keys that no KEM takes.
fn keys_refused() -> Vec<Value> {
    let mut keys = Vec::new();
    let mut low = [0; 32];
    low[0] = 1;
    let mut not_canonical = [0xff; 32];
    (not_canonical[0], not_canonical[31]) = (0xf0, 0x7f);
    for (what, part) in [
        ("all-zero", [0; 32]),
        ("of low order", low),
        ("not canonical", not_canonical),
    ] {
        for suite in Suite::ALL {
            let mut key = SealPrivateKey::from_seed(suite, Secret::new([7; 32]))
                .public()
                .as_bytes()
                .to_vec();
            let start = key.len() - 32;
            key[start..].copy_from_slice(&part);
            assert!(SealPublicKey::parse(suite, &key).is_err());
            let suite = suite.number();
            keys.push(json!({ "what": what, "suite": suite, "public key": hex::encode(key) }));
        }
    }
    keys
}

pub fn make() -> Value {
    let mut commits = Vec::new();
    let mut secrets = Vec::new();
    {
        let suite = Suite::X25519;
        commits.extend(commits_refused(suite).into_iter().map(described));
    }
    for suite in Suite::ALL {
        secrets.extend(secrets_refused(suite));
    }
    json!({
        "about": "SPEC 1, 2.6, 4.3, 4.5, 4.6: what is refused, and the code that says so",
        "bytes": bytes_refused(),
        "commits": commits,
        "secrets": secrets,
        "public keys": keys_refused(),
    })
}

pub fn read(file: &Value) {
    for case in list(file, "bytes") {
        let times = usize::try_from(case["times"].as_u64().unwrap()).unwrap();
        let said = judged(text(case, "structure"), &bytes(case, "bytes").repeat(times));
        assert_eq!(said, Err(text(case, "code")), "{}", text(case, "what"));
    }
    for case in list(file, "commits") {
        let mut account = Account::new(objects::pin());
        let root = Signed::from_bytes(&bytes(case, "root")).unwrap();
        account.learn_root(&root).unwrap();
        let policy = Signed::from_bytes(&bytes(case, "policy")).unwrap();
        account.learn_policy(&policy).unwrap();
        let mut log: Option<Log> = None;
        for commit in list(case, "log") {
            let commit = hex::decode(commit.as_str().unwrap()).unwrap();
            let commit = Commit::parse(&commit).unwrap();
            match &mut log {
                Some(log) => drop(log.apply(&account, &commit).unwrap()),
                None => log = Some(Log::create(&account, &commit).unwrap().0),
            }
        }
        let commit = Commit::parse(&bytes(case, "commit")).unwrap();
        let said = log.unwrap().apply(&account, &commit).unwrap_err();
        assert_eq!(said.code(), text(case, "code"), "{}", text(case, "what"));
    }
    for case in list(file, "secrets") {
        let suite = Suite::ALL[usize::from(case["suite"] == 2)];
        let log = list(case, "log");
        let before = hex::decode(log.last().unwrap().as_str().unwrap()).unwrap();
        let before = Commit::parse(&before).unwrap();
        let commit = Commit::parse(&bytes(case, "commit")).unwrap();
        let secret = Secret::from_slice(&bytes(case, "secret before")).unwrap();
        let seed = Secret::from_slice(&bytes(case, "visitor seed")).unwrap();
        let key = SealPrivateKey::from_seed(suite, seed);
        let said = opened(&commit, &before, &secret, &key);
        assert_eq!(said, Err(text(case, "code")), "{}", text(case, "what"));
    }
    for case in list(file, "public keys") {
        let suite = Suite::ALL[usize::from(case["suite"] == 2)];
        assert!(SealPublicKey::parse(suite, &bytes(case, "public key")).is_err());
    }
}
