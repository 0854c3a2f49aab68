//! What may be published, and by whom. Everything is verified before it is kept: whoever can
//! write to a relay's socket cannot make it serve what clients would refuse.

use std::collections::BTreeSet;

use sottovoce::account::{
    AccountError, ArchiveKey, Credential, EnrolmentRequest, KeyKind, Learned, Policy, Renewal,
    Revocation, SealKey, TeamKey, TeamSeals,
};
use sottovoce::crypto::seal::SealPublicKey;
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{DecodeError, DeviceId, Signed, Suite, Time, decode, encode, limits};

use super::announce::Announcement;
use super::book::{Book, Known};
use crate::fanout::Topic;
use crate::plans::Plans;
use crate::refusal::Refusal;
use crate::store::{ObjectChange, Prekey, StoredObject};
use crate::webhooks::{self, NewEvent};

/// Most enrolment requests that wait in one account.
const ENROLMENTS: usize = 500;
/// How long an enrolment request waits, in milliseconds.
const ENROLMENT_LIFE: u64 = 14 * limits::DAY * 1000;

/// What a publication changes. Nothing at all if everything was known.
#[derive(Debug, Default)]
pub(super) struct Publication {
    pub(super) changes: Vec<ObjectChange>,
    pub(super) announcements: Vec<Announcement>,
    /// What webhooks are told of it.
    pub(super) events: Vec<NewEvent>,
}

impl Publication {
    pub(super) fn put(&mut self, kind: ObjectKind, slot: &[u8], bytes: &[u8]) {
        self.changes.push(ObjectChange::Put(StoredObject {
            kind,
            slot: slot.to_vec(),
            bytes: bytes.to_vec(),
        }));
    }

    fn remove(&mut self, kind: ObjectKind, slot: &[u8]) {
        self.changes.push(ObjectChange::Remove(kind, slot.to_vec()));
    }

    fn announce(&mut self, topic: Topic, objects: Vec<Object>) {
        self.announcements.push(Announcement { topic, objects });
    }
}

impl Book {
    /// Verifies and takes in an object that `by` publishes. Most objects prove themselves by
    /// their signatures, so it does not matter who brings them.
    pub(super) fn publish(
        &mut self,
        object: &Object,
        by: &DeviceId,
        now: Time,
        plans: &Plans,
    ) -> Result<Publication, Refusal> {
        match object.kind {
            ObjectKind::Root => self.publish_root(object),
            ObjectKind::Policy => self.publish_policy(object, now, plans),
            ObjectKind::Renewal => self.publish_renewal(object, plans),
            ObjectKind::Credential => self.publish_credential(object, now),
            ObjectKind::SealKey => self.publish_seal_key(object, by, now),
            ObjectKind::TeamKey => self.publish_team_key(object, now),
            ObjectKind::TeamSeals => self.publish_team_seals(object, by, now),
            ObjectKind::Enrolment => self.publish_enrolment(object, by, now),
            ObjectKind::ArchiveKey => self.publish_last_resort_key(object, now),
            ObjectKind::Notebook => self.publish_notebook(object, now),
        }
    }

    /// Reads an archive key, if it is a one-time key.
    ///
    /// # Errors
    /// [`Refusal`]: it does not count.
    pub(crate) fn one_time_key(
        &self,
        object: &Object,
        now: Time,
    ) -> Result<Option<Prekey>, Refusal> {
        let signed = Signed::<ArchiveKey>::from_bytes(&object.bytes)?;
        let record = self.account.archive_key(&signed, now)?;
        let public = SealPublicKey::parse(record.suite, &record.public_key);
        let public = public.map_err(|_| DecodeError::Malformed)?;
        Ok((record.kind == KeyKind::OneTime).then(|| Prekey {
            id: public.id(),
            suite: record.suite,
            until: record.until,
            record: object.bytes.to_vec(),
        }))
    }

    fn publish_last_resort_key(
        &mut self,
        object: &Object,
        now: Time,
    ) -> Result<Publication, Refusal> {
        let mut publication = Publication::default();
        let signed = Signed::<ArchiveKey>::from_bytes(&object.bytes)?;
        let record = self.account.archive_key(&signed, now)?;
        if record.kind != KeyKind::LastResort {
            return Err(Refusal::NotAllowed);
        }
        check_public_key(record.suite, &record.public_key)?;
        let suite = record.suite;
        let newest = self.last_resort.get(&suite);
        if newest.is_some_and(|known| known.body.until >= record.until) {
            return Ok(publication);
        }
        let slot = suite.number().to_be_bytes();
        publication.put(ObjectKind::ArchiveKey, &slot, &object.bytes);
        let known = Known {
            body: record,
            signed,
        };
        self.last_resort.insert(suite, known);
        Ok(publication)
    }

