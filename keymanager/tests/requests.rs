//! Requests as participants send them, on both databases: who is granted what, and what is said to
//! everybody else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod scene;

use scene::{On, Scene, contact, in_days, master};
use sottovoce::account::{ArchiveKey, KeyKind, Revocation};
use sottovoce::archive::{
    AuditEntry, AuditError, AuditHead, Auditor, ContactState, Grant, KeyAnswerError, Operation,
    Outcome,
};
use sottovoce::crypto::Random;
use sottovoce::wire::{AccountId, ContactId, Signed, Suite};
use sottovoce_keymanager::master::MasterError;
use sottovoce_keymanager::rules::{RoleName, Rule};
use sottovoce_keymanager::service::ServiceError;
use sottovoce_keymanager::{KeyManager, Master, Rules};
use sottovoce_test_scene::{Person, now};

fn no(outcome: Outcome, code: &str) -> Result<Grant, (Outcome, String)> {
    Err((outcome, code.to_owned()))
}

fn key_of(grant: Grant, manager: &KeyManager) -> ArchiveKey {
    let Grant::Key { key } = grant else {
        panic!("{grant:?}")
    };
    read(&key, manager)
}

fn read(key: &[u8], manager: &KeyManager) -> ArchiveKey {
    let signed = Signed::<ArchiveKey>::from_bytes(key).unwrap();
    signed.verify_by(&manager.identity()).unwrap();
    signed.parse().unwrap()
}

async fn keys_are_issued_once_and_for_one_contact(on: On) {
    let scene = Scene::open(on).await;
    let ada = &scene.business.ada;
    let (one, other) = (contact(), contact());
    let issue = |contact| scene.ask(ada, Operation::Issue { contact });
    let first = key_of(issue(one).await.unwrap(), &scene.manager);
    assert_eq!(first.kind, KeyKind::Contact);
    assert_eq!(first.contact, Some(one));
    assert!(first.key().is_ok());
    let again = key_of(issue(one).await.unwrap(), &scene.manager);
    assert_eq!(again.public_key, first.public_key);
    let another = key_of(issue(other).await.unwrap(), &scene.manager);
    assert_ne!(another.public_key, first.public_key);
    // Each suite has a key of its own.
    let mut request = scene.request(ada, Operation::Issue { contact: one });
    request.suite = Suite::XWing;
    let (_, grant) = scene.sent(request, &ada.key).await;
    let hybrid = key_of(grant.unwrap(), &scene.manager);
    assert_eq!(hybrid.public_key.len(), 1_216);
}

async fn a_data_key_is_the_vaults_and_one_contacts(on: On) {
    let scene = Scene::open(on).await;
    let (one, other) = (scene.issued().await, scene.issued().await);
    let data_key = async |contact: ContactId| {
        let granted = scene.ask(&scene.vault, Operation::DataKey { contact });
        match granted.await.unwrap() {
            Grant::DataKey { key } => key,
            grant => panic!("{grant:?}"),
        }
    };
    let key = data_key(one).await;
    assert_eq!(data_key(one).await, key);
    assert_ne!(data_key(other).await, key);
    for person in [
        &scene.business.ada,
        &scene.business.administrator,
        &scene.auditor,
    ] {
        let refused = scene.ask(person, Operation::DataKey { contact: one }).await;
        assert_eq!(refused, no(Outcome::Denied, "role-not-allowed"));
    }
    // One that nobody asked to issue is not made by asking for it.
    let unknown = scene.ask(&scene.vault, Operation::DataKey { contact: contact() });
    assert_eq!(unknown.await, no(Outcome::Unknown, "unknown-contact"));
    // It is there after a restart, and under a newer generation of the master key.
    let scene = scene.again(master(&[1, 2])).await;
    let again = async |scene: &Scene| {
        let asked = scene.ask(&scene.vault, Operation::DataKey { contact: one });
        asked.await.unwrap()
    };
    let granted = again(&scene).await;
    // That start wrapped it anew, so the older generation can go.
    let scene = scene.again(master(&[2])).await;
    assert_eq!(again(&scene).await, granted);
    assert_eq!(granted, Grant::DataKey { key });
}

