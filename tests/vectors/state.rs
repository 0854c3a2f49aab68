//! A stored record, sealed by a client and opened as SPEC 9.4 says.

use minicbor::Encoder;
use serde_json::{Value, json};
use sottovoce::account::Pin;
use sottovoce::client::{Client, Config, Input, Kind, Output};
use sottovoce::crypto::{Random, Secret, aead, kdf};

use crate::account as scene;
use crate::{bytes, bytes_n, list, text};

const KEY: [u8; 32] = [0x77; 32];

pub fn make() -> Value {
    let config = Config {
        pin: Pin::account(scene::id()),
        host: "relay.example".into(),
        kind: Kind::Visitor,
        storage_key: Secret::new(KEY),
        generation: 3,
    };
    let mut client = Client::open(config, &[], Random::seeded(1), scene::NOW).unwrap();
    client.handle(scene::NOW, Input::Connected);
    let mut records = Vec::new();
    while let Some(output) = client.poll(scene::NOW) {
        let Output::Store(batch) = output else {
            continue;
        };
        for record in batch.puts {
            let plain = opened(KEY, &record.name, 3, &record.bytes).unwrap();
            records.push(json!({
                "name": record.name,
                "generation": 3,
                "salt": hex::encode(&record.bytes[..16]),
                "record": hex::encode(&record.bytes),
                "structure": hex::encode(plain),
            }));
        }
    }
    json!({
        "about": "SPEC 9.4: the first record of a new visitor's device",
        "storage key": hex::encode(KEY),
        "records": records,
    })
}

/// Key and associated data written out, so that this is no test of the core by itself.
fn opened(key: [u8; 32], name: &str, generation: u64, record: &[u8]) -> Option<Vec<u8>> {
    let (salt, ciphertext) = record.split_first_chunk::<16>()?;
    let head = |fields: u64| {
        let mut out = Encoder::new(Vec::new());
        out.array(fields).unwrap();
        out.str("sottovoce/0 record").unwrap();
        out.str(name).unwrap().u64(generation).unwrap();
        out
    };
    let mut info = head(4);
    info.bytes(salt).unwrap();
    let key = kdf::expand(&Secret::new(key), &info.into_writer());
    let opened = aead::decrypt(&key, &[0; 12], &head(3).into_writer(), ciphertext);
    opened.ok().map(|plain| plain.to_vec())
}

pub fn read(file: &Value) {
    let key = bytes_n(file, "storage key");
    let records = list(file, "records");
    assert!(!records.is_empty());
    for case in records {
        let (name, record) = (text(case, "name"), bytes(case, "record"));
        let generation = case["generation"].as_u64().unwrap();
        let plain = opened(key, name, generation, &record).unwrap();
        assert_eq!(plain, bytes(case, "structure"));
        for (name, generation) in [("account", generation), (name, generation + 1)] {
            assert_eq!(opened(key, name, generation, &record), None);
        }
    }
}
