//! The device's own published keys: seal keys and the private halves of team keys. SPEC 3.5, 3.6.

use crate::gather::{Gather, Keep};
use crate::table::Table;

use super::context::{Context, STAFF};
use super::records::{KnownAudit, OwnSealKey, OwnTeamKey};
use crate::account::{SealKey, TeamKey, TeamSeal, TeamSeals};
use crate::crypto::Hash;
use crate::crypto::random::NoRandomness;
use crate::crypto::seal::{SealPrivateKey, SealPublicKey};
use crate::wire::frame::{ClientFrame, Object, ObjectKind, Query};
use crate::wire::{Bytes, DeviceId, Signed, Suite, Time, Version, limits};

/// A key that ends sooner than this is replaced, in seconds.
const RENEW_BEFORE: u64 = 60 * 60;
/// How often published keys are looked after, in seconds.
const CHECK_EVERY: u64 = 10 * 60;

/// Private keys by the id of their public half.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) seal_keys: Vec<OwnSealKey>,
    pub(super) team_keys: Vec<OwnTeamKey>,
    private: Table<Hash, SealPrivateKey>,
    /// Newest record of each team and suite, as the relay told.
    newest: Table<(String, Suite), Newest>,
    /// When published keys have to be looked at again.
    pub(super) check_at: Option<Time>,
    /// How far the key manager's audit log was seen.
    pub(super) audit: Option<KnownAudit>,
    /// Team keys that are published once all their seals are made.
    pub(super) making: Vec<Making>,
}

/// Seals that one call makes: each takes milliseconds on a phone, and a team may have hundreds.
const SEALS: usize = 4;

/// A team key on its way to its holders.
#[derive(Debug)]
pub(super) struct Making {
    record: TeamKey,
    private: SealPrivateKey,
    /// Holders that it is not sealed to yet.
    left: Vec<(DeviceId, SealPublicKey)>,
    signed: Signed<TeamKey>,
    seals: Vec<TeamSeal>,
}

#[derive(Debug)]
struct Newest {
    hash: Hash,
    generation: u64,
    until: Time,
    holders: Vec<DeviceId>,
}

impl Keys {
    pub(super) fn restore(seal_keys: Vec<OwnSealKey>, team_keys: Vec<OwnTeamKey>) -> Self {
        let mut keys = Self::default();
        let seeds = seal_keys
            .iter()
            .map(|key| (key.suite, &key.seed))
            .chain(team_keys.iter().map(|key| (key.suite, &key.seed)));
        for (suite, seed) in seeds {
            let private = SealPrivateKey::from_seed(suite, seed.duplicate());
            keys.private.insert(private.public().id(), private);
        }
        keys.seal_keys = seal_keys;
        keys.team_keys = team_keys;
        keys
    }

    pub(super) fn private(&self, id: &Hash) -> Option<&SealPrivateKey> {
        self.private.get(id)
    }

    /// Forgets private halves whose time is over.
    fn expire(&mut self, now: Time, draining: u64) -> bool {
        let before = self.seal_keys.len() + self.team_keys.len();
        let life = limits::KEY_LIFE - limits::KEY_CURRENT;
        self.seal_keys
            .keep(|key| now < key.until.plus_seconds(life));
        self.team_keys
            .keep(|key| now < key.until.plus_seconds(draining));
        if self.seal_keys.len() + self.team_keys.len() == before {
            return false;
        }
        let kept = Self::restore(
            core::mem::take(&mut self.seal_keys),
            core::mem::take(&mut self.team_keys),
        );
        self.private = kept.private;
        self.seal_keys = kept.seal_keys;
        self.team_keys = kept.team_keys;
        true
    }
}

