//! Everything that is in force in an account, in memory, and what it says about a device.

use std::collections::BTreeMap;

use sottovoce::account::{
    Account, AccountError, ArchiveKey, Credential, EnrolmentRequest, Pin, Policy, SealKey, TeamKey,
    TeamSeal, TeamSeals,
};
use sottovoce::crypto::Hash;
use sottovoce::message::Notebook;
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{
    AccountId, Bytes, DecodeError, DeviceId, Signed, SignedKind, Suite, Time, decode, limits,
};

use crate::store::StoredObject;

/// A signed object and what it says. Its signature was verified when it was published.
#[derive(Debug)]
pub(super) struct Known<T: SignedKind> {
    pub(super) body: T,
    pub(super) signed: Signed<T>,
}

impl<T: SignedKind> Known<T> {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let signed = Signed::<T>::from_bytes(bytes)?;
        Ok(Self {
            body: signed.parse()?,
            signed,
        })
    }

    pub(super) fn object(&self, kind: ObjectKind) -> Object {
        Object::new(kind, self.signed.to_bytes())
    }
}

/// A policy as it travels, with its renewals: old transcripts need it after its time.
#[derive(Debug)]
pub(super) struct StoredPolicy {
    pub(super) policy: Bytes,
    pub(super) renewals: Vec<Bytes>,
}

/// Everything that is in force in an account.
#[derive(Debug)]
pub struct Book {
    /// How often the stored objects that it was made of have changed.
    pub(super) version: u64,
    pub(super) account: Account,
    pub(super) policies: BTreeMap<Hash, StoredPolicy>,
    /// The newest of each device. One that is no longer valid still binds the key to its subject.
    pub(super) credentials: BTreeMap<DeviceId, Known<Credential>>,
    pub(super) seal_keys: BTreeMap<(DeviceId, Suite), Known<SealKey>>,
    /// By team, suite and generation.
    pub(super) team_keys: BTreeMap<(String, Suite, u64), Known<TeamKey>>,
    pub(super) team_seals: BTreeMap<(Hash, DeviceId), TeamSeal>,
    pub(super) enrolments: BTreeMap<DeviceId, Known<EnrolmentRequest>>,
    /// The newest last-resort key of each suite.
    pub(super) last_resort: BTreeMap<Suite, Known<ArchiveKey>>,
    /// The newest of each team.
    pub(super) notebooks: BTreeMap<String, Known<Notebook>>,
}

/// What a device is, as of a time.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Whether its key is among the root statement's administrators and not revoked.
    pub is_administrator: bool,
    /// Its credential, if it has a valid one.
    pub credential: Option<Credential>,
    /// Whether the policy revokes it.
    pub is_revoked: bool,
}

impl Standing {
    /// Whether it belongs to the account's people and servers at all.
    pub const fn belongs(&self) -> bool {
        self.is_administrator || self.credential.is_some()
    }

    /// The teams whose contacts and keys concern it.
    pub fn teams(&self) -> &[String] {
        match &self.credential {
            Some(credential) if credential.role.is_staff() => &credential.teams,
            _ => &[],
        }
    }

    /// Whether it is a member of a team.
    pub fn is_in(&self, team: &str) -> bool {
        self.teams().iter().any(|own| own == team)
    }
}

impl Book {
    /// Nothing is known but the account's id.
    pub const fn new(account: AccountId) -> Self {
        Self {
            version: 0,
            account: Account::new(Pin::account(account)),
            policies: BTreeMap::new(),
            credentials: BTreeMap::new(),
            seal_keys: BTreeMap::new(),
            team_keys: BTreeMap::new(),
            team_seals: BTreeMap::new(),
            enrolments: BTreeMap::new(),
            last_resort: BTreeMap::new(),
            notebooks: BTreeMap::new(),
        }
    }

    /// Reads back what was stored, in the order of kinds. An object that no longer counts, such
    /// as a policy of former administrators, is left out.
    pub fn restore(account: AccountId, version: u64, objects: &[StoredObject]) -> Self {
        let mut book = Self::new(account);
        book.version = version;
        for object in objects {
            if book.restore_one(object).is_none() {
                tracing::info!(%account, kind = ?object.kind, "a stored object no longer counts");
            }
        }
        book
    }