async fn outcomes_are_told_apart(on: On) {
    let scene = Scene::open(on).await;
    let administrator = &scene.business.administrator;
    let vault = &scene.vault;
    let contact = scene.issued().await;
    let state = async || match scene.ask(vault, Operation::Status { contact }).await {
        Ok(Grant::Status { state, .. }) => state,
        other => panic!("{other:?}"),
    };
    assert_eq!(state().await, ContactState::Live);
    let agent = scene.ask(&scene.business.ada, Operation::Revoke { contact });
    assert_eq!(agent.await, no(Outcome::Denied, "role-not-allowed"));
    assert_eq!(
        scene
            .ask(administrator, Operation::Revoke { contact })
            .await,
        Ok(Grant::Done {
            state: ContactState::Revoked
        })
    );
    assert_eq!(state().await, ContactState::Revoked);
    let key = scene.ask(vault, Operation::DataKey { contact }).await;
    assert_eq!(key, no(Outcome::Revoked, "revoked"));
    for _ in 0..2 {
        assert_eq!(
            scene.ask(administrator, Operation::Erase { contact }).await,
            Ok(Grant::Done {
                state: ContactState::Erased
            })
        );
    }
    assert_eq!(state().await, ContactState::Erased);
    for operation in [Operation::DataKey { contact }, Operation::Issue { contact }] {
        let gone = scene.ask(vault, operation).await;
        assert_eq!(gone, no(Outcome::Erased, "erased"));
    }
    let revoked = scene.ask(administrator, Operation::Revoke { contact });
    assert_eq!(revoked.await, no(Outcome::Erased, "erased"));
}

