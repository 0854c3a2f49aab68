//! `sottovoce open`: what a webhook brought, read with an agent's keys.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod scene;

use base64ct::{Base64, Encoding};
use scene::Business;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// The messages of a relay's database, oldest first: what webhooks carry.
fn entries(business: &Business) -> Vec<Vec<u8>> {
    let options = SqliteConnectOptions::new()
        .filename(business.scene.path("relay.db"))
        .read_only(true);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut database = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query_scalar("SELECT bytes FROM entries WHERE is_commit = 0 ORDER BY position")
            .fetch_all(&mut database)
            .await
            .unwrap()
    })
}

fn event(entry: &[u8]) -> String {
    format!(
        r#"{{"id":"evt_1","type":"contact.message","data":{{"position":2,"ciphertext":"{}"}}}}"#,
        Base64::encode_string(entry)
    )
}

#[test]
fn whoever_has_joined_reads_what_a_webhook_brought_and_nobody_else() {
    let business = Business::open();
    let mut ada = business.agent("Ada", "support");
    let mut ben = business.agent("Ben", "support");
    let mut visitor = business.visitor(&[]);
    visitor.type_line("Καλημέρα 🎧");
    visitor.expect("  (sent)");
    ada.expect("* contact 1 waits");
    ada.type_line("/claim 1");
    ada.expect("* you have joined");
    visitor.expect("* Ada has joined");

    let entries = entries(&business);
    let file = business.scene.path("event.json");
    let open = |state: &str, content: &[u8]| {
        std::fs::write(&file, content).unwrap();
        let line = ["open", "--state", state, &file];
        let done = business.scene.run(&line);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (done.status.success(), text(done.stdout), text(done.stderr))
    };
    // The state is in use meanwhile.
    let forms = [
        event(&entries[0]).into_bytes(),
        format!("[{}]", event(&entries[0])).into_bytes(),
        Base64::encode_string(&entries[0]).into_bytes(),
        entries[0].clone(),
    ];
    for form in forms {
        let (success, said, complained) = open("Ada", &form);
        assert!(success, "{complained}");
        assert!(said.ends_with("kind     text\n\nΚαλημέρα 🎧\n"), "{said}");
    }

    // Ben could have claimed it, and did not.
    let refusals = [
        ("Ben", event(&entries[0]), "unknown-contact"),
        ("nobody", event(&entries[0]), "no-device"),
        (
            "Ada",
            r#"{"type":"contact.closed"}"#.to_owned(),
            "no-ciphertext",
        ),
        ("Ada", r#"{"data":"#.to_owned(), "event-unreadable"),
        ("Ada", "not an entry".to_owned(), "malformed"),
        ("Ada", event(&entries[0][1..]), "malformed"),
    ];
    for (state, content, code) in refusals {
        let (success, said, complained) = open(state, content.as_bytes());
        assert!(!success && said.is_empty(), "{said}");
        assert!(
            complained.contains(&format!("({code})")),
            "{code}: {complained}"
        );
    }
    assert!(!std::path::Path::new(&business.scene.path("nobody")).exists());
    visitor.succeeds();
    ada.succeeds();
    ben.succeeds();
}