    fn restore_one(&mut self, object: &StoredObject) -> Option<()> {
        let bytes = &object.bytes;
        match object.kind {
            ObjectKind::Root => {
                self.account
                    .learn_root(&Signed::from_bytes(bytes).ok()?)
                    .ok()?;
            }
            ObjectKind::Policy => {
                let signed = Signed::<Policy>::from_bytes(bytes).ok()?;
                self.account.learn_policy(&signed).ok()?;
                self.put_policy(signed.hash(), signed.to_bytes());
            }
            ObjectKind::Renewal => {
                let signed = Signed::from_bytes(bytes).ok()?;
                self.account.learn_renewal(&signed).ok()?;
                self.put_renewal(&signed.parse().ok()?.policy, signed.to_bytes());
            }
            ObjectKind::Credential => {
                let known = Known::<Credential>::read(bytes).ok()?;
                self.credentials.insert(known.body.device, known);
            }
            ObjectKind::SealKey => {
                let known = Known::<SealKey>::read(bytes).ok()?;
                let slot = (known.body.device, known.body.suite);
                self.seal_keys.insert(slot, known);
            }
            ObjectKind::TeamKey => {
                let known = Known::<TeamKey>::read(bytes).ok()?;
                let body = &known.body;
                let slot = (body.team.clone(), body.suite, body.generation);
                self.team_keys.insert(slot, known);
            }
            ObjectKind::TeamSeals => {
                let seals: TeamSeals = decode(bytes, limits::OBJECT).ok()?;
                for seal in seals.seals {
                    self.team_seals.insert((seals.record, seal.holder), seal);
                }
            }
            ObjectKind::Enrolment => {
                let known = Known::<EnrolmentRequest>::read(bytes).ok()?;
                self.enrolments.insert(known.body.device, known);
            }
            ObjectKind::ArchiveKey => {
                let known = Known::<ArchiveKey>::read(bytes).ok()?;
                self.last_resort.insert(known.body.suite, known);
            }
            ObjectKind::Notebook => {
                let known = Known::<Notebook>::read(bytes).ok()?;
                self.notebooks.insert(known.body.team.clone(), known);
            }
        }
        Some(())
    }

    pub(super) fn put_policy(&mut self, hash: Hash, policy: Bytes) {
        self.policies.entry(hash).or_insert_with(|| StoredPolicy {
            policy,
            renewals: Vec::new(),
        });
    }

    pub(super) fn put_renewal(&mut self, policy: &Hash, renewal: Bytes) {
        if let Some(known) = self.policies.get_mut(policy) {
            known.renewals.push(renewal);
        }
    }

    /// The version of the stored objects that it was made of.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// What the core believes of the account: commits are judged by it.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The policy in force. One whose time has run out still says who belongs to the account, so
    /// that administrators and renewers can end that state; clients stop sending under it.
    pub(super) fn policy(&self, now: Time) -> Result<&Policy, AccountError> {
        let last = self.account.policy_expires().unwrap_or_default();
        let last = Time::from_millis(last.millis().saturating_sub(1));
        Ok(self.account.policy(now.min(last))?.0)
    }

    /// What a device is.
    pub fn standing(&self, device: &DeviceId, now: Time) -> Standing {
        let policy = self.policy(now).ok();
        let is_revoked = policy.is_some_and(|policy| policy.revokes_device(device));
        let is_administrator = self
            .account
            .root()
            .is_ok_and(|root| root.administrators.contains(device));
        let credential = self
            .credentials
            .get(device)
            .zip(policy)
            .and_then(|(known, policy)| self.account.credential(&known.signed, policy, now).ok());
        Standing {
            is_administrator: is_administrator && !is_revoked,
            credential,
            is_revoked,
        }
    }

    /// What every device is told first: root statement, policy, renewals, its own credential.
    pub fn welcome(&self, device: &DeviceId) -> Vec<Object> {
        let mut objects = self.account.objects();
        if let Some(known) = self.credentials.get(device) {
            objects.push(known.object(ObjectKind::Credential));
        }
        objects
    }
}
