//! An account and its people.

use sottovoce::account::{
    Account, Archive, Credential, EnrolmentRequest, EntryPoint, Level, Limits, Pin, Plan, Policy,
    Renewal, Retention, Role, RootStatement, SealKey, Team, TeamKey, TeamSeal, TeamSeals, Via,
    account_id,
};
use sottovoce::crypto::Random;
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{
    AccountId, DeviceId, Signed, SignedKind, Suite, Time, Version, encode, limits,
};

use crate::now;

/// Somebody with a device.
pub struct Person {
    pub key: SigningKey,
    pub seal_key: SealPrivateKey,
}

impl Person {
    pub fn new() -> Self {
        let mut random = Random::os();
        Self {
            key: SigningKey::generate(&mut random).unwrap(),
            seal_key: SealPrivateKey::generate(Suite::X25519, &mut random).unwrap(),
        }
    }

    pub fn device(&self) -> DeviceId {
        self.key.public()
    }
}

/// An account at level `e2ee` with two teams, `sales` and `support`, and one entry point, `shop`,
/// for `support`. Ada and Ben are in `support`, Cleo is in `sales`.
pub struct Business {
    pub id: AccountId,
    pub root: SigningKey,
    pub administrator: Person,
    pub renewer: Person,
    pub ada: Person,
    pub ben: Person,
    pub cleo: Person,
    pub team_key: SealPrivateKey,
    pub started: Time,
}

impl Business {
    pub fn new() -> Self {
        let root = SigningKey::generate(&mut Random::os()).unwrap();
        Self {
            id: account_id(&root.public()),
            root,
            administrator: Person::new(),
            renewer: Person::new(),
            ada: Person::new(),
            ben: Person::new(),
            cleo: Person::new(),
            team_key: SealPrivateKey::generate(Suite::X25519, &mut Random::os()).unwrap(),
            started: Time::from_millis(now().millis() - 60_000),
        }
    }

    pub fn root_statement(&self) -> RootStatement {
        RootStatement {
            version: Version,
            suite: Suite::X25519,
            account: self.id,
            number: 1,
            root: self.root.public(),
            issued: self.started,
            administrators: vec![self.administrator.device()],
            policy_threshold: 1,
            credential_threshold: 1,
            key_manager: None,
            lowest_level: Level::E2ee,
        }
    }

    pub fn policy(&self) -> Policy {
        let team = |id: &str| Team {
            id: id.to_owned(),
            name: id.to_owned(),
            lowest_generation: 0,
        };
        Policy {
            version: Version,
            suite: Suite::X25519,
            account: self.id,
            number: 1,
            previous: None,
            issued: self.started,
            expires: self.started.plus_seconds(7 * limits::DAY),
            plan: Plan::Enterprise,
            entry_points: vec![EntryPoint {
                id: "shop".to_owned(),
                name: "ACME".to_owned(),
                level: Level::E2ee,
                teams: vec!["support".to_owned()],
                bot_claims: false,
                bot_transfers: false,
            }],
            teams: vec![team("sales"), team("support")],
            archive: Archive::None,
            key_manager_url: None,
            lowest_suite: Suite::X25519,
            roles: vec![Role::Supervisor],
            revocations: Vec::new(),
            issuers: Vec::new(),
            renewers: vec![self.renewer.device()],
            retention: Retention::default(),
            last_resort: false,
            fallback_link: None,
            limits: Limits::default(),
        }
    }

    pub fn signed_policy(&self) -> Signed<Policy> {
        self.by_administrator(&self.policy())
    }

    pub fn renewal(&self) -> Renewal {
        Renewal {
            version: Version,
            suite: Suite::X25519,
            account: self.id,
            policy: self.signed_policy().hash(),
            issued: now(),
            expires: now().plus_seconds(7 * limits::DAY),
        }
    }