async fn keys_are_issued_ahead(on: On) {
    let scene = Scene::open(on).await;
    let ada = &scene.business.ada;
    let ask = async |count| match scene.ask(ada, Operation::Prekeys { count }).await {
        Ok(Grant::Keys { keys }) => keys
            .iter()
            .map(|key| read(key, &scene.manager))
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let first = ask(3).await;
    let kinds: Vec<_> = first.iter().map(|key| key.kind).collect();
    let once = KeyKind::OneTime;
    assert_eq!(kinds, [once, once, once, KeyKind::LastResort]);
    let second = ask(64).await;
    assert_eq!(second.len(), 65);
    let last = |keys: &[ArchiveKey]| keys.last().unwrap().public_key.clone();
    assert_eq!(last(&first), last(&second));
    let all = first[..3].iter().chain(&second[..64]);
    let distinct: std::collections::HashSet<_> = all.map(|key| key.public_key.to_vec()).collect();
    assert_eq!(distinct.len(), 67);
    let more = scene.ask(ada, Operation::Prekeys { count: 65 }).await;
    assert_eq!(more, no(Outcome::Malformed, "too-large"));
}

async fn what_is_not_what_it_should_be_is_refused(on: On) {
    let scene = Scene::open(on).await;
    let contact = scene.issued().await;
    let ada = &scene.business.ada;
    let good = || scene.request(ada, Operation::Status { contact });
    let outcome = async |request, signer| {
        let (answer, grant) = scene.sent(request, signer).await;
        assert_eq!(grant.is_some(), answer.outcome == Outcome::Granted);
        (answer.outcome, answer.code)
    };
    let is = |outcome, code: &str| (outcome, code.to_owned());
    let head = async || scene.sent(good(), &ada.key).await.0.audit.number;
    let before = head().await;

    let mut request = good();
    request.time = in_days(1);
    assert_eq!(
        outcome(request, &ada.key).await,
        is(Outcome::Denied, "time-off")
    );
    let mut request = good();
    request.time = sottovoce::wire::Time::from_millis(now().millis() - 301_000);
    assert_eq!(
        outcome(request, &ada.key).await,
        is(Outcome::Denied, "time-off")
    );
    let stranger = Person::new();
    let request = scene.request(&stranger, Operation::Status { contact });
    let signed_by_ada = outcome(request, &ada.key).await;
    assert_eq!(signed_by_ada, is(Outcome::Malformed, "bad-signature"));
    let mut request = good();
    request.account = AccountId::new([1; 32]);
    let (parcel, _) = scene.pack(request, &ada.key).await;
    let answer = scene.manager.answer(&scene.business.id, &parcel, now());
    let answer = Signed::<sottovoce::archive::KeyAnswer>::from_bytes(&answer.await.unwrap());
    let answer = answer.unwrap().parse().unwrap();
    // Its parcel was made for another account's key.
    assert_eq!(answer.outcome, Outcome::Malformed);
    let mut request = good();
    request
        .evidence
        .retain(|it| it.kind != sottovoce::wire::frame::ObjectKind::Credential);
    assert_eq!(
        outcome(request, &ada.key).await,
        is(Outcome::Denied, "missing-evidence")
    );
    let mut request = good();
    request.evidence = scene.evidence(&scene.business.ben);
    assert_eq!(
        outcome(request, &ada.key).await,
        is(Outcome::Denied, "not-signed")
    );
    for garbage in [&b""[..], b"\x00", &[0x82; 40]] {
        let answer = scene.manager.answer(&scene.business.id, garbage, now());
        let answer = Signed::<sottovoce::archive::KeyAnswer>::from_bytes(&answer.await.unwrap());
        assert_eq!(answer.unwrap().parse().unwrap().outcome, Outcome::Malformed);
    }
    let other = AccountId::new([1; 32]);
    let elsewhere = scene.manager.answer(&other, b"", now());
    assert!(matches!(elsewhere.await, Err(ServiceError::UnknownAccount)));
    // None of it is in the audit log, which strangers cannot fill.
    assert_eq!(head().await, before + 1);
}

async fn a_request_is_answered_once(on: On) {
    let scene = Scene::open(on).await;
    let contact = scene.issued().await;
    let vault = &scene.vault;
    let request = scene.request(vault, Operation::DataKey { contact });
    let (parcel, awaited) = scene.pack(request, &vault.key).await;
    let answer = async || {
        let answer = scene.manager.answer(&scene.business.id, &parcel, now());
        answer.await.unwrap()
    };
    let first = answer().await;
    assert_eq!(awaited.open(&first).unwrap().0.outcome, Outcome::Granted);
    let (again, grant) = awaited.open(&answer().await).unwrap();
    assert_eq!(
        (again.outcome, again.code.as_str()),
        (Outcome::Denied, "replayed")
    );
    assert_eq!(grant, None);
    // And an answer is to its request only, from its key manager only.
    let (_, other) = scene
        .pack(
            scene.request(vault, Operation::DataKey { contact }),
            &vault.key,
        )
        .await;
    assert_eq!(
        other.open(&first).unwrap_err(),
        KeyAnswerError::AnotherRequest
    );
    let stranger = Scene::open(on).await;
    let (_, foreign) = stranger
        .pack(
            stranger.request(vault, Operation::DataKey { contact }),
            &vault.key,
        )
        .await;
    assert_eq!(
        foreign.open(&first).unwrap_err(),
        KeyAnswerError::BadSignature
    );
    for index in 0..first.len() {
        let mut changed = first.to_vec();
        changed[index] ^= 1;
        assert!(awaited.open(&changed).is_err(), "byte {index}");
    }
}

async fn the_policy_in_force_decides(on: On) {
    let scene = Scene::open(on).await;
    let contact = scene.issued().await;
    let business = &scene.business;
    let ask = async |policy: &sottovoce::account::Policy| {
        let mut request = scene.request(&business.ada, Operation::Status { contact });
        request.evidence = scene.evidence_under(&business.ada, policy);
        let (answer, _) = scene.sent(request, &business.ada.key).await;
        (answer.outcome, answer.code)
    };
    let first = business.policy();
    assert_eq!(ask(&first).await.0, Outcome::Granted);
    let mut second = first.clone();
    second.number = 2;
    second.previous = Some(business.signed_policy().hash());
    second.revocations = vec![Revocation::Device(business.ada.device())];
    assert_eq!(ask(&second).await, (Outcome::Denied, "revoked".to_owned()));
    // Somebody else shows the newer policy; after that, the older one is of no use.
    let mut request = scene.request(&business.ben, Operation::Status { contact });
    request.evidence = scene.evidence_under(&business.ben, &second);
    let (answer, _) = scene.sent(request, &business.ben.key).await;
    assert_eq!(answer.outcome, Outcome::Granted);
    assert_eq!(ask(&first).await, (Outcome::Denied, "revoked".to_owned()));
    let scene = scene.again(master(&[1])).await;
    let revoked = scene.ask(&scene.business.ada, Operation::Status { contact });
    assert_eq!(revoked.await, no(Outcome::Denied, "revoked"));
}

async fn the_audit_log_holds_every_answer_and_cannot_be_changed(on: On) {
    let scene = Scene::open(on).await;
    let contact = scene.issued().await;
    let _ = scene
        .ask(&scene.vault, Operation::DataKey { contact })
        .await;
    let _ = scene
        .ask(&scene.business.ada, Operation::DataKey { contact })
        .await;
    let granted = scene
        .ask(&scene.auditor, Operation::Audit { after: 0 })
        .await;
    let Ok(Grant::Audit { entries }) = granted else {
        panic!("{granted:?}")
    };
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| Signed::<AuditEntry>::from_bytes(entry).unwrap())
        .collect();
    let beginning = AuditHead {
        number: 0,
        hash: None,
    };
    let auditor = || Auditor::new(scene.business.id, scene.manager.identity(), beginning);
    let mut all = auditor();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| all.take(entry).unwrap())
        .map(|entry| (entry.operation, entry.outcome, entry.device, entry.contact))
        .collect();
    let (vault, ada) = (scene.vault.device(), scene.business.ada.device());
    let expected = [
        ("issue", Outcome::Granted, vault),
        ("data-key", Outcome::Granted, vault),
        ("data-key", Outcome::Denied, ada),
    ];
    let expected = expected
        .map(|(operation, outcome, device)| (operation.to_owned(), outcome, device, Some(contact)));
    assert_eq!(told, expected);
    // The next answer's head leads on from there.
    let (answer, _) = scene
        .sent(
            scene.request(&scene.vault, Operation::Status { contact }),
            &scene.vault.key,
        )
        .await;
    assert_eq!(answer.audit.number, 5);
    let mut left_out = auditor();
    left_out.take(&entries[0]).unwrap();
    assert_eq!(left_out.take(&entries[2]), Err(AuditError::Missing));
    let mut rewritten = entries[1].parse().unwrap();
    rewritten.outcome = Outcome::Denied;
    let forged = Signed::sign(&rewritten, &[&scene.vault.key]);
    assert_eq!(left_out.take(&forged), Err(AuditError::BadSignature));
    // Even the key manager itself cannot: another entry breaks the chain that heads have shown.
    let identity = sottovoce::crypto::sign::SigningKey::from_seed(&scene.identity);
    let resigned = Signed::sign(&rewritten, &[&identity]);
    left_out.take(&resigned).unwrap();
    assert_eq!(left_out.take(&entries[2]), Err(AuditError::Broken));
}

