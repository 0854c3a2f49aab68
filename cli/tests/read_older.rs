//! Messages from an older system, read with the fixed vectors of its shape.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod scene;

use scene::Scene;
use serde_json::Value;

#[test]
fn old_messages_are_read_and_others_named_by_their_line() {
    let text = include_str!("../../tests/vectors/older-keys.json");
    let vectors: Value = serde_json::from_str(text).unwrap();
    let wrapped = vectors["wrapped"].as_array().unwrap();
    let messages = vectors["messages"].as_array().unwrap();
    let of = |key: &Value| -> Vec<&Value> {
        let of = |it: &&Value| it["contact_key"] == key["contact_key"] && it["text"].is_string();
        messages.iter().filter(of).collect()
    };
    let key = wrapped
        .iter()
        .find(|key| key["contact_key"].is_string() && !of(key).is_empty());
    let key = key.expect("a key with messages");
    let scene = Scene::new();
    let write = |name: &str, text: &str| {
        let path = scene.path(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let token = write("token", key["token"].as_str().unwrap());
    let w = write("key", key["w"].as_str().unwrap());
    let of = of(key);
    let lines: Vec<_> = of
        .iter()
        .map(|it| it["message"].as_str().unwrap())
        .collect();
    let all = write("messages", &lines.join("\n"));
    let line = |key, messages| {
        [
            "transcript",
            "read-older",
            "--secret-token",
            &token,
            "--key",
            key,
            messages,
        ]
    };
    let said = scene.said(&line(&w, &all));
    for message in of {
        let text = message["text"].as_str().unwrap();
        assert!(
            said.contains(text.lines().next().unwrap_or_default()),
            "{text}: {said}"
        );
    }
    let broken = write("broken", &format!("{}\nAAAA\n", lines[0]));
    let complaint = scene.complained(&line(&w, &broken));
    assert!(complaint.contains("line 2 does not open"), "{complaint}");
    let complaint = scene.complained(&line(&token, &all));
    assert!(complaint.contains("(undecryptable)"), "{complaint}");
    assert!(!complaint.contains(key["token"].as_str().unwrap()));
}
