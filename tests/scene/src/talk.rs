//! A contact as its participants make it: commits and envelopes with real keys.

use std::collections::BTreeMap;

use sottovoce::account::{Account, Archive, Level, Role, Via};
use sottovoce::contact::{
    Commit, Core, Draft, EpochKey, EpochSecret, Log, Member, PolicyRef, Reason, Roster, RosterTeam,
    Setup, build,
};
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::crypto::{Hash, Random};
use sottovoce::message::{
    Audience, Content, Envelope, Ephemeral, EphemeralEvent, EphemeralHeader, EphemeralKind,
    EphemeralParams, Header, Salt, SealParams, kind,
};
use sottovoce::wire::frame::{Entry, Object, ObjectKind};
use sottovoce::wire::{Bytes, ContactId, Suite, Version, encode};

use crate::account::object;
use crate::client::fresh_id;
use crate::{Business, Person, now};

/// One contact, known to everybody in the test.
pub struct Talk {
    pub contact: ContactId,
    pub log: Log,
    account: Account,
    policy: PolicyRef,
    key: EpochKey,
    keys: BTreeMap<Hash, SealPublicKey>,
    /// Each author's number of envelopes and the hash of the last.
    chains: BTreeMap<sottovoce::wire::DeviceId, (u64, Hash)>,
}

impl Talk {
    /// A visitor starts a contact. The entry is its `create` commit.
    pub fn start(business: &Business, visitor: &Person) -> (Self, Bytes) {
        let account = business.believed();
        let policy = business.signed_policy();
        let team = business.signed_support_key();
        let contact = ContactId::new(Random::os().bytes().unwrap());
        let own = SealPrivateKey::generate(Suite::X25519, &mut Random::os())
            .unwrap()
            .public();
        let team_key = business.team_key.public();
        let keys = BTreeMap::from([(own.id(), own.clone()), (team_key.id(), team_key.clone())]);
        let policy = PolicyRef {
            number: 1,
            hash: policy.hash(),
        };
        let mut roster = Roster::default();
        roster.put_member(Member {
            device: visitor.device(),
            role: Role::Visitor,
            via: Via::Device,
            credential: None,
            key: own.id(),
        });
        roster.put_team(RosterTeam {
            team: "support".to_owned(),
            record: team.hash(),
            key: team_key.id(),
        });
        let core = Core {
            version: Version,
            suite: Suite::X25519,
            account: business.id,
            contact,
            level: Level::E2ee,
            epoch: 0,
            previous: Log::origin(&business.id, &contact),
            time: now(),
            committer: visitor.device(),
            reason: Reason::Create,
            policy,
            roster,
            archive: None,
            seen: None,
            commitment: None,
            history: None,
            back_link: None,
            staff: None,
            new_key: Some(own.as_bytes().to_vec().into()),
            setup: Some(Setup {
                entry_point: "shop".to_owned(),
                archive: Archive::None,
            }),
        };
        let secret = EpochSecret::generate(&mut Random::os()).unwrap();
        let draft = Draft {
            core,
            secret: Some(&secret),
            staff_secret: None,
            previous_key: None,
            previous_secret: None,
            previous_staff_secret: None,
            evidence: vec![object(ObjectKind::TeamKey, &team)],
        };
        let commit = build(draft, |id| keys.get(id), &visitor.key).unwrap();
        let (log, _) = Log::create(&account, &commit).unwrap();
        let talk = Self {
            contact,
            key: secret.key(log.transcript()),
            log,
            account,
            policy,
            keys,
            chains: BTreeMap::new(),
        };
        (talk, commit_entry(&commit))
    }

    /// An agent's claim of the contact as it is now. It does not count until it is taken.
    pub fn claim(&self, business: &Business, agent: &Person) -> Step {
        let own = SealPrivateKey::generate(Suite::X25519, &mut Random::os())
            .unwrap()
            .public();
        let credential = business.credential_of(agent);
        let mut core = self.next(agent, Reason::Claim);
        core.roster.teams.clear();
        if let Some(handover) = self.log.handover() {
            core.roster.remove_member(&handover.from);
        }
        core.roster.put_member(Member {
            device: agent.device(),
            role: Role::Agent,
            via: Via::Device,
            credential: Some(credential.hash()),
            key: own.id(),
        });
        core.new_key = Some(own.as_bytes().to_vec().into());
        let evidence = vec![object(ObjectKind::Credential, &credential)];
        self.step(core, evidence, Some(own), agent)
    }

    /// A transfer to an agent.
    pub fn transfer(&self, business: &Business, from: &Person, to: &Person) -> Step {
        let mut core = self.next(from, Reason::Transfer);
        let credential = business.credential_of(to);
        let key = to.seal_key.public();
        core.roster.put_member(Member {
            device: to.device(),
            role: Role::Agent,
            via: Via::Device,
            credential: Some(credential.hash()),
            key: key.id(),
        });
        let seal_key = sottovoce::wire::Signed::sign(&business.seal_key(to, 0), &[&to.key]);
        let evidence = vec![
            object(ObjectKind::Credential, &credential),
            object(ObjectKind::SealKey, &seal_key),
        ];
        self.step(core, evidence, Some(key), from)
    }