impl Context {
    /// Publishes what is missing or about to end, and asks for the own teams' keys. Staff only.
    pub(super) fn look_after_keys(&mut self, now: Time) -> Result<(), NoRandomness> {
        let Some(own) = self.credential() else {
            return Ok(());
        };
        if !self.online {
            return Ok(());
        }
        let teams = if own.credential.role.is_staff() {
            own.credential.teams.clone()
        } else {
            Vec::new()
        };
        let draining = match self.account.policy(now) {
            Ok((policy, _)) => policy.retention.draining,
            Err(_) => return Ok(()),
        };
        if self.keys.expire(now, draining) {
            self.outputs.dirty(super::records::DEVICE);
        }
        for suite in self.suites(now).iter().copied() {
            self.publish_seal_key(suite, now)?;
        }
        // A team key is sealed to published keys, so the own one has to be there before.
        for team in teams {
            self.look_up_after_publishing(Query::TeamSeals(team));
        }
        self.keys.check_at = Some(now.plus_seconds(CHECK_EVERY));
        Ok(())
    }

    /// The suites that contacts of this account may use now.
    pub(super) fn suites(&self, now: Time) -> &'static [Suite] {
        let Ok((policy, _)) = self.account.policy(now) else {
            return &[];
        };
        let lower = Suite::ALL
            .iter()
            .position(|suite| *suite >= policy.lowest_suite);
        Suite::ALL.get(lower.unwrap_or(0)..).unwrap_or_default()
    }

    fn publish_seal_key(&mut self, suite: Suite, now: Time) -> Result<(), NoRandomness> {
        let own = self.keys.seal_keys.iter().filter(|key| key.suite == suite);
        let newest = own.max_by_key(|key| key.generation);
        let record = match newest {
            // Published again after every connect: the relay may not have it.
            Some(key) if now.plus_seconds(RENEW_BEFORE) < key.until => key.record.clone(),
            _ => {
                let generation = newest.map_or(0, |key| key.generation + 1);
                let private = SealPrivateKey::generate(suite, &mut self.random)?;
                let public = private.public();
                let until = now.plus_seconds(limits::KEY_CURRENT);
                let record = SealKey {
                    version: Version,
                    suite,
                    account: self.account.id(),
                    device: self.device(),
                    generation,
                    public_key: public.as_bytes().to_vec().into(),
                    from: now,
                    until,
                };
                let record = Signed::sign(&record, &[&self.signer]).to_bytes();
                self.keys.seal_keys.push(OwnSealKey {
                    suite,
                    generation,
                    seed: private.seed().duplicate(),
                    until,
                    record: record.clone(),
                });
                self.keys.private.insert(public.id(), private);
                self.outputs.dirty(super::records::DEVICE);
                record
            }
        };
        self.publish(ObjectKind::SealKey, record);
        Ok(())
    }

    /// Publishes an object once everything that it depends on is durable.
    pub(super) fn publish(&mut self, kind: ObjectKind, bytes: Bytes) {
        let id = self.next_request();
        self.outputs.transmit_stored(ClientFrame::Publish {
            id,
            object: Object::new(kind, bytes),
        });
    }

    /// Takes in part of an answer to `Query::TeamSeals`: records, each before its seals for this
    /// device. `true` if a key was learnt.
    pub(super) fn take_team_seals(&mut self, team: &str, objects: &[Object]) -> bool {
        if !STAFF {
            return false;
        }
        let mut learnt = false;
        let mut records = Table::default();
        for object in objects {
            match object.kind {
                ObjectKind::TeamKey => {
                    if let Ok(signed) = Signed::<TeamKey>::from_bytes(&object.bytes)
                        && let Ok(record) = signed.parse()
                        && record.team == team
                        && record.account == self.account.id()
                    {
                        self.keys.note_newest(signed.hash(), &record);
                        records.insert(signed.hash(), record);
                    }
                }
                ObjectKind::TeamSeals => {
                    if let Ok(seals) =
                        crate::wire::decode::<TeamSeals>(&object.bytes, limits::OBJECT)
                        && let Some(record) = records.get(&seals.record)
                    {
                        learnt |= self.open_team_key(record, &seals);
                    }
                }
                _ => {}
            }
        }
        if learnt {
            self.outputs.dirty(super::records::DEVICE);
        }
        learnt
    }

    /// A new generation has to be made if the newest does not serve: for whom?
    pub(super) fn ask_for_members(&mut self, team: &str, now: Time) {
        if !STAFF {
            return;
        }
        let serves = |suite: &Suite| self.team_key_serves(team, *suite, now);
        if !self.suites(now).iter().all(serves) {
            self.look_up(Query::TeamMembers(team.to_owned()));
        }
    }

    /// Whether the team's newest key lasts, is held here and by nobody who has left, and is not
    /// older than the policy allows.
    pub(super) fn team_key_serves(&self, team: &str, suite: Suite, now: Time) -> bool {
        let newest = self.keys.newest.get(&(team.to_owned(), suite));
        let Some((newest, (policy, _))) = newest.zip(self.account.policy(now).ok()) else {
            return false;
        };
        let has_left = |holder: &DeviceId| {
            let credential = self.directory.member(holder).map(|it| it.signed.hash());
            policy.revokes_device(holder)
                || credential.is_some_and(|hash| policy.revokes_credential(&hash))
        };
        let lowest = policy.team(team).map_or(0, |team| team.lowest_generation);
        newest.holders.contains(&self.device())
            && now.plus_seconds(RENEW_BEFORE) < newest.until
            && newest.generation >= lowest
            && !newest.holders.iter().any(has_left)
    }

    /// Makes the team's key anew if it has to be: asked after its members are known.
    pub(super) fn rotate_team_key(&mut self, team: &str, now: Time) -> Result<(), NoRandomness> {
        if !STAFF || !self.own_teams().iter().any(|known| known == team) {
            return Ok(());
        }
        let policy = self.account.policy(now).ok();
        let lowest = policy.and_then(|(policy, _)| policy.team(team));
        let lowest = lowest.map_or(0, |team| team.lowest_generation);
        for suite in self.suites(now).iter().copied() {
            let mut making = self.keys.making.iter();
            let is_made = making.any(|it| it.record.team == team && it.record.suite == suite);
            if is_made || self.team_key_serves(team, suite, now) {
                continue;
            }
            let newest = self.keys.newest.get(&(team.to_owned(), suite));
            let next = newest.map_or(0, |newest| newest.generation.saturating_add(1));
            let generation = next.max(lowest);
            let previous = newest.map(|newest| newest.hash);
            self.begin_team_key(team, suite, generation, previous, now)?;
        }
        self.make_team_keys(now);
        Ok(())
    }

    fn begin_team_key(
        &mut self,
        team: &str,
        suite: Suite,
        generation: u64,
        previous: Option<Hash>,
        now: Time,
    ) -> Result<(), NoRandomness> {
        let private = SealPrivateKey::generate(suite, &mut self.random)?;
        let own = self.device();
        // The relay may not have the own seal key yet: a publication waits until it is durable,
        // a question does not.
        let Some(own_key) = self.keys.current_seal_key(suite, now) else {
            return Ok(());
        };
        // Ascending by device, as records list them.
        let mut holders = vec![(own, own_key)];
        for member in self.directory.members_of(team) {
            let device = member.credential.device;
            if device != own
                && member.credential.role.is_staff()
                && let Some((_, key)) = member.seal_key(suite, now)
            {
                let place = holders.partition_point(|(known, _)| *known < device);
                holders.insert(place, (device, key.clone()));
            }
        }
        let until = now.plus_seconds(limits::KEY_CURRENT);
        let record = TeamKey {
            version: Version,
            suite,
            account: self.account.id(),
            team: team.to_owned(),
            generation,
            public_key: private.public().as_bytes().to_vec().into(),
            previous,
            from: now,
            until,
            holders: holders.iter().map(|(device, _)| *device).gather(),
        };
        let signed = Signed::sign(&record, &[&self.signer]);
        self.keys.making.push(Making {
            record,
            private,
            left: holders,
            signed,
            seals: Vec::new(),
        });
        Ok(())
    }

    /// Goes on with team keys that are being made, and publishes those that all holders have.
    pub(super) fn make_team_keys(&mut self, now: Time) {
        if !STAFF {
            return;
        }
        for _ in 0..SEALS {
            let Some(making) = self.keys.making.first_mut() else {
                return;
            };
            let hash = making.signed.hash();
            if let Some((device, key)) = making.left.pop() {
                let seal = TeamSeal::make(&mut self.random, &hash, &making.private, device, &key);
                making.seals.extend(seal.ok());
            }
            if making.left.is_empty() {
                let made = self.keys.making.remove(0);
                self.publish_team_key(hash, made);
            }
        }
        if !self.keys.making.is_empty() {
            self.outputs.wake_at(now.plus_millis(1));
        }
    }

    fn publish_team_key(&mut self, hash: Hash, made: Making) {
        self.keys.keep_team_key(&made.record, made.private);
        self.keys.note_newest(hash, &made.record);
        self.outputs.dirty(super::records::DEVICE);
        self.publish(ObjectKind::TeamKey, made.signed.to_bytes());
        for seals in TeamSeals::published(hash, &made.seals) {
            self.publish(ObjectKind::TeamSeals, seals);
        }
        // What is believed of it is what the relay has: contacts that wait are sealed to that.
        self.look_up_after_publishing(Query::TeamKey(made.record.team));
    }

    fn open_team_key(&mut self, record: &TeamKey, seals: &TeamSeals) -> bool {
        let own = self.device();
        let Some(private) = seals
            .seals
            .iter()
            .filter(|seal| seal.holder == own)
            .find_map(|seal| {
                let key = self.keys.private(&seal.key)?;
                seal.open(&seals.record, record, key).ok()
            })
        else {
            return false;
        };
        self.keys.keep_team_key(record, private)
    }
}

