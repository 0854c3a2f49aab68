//! Contacts in every standing, the people in and around them, and commits that tests then spoil.

use sottovoce::account::{
    Account, AccountError, Credential, Level, Policy, Renewal, Role, RootStatement, SealKey,
    TeamKey, Via,
};
use sottovoce::contact::{
    Change, Commit, CommitError, Core, Draft, EpochKey, EpochSecret, Log, Member, PolicyRef,
    Reason, Roster, RosterTeam, Setup, StaffField, Strand, build,
};
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Hash, Random, Secret};
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{ContactId, DeviceId, Signed, Suite, Time, Version};

use crate::account::{self as objects, NOW, administrator, by, days};

/// Someone with a device: its key, what administrators say about it, its HPKE keys.
#[derive(Clone, Copy)]
pub struct Person {
    number: u8,
    pub role: Role,
    pub via: Via,
    teams: &'static [&'static str],
}

const fn person(number: u8, role: Role, teams: &'static [&'static str]) -> Person {
    let via = Via::Device;
    Person {
        number,
        role,
        via,
        teams,
    }
}

pub const VISITOR: Person = person(20, Role::Visitor, &[]);
pub const ADA: Person = person(21, Role::Agent, &["support"]);
pub const BRUNO: Person = person(22, Role::Agent, &["support"]);
pub const CLARA: Person = person(23, Role::Agent, &["sales"]);
pub const SOFIA: Person = person(24, Role::Supervisor, &["support"]);
pub const BOT: Person = person(25, Role::Bot, &["support"]);
pub const VAULT: Person = person(26, Role::Vault, &[]);
pub const AUDITOR: Person = person(27, Role::Auditor, &[]);
pub const BOSS: Person = person(28, Role::Administrator, &["support"]);
/// An agent with a Jabber client.
pub const JULIA: Person = Person {
    via: Via::Gateway,
    ..person(29, Role::Agent, &["support"])
};

impl Person {
    /// The same person in another role.
    pub const fn acting_as(self, role: Role) -> Self {
        Self { role, ..self }
    }

    pub fn signer(&self) -> SigningKey {
        objects::key(self.number)
    }

    pub fn device(&self) -> DeviceId {
        self.signer().public()
    }

    pub fn credential(&self) -> Credential {
        Credential {
            device: self.device(),
            subject: format!("{}", self.number),
            role: self.role,
            via: self.via,
            teams: self.teams.iter().map(|&team| team.into()).collect(),
            ..objects::credential()
        }
    }

    fn signed(&self) -> Signed<Credential> {
        by(&self.credential(), &[&administrator(1)])
    }

    /// The private half of its published seal key.
    pub fn published(&self, suite: Suite) -> SealPrivateKey {
        SealPrivateKey::from_seed(suite, Secret::new([self.number; 32]))
    }

    /// The private half of the key that it makes for the contact.
    pub fn own(&self, suite: Suite) -> SealPrivateKey {
        SealPrivateKey::from_seed(suite, Secret::new([self.number + 100; 32]))
    }

    pub fn seal_key(&self, suite: Suite) -> SealKey {
        SealKey {
            device: self.device(),
            public_key: bytes(&self.published(suite)),
            ..objects::seal_key(suite)
        }
    }

    /// Its entry, sealed to the published key.
    pub fn member(&self, suite: Suite) -> Member {
        Member {
            device: self.device(),
            role: self.role,
            via: self.via,
            credential: (self.role != Role::Visitor).then(|| self.signed().hash()),
            key: self.published(suite).public().id(),
        }
    }

    /// Its entry, sealed to the key made for the contact.
    pub fn own_member(&self, suite: Suite) -> Member {
        Member {
            key: self.own(suite).public().id(),
            ..self.member(suite)
        }
    }

    fn own_objects(&self) -> Vec<Object> {
        match self.role {
            Role::Visitor => Vec::new(),
            _ => vec![Object::new(
                ObjectKind::Credential,
                self.signed().to_bytes(),
            )],
        }
    }

    /// What proves its entry.
    pub fn objects(&self, suite: Suite) -> Vec<Object> {
        let key = by(&self.seal_key(suite), &[&self.signer()]);
        let mut all = self.own_objects();
        all.push(Object::new(ObjectKind::SealKey, key.to_bytes()));
        all
    }
}

fn bytes(key: &SealPrivateKey) -> sottovoce::wire::Bytes {
    key.public().as_bytes().to_vec().into()
}

/// The private half of a team's key.
pub fn team_private(suite: Suite, team: &str) -> SealPrivateKey {
    SealPrivateKey::from_seed(suite, Secret::new([team.len() as u8; 32]))
}