    fn publish_root(&mut self, object: &Object) -> Result<Publication, Refusal> {
        let mut publication = Publication::default();
        let signed = Signed::from_bytes(&object.bytes)?;
        if self.account.learn_root(&signed)? == Learned::Nothing {
            return Ok(publication);
        }
        // Other administrators: what only the former ones signed is void.
        let account = &self.account;
        self.policies.retain(|hash, _| {
            let counts = account.knows_policy(hash);
            if !counts {
                publication.remove(ObjectKind::Policy, hash.as_array());
            }
            counts
        });
        publication.put(ObjectKind::Root, &[], &object.bytes);
        publication.announce(Topic::Everyone(account.id()), vec![object.clone()]);
        Ok(publication)
    }

    fn publish_policy(
        &mut self,
        object: &Object,
        now: Time,
        plans: &Plans,
    ) -> Result<Publication, Refusal> {
        let mut publication = Publication::default();
        let signed = Signed::<Policy>::from_bytes(&object.bytes)?;
        // One that is known stays, whatever the table says by now: the next one has to follow it.
        if !self.policies.contains_key(&signed.hash()) {
            plans.check(&signed.parse()?)?;
        }
        let revoked = self.revoked();
        let learned = self.account.learn_policy(&signed)?;
        if learned == Learned::Nothing {
            return Ok(publication);
        }
        let hash = signed.hash();
        self.put_policy(hash, object.bytes.clone());
        publication.put(ObjectKind::Policy, hash.as_array(), &object.bytes);
        if learned == Learned::Current {
            publication.announce(Topic::Everyone(self.account.id()), vec![object.clone()]);
            let account = self.account.id();
            let newly = self.revoked().into_iter();
            let newly = newly.filter(|device| !revoked.contains(device));
            publication.events = newly
                .map(|device| webhooks::revoked(&account, &device, now))
                .collect();
        }
        Ok(publication)
    }

    /// The devices that the newest policy revokes, in force or not.
    fn revoked(&self) -> BTreeSet<DeviceId> {
        let policies = self.policies.values();
        let policies = policies.filter_map(|stored| {
            let signed = Signed::<Policy>::from_bytes(&stored.policy).ok()?;
            signed.parse().ok()
        });
        let Some(newest) = policies.max_by_key(|policy| policy.number) else {
            return BTreeSet::new();
        };
        let device = |revocation: &Revocation| match revocation {
            Revocation::Device(device) => Some(*device),
            Revocation::Credential(hash) => {
                let mut known = self.credentials.values();
                let known = known.find(|known| known.signed.hash() == *hash)?;
                Some(known.body.device)
            }
        };
        newest.revocations.iter().filter_map(device).collect()
    }

    fn publish_renewal(&mut self, object: &Object, plans: &Plans) -> Result<Publication, Refusal> {
        let mut publication = Publication::default();
        let signed = Signed::<Renewal>::from_bytes(&object.bytes)?;
        let renewal = signed.parse()?;
        if let Some(known) = self.policies.get(&renewal.policy)
            && !known.renewals.contains(&object.bytes)
        {
            plans.check(&Signed::<Policy>::from_bytes(&known.policy)?.parse()?)?;
        }
        if self.account.learn_renewal(&signed)? == Learned::Nothing {
            return Ok(publication);
        }
        self.put_renewal(&renewal.policy, object.bytes.clone());
        publication.put(ObjectKind::Renewal, signed.hash().as_array(), &object.bytes);
        publication.announce(Topic::Everyone(self.account.id()), vec![object.clone()]);
        Ok(publication)
    }

