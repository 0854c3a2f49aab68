//! What fuzzing begins with: every byte string in the protocol's vectors.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// The files of the protocol's own vectors.
const FILES: [&str; 6] = [
    "account",
    "conversation-1",
    "frames",
    "key-manager",
    "messages",
    "refusals",
];

/// Each once, shortest first.
pub fn seeds(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = BTreeSet::new();
    for name in FILES {
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect("vectors");
        collect(&serde_json::from_str(&text).expect("vectors"), &mut found);
    }
    let mut seeds: Vec<_> = found.into_iter().collect();
    seeds.sort_by_key(Vec::len);
    seeds
}

fn collect(value: &Value, found: &mut BTreeSet<Vec<u8>>) {
    match value {
        Value::String(text) => found.extend(hex::decode(text).ok()),
        Value::Array(all) => all.iter().for_each(|it| collect(it, found)),
        Value::Object(all) => all.values().for_each(|it| collect(it, found)),
        _ => {}
    }
}