impl Keys {
    /// The public half of the own seal key that others seal to now.
    fn current_seal_key(&self, suite: Suite, now: Time) -> Option<SealPublicKey> {
        self.seal_keys
            .iter()
            .filter(|key| key.suite == suite && now < key.until)
            .max_by_key(|key| key.generation)
            .map(|key| SealPrivateKey::from_seed(suite, key.seed.duplicate()).public())
    }

    fn note_newest(&mut self, hash: Hash, record: &TeamKey) {
        let place = (record.team.clone(), record.suite);
        let known = self.newest.get(&place);
        if known.is_none_or(|known| known.generation <= record.generation) {
            let newest = Newest {
                hash,
                generation: record.generation,
                until: record.until,
                holders: record.holders.clone(),
            };
            self.newest.insert(place, newest);
        }
    }

    /// `true` if it was not known.
    fn keep_team_key(&mut self, record: &TeamKey, private: SealPrivateKey) -> bool {
        let id = private.public().id();
        if self.private.contains_key(&id) {
            return false;
        }
        self.team_keys.push(OwnTeamKey {
            team: record.team.clone(),
            suite: record.suite,
            generation: record.generation,
            seed: private.seed().duplicate(),
            until: record.until,
        });
        self.private.insert(id, private);
        true
    }

    /// Hash of the newest record of a team, as the relay told.
    pub(super) fn newest_record(&self, team: &str, suite: Suite) -> Option<&Hash> {
        self.newest
            .get(&(team.to_owned(), suite))
            .map(|newest| &newest.hash)
    }

    /// How many devices hold the newest key of a team.
    pub(super) fn holders(&self, team: &str, suite: Suite) -> Option<u64> {
        self.newest
            .get(&(team.to_owned(), suite))
            .map(|newest| newest.holders.len() as u64)
    }
}
