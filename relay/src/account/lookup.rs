//! What devices may ask for.

use std::ops::Bound;

use sottovoce::account::{AccountError, Credential, Policy, Role};
use sottovoce::crypto::Hash;
use sottovoce::wire::frame::{Object, ObjectKind, Query};
use sottovoce::wire::{DeviceId, Suite, Time, encode};

use super::book::{Book, Known};
use crate::refusal::Refusal;

/// How much a frame of an answer holds, in bytes, unless what belongs together is longer: what
/// is found for a large team is more work than a phone should do at once.
const PAGE: usize = 64 * 1024;

/// An answer, in groups of objects that make sense only together.
#[derive(Debug, Default)]
pub struct Found(Vec<Group>);

/// Objects that stand in one frame, in the order that [`Query`] states.
#[derive(Debug, Default)]
pub struct Group {
    /// The objects.
    pub objects: Vec<Object>,
    /// The devices among them whose presence matters to the asker.
    pub devices: Vec<DeviceId>,
}

impl Group {
    /// A group of one object.
    fn of(object: Object) -> Self {
        Self {
            objects: vec![object],
            devices: Vec::new(),
        }
    }

    fn size(&self) -> usize {
        self.objects.iter().map(|object| object.bytes.len()).sum()
    }
}

impl Found {
    /// All objects of the answer.
    pub fn objects(self) -> Vec<Object> {
        self.0.into_iter().flat_map(|group| group.objects).collect()
    }

    /// The answer frame by frame: at least one.
    pub fn pages(self) -> Vec<Group> {
        let mut pages = Vec::new();
        let (mut page, mut size) = (Group::default(), 0);
        for group in self.0 {
            let more = group.size();
            if size > 0 && size + more > PAGE {
                pages.push(std::mem::take(&mut page));
                size = 0;
            }
            size += more;
            page.objects.extend(group.objects);
            page.devices.extend(group.devices);
        }
        pages.push(page);
        pages
    }
}

impl Book {
    /// Answers a query of a device.
    ///
    /// # Errors
    /// [`Refusal`] when the device may not ask that, or a policy is not known.
    pub fn look_up(&self, query: &Query, asker: &DeviceId, now: Time) -> Result<Found, Refusal> {
        let standing = self.standing(asker, now);
        match query {
            Query::TeamKey(team) => Ok(self.team_key(team)),
            Query::Vaults => Ok(self.vaults(now)),
            Query::Policy(hash) => self.policy_with_renewals(hash),
            Query::TeamMembers(team) if standing.belongs() => Ok(self.team_members(team, now)),
            Query::TeamSeals(team) if standing.belongs() => self.seals_for(team, asker, now),
            Query::Notebook(team) => {
                let objects = self.notebook(team, asker, now)?;
                Ok(Found(vec![Group {
                    objects,
                    devices: Vec::new(),
                }]))
            }
            Query::Devices if standing.is_administrator => Ok(self.devices()),
            // What is in no book.
            Query::ArchiveKeys(_)
            | Query::RequestKeys
            | Query::TeamMembers(_)
            | Query::TeamSeals(_)
            | Query::Devices => Err(Refusal::NotAllowed),
        }
    }

    fn team_key(&self, team: &str) -> Found {
        let mut found = Found::default();
        for suite in Suite::ALL {
            let Some(known) = self.newest_team_key(team, suite) else {
                continue;
            };
            let mut group = Group::default();
            let signer = known
                .signed
                .signers()
                .find_map(|signer| self.credentials.get(signer));
            if let Some(signer) = signer {
                group.objects.push(signer.object(ObjectKind::Credential));
            }
            group.objects.push(known.object(ObjectKind::TeamKey));
            found.0.push(group);
        }
        found
    }

    fn team_members(&self, team: &str, now: Time) -> Found {
        let mut found = Found::default();
        for (device, known) in &self.credentials {
            // The stored text first: it is cheap, and most devices are in other teams.
            let named = known.body.teams.iter().any(|own| own == team);
            if named && self.standing(device, now).is_in(team) {
                found.0.push(self.with_seal_keys(device, known));
            }
        }
        found
    }

    /// The last-resort key of a suite.
    pub(crate) fn last_resort_key(&self, suite: Suite) -> Option<Object> {
        let known = self.last_resort.get(&suite)?;
        Some(known.object(ObjectKind::ArchiveKey))
    }

    fn vaults(&self, now: Time) -> Found {
        let mut found = Found::default();
        for (device, known) in &self.credentials {
            let is_vault = known.body.role == Role::Vault;
            if is_vault && self.standing(device, now).credential.is_some() {
                found.0.push(self.with_seal_keys(device, known));
            }
        }
        found
    }

