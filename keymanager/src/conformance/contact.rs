//! An archived contact, as an agent's client makes one that goes out: two commits, and the secret that
//! only its archive has.

use sottovoce::account::{Archive, ArchiveKey, EntryPoint, KeyKind, Level, Role, TeamKey, Via};
use sottovoce::archive::{Grant, Operation};
use sottovoce::contact::{
    Commit, Core, Draft, EpochSecret, Log, Member, PolicyRef, Reason, Roster, RosterTeam, Setup,
    build,
};
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::crypto::{Hash, Random};
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{Bytes, ContactId, Signed, Suite, Version, limits};

use super::people::Person;
use super::{NO_RANDOMNESS, Trial};

/// A contact with its commits.
pub(super) struct Archived {
    pub(super) contact: ContactId,
    pub(super) commits: Vec<Bytes>,
    /// The secret of its only epoch.
    pub(super) secret: EpochSecret,
}

const SUITE: Suite = Suite::XWing;

impl Trial<'_> {
    /// An entry point whose contacts are archived and have no vault.
    pub(super) fn archived_entry_point(&self) -> Option<&EntryPoint> {
        let entries = self.policy.entry_points.iter();
        let mut e2ee = entries.filter(|entry| entry.level == Level::E2ee);
        e2ee.next()
            .filter(|_| self.policy.archive == Archive::KeyManager)
    }

    /// A one-time key, for somebody who has not asked for any so far: they are limited.
    pub(super) async fn one_time_key(&self) -> Result<Bytes, String> {
        let asked = self
            .ask(&self.people.other, Operation::Prekeys { count: 1 })
            .await?;
        let (Grant::Keys { keys }, _) = asked.granted()? else {
            return Err("`prekeys` gave something else".to_owned());
        };
        let is_one_time = |key: &&Bytes| {
            let signed = Signed::<ArchiveKey>::from_bytes(key);
            let record = signed.ok().and_then(|signed| signed.parse().ok());
            record.is_some_and(|record| record.kind == KeyKind::OneTime)
        };
        let found = keys.iter().find(is_one_time).cloned();
        found.ok_or_else(|| "`prekeys` gave no one-time key".to_owned())
    }

    /// A contact by an agent, archived to a key.
    pub(super) fn contact(
        &self,
        by: &Person,
        entry: &EntryPoint,
        archive_key: &Bytes,
    ) -> Result<Archived, String> {
        let cannot = |_| "the suite cannot make a contact".to_owned();
        let random = || Random::os();
        let key = || SealPrivateKey::generate(SUITE, &mut random()).map_err(|_| NO_RANDOMNESS);
        let contact = ContactId::new(random().bytes().map_err(|_| NO_RANDOMNESS)?);
        let account = self.customer.account;
        let now = (self.now)();
        let own = key()?.public();
        let signed = by.signed.as_ref().ok_or("an agent without credential")?;
        let mut evidence: Vec<Object> = by.credential.iter().cloned().collect();
        let mut keys: Vec<SealPublicKey> = vec![own.clone()];
        let mut roster = Roster::default();
        roster.put_member(Member {
            device: by.key.public(),
            role: Role::Agent,
            via: Via::Device,
            credential: Some(signed.hash()),
            key: own.id(),
        });
        for team in &entry.teams {
            let lowest = self
                .policy
                .team(team)
                .map_or(0, |team| team.lowest_generation);
            let public = key()?.public();
            let record = TeamKey {
                version: Version,
                suite: SUITE,
                account,
                team: team.clone(),
                generation: lowest,
                public_key: public.as_bytes().to_vec().into(),
                previous: None,
                from: now,
                until: now.plus_seconds(limits::KEY_CURRENT),
                holders: vec![by.key.public()],
            };
            let record = Signed::sign(&record, &[&self.customer.administrator]);
            roster.put_team(RosterTeam {
                team: team.clone(),
                record: record.hash(),
                key: public.id(),
            });
            evidence.push(Object::new(ObjectKind::TeamKey, record.to_bytes()));
            keys.push(public);
        }
        let archive = Signed::<ArchiveKey>::from_bytes(archive_key);
        let archive = archive.ok().and_then(|signed| signed.parse().ok());
        let archive = archive.ok_or("an archive key that cannot be read")?;
        let archive = archive
            .key()
            .map_err(|_| "an archive key that cannot be used")?;
        evidence.push(Object::new(ObjectKind::ArchiveKey, archive_key.clone()));
        keys.push(archive.clone());
        let (_, policy) = self.known.policy(now).map_err(|error| error.to_string())?;
        let core = Core {
            version: Version,
            suite: SUITE,
            account,
            contact,
            level: entry.level,
            epoch: 0,
            previous: Log::origin(&account, &contact),
            time: now,
            committer: by.key.public(),
            reason: Reason::Create,
            policy: PolicyRef {
                number: self.policy.number,
                hash: policy,
            },
            roster,
            archive: Some(archive.id()),
            seen: None,
            commitment: None,
            history: None,
            back_link: None,
            staff: None,
            new_key: Some(own.as_bytes().to_vec().into()),
            setup: Some(Setup {
                entry_point: entry.id.clone(),
                archive: Archive::KeyManager,
            }),
        };
        let secret = EpochSecret::generate(&mut random()).map_err(|_| NO_RANDOMNESS)?;
        let staff = EpochSecret::generate(&mut random()).map_err(|_| NO_RANDOMNESS)?;
        let public = |id: &Hash| keys.iter().find(|key| key.id() == *id);
        let draft = Draft {
            core: core.clone(),
            secret: Some(&secret),
            staff_secret: Some(&staff),
            previous_key: None,
            previous_secret: None,
            previous_staff_secret: None,
            evidence,
        };
        let create = build(draft, public, &by.key).map_err(cannot)?;
        let epoch = secret.key(&create.transcript());
        let close = Draft {
            core: Core {
                epoch: 1,
                previous: create.transcript(),
                reason: Reason::Close,
                archive: None,
                new_key: None,
                setup: None,
                ..core
            },
            secret: None,
            staff_secret: None,
            previous_key: Some(&epoch),
            previous_secret: None,
            previous_staff_secret: None,
            evidence: Vec::new(),
        };
        let close = build(close, public, &by.key).map_err(cannot)?;
        // What others would refuse is not shown to anybody.
        let (mut log, _) = Log::create(&self.known, &create).map_err(|error| error.to_string())?;
        log.apply(&self.known, &close)
            .map_err(|error| error.to_string())?;
        let travels = |commit: &Commit| Bytes::from(commit.to_bytes());
        Ok(Archived {
            contact,
            commits: vec![travels(&create), travels(&close)],
            secret,
        })
    }
}