    pub fn credential(&self, person: &Person, subject: &str, team: &str) -> Credential {
        Credential {
            version: Version,
            suite: Suite::X25519,
            account: self.id,
            device: person.device(),
            subject: subject.to_owned(),
            name: subject.to_owned(),
            role: Role::Agent,
            via: Via::Device,
            teams: vec![team.to_owned()],
            issued: self.started,
            expires: self.started.plus_seconds(30 * limits::DAY),
        }
    }

    /// The credential of one of the three agents.
    pub fn credential_of(&self, agent: &Person) -> Signed<Credential> {
        let agents = [
            (&self.ada, "ada", "support"),
            (&self.ben, "ben", "support"),
            (&self.cleo, "cleo", "sales"),
        ];
        let (person, subject, team) = agents
            .into_iter()
            .find(|(person, ..)| person.device() == agent.device())
            .unwrap();
        self.by_administrator(&self.credential(person, subject, team))
    }

    pub fn seal_key(&self, person: &Person, generation: u64) -> SealKey {
        SealKey {
            version: Version,
            suite: Suite::X25519,
            account: self.id,
            device: person.device(),
            generation,
            public_key: person.seal_key.public().as_bytes().to_vec().into(),
            from: self.started,
            until: self.started.plus_seconds(limits::DAY),
        }
    }

    pub fn support_key(&self) -> TeamKey {
        let mut holders = vec![self.ada.device(), self.ben.device()];
        holders.sort_unstable();
        TeamKey {
            version: Version,
            suite: Suite::X25519,
            account: self.id,
            team: "support".to_owned(),
            generation: 0,
            public_key: self.team_key.public().as_bytes().to_vec().into(),
            previous: None,
            from: self.started,
            until: self.started.plus_seconds(limits::DAY),
            holders,
        }
    }

    pub fn signed_support_key(&self) -> Signed<TeamKey> {
        self.by_administrator(&self.support_key())
    }

    pub fn support_seals(&self) -> TeamSeals {
        let record = self.signed_support_key().hash();
        let seal = |holder: &Person| {
            TeamSeal::make(
                &mut Random::os(),
                &record,
                &self.team_key,
                holder.device(),
                &holder.seal_key.public(),
            )
            .unwrap()
        };
        TeamSeals {
            record,
            seals: vec![seal(&self.ada), seal(&self.ben)],
        }
    }

    pub fn enrolment(&self, person: &Person) -> EnrolmentRequest {
        EnrolmentRequest {
            version: Version,
            suite: Suite::X25519,
            account: self.id,
            device: person.device(),
            name: "Dora".to_owned(),
            time: now(),
            invitation: None,
        }
    }

    pub fn by_administrator<T: SignedKind>(&self, body: &T) -> Signed<T> {
        Signed::sign(body, &[&self.administrator.key])
    }

    /// Everything that the account needs before contacts can begin, in order.
    pub fn objects(&self) -> Vec<Object> {
        let root = Signed::sign(&self.root_statement(), &[&self.root]);
        let mut objects = vec![
            object(ObjectKind::Root, &root),
            object(ObjectKind::Policy, &self.signed_policy()),
        ];
        for agent in [&self.ada, &self.ben, &self.cleo] {
            objects.push(object(ObjectKind::Credential, &self.credential_of(agent)));
        }
        objects.push(object(ObjectKind::TeamKey, &self.signed_support_key()));
        objects.push(seals(&self.support_seals()));
        objects
    }

    /// What a client believes of the account.
    pub fn believed(&self) -> Account {
        let mut account = Account::new(Pin::account(self.id));
        account
            .learn_root(&Signed::sign(&self.root_statement(), &[&self.root]))
            .unwrap();
        account.learn_policy(&self.signed_policy()).unwrap();
        account
    }
}

/// A signed object as it travels.
pub fn object<T: SignedKind>(kind: ObjectKind, signed: &Signed<T>) -> Object {
    Object::new(kind, signed.to_bytes())
}

/// Seals as they travel.
pub fn seals(seals: &TeamSeals) -> Object {
    Object::new(ObjectKind::TeamSeals, encode(seals).into())
}