    fn publish_credential(&mut self, object: &Object, now: Time) -> Result<Publication, Refusal> {
        let mut publication = Publication::default();
        let signed = Signed::<Credential>::from_bytes(&object.bytes)?;
        let credential = self.account.credential(&signed, self.policy(now)?, now)?;
        let device = credential.device;
        if let Some(known) = self.credentials.get(&device) {
            if known.signed.hash() == signed.hash() {
                return Ok(publication);
            }
            if known.body.subject != credential.subject {
                return Err(Refusal::DeviceTaken);
            }
            if known.body.issued > credential.issued {
                return Err(AccountError::RolledBack.into());
            }
        }
        publication.put(ObjectKind::Credential, device.as_array(), &object.bytes);
        if self.enrolments.remove(&device).is_some() {
            publication.remove(ObjectKind::Enrolment, device.as_array());
        }
        let known = Known {
            body: credential,
            signed,
        };
        self.credentials.insert(device, known);
        publication.announce(
            Topic::Device(self.account.id(), device),
            vec![object.clone()],
        );
        Ok(publication)
    }

    fn publish_seal_key(
        &mut self,
        object: &Object,
        by: &DeviceId,
        now: Time,
    ) -> Result<Publication, Refusal> {
        let mut publication = Publication::default();
        let signed = Signed::<SealKey>::from_bytes(&object.bytes)?;
        let key = self.account.seal_key(&signed, now)?;
        if key.device != *by {
            return Err(Refusal::NotYours);
        }
        if self.standing(by, now).credential.is_none() {
            return Err(Refusal::NotAllowed);
        }
        check_public_key(key.suite, &key.public_key)?;
        if let Some(known) = self.seal_keys.get(&(key.device, key.suite)) {
            if known.signed.hash() == signed.hash() {
                return Ok(publication);
            }
            check_generation(known.body.generation, key.generation)?;
        }
        let mut slot = key.device.as_array().to_vec();
        slot.extend(key.suite.number().to_be_bytes());
        publication.put(ObjectKind::SealKey, &slot, &object.bytes);
        let known = Known { body: key, signed };
        self.seal_keys
            .insert((known.body.device, known.body.suite), known);
        Ok(publication)
    }

    fn publish_team_key(&mut self, object: &Object, now: Time) -> Result<Publication, Refusal> {
        let mut publication = Publication::default();
        let signed = Signed::<TeamKey>::from_bytes(&object.bytes)?;
        let policy = self.policy(now)?;
        let signer = signed
            .signers()
            .find_map(|signer| self.credentials.get(signer))
            .map(|known| &known.signed);
        // A member's device may be an administrator's as well: either standing will do.
        let key = self
            .account
            .team_key(&signed, signer, policy, now)
            .or_else(|error| {
                self.account
                    .team_key(&signed, None, policy, now)
                    .map_err(|_| error)
            })?;
        check_public_key(key.suite, &key.public_key)?;
        if let Some(known) = self.newest_team_key(&key.team, key.suite) {
            let previous = known.signed.hash();
            if previous == signed.hash() {
                return Ok(publication);
            }
            // Two members may rotate at the same time: the second one takes the first one's.
            if key.generation <= known.body.generation {
                return Err(Refusal::GenerationTaken);
            }
            if key.previous != Some(previous) {
                return Err(AccountError::Conflict.into());
            }
        }
        let draining = policy.retention.draining;
        self.forget_drained_team_keys(&key.team, draining, now, &mut publication);
        publication.put(ObjectKind::TeamKey, signed.hash().as_array(), &object.bytes);
        publication.announce(
            Topic::Team(self.account.id(), key.team.clone()),
            vec![object.clone()],
        );
        let slot = (key.team.clone(), key.suite, key.generation);
        self.team_keys.insert(slot, Known { body: key, signed });
        Ok(publication)
    }

    /// Records and seals that open nothing any more.
    fn forget_drained_team_keys(
        &mut self,
        team: &str,
        draining: u64,
        now: Time,
        publication: &mut Publication,
    ) {
        let team_seals = &mut self.team_seals;
        self.team_keys.retain(|_, known| {
            let keep = known.body.team != team || known.body.until.plus_seconds(draining) > now;
            if !keep {
                let record = known.signed.hash();
                publication.remove(ObjectKind::TeamKey, record.as_array());
                team_seals.retain(|(of, holder), _| {
                    if *of == record {
                        let slot = [record.as_array().as_slice(), holder.as_array()].concat();
                        publication.remove(ObjectKind::TeamSeals, &slot);
                    }
                    *of != record
                });
            }
            keep
        });
    }

