//! How long an auditor waits for a long archived transcript: a client that knows nothing of the contact
//! reads its log from the relay, asks for its secrets, and shows what it then verified and decrypted.

use std::collections::HashSet;
use std::time::Instant;

use sottovoce::account::Pin;
use sottovoce::archive::Outcome;
use sottovoce::client::{Command, ConnectionState, Event, ItemBody, Kind};
use sottovoce_client::{HostConfig, StateStore, StorageKey, start};
use sottovoce_system_tests::no_roots;

use crate::scene::Scene;

/// Messages of the transcript.
pub(crate) const MESSAGES: usize = 10_000;
/// As many as a screen shows, and more.
pub(crate) const PAGE: usize = 50;

/// Milliseconds since the person asked.
pub(crate) struct Opened {
    /// Until the key manager's answer was believed.
    pub(crate) released: f64,
    pub(crate) first_page: f64,
    pub(crate) all: f64,
}

pub(crate) async fn measure(scene: &Scene) -> Opened {
    let contact = scene.talk(MESSAGES).await;
    let (handle, mut events) = start(HostConfig {
        url: scene.url.clone(),
        pin: Pin::account(scene.business.account),
        kind: Kind::Staff {
            name: "Olga".into(),
            invitation: None,
        },
        state: StateStore::Folder {
            path: scene.folder.path().join("olga"),
            key: StorageKey::Plain,
        },
        tls: no_roots(),
    })
    .await
    .unwrap();
    while let Some(event) = events.recv().await {
        if matches!(event, Event::Connection(ConnectionState::Online)) {
            break;
        }
    }
    let began = Instant::now();
    let since = || began.elapsed().as_secs_f64() * 1e3;
    handle.command(Command::Open { contact }).await.unwrap();
    let release = Command::Release {
        contact,
        purpose: "transcript".into(),
        reason: "a complaint".into(),
    };
    handle.command(release).await.unwrap();
    let (mut released, mut first_page) = (0.0, 0.0);
    let mut shown = HashSet::new();
    while shown.len() < MESSAGES {
        match events.recv().await.unwrap() {
            Event::Released { outcome, code, .. } => {
                assert_eq!((outcome, code.as_str()), (Outcome::Granted, ""));
                released = since();
            }
            Event::Item { item, .. } if matches!(item.body, ItemBody::Text { .. }) => {
                shown.insert(item.key);
                if first_page == 0.0 && shown.len() == PAGE {
                    first_page = since();
                }
            }
            Event::Alarm { code, .. } | Event::Failed { code, .. } => panic!("{code}"),
            _ => {}
        }
    }
    let all = since();
    handle.stop().await;
    Opened {
        released,
        first_page,
        all,
    }
}