pub fn team_key(suite: Suite, team: &str) -> TeamKey {
    TeamKey {
        team: team.into(),
        public_key: bytes(&team_private(suite, team)),
        holders: vec![ADA.device()],
        ..objects::team_key(suite)
    }
}

/// A team's entry for a record that an administrator signed, and what proves it.
pub fn team_entry(record: &TeamKey, signer: &SigningKey) -> (RosterTeam, Object) {
    let signed = by(record, &[signer]);
    let public = SealPublicKey::parse(record.suite, &record.public_key).unwrap();
    let entry = RosterTeam {
        team: record.team.clone(),
        record: signed.hash(),
        key: public.id(),
    };
    (entry, Object::new(ObjectKind::TeamKey, signed.to_bytes()))
}

/// A policy under which everything can be tried: bots and auditors allowed, suite 1 too.
pub fn policy(level: Level) -> Policy {
    let mut entry = objects::entry_point(level);
    entry.bot_claims = true;
    entry.bot_transfers = true;
    Policy {
        entry_points: vec![entry],
        lowest_suite: Suite::X25519,
        roles: vec![Role::Supervisor, Role::Bot, Role::Auditor],
        ..objects::policy()
    }
}

pub fn policy_ref(policy: &Policy) -> PolicyRef {
    PolicyRef {
        number: policy.number,
        hash: by(policy, &[&administrator(1)]).hash(),
    }
}

/// Runs a test in each suite.
pub fn in_both_suites(test: impl Fn(Suite)) {
    Suite::ALL.into_iter().for_each(test);
}

/// A contact: the account it is judged by, its log, and what its members know.
pub struct Contact {
    pub account: Account,
    pub policy: Policy,
    pub suite: Suite,
    pub log: Option<Log>,
    pub commits: Vec<Commit>,
    pub secrets: Vec<Secrets>,
    keys: Vec<SealPublicKey>,
    random: Random,
}

/// The two secrets of an epoch.
pub struct Secrets {
    pub all: Option<EpochSecret>,
    pub staff: Option<EpochSecret>,
}

/// A commit in the making.
pub struct Plan {
    pub core: Core,
    pub by: Person,
    pub evidence: Vec<Object>,
    pub secret: Option<EpochSecret>,
    pub staff: Option<EpochSecret>,
    pub tagged: bool,
    pub staff_history: bool,
}

impl Contact {
    /// Nothing has been committed.
    pub fn unborn_with(suite: Suite, policy: Policy) -> Self {
        let mut account = Account::new(objects::pin());
        let statement = RootStatement {
            lowest_level: Level::Transport,
            ..objects::root_statement()
        };
        account
            .learn_root(&by(&statement, &[&objects::root()]))
            .unwrap();
        objects::learn(&mut account, &policy).unwrap();
        let everyone = [
            VISITOR, ADA, BRUNO, CLARA, SOFIA, BOT, VAULT, AUDITOR, BOSS, JULIA,
        ];
        let mut keys: Vec<_> = everyone
            .iter()
            .flat_map(|person| [person.published(suite), person.own(suite)])
            .map(|key| key.public())
            .collect();
        keys.extend(["support", "sales"].map(|team| team_private(suite, team).public()));
        Self {
            account,
            policy,
            suite,
            log: None,
            commits: Vec::new(),
            secrets: Vec::new(),
            keys,
            random: Random::seeded(suite.number()),
        }
    }

    pub fn unborn(suite: Suite) -> Self {
        Self::unborn_with(suite, policy(Level::E2ee))
    }

    /// The visitor has created it: it waits for the team.
    pub fn waiting(suite: Suite) -> Self {
        let mut contact = Self::unborn(suite);
        let plan = contact.creation(VISITOR);
        contact.take(plan);
        contact
    }

    /// Ada has claimed it.
    pub fn open(suite: Suite) -> Self {
        let mut contact = Self::waiting(suite);
        let plan = contact.claim(ADA);
        contact.take(plan);
        contact
    }

    /// Ada has claimed it and handed it to Bruno, who has not claimed it yet.
    pub fn handed_to_bruno(suite: Suite) -> Self {
        let mut contact = Self::open(suite);
        let plan = contact.plan(ADA, Reason::Transfer).with(BRUNO);
        contact.take(plan);
        contact
    }

    /// Ada has claimed it and handed it to a team.
    pub fn handed_to(suite: Suite, team: &str) -> Self {
        let mut contact = Self::open(suite);
        let plan = contact.plan(ADA, Reason::Transfer).with_team(team);
        contact.take(plan);
        contact
    }

    pub fn log(&self) -> &Log {
        self.log.as_ref().unwrap()
    }