    /// Seals carry no signature, so only who may make them may bring them.
    fn publish_team_seals(
        &mut self,
        object: &Object,
        by: &DeviceId,
        now: Time,
    ) -> Result<Publication, Refusal> {
        let mut publication = Publication::default();
        let seals: TeamSeals = decode(&object.bytes, limits::OBJECT)?;
        let record = self
            .team_keys
            .values()
            .find(|known| known.signed.hash() == seals.record)
            .ok_or(Refusal::UnknownRecord)?;
        let team = &record.body.team;
        let standing = self.standing(by, now);
        if !standing.is_administrator && !standing.is_in(team) {
            return Err(Refusal::NotAllowed);
        }
        let stranger = seals.seals.iter().find(|seal| {
            !record.body.holders.contains(&seal.holder)
                && !self.standing(&seal.holder, now).is_in(team)
        });
        if stranger.is_some() {
            return Err(AccountError::Contradiction("the team's members".into()).into());
        }
        let record = record.object(ObjectKind::TeamKey);
        for seal in seals.seals {
            let holder = seal.holder;
            if self.team_seals.get(&(seals.record, holder)) == Some(&seal) {
                continue;
            }
            let slot = [seals.record.as_array().as_slice(), holder.as_array()].concat();
            let bytes = encode(&TeamSeals {
                record: seals.record,
                seals: vec![seal.clone()],
            });
            publication.put(ObjectKind::TeamSeals, &slot, &bytes);
            publication.announce(
                Topic::Device(self.account.id(), holder),
                vec![
                    record.clone(),
                    Object::new(ObjectKind::TeamSeals, bytes.into()),
                ],
            );
            self.team_seals.insert((seals.record, holder), seal);
        }
        Ok(publication)
    }

    fn publish_enrolment(
        &mut self,
        object: &Object,
        by: &DeviceId,
        now: Time,
    ) -> Result<Publication, Refusal> {
        let mut publication = Publication::default();
        let signed = Signed::<EnrolmentRequest>::from_bytes(&object.bytes)?;
        let request = EnrolmentRequest::verify(&signed).ok_or(AccountError::NotSigned)?;
        if request.account != self.account.id() {
            return Err(AccountError::ForeignAccount.into());
        }
        if request.device != *by {
            return Err(Refusal::NotYours);
        }
        if self.account.root().is_err() {
            return Err(AccountError::UnknownAccount.into());
        }
        if request.name.len() > limits::NAME {
            return Err(sottovoce::wire::DecodeError::TooLarge.into());
        }
        if request.time > now.plus_millis(limits::LIVE_TOLERANCE) {
            return Err(AccountError::NotYetValid.into());
        }
        let known = self.enrolments.get(by);
        let same = known.is_some_and(|known| known.signed.hash() == signed.hash());
        if same || self.standing(by, now).credential.is_some() {
            return Ok(publication);
        }
        self.enrolments.retain(|device, known| {
            let keep = now.millis_since(known.body.time) < ENROLMENT_LIFE;
            if !keep {
                publication.remove(ObjectKind::Enrolment, device.as_array());
            }
            keep
        });
        if self.enrolments.len() >= ENROLMENTS && !self.enrolments.contains_key(by) {
            return Err(Refusal::Throttled);
        }
        publication.put(ObjectKind::Enrolment, by.as_array(), &object.bytes);
        publication.announce(
            Topic::Administrators(self.account.id()),
            vec![object.clone()],
        );
        let known = Known {
            body: request,
            signed,
        };
        self.enrolments.insert(*by, known);
        Ok(publication)
    }

    /// The record of the highest generation.
    pub(super) fn newest_team_key(&self, team: &str, suite: Suite) -> Option<&Known<TeamKey>> {
        let from = (team.to_owned(), suite, 0);
        let to = (team.to_owned(), suite, u64::MAX);
        self.team_keys
            .range(from..=to)
            .next_back()
            .map(|(_, key)| key)
    }
}

/// A generation replaces lower ones only.
const fn check_generation(known: u64, new: u64) -> Result<(), Refusal> {
    if new < known {
        Err(Refusal::Account(AccountError::RolledBack))
    } else if new == known {
        Err(Refusal::Account(AccountError::Conflict))
    } else {
        Ok(())
    }
}

fn check_public_key(suite: Suite, bytes: &[u8]) -> Result<(), Refusal> {
    match SealPublicKey::parse(suite, bytes) {
        Ok(_) => Ok(()),
        Err(_) => Err(AccountError::Contradiction("the suite's public keys".into()).into()),
    }
}