async fn an_erasure_outlives_a_restored_database(on: On) {
    let scene = Scene::open(on).await;
    let (kept, erased) = (scene.issued().await, scene.issued().await);
    let backup = Backup::of(&scene).await;
    let done = scene.ask(
        &scene.business.administrator,
        Operation::Erase { contact: erased },
    );
    done.await.unwrap();
    let scene = backup.restored(scene).await;
    let gone = scene
        .ask(&scene.vault, Operation::DataKey { contact: erased })
        .await;
    assert_eq!(gone, no(Outcome::Erased, "erased"));
    let there = scene
        .ask(&scene.vault, Operation::DataKey { contact: kept })
        .await;
    assert!(matches!(there, Ok(Grant::DataKey { .. })));
    // A line that somebody else wrote stops the start.
    std::fs::write(scene.tombstones(), "AAAA\n").unwrap();
    let path = scene.tombstones();
    let parts = sottovoce_keymanager::service::Parts {
        accounts: vec![scene.business.id],
        identity: sottovoce::crypto::sign::SigningKey::from_seed(&scene.identity),
        master: master(&[1]),
        rules: Rules::default(),
        store: scene.manager.store().clone(),
        tombstones: path,
    };
    let started = KeyManager::start(parts, now()).await;
    assert!(matches!(started, Err(ServiceError::Tombstones(_))));
}

/// The rows of a database's contacts, put back as a restored backup would.
struct Backup(Vec<Row>);

/// Account, contact, generation, wrapped secret.
type Row = (Vec<u8>, Vec<u8>, i64, Vec<u8>);

impl Backup {
    async fn of(scene: &Scene) -> Self {
        let mut transaction = scene.manager.store().begin().await.unwrap();
        let rows = sqlx::query_as("SELECT account, contact, generation, wrapped FROM contacts");
        Self(rows.fetch_all(&mut *transaction).await.unwrap())
    }

