//! A key manager as clients see it, honest or not, and a world that has one.

use std::cell::RefCell;
use std::rc::Rc;

use sottovoce::account::*;
use sottovoce::archive::*;
use sottovoce::contact::{Commit, EpochSecret};
use sottovoce::crypto::Random;
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::*;

use crate::world::{START, World};

/// What it makes of a request.
pub type Judged = Result<Grant, (Outcome, &'static str)>;

/// The part of a key manager that clients see: its keys, and answers that it or somebody else makes.
pub struct Manager {
    account: AccountId,
    pub identity: SigningKey,
    secret: ArchiveSecret,
    request: ArchiveSecret,
    pub random: Random,
    pub number: u64,
}

impl Manager {
    pub fn new(seed: u64, account: AccountId) -> Self {
        let mut random = Random::seeded(seed);
        Self {
            account,
            identity: SigningKey::generate(&mut random).unwrap(),
            secret: ArchiveSecret::generate(&mut random).unwrap(),
            request: ArchiveSecret::generate(&mut random).unwrap(),
            random,
            number: 0,
        }
    }

    pub fn key(&self, kind: KeyKind, suite: Suite) -> Signed<ArchiveKey> {
        let secret = match kind {
            KeyKind::Request => &self.request,
            _ => &self.secret,
        };
        let public = secret.private_key(&self.account, suite).public();
        let key = ArchiveKey {
            version: Version,
            suite,
            account: self.account,
            kind,
            contact: None,
            public_key: public.as_bytes().to_vec().into(),
            from: START,
            until: START.plus_seconds(14 * limits::DAY),
        };
        Signed::sign(&key, &[&self.identity])
    }

    pub fn private(&self) -> SealPrivateKey {
        self.secret.private_key(&self.account, Suite::XWing)
    }

    /// Opens a request and answers what `grant` makes of it and of the commits that came along.
    pub fn answer(
        &mut self,
        parcel: &[u8],
        grant: impl FnOnce(&SealPrivateKey, &[Commit]) -> Judged,
    ) -> Vec<u8> {
        let key = self.private();
        self.judge(parcel, |_, _, commits| grant(&key, commits))
    }

    /// An answer to a request that it cannot even read.
    pub fn forged(&mut self, parcel: &[u8], outcome: Outcome) -> Vec<u8> {
        let hash = KeyRequest::hash_of(parcel);
        self.signed(hash, outcome, "", None)
    }

    /// The same for whoever looks at the request.
    pub fn judge(
        &mut self,
        parcel: &[u8],
        judge: impl FnOnce(&Self, &KeyRequest, &[Commit]) -> Judged,
    ) -> Vec<u8> {
        let hash = KeyRequest::hash_of(parcel);
        let parcel: Parcel = decode(parcel, limits::FRAME).unwrap();
        let key = self.request.private_key(&self.account, Suite::XWing);
        let (signed, attached) =
            KeyRequest::unpack(&parcel, &key, &self.identity.public()).unwrap();
        let request = signed.parse().unwrap();
        signed.verify_by(&request.device).unwrap();
        let commits: Vec<_> = attached
            .iter()
            .map(|it| Commit::parse(it).unwrap())
            .collect();
        self.number += 1;
        let (outcome, code, payload) = match judge(self, &request, &commits) {
            Ok(grant) => {
                let reply = SealPublicKey::parse(request.suite, &request.reply).unwrap();
                let payload = grant.pack(&reply, &hash, &mut self.random).unwrap();
                (Outcome::Granted, "", Some(payload))
            }
            Err((outcome, code)) => (outcome, code, None),
        };
        self.signed(hash, outcome, code, payload)
    }

    fn signed(
        &self,
        hash: sottovoce::crypto::Hash,
        outcome: Outcome,
        code: &str,
        payload: Option<Parcel>,
    ) -> Vec<u8> {
        let answer = KeyAnswer {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            request: hash,
            outcome,
            code: code.into(),
            payload,
            time: START,
            audit: AuditHead {
                number: self.number,
                hash: Some(hash),
            },
        };
        Signed::sign(&answer, &[&self.identity]).to_bytes().to_vec()
    }
}

pub fn secrets(key: &SealPrivateKey, commits: &[Commit]) -> Vec<ReleasedSecret> {
    let opened = commits.iter().filter_map(|commit| {
        let secret = EpochSecret::open_archived(commit, key)?.unwrap();
        let epoch = commit.core().epoch;
        Some(ReleasedSecret { epoch, secret })
    });
    opened.collect()
}

/// A world whose contacts are archived, with an honest key manager that the relay has these keys of.
pub fn world(seed: u64, kinds: &[KeyKind], last_resort: bool) -> (World, Rc<RefCell<Manager>>) {
    let mut identity = None;
    let mut world = World::with(
        seed,
        |root| {
            let manager = Manager::new(seed, root.account);
            root.key_manager = Some(KeyManager {
                identity: manager.identity.public(),
                operator: Operator::Customer,
            });
            identity = Some(manager);
        },
        |policy| {
            policy.archive = Archive::KeyManager;
            policy.last_resort = last_resort;
            policy.roles.push(Role::Auditor);
        },
    );
    let manager = identity.unwrap();
    let keys = kinds.iter().map(|kind| manager.key(*kind, Suite::XWing));
    world.relay.archive_keys = keys.collect();
    let key = manager.key(KeyKind::Request, Suite::XWing);
    world.relay.request_keys = vec![Object::new(ObjectKind::ArchiveKey, key.to_bytes())];
    let manager = Rc::new(RefCell::new(manager));
    let honest = Rc::clone(&manager);
    world.relay.asked = Some(Box::new(move |parcel| {
        honest.borrow_mut().answer(parcel, |key, commits| {
            let secrets = secrets(key, commits);
            Ok(Grant::Secrets { secrets })
        })
    }));
    (world, manager)
}
