//! An account, its people and its key manager: what every test here arranges first.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc
)]

use std::path::PathBuf;

use sottovoce::account::{Credential, KeyManager as Named, Level, Operator, Policy, Role, Via};
use sottovoce::archive::{Awaited, Grant, KeyAnswer, KeyRequest, Operation, Outcome};
use sottovoce::crypto::seal::SealPublicKey;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Random, Secret};
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{ContactId, ContentId, Signed, SignedKind, Suite, Time, Version, limits};
use sottovoce_keymanager::service::Parts;
use sottovoce_keymanager::store::Store;
use sottovoce_keymanager::{KeyManager, Master, Rules};
use sottovoce_test_scene::{Business, Person, now};
use tempfile::TempDir;

/// Which database.
#[derive(Clone, Copy, Debug)]
pub enum On {
    Sqlite,
    Postgres,
}

/// A key manager for one account.
pub struct Scene {
    pub business: Business,
    pub vault: Person,
    pub auditor: Person,
    pub identity: Secret<32>,
    pub manager: KeyManager,
    pub database: String,
    pub folder: TempDir,
}

/// A master key of these generations.
pub fn master(generations: &[u8]) -> Master {
    let lines = generations
        .iter()
        .map(|it| format!("{it}:{}\n", format!("{it:02x}").repeat(32)));
    Master::parse(&lines.collect::<String>()).unwrap()
}

pub fn contact() -> ContactId {
    ContactId::new(Random::os().bytes().unwrap())
}

impl Scene {
    pub async fn open(on: On) -> Self {
        Self::with(on, Rules::default()).await
    }

    pub async fn with(on: On, rules: Rules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = match on {
            On::Sqlite => folder.path().join("keys.db").display().to_string(),
            On::Postgres => sottovoce_test_postgres::database(),
        };
        let business = Business::new();
        let identity: Secret<32> = Random::os().secret().unwrap();
        let parts = parts(
            &business,
            &identity,
            master(&[1]),
            rules,
            &database,
            &folder,
        )
        .await;
        Self {
            manager: KeyManager::start(parts, now()).await.unwrap(),
            vault: Person::new(),
            auditor: Person::new(),
            business,
            identity,
            database,
            folder,
        }
    }

    /// The same key manager, started again.
    pub async fn again(self, master: Master) -> Self {
        self.manager.store().close().await;
        let parts = parts(
            &self.business,
            &self.identity,
            master,
            Rules::default(),
            &self.database,
            &self.folder,
        );
        let manager = KeyManager::start(parts.await, now()).await.unwrap();
        Self { manager, ..self }
    }

    pub fn tombstones(&self) -> PathBuf {
        self.folder.path().join("tombstones")
    }

    /// Root statement, policy and a person's credential.
    pub fn evidence(&self, person: &Person) -> Vec<Object> {
        self.evidence_under(person, &self.business.policy())
    }

    pub fn evidence_under(&self, person: &Person, policy: &Policy) -> Vec<Object> {
        let business = &self.business;
        let mut root = business.root_statement();
        root.key_manager = Some(Named {
            identity: self.manager.identity(),
            operator: Operator::Customer,
        });
        root.lowest_level = Level::Storage;
        let root = Signed::sign(&root, &[&business.root]);
        let mut evidence = vec![
            object(ObjectKind::Root, &root),
            object(ObjectKind::Policy, &business.by_administrator(policy)),
        ];
        if let Some(role) = self.role(person) {
            let credential = self.credential(person, role);
            evidence.push(object(
                ObjectKind::Credential,
                &business.by_administrator(&credential),
            ));
        }
        evidence
    }

    fn role(&self, person: &Person) -> Option<Role> {
        let business = &self.business;
        let device = person.device();
        if device == self.vault.device() {
            Some(Role::Vault)
        } else if device == self.auditor.device() {
            Some(Role::Auditor)
        } else if device == business.administrator.device() {
            None
        } else {
            Some(Role::Agent)
        }
    }

    pub fn credential(&self, person: &Person, role: Role) -> Credential {
        Credential {
            role,
            via: Via::Device,
            teams: Vec::new(),
            ..self.business.credential(person, "somebody", "support")
        }
    }

    pub fn request(&self, person: &Person, operation: Operation) -> KeyRequest {
        KeyRequest {
            version: Version,
            suite: Suite::X25519,
            account: self.business.id,
            id: ContentId::new(Random::os().bytes().unwrap()),
            device: person.device(),
            audience: self.manager.identity(),
            time: now(),
            reply: Vec::new().into(),
            evidence: self.evidence(person),
            operation,
            attached: None,
        }
    }

    /// The key that requests are sealed to.
    pub async fn request_key(&self, suite: Suite) -> SealPublicKey {
        let keys = self.manager.request_keys(&self.business.id, now());
        let keys = keys.await.unwrap();
        let records = keys.iter().map(|key| {
            let signed = Signed::<sottovoce::account::ArchiveKey>::from_bytes(key).unwrap();
            signed.verify_by(&self.manager.identity()).unwrap();
            signed.parse().unwrap()
        });
        let mut records = records.filter(|record| record.suite == suite);
        records.next().unwrap().key().unwrap()
    }

    pub async fn pack(&self, request: KeyRequest, signer: &SigningKey) -> (Vec<u8>, Awaited) {
        let to = self.request_key(request.suite).await;
        request
            .pack(Vec::new(), signer, &to, &mut Random::os())
            .unwrap()
    }

    /// What a request as it is comes to.
    pub async fn sent(
        &self,
        request: KeyRequest,
        signer: &SigningKey,
    ) -> (KeyAnswer, Option<Grant>) {
        let (parcel, awaited) = self.pack(request, signer).await;
        let answer = self.manager.answer(&self.business.id, &parcel, now());
        awaited.open(&answer.await.unwrap()).unwrap()
    }

    /// What somebody is granted, or the outcome and code of why not.
    pub async fn ask(
        &self,
        person: &Person,
        operation: Operation,
    ) -> Result<Grant, (Outcome, String)> {
        let request = self.request(person, operation);
        let (answer, grant) = self.sent(request, &person.key).await;
        grant.ok_or((answer.outcome, answer.code))
    }

    /// A contact whose key was issued.
    pub async fn issued(&self) -> ContactId {
        let contact = contact();
        let operation = Operation::Issue { contact };
        self.ask(&self.vault, operation).await.unwrap();
        contact
    }
}

async fn parts(
    business: &Business,
    identity: &Secret<32>,
    master: Master,
    rules: Rules,
    database: &str,
    folder: &TempDir,
) -> Parts {
    Parts {
        accounts: vec![business.id],
        identity: SigningKey::from_seed(identity),
        master,
        rules,
        store: Store::open(database).await.unwrap(),
        tombstones: folder.path().join("tombstones"),
    }
}

fn object<T: SignedKind>(kind: ObjectKind, signed: &Signed<T>) -> Object {
    Object::new(kind, signed.to_bytes())
}

/// Days from now.
pub fn in_days(days: u64) -> Time {
    now().plus_seconds(days * limits::DAY)
}