    /// A new secret and nothing else.
    pub fn rekey(&self, by: &Person) -> Step {
        self.step(self.next(by, Reason::Rekey), Vec::new(), None, by)
    }

    /// The end.
    pub fn close(&self, by: &Person) -> Step {
        self.step(self.next(by, Reason::Close), Vec::new(), None, by)
    }

    fn next(&self, by: &Person, reason: Reason) -> Core {
        Core {
            version: Version,
            suite: Suite::X25519,
            account: *self.log.account(),
            contact: self.contact,
            level: Level::E2ee,
            epoch: self.log.epoch() + 1,
            previous: *self.log.transcript(),
            time: now().max(self.log.time()),
            committer: by.device(),
            reason,
            policy: self.policy,
            roster: self.log.roster().clone(),
            archive: None,
            seen: None,
            commitment: None,
            history: None,
            back_link: None,
            staff: None,
            new_key: None,
            setup: None,
        }
    }

    /// Makes a commit of a core.
    pub fn step(
        &self,
        core: Core,
        evidence: Vec<Object>,
        key: Option<SealPublicKey>,
        by: &Person,
    ) -> Step {
        let mut keys = self.keys.clone();
        keys.extend(key.map(|key| (key.id(), key)));
        let seals = core.reason != Reason::Close;
        let staff = seals
            && core
                .roster
                .member(&by.device())
                .is_some_and(|member| member.role.is_staff());
        let secret = seals.then(|| EpochSecret::generate(&mut Random::os()).unwrap());
        let staff_secret = staff.then(|| EpochSecret::generate(&mut Random::os()).unwrap());
        let draft = Draft {
            core,
            secret: secret.as_ref(),
            staff_secret: staff_secret.as_ref(),
            previous_key: Some(&self.key),
            previous_secret: None,
            previous_staff_secret: None,
            evidence,
        };
        let commit = build(draft, |id| keys.get(id), &by.key).unwrap();
        Step {
            entry: commit_entry(&commit),
            commit,
            secret,
            keys,
        }
    }

    /// A commit was accepted.
    pub fn take(&mut self, step: Step) {
        self.log.apply(&self.account, &step.commit).unwrap();
        self.keys = step.keys;
        if let Some(secret) = step.secret {
            self.key = secret.key(self.log.transcript());
        }
    }

    /// A text for everybody, chained to the author's last.
    pub fn say(&mut self, author: &Person, text: &str) -> Bytes {
        let device = author.device();
        let account = *self.log.account();
        let (sequence, previous) = self.chains.get(&device).copied().unwrap_or_else(|| {
            (
                0,
                Envelope::first_previous(&account, &self.contact, &device),
            )
        });
        let content = Content {
            id: fresh_id(),
            kind: kind::TEXT.to_owned(),
            sent: now(),
            reply_to: None,
            body: text.as_bytes().to_vec().into(),
        };
        let envelope = Envelope::seal(SealParams {
            header: Header {
                version: Version,
                suite: Suite::X25519,
                account,
                contact: self.contact,
                epoch: self.log.epoch(),
                transcript: *self.log.transcript(),
                device,
                sequence,
                salt: Salt::new(Random::os().bytes().unwrap()),
                previous,
                seen: None,
                audience: Audience::All,
            },
            epoch_key: self.key.secret(),
            content: &content,
            signing_key: &author.key,
        })
        .unwrap();
        self.chains.insert(device, (sequence + 1, envelope.hash()));
        encode(&Entry::Envelope(envelope.to_bytes())).into()
    }

    /// Somebody is typing.
    pub fn typing(&self, author: &Person) -> Bytes {
        self.event(author, EphemeralKind::Typing, Audience::All)
    }

    /// Somebody looks at the contact. The relay cannot tell under which key.
    pub fn viewing(&self, author: &Person) -> Bytes {
        self.event(author, EphemeralKind::Viewing, Audience::Staff)
    }

    fn event(&self, author: &Person, kind: EphemeralKind, audience: Audience) -> Bytes {
        Ephemeral::seal(EphemeralParams {
            header: EphemeralHeader {
                version: Version,
                suite: Suite::X25519,
                account: *self.log.account(),
                contact: self.contact,
                epoch: self.log.epoch(),
                transcript: *self.log.transcript(),
                device: author.device(),
                salt: Salt::new(Random::os().bytes().unwrap()),
                audience,
            },
            epoch_key: self.key.secret(),
            event: EphemeralEvent {
                kind,
                counter: 1,
                time: now(),
            },
            signing_key: &author.key,
        })
        .to_bytes()
    }
}

/// A commit that may be accepted.
pub struct Step {
    pub entry: Bytes,
    pub commit: Commit,
    secret: Option<EpochSecret>,
    keys: BTreeMap<Hash, SealPublicKey>,
}

fn commit_entry(commit: &Commit) -> Bytes {
    encode(&Entry::Commit(commit.to_bytes().into())).into()
}
