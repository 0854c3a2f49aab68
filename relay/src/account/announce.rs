//! What the devices of an account are told of its objects. A node announces what it takes in
//! itself, and what it finds that other nodes have stored.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use sottovoce::account::{Credential, EnrolmentRequest, Policy, TeamKey, TeamSeals};
use sottovoce::message::Notebook;
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{Signed, decode, limits};

use super::book::{Book, Known};
use crate::fanout::Topic;
use crate::store::{ObjectChange, StoredObject};

/// What to tell whom.
#[derive(Debug)]
pub(super) struct Announcement {
    pub(super) topic: Topic,
    pub(super) objects: Vec<Object>,
}

/// Which stored objects a node has seen: a digest for each slot.
#[derive(Debug, Default)]
pub(super) struct Seen {
    digests: HashMap<Vec<u8>, u64>,
    state: RandomState,
}

impl Seen {
    pub(super) fn new(objects: &[StoredObject]) -> Self {
        let mut seen = Self::default();
        seen.replace(objects);
        seen
    }

    /// Sees all objects of an account, and returns those that are new.
    pub(super) fn replace<'a>(&mut self, objects: &'a [StoredObject]) -> Vec<&'a StoredObject> {
        let digests = objects
            .iter()
            .map(|object| {
                (
                    slot(object.kind, &object.slot),
                    self.state.hash_one(&object.bytes),
                )
            })
            .collect();
        let before = std::mem::replace(&mut self.digests, digests);
        objects
            .iter()
            .filter(|object| {
                let slot = slot(object.kind, &object.slot);
                before.get(&slot) != self.digests.get(&slot)
            })
            .collect()
    }

    /// Sees what the node itself has stored.
    pub(super) fn change(&mut self, changes: &[ObjectChange]) {
        for change in changes {
            match change {
                ObjectChange::Put(object) => {
                    let digest = self.state.hash_one(&object.bytes);
                    self.digests.insert(slot(object.kind, &object.slot), digest);
                }
                ObjectChange::Remove(kind, name) => {
                    self.digests.remove(&slot(*kind, name));
                }
            }
        }
    }
}

fn slot(kind: ObjectKind, name: &[u8]) -> Vec<u8> {
    [&[kind as u8], name].concat()
}

impl Book {
    /// Whom a stored object concerns, and what they are told. Nobody is told of seal keys, nor of
    /// policies that are not in force.
    pub(super) fn announcement(&self, object: &StoredObject) -> Option<Announcement> {
        let account = self.account.id();
        let bytes = &object.bytes;
        let mut objects = vec![Object::new(object.kind, bytes.clone().into())];
        let topic = match object.kind {
            ObjectKind::Root | ObjectKind::Renewal => Topic::Everyone(account),
            ObjectKind::Policy => {
                let policy = Signed::<Policy>::from_bytes(bytes).ok()?.parse().ok()?;
                let in_force = self.account.policy_number() == Some(policy.number);
                in_force.then_some(Topic::Everyone(account))?
            }
            ObjectKind::Credential => {
                let signed = Signed::<Credential>::from_bytes(bytes).ok()?;
                Topic::Device(account, signed.parse().ok()?.device)
            }
            ObjectKind::SealKey | ObjectKind::ArchiveKey => return None,
            ObjectKind::TeamKey => {
                let signed = Signed::<TeamKey>::from_bytes(bytes).ok()?;
                Topic::Team(account, signed.parse().ok()?.team)
            }
            ObjectKind::TeamSeals => {
                let seals: TeamSeals = decode(bytes, limits::OBJECT).ok()?;
                let record = self
                    .team_keys
                    .values()
                    .find(|known| known.signed.hash() == seals.record)?;
                objects.insert(0, record.object(ObjectKind::TeamKey));
                Topic::Device(account, seals.seals.first()?.holder)
            }
            ObjectKind::Notebook => {
                let known = Known::<Notebook>::read(bytes).ok()?;
                return self.notebook_news(&known);
            }
            ObjectKind::Enrolment => {
                Signed::<EnrolmentRequest>::from_bytes(bytes).ok()?;
                Topic::Administrators(account)
            }
        };
        Some(Announcement { topic, objects })
    }
}