    fn with_seal_keys(&self, device: &DeviceId, known: &Known<Credential>) -> Group {
        let mut group = Group::of(known.object(ObjectKind::Credential));
        group.devices.push(*device);
        for suite in Suite::ALL {
            if let Some(key) = self.seal_keys.get(&(*device, suite)) {
                group.objects.push(key.object(ObjectKind::SealKey));
            }
        }
        group
    }

    fn seals_for(&self, team: &str, holder: &DeviceId, now: Time) -> Result<Found, Refusal> {
        let draining = self.policy(now)?.retention.draining;
        // The newest is there even if nothing is sealed to it any more: the next one follows it.
        let mut records: Vec<_> = self
            .team_keys
            .values()
            .filter(|known| known.body.team == team)
            .filter(|known| {
                let newest = self.newest_team_key(team, known.body.suite);
                known.body.until.plus_seconds(draining) > now
                    || newest.is_some_and(|newest| newest.body.generation == known.body.generation)
            })
            .collect();
        records.sort_by_key(|known| (known.body.from, known.body.suite));
        let mut found = Found::default();
        for known in records {
            let mut group = Group::of(known.object(ObjectKind::TeamKey));
            let record = known.signed.hash();
            if let Some(seal) = self.team_seals.get(&(record, *holder)) {
                let seals = sottovoce::account::TeamSeals {
                    record,
                    seals: vec![seal.clone()],
                };
                let bytes = encode(&seals).into();
                group
                    .objects
                    .push(Object::new(ObjectKind::TeamSeals, bytes));
            }
            found.0.push(group);
        }
        Ok(found)
    }

    fn policy_with_renewals(&self, hash: &Hash) -> Result<Found, Refusal> {
        let known = self.policies.get(hash).ok_or(AccountError::UnknownPolicy)?;
        let policy = Object::new(ObjectKind::Policy, known.policy.clone());
        let renewals = known
            .renewals
            .iter()
            .map(|renewal| Object::new(ObjectKind::Renewal, renewal.clone()));
        Ok(Found(
            std::iter::once(policy)
                .chain(renewals)
                .map(Group::of)
                .collect(),
        ))
    }

    fn devices(&self) -> Found {
        let requests = self
            .enrolments
            .values()
            .map(|known| Group::of(known.object(ObjectKind::Enrolment)));
        let credentials = self.credentials.iter().map(|(device, known)| Group {
            objects: vec![known.object(ObjectKind::Credential)],
            devices: vec![*device],
        });
        Found(requests.chain(credentials).collect())
    }

    /// The newest credential of each device after one, by device.
    pub(crate) fn credentials_after(
        &self,
        after: Option<&DeviceId>,
    ) -> impl Iterator<Item = (DeviceId, Object)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.credentials
            .range((from, Bound::Unbounded))
            .map(|(device, known)| (*device, known.object(ObjectKind::Credential)))
    }

    /// A device's newest credential.
    pub(crate) fn credential_of(&self, device: &DeviceId) -> Option<Object> {
        let known = self.credentials.get(device)?;
        Some(known.object(ObjectKind::Credential))
    }

    /// All team key records that are kept.
    pub(crate) fn team_key_records(&self) -> Vec<Object> {
        let records = self.team_keys.values();
        records
            .map(|known| known.object(ObjectKind::TeamKey))
            .collect()
    }

    /// Entry points where nobody can begin, each with the first of its teams that has no key that
    /// is sealed to now. Every team of an entry point needs one, of one suite.
    pub(crate) fn teams_without_key(&self, now: Time) -> Vec<(String, String)> {
        let Ok(policy) = self.policy(now) else {
            return Vec::new();
        };
        let has = |team: &String, suite: Suite| {
            self.newest_team_key(team, suite)
                .is_some_and(|known| now < known.body.until)
        };
        let allowed = || {
            Suite::ALL
                .into_iter()
                .filter(|suite| *suite >= policy.lowest_suite)
        };
        let silent = policy.entry_points.iter().filter_map(|entry| {
            if allowed().any(|suite| entry.teams.iter().all(|team| has(team, suite))) {
                return None;
            }
            let lacks = |team: &&String| !allowed().any(|suite| has(team, suite));
            let team = entry.teams.iter().find(lacks).or(entry.teams.first())?;
            Some((entry.id.clone(), team.clone()))
        });
        silent.collect()
    }

    /// The policy in force, or the last one that was, and its hash.
    pub(crate) fn policy_in_force(&self, now: Time) -> Option<(&Policy, Hash)> {
        let expires = self.account.policy_expires()?;
        let last = Time::from_millis(expires.millis().saturating_sub(1));
        self.account.policy(now.min(last)).ok()
    }
}
