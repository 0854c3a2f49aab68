//! An account with one entry point and one team that answers there.

use ed25519_dalek::Signer;
use sottovoce::account::{
    Archive, Credential, EnrolmentRequest, EntryPoint, Issuer, KeyManager, Level, Limits, Operator,
    Plan, Policy, Retention, Role, RootStatement, Team, TeamKey, TeamSeal, TeamSeals, Via,
    account_id, thumbprint,
};
use sottovoce::crypto::Random;
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::crypto::sign::{PublicKey, SigningKey};
use sottovoce::wire::codec::to_base64url;
use sottovoce::wire::frame::{Object, ObjectKind, Query};
use sottovoce::wire::{
    AccountId, DeviceId, Signed, SignedKind, Suite, Time, Version, encode, limits,
};
use sottovoce_client::admin::Session;

use crate::{Person, no_roots, now};

/// The entry point's id.
pub const ENTRY_POINT: &str = "shop";
/// The id of the team that answers there.
pub const TEAM: &str = "support";
/// A team that answers nowhere.
pub const OTHER_TEAM: &str = "sales";
const ISSUER: &str = "https://shop.example";

/// The account, and the keys that make it.
#[derive(Debug)]
pub struct Business {
    /// Its id.
    pub account: AccountId,
    root: SigningKey,
    administrator: SigningKey,
    /// Signs identity tokens.
    issuer: ed25519_dalek::SigningKey,
    lowest_suite: Suite,
    level: Level,
    device_history: u64,
    key_manager: Option<(PublicKey, String)>,
    started: Time,
    is_archived: bool,
}

impl Business {
    /// An account whose policy allows contacts from that suite upwards.
    pub fn new(lowest_suite: Suite) -> Self {
        let key = || SigningKey::generate(&mut Random::os()).unwrap();
        let root = key();
        Self {
            account: account_id(&root.public()),
            administrator: key(),
            root,
            issuer: ed25519_dalek::SigningKey::from_bytes(&Random::os().bytes().unwrap()),
            lowest_suite,
            level: Level::E2ee,
            device_history: Retention::default().device_history,
            key_manager: None,
            started: Time::from_millis(now().millis() - 60_000),
            is_archived: false,
        }
    }

    /// The same account, with its contacts archived at the customer's key manager.
    pub fn archived_at(self, identity: PublicKey, url: String) -> Self {
        Self {
            is_archived: true,
            ..self.with_key_manager(identity, url)
        }
    }

    /// The same at another level.
    #[must_use]
    pub fn at_level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// The same where staff devices keep the secrets of closed contacts for so many seconds.
    #[must_use]
    pub fn with_device_history(self, device_history: u64) -> Self {
        Self {
            device_history,
            ..self
        }
    }

    /// The same with a key manager: its identity, and where it is.
    #[must_use]
    pub fn with_key_manager(self, identity: PublicKey, url: String) -> Self {
        Self {
            key_manager: Some((identity, url)),
            ..self
        }
    }

    /// What the administrator proves itself to a key manager with.
    pub fn evidence(&self) -> (&SigningKey, Vec<Object>) {
        let root = Signed::sign(&self.root_statement(), &[&self.root]).to_bytes();
        let policy = self.sign(&self.policy()).to_bytes();
        let evidence = vec![
            Object::new(ObjectKind::Root, root),
            Object::new(ObjectKind::Policy, policy),
        ];
        (&self.administrator, evidence)
    }

    /// Connects as the administrator.
    pub async fn administer(&self, url: &str) -> Session {
        let session = Session::connect(url, self.account, &self.administrator, no_roots()).await;
        session.unwrap().0
    }

    /// Tells a relay of the account.
    pub async fn publish(&self, session: &mut Session) {
        let root = Signed::sign(&self.root_statement(), &[&self.root]);
        publish(session, ObjectKind::Root, &root).await;
        publish(session, ObjectKind::Policy, &self.sign(&self.policy())).await;
    }