    /// `create` by someone, as the policy wants it.
    pub fn creation(&mut self, creator: Person) -> Plan {
        let mut plan = self.plan(creator, Reason::Create);
        plan.core.setup = Some(Setup {
            entry_point: "shop".into(),
            archive: self.policy.archive,
        });
        let level = self.policy.entry_points[0].level;
        plan.core.level = level;
        plan = plan.with_self();
        for team in self.policy.entry_points[0].teams.clone() {
            plan = plan.with_team(&team);
        }
        if level != Level::E2ee {
            plan = plan.with(VAULT);
        }
        plan
    }

    /// `claim` by someone, as it has to be.
    pub fn claim(&mut self, claimer: Person) -> Plan {
        let mut plan = self.plan(claimer, Reason::Claim).with_self();
        plan.core.roster.teams.clear();
        if let Some(handover) = self.log().handover()
            && handover.from != claimer.device()
        {
            plan.core.roster.remove_member(&handover.from);
        }
        plan
    }

    /// A commit that changes nothing yet. Someone who has not committed before and stays on the
    /// roster takes a key of its own with it.
    pub fn plan(&mut self, committer: Person, reason: Reason) -> Plan {
        let suite = self.suite;
        let log = self.log.as_ref();
        let contact = ContactId::new([9; 16]);
        let account = self.account.id();
        let closes = reason == Reason::Close;
        let core = Core {
            version: Version,
            suite,
            account,
            contact,
            level: log.map_or(Level::E2ee, Log::level),
            epoch: log.map_or(0, |log| log.epoch() + 1),
            previous: log.map_or_else(|| Log::origin(&account, &contact), |log| *log.transcript()),
            time: log.map_or(NOW, |log| log.time().plus_seconds(1)),
            committer: committer.device(),
            reason,
            policy: policy_ref(&self.policy),
            roster: log.map_or_else(Roster::default, |log| log.roster().clone()),
            archive: None,
            seen: None,
            commitment: None,
            history: None,
            back_link: None,
            staff: None,
            new_key: None,
            setup: None,
        };
        let on_roster = core.roster.member(&committer.device()).is_some();
        let mut secret = || (!closes).then(|| EpochSecret::generate(&mut self.random).unwrap());
        let mut plan = Plan {
            secret: secret(),
            staff: secret().filter(|_| committer.role.is_staff()),
            core,
            by: committer,
            evidence: Vec::new(),
            tagged: log.is_some(),
            staff_history: false,
        };
        if !on_roster {
            plan.evidence.extend(committer.own_objects());
        }
        let first = log.is_none_or(|log| !log.has_committed(&committer.device()));
        if on_roster && first && !closes {
            plan = plan.with_own_key();
        }
        plan
    }

    /// Builds a plan.
    pub fn build(&self, plan: Plan) -> Commit {
        self.build_for(plan, &self.keys)
    }

    /// The same, when other keys exist.
    pub fn build_for(&self, plan: Plan, keys: &[SealPublicKey]) -> Commit {
        let key = plan
            .tagged
            .then(|| self.epoch_key(self.commits.len() - 1))
            .flatten();
        let staff = self.secrets.iter().rev().find_map(|it| it.staff.as_ref());
        let draft = Draft {
            core: plan.core,
            secret: plan.secret.as_ref(),
            staff_secret: plan.staff.as_ref(),
            previous_key: key.as_ref(),
            previous_secret: self.secrets.last().and_then(|it| it.all.as_ref()),
            previous_staff_secret: staff.filter(|_| plan.staff_history),
            evidence: plan.evidence,
        };
        let find = |id: &Hash| keys.iter().find(|key| key.id() == *id);
        build(draft, find, &plan.by.signer()).unwrap()
    }

    /// What everyone on the roster of an epoch derives its keys from.
    pub fn epoch_key(&self, epoch: usize) -> Option<EpochKey> {
        let secret = self.secrets[epoch].all.as_ref()?;
        Some(secret.key(&self.commits[epoch].transcript()))
    }

    /// A commit that counts.
    pub fn take(&mut self, mut plan: Plan) -> Change {
        let secrets = Secrets {
            all: plan.secret.as_ref().map(EpochSecret::duplicate),
            staff: plan.staff.as_ref().map(EpochSecret::duplicate),
        };
        plan.evidence.dedup();
        let commit = self.build(plan);
        let change = self.judge(&commit).unwrap();
        self.commits.push(commit);
        self.secrets.push(secrets);
        change
    }

    /// What the log says to a commit, taking it in if it counts. One that does not count leaves
    /// no trace.
    pub fn judge(&mut self, commit: &Commit) -> Result<Change, CommitError> {
        let Some(log) = &mut self.log else {
            let (log, change) = Log::create(&self.account, commit)?;
            self.log = Some(log);
            return Ok(change);
        };
        let before = visible(log);
        let judged = log.apply(&self.account, commit);
        if judged.is_err() {
            assert_eq!(visible(log), before, "a refused commit changed the log");
        }
        judged
    }

