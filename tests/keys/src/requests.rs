//! Requests to the key manager: made before the clock starts, delivered a few at a time, each on a
//! connection of its own, answers opened after it stopped.

use std::time::Instant;

use futures_util::{StreamExt, stream};
use sottovoce::account::ArchiveKey;
use sottovoce::archive::{Awaited, KeyRequest, Operation};
use sottovoce::contact::Commit;
use sottovoce::crypto::Random;
use sottovoce::crypto::seal::SealPublicKey;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::{ClientFrame, Entry, Object, RelayFrame};
use sottovoce::wire::{Bytes, ContactId, ContentId, Signed, Suite, Version, decode, limits};
use sottovoce_system_tests::connection::Connection;
use sottovoce_system_tests::now;

use crate::scene::Scene;

/// Requests of each kind.
const REQUESTS: usize = 2_000;
/// How many are under way.
const AT_ONCE: usize = 8;

/// What came of one kind of request.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) per_second: f64,
    /// In milliseconds, with the connection.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Who asks.
struct Asker<'a> {
    key: &'a SigningKey,
    evidence: &'a [Object],
}

/// Keys for new contacts, data keys, and the secrets of a closed contact of two messages.
pub(crate) async fn measure(scene: &Scene) -> Vec<Figure> {
    let (key, evidence) = scene.business.evidence();
    let administrator = Asker {
        key,
        evidence: &evidence,
    };
    let auditor = Asker {
        key: &scene.olga.key,
        evidence: &scene.olga.evidence,
    };
    let contacts: Vec<_> = (0..REQUESTS)
        .map(|_| ContactId::new(Random::os().bytes().unwrap()))
        .collect();
    let issue = |at: usize| Operation::Issue {
        contact: *contacts.get(at).unwrap(),
    };
    let data_key = |at: usize| Operation::DataKey {
        contact: *contacts.get(at).unwrap(),
    };
    let closed = scene.talk(2).await;
    let commits = commits(scene, closed).await;
    let release = |_| Operation::Release {
        contact: closed,
        purpose: "transcript".into(),
        reason: "a complaint".into(),
    };
    vec![
        run(scene, "issue", &administrator, &[], issue).await,
        run(scene, "data_key", &administrator, &[], data_key).await,
        run(scene, "release", &auditor, &commits, release).await,
    ]
}

async fn run(
    scene: &Scene,
    name: &'static str,
    asker: &Asker<'_>,
    attached: &[Bytes],
    operation: impl Fn(usize) -> Operation,
) -> Figure {
    let to = request_key(scene).await;
    let packed: Vec<_> = (0..REQUESTS)
        .map(|at| pack(scene, asker, attached, operation(at), &to))
        .collect();
    let began = Instant::now();
    let answers: Vec<_> = stream::iter(packed)
        .map(|(parcel, awaited)| async move {
            let sent = Instant::now();
            let answer = scene.manager.deliver(&parcel).await.unwrap();
            (sent.elapsed(), answer, awaited)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let took = began.elapsed();
    let mut times: Vec<f64> = answers
        .iter()
        .map(|(took, ..)| took.as_secs_f64() * 1e3)
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    for (_, answer, awaited) in answers {
        let (answer, grant) = awaited.open(&answer).unwrap();
        assert!(grant.is_some(), "{name}: {}", answer.code);
    }
    Figure {
        name,
        per_second: REQUESTS as f64 / took.as_secs_f64(),
        p50: *times.get(REQUESTS / 2).unwrap(),
        p99: *times.get(REQUESTS / 100 * 99).unwrap(),
    }
}

fn pack(
    scene: &Scene,
    asker: &Asker<'_>,
    attached: &[Bytes],
    operation: Operation,
    to: &SealPublicKey,
) -> (Vec<u8>, Awaited) {
    let request = KeyRequest {
        version: Version,
        suite: Suite::XWing,
        account: scene.business.account,
        id: ContentId::new(Random::os().bytes().unwrap()),
        device: asker.key.public(),
        audience: scene.identity,
        time: now(),
        reply: Vec::new().into(),
        evidence: asker.evidence.to_vec(),
        operation,
        attached: None,
    };
    let packed = request.pack(attached.to_vec(), asker.key, to, &mut Random::os());
    packed.unwrap()
}

/// What requests are sealed to.
async fn request_key(scene: &Scene) -> SealPublicKey {
    let keys = scene.manager.request_keys().await.unwrap();
    let records = keys.iter().map(|key| {
        let signed = Signed::<ArchiveKey>::from_bytes(key).unwrap();
        signed.parse().unwrap()
    });
    let mut hybrid = records.filter(|record| record.suite == Suite::XWing);
    hybrid.next().unwrap().key().unwrap()
}

/// A contact's commits, as the auditor's device reads them.
async fn commits(scene: &Scene, contact: ContactId) -> Vec<Bytes> {
    let account = scene.business.account;
    let mut connection = Connection::open(scene.relay, account, &scene.olga.key).await;
    let resume = ClientFrame::Resume { contact, after: 0 };
    connection.send(&resume).await;
    let entries = connection.wait_for(|frame| match frame {
        RelayFrame::Entries { entries, .. } => Some(entries),
        _ => None,
    });
    let entries = entries.await.into_iter();
    let commits = entries.filter_map(|entry| match decode(&entry, limits::ENTRY).unwrap() {
        Entry::Commit(commit) => Some(Commit::parse(&commit).unwrap().to_bytes().into()),
        Entry::Envelope(_) => None,
    });
    commits.collect()
}