    /// An agent's device asks for a credential; the administrator hears of it and approves. The
    /// agent is ready when it holds the team's keys.
    pub async fn approve(&self, session: &mut Session, agent: &Person, name: &str, team: &str) {
        let device = agent.handle.device();
        while !announces(session, device).await {}
        self.credit(session, device, name, team).await;
        agent
            .until("its teams", |shown| {
                let account = shown.account.as_ref()?;
                (account.own_teams == [team]).then_some(())
            })
            .await;
        while !holds_keys(session, team, device).await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Publishes an agent's credential.
    pub async fn credit(&self, session: &mut Session, device: DeviceId, name: &str, team: &str) {
        self.credit_as(session, device, name, Role::Agent, &[team])
            .await;
    }

    /// Publishes a vault's credential.
    pub async fn credit_vault(&self, session: &mut Session, device: DeviceId) {
        self.credit_as(session, device, "Vault", Role::Vault, &[])
            .await;
    }

    /// Publishes a credential.
    pub async fn credit_as(
        &self,
        session: &mut Session,
        device: DeviceId,
        name: &str,
        role: Role,
        teams: &[&str],
    ) {
        let credential = self.sign(&Credential {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            device,
            subject: name.to_lowercase(),
            name: name.into(),
            role,
            via: Via::Device,
            teams: teams.iter().map(|&team| team.into()).collect(),
            issued: now(),
            expires: self.started.plus_seconds(30 * limits::DAY),
        });
        publish(session, ObjectKind::Credential, &credential).await;
    }

    /// Gives a team its first key in one suite only, sealed to a device that has published its
    /// own. Members would make one in every suite.
    pub async fn give_team_key(
        &self,
        session: &mut Session,
        suite: Suite,
        team: &str,
        holder: DeviceId,
        holder_key: &SealPublicKey,
    ) {
        let private = SealPrivateKey::generate(suite, &mut Random::os()).unwrap();
        let record = self.sign(&TeamKey {
            version: Version,
            suite,
            account: self.account,
            team: team.into(),
            generation: 0,
            public_key: private.public().as_bytes().to_vec().into(),
            previous: None,
            from: now(),
            until: now().plus_seconds(limits::KEY_CURRENT),
            holders: vec![holder],
        });
        publish(session, ObjectKind::TeamKey, &record).await;
        let hash = record.hash();
        let seal = TeamSeal::make(&mut Random::os(), &hash, &private, holder, holder_key);
        let seals = TeamSeals {
            record: hash,
            seals: vec![seal.unwrap()],
        };
        let bytes = encode(&seals).into();
        session.publish(ObjectKind::TeamSeals, bytes).await.unwrap();
    }

    /// A token that says who the visitor with that device is, valid for five minutes.
    pub fn identity_token(&self, device: DeviceId, subject: &str, name: &str) -> String {
        let seconds = now().millis() / 1000;
        let claims = serde_json::json!({
            "iss": ISSUER,
            "sub": subject,
            "aud": self.account.to_string(),
            "iat": seconds,
            "exp": seconds + 300,
            "cnf": { "jkt": thumbprint(&device) },
            "name": name,
        });
        let header = to_base64url(br#"{"alg":"EdDSA","typ":"JWT"}"#);
        let signed = format!("{header}.{}", to_base64url(claims.to_string().as_bytes()));
        let signature = self.issuer.sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", to_base64url(&signature))
    }

    fn root_statement(&self) -> RootStatement {
        RootStatement {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            number: 1,
            root: self.root.public(),
            issued: self.started,
            administrators: vec![self.administrator.public()],
            policy_threshold: 1,
            credential_threshold: 1,
            key_manager: self.key_manager.as_ref().map(|(identity, _)| KeyManager {
                identity: *identity,
                operator: match self.level {
                    Level::E2ee => Operator::Customer,
                    Level::Transport | Level::Storage => Operator::Platform,
                },
            }),
            lowest_level: self.level,
        }
    }

    fn policy(&self) -> Policy {
        let team = |id: &str| Team {
            id: id.into(),
            name: id.into(),
            lowest_generation: 0,
        };
        Policy {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            number: 1,
            previous: None,
            issued: self.started,
            expires: self.started.plus_seconds(7 * limits::DAY),
            plan: if Plan::Enterprise.allows(self.level) {
                Plan::Enterprise
            } else {
                Plan::Plus
            },
            entry_points: vec![EntryPoint {
                id: ENTRY_POINT.into(),
                name: "ACME".into(),
                level: self.level,
                teams: vec![TEAM.into()],
                bot_claims: false,
                bot_transfers: false,
            }],
            teams: vec![team(OTHER_TEAM), team(TEAM)],
            archive: if self.is_archived {
                Archive::KeyManager
            } else {
                Archive::None
            },
            key_manager_url: self.key_manager.as_ref().map(|(_, url)| url.clone()),
            lowest_suite: self.lowest_suite,
            roles: vec![Role::Supervisor, Role::Auditor],
            revocations: Vec::new(),
            issuers: vec![Issuer {
                issuer: ISSUER.into(),
                algorithm: "EdDSA".into(),
                public_key: self.issuer.verifying_key().to_bytes().to_vec().into(),
            }],
            renewers: Vec::new(),
            retention: Retention {
                device_history: self.device_history,
                ..Retention::default()
            },
            last_resort: self.is_archived,
            fallback_link: None,
            limits: Limits::default(),
        }
    }

    fn sign<T: SignedKind>(&self, body: &T) -> Signed<T> {
        Signed::sign(body, &[&self.administrator])
    }
}

/// Whether a team has keys, and a device holds them all.
async fn holds_keys(session: &mut Session, team: &str, device: DeviceId) -> bool {
    let found = session.look_up(Query::TeamKey(team.into())).await.unwrap();
    let keys = found.objects.iter();
    let mut keys = keys
        .filter(|object| object.kind == ObjectKind::TeamKey)
        .map(|object| {
            let signed = Signed::<TeamKey>::from_bytes(&object.bytes).unwrap();
            signed.parse().unwrap().holders.contains(&device)
        })
        .peekable();
    keys.peek().is_some() && keys.all(|holds| holds)
}

/// Whether the next announcement is a device's enrolment request.
async fn announces(session: &mut Session, device: DeviceId) -> bool {
    let objects = session.announced().await.unwrap();
    objects.into_iter().any(|object| {
        object.kind == ObjectKind::Enrolment
            && Signed::<EnrolmentRequest>::from_bytes(&object.bytes)
                .and_then(|signed| signed.parse())
                .is_ok_and(|request| request.device == device)
    })
}

async fn publish<T: SignedKind>(session: &mut Session, kind: ObjectKind, signed: &Signed<T>) {
    session.publish(kind, signed.to_bytes()).await.unwrap();
}