    async fn restored(self, scene: Scene) -> Scene {
        let mut transaction = scene.manager.store().begin().await.unwrap();
        for (account, contact, generation, wrapped) in self.0 {
            sqlx::query(
                "UPDATE contacts SET generation = $3, wrapped = $4, state = 0
                 WHERE account = $1 AND contact = $2",
            )
            .bind(account)
            .bind(contact)
            .bind(generation)
            .bind(wrapped)
            .execute(&mut *transaction)
            .await
            .unwrap();
        }
        transaction.commit().await.unwrap();
        scene.again(master(&[1])).await
    }
}

/// The same database, with another master key.
async fn started_with(scene: &Scene, master: Master) -> Result<KeyManager, ServiceError> {
    let parts = sottovoce_keymanager::service::Parts {
        accounts: vec![scene.business.id],
        identity: sottovoce::crypto::sign::SigningKey::from_seed(&scene.identity),
        master,
        rules: Rules::default(),
        store: scene.manager.store().clone(),
        tombstones: scene.tombstones(),
    };
    KeyManager::start(parts, now()).await
}

async fn a_generation_that_is_in_use_has_to_be_there(on: On) {
    let scene = Scene::open(on).await;
    scene.issued().await;
    let scene = scene.again(master(&[1, 2])).await;
    // An older file of the master key has the first one only.
    for generations in [&[1][..], &[3], &[1, 3]] {
        let started = started_with(&scene, master(generations)).await;
        let gone = matches!(started, Err(ServiceError::Master(MasterError::Gone)));
        assert!(gone, "{generations:?}");
    }
    assert!(started_with(&scene, master(&[2, 3])).await.is_ok());
}

async fn without_its_master_key_a_database_opens_nothing(on: On) {
    let scene = Scene::open(on).await;
    let contact = scene.issued().await;
    // Generation 1 is gone.
    let gone = started_with(&scene, master(&[2])).await.unwrap_err();
    assert!(matches!(gone, ServiceError::Master(MasterError::Gone)));
    // Another key under its number is no better.
    {
        let other = Master::parse(&format!("1:{}", "ee".repeat(32))).unwrap();
        let thief = started_with(&scene, other).await.unwrap();
        let keys = thief.request_keys(&scene.business.id, now()).await.unwrap();
        let to = keys
            .iter()
            .map(|key| read(key, &thief))
            .find(|key| key.suite == Suite::X25519);
        let request = scene.request(&scene.vault, Operation::DataKey { contact });
        let to = to.unwrap().key().unwrap();
        let (parcel, _) = request
            .pack(Vec::new(), &scene.vault.key, &to, &mut Random::os())
            .unwrap();
        let answer = thief.answer(&scene.business.id, &parcel, now()).await;
        assert!(matches!(answer, Err(ServiceError::Master(_))));
    }
}

async fn who_asks_too_often_waits(on: On) {
    let rules = Rules {
        status: Rule {
            roles: vec![RoleName::Agent],
            per_minute: 2,
        },
        ..Rules::default()
    };
    let scene = Scene::with(on, rules).await;
    let contact = scene.issued().await;
    let ask = |person| scene.ask(person, Operation::Status { contact });
    let (ada, ben) = (&scene.business.ada, &scene.business.ben);
    assert!(ask(ada).await.is_ok());
    assert!(ask(ada).await.is_ok());
    assert_eq!(ask(ada).await, no(Outcome::Throttled, "throttled"));
    assert!(ask(ben).await.is_ok());
}

/// Each behaviour on each database.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(super::On::Sqlite).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(super::On::Postgres).await; })*
        }
    };
}

on_both!(
    keys_are_issued_once_and_for_one_contact,
    a_data_key_is_the_vaults_and_one_contacts,
    outcomes_are_told_apart,
    keys_are_issued_ahead,
    what_is_not_what_it_should_be_is_refused,
    a_request_is_answered_once,
    the_policy_in_force_decides,
    the_audit_log_holds_every_answer_and_cannot_be_changed,
    an_erasure_outlives_a_restored_database,
    a_generation_that_is_in_use_has_to_be_there,
    without_its_master_key_a_database_opens_nothing,
    who_asks_too_often_waits,
);