    /// The code with which a plan is refused.
    pub fn refusal(&mut self, plan: Plan) -> &'static str {
        let commit = self.build(plan);
        self.refusal_of(&commit)
    }

    /// The code with which a commit is refused.
    pub fn refusal_of(&mut self, commit: &Commit) -> &'static str {
        self.judge(commit)
            .expect_err("it ought to be refused")
            .code()
    }

    /// A newer policy comes into force.
    pub fn learn(&mut self, change: impl FnOnce(&mut Policy)) {
        self.learn_from(1, change);
    }

    /// The same, signed by another administrator.
    pub fn learn_from(&mut self, signer: u8, change: impl FnOnce(&mut Policy)) {
        self.policy.number += 1;
        change(&mut self.policy);
        let signed = by(&self.policy, &[&administrator(signer)]);
        self.account.learn_policy(&signed).unwrap();
    }

    /// Whether a client may send to the roster at a time.
    pub fn allowed(&self, now: Time) -> Result<(), AccountError> {
        self.log().roster_allowed(&self.account, now)
    }

    /// The policy in force gets other dates.
    pub fn renew(&mut self) {
        let renewal = Renewal {
            policy: policy_ref(&self.policy).hash,
            ..objects::renewal(&self.policy)
        };
        let signed = by(&renewal, &[&objects::renewer()]);
        self.account.learn_renewal(&signed).unwrap();
    }

    /// What someone with private keys reads of an epoch.
    pub fn opens(&self, epoch: usize, strand: Strand, keys: &[SealPrivateKey]) -> bool {
        let find = |id: &Hash| keys.iter().find(|key| key.public().id() == *id);
        match EpochSecret::open(strand, &self.commits[epoch], find) {
            Some(opened) => opened.is_ok(),
            None => false,
        }
    }

    /// Looks a public key up as the log has shown it.
    pub fn shown(&self, id: &Hash) -> Option<&SealPublicKey> {
        self.log().key(id)
    }
}

/// Everything that a log says about itself.
fn visible(log: &Log) -> String {
    format!("{log:?}")
}

impl Plan {
    /// Puts the committer on the roster under a key of its own.
    pub fn with_self(mut self) -> Self {
        let member = self.by.own_member(self.core.suite);
        self.core.roster.put_member(member);
        self.with_own_key()
    }

    /// The committer takes a key made for this contact.
    pub fn with_own_key(self) -> Self {
        let key = self.by.own(self.core.suite);
        self.with_key(&key)
    }

    /// The committer takes this key.
    pub fn with_key(mut self, key: &SealPrivateKey) -> Self {
        let device = self.by.device();
        if let Some(member) = self.core.roster.member(&device).cloned() {
            let key = key.public().id();
            self.core.roster.put_member(Member { key, ..member });
        }
        self.core.new_key = Some(bytes(key));
        self
    }

    /// Puts someone on the roster.
    pub fn with(mut self, other: Person) -> Self {
        let suite = self.core.suite;
        self.core.roster.put_member(other.member(suite));
        for object in other.objects(suite) {
            if !self.evidence.contains(&object) {
                self.evidence.push(object);
            }
        }
        self
    }

    pub fn without(mut self, other: Person) -> Self {
        self.core.roster.remove_member(&other.device());
        self
    }

    /// Puts a team on the roster under its current key.
    pub fn with_team(self, team: &str) -> Self {
        let record = team_key(self.core.suite, team);
        self.with_team_key(&record, &administrator(1))
    }

    pub fn with_team_key(mut self, record: &TeamKey, signer: &SigningKey) -> Self {
        let (entry, object) = team_entry(record, signer);
        self.core.roster.put_team(entry);
        self.evidence.push(object);
        self
    }

    pub fn without_team(mut self, team: &str) -> Self {
        self.core.roster.teams.retain(|entry| entry.team != team);
        self
    }

    /// Joiners may read back to an epoch.
    pub const fn history(mut self, since: u64) -> Self {
        self.core.history = Some(since);
        self
    }

    pub fn at(mut self, time: Time) -> Self {
        self.core.time = time;
        self
    }

    /// Spoils what the commit says.
    pub fn saying(mut self, change: impl FnOnce(&mut Core)) -> Self {
        change(&mut self.core);
        self
    }
}

/// A staff field that nobody can check.
pub fn staff_field() -> StaffField {
    StaffField {
        commitment: Hash::new([1; 32]),
        back_link: None,
    }
}

/// Some days after everything began.
pub fn day(number: u64) -> Time {
    days(number)
}
