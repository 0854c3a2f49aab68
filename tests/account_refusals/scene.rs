//! An account with three administrators, and good objects that tests then spoil.

use sottovoce::account::{
    Account, AccountError, Archive, Credential, EntryPoint, KeyManager, Learned, Level, Limits,
    Operator, Pin, Plan, Policy, Renewal, Retention, Revocation, Role, RootStatement, SealKey,
    Team, TeamKey, Via, account_id,
};
use sottovoce::crypto::Secret;
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::crypto::sign::{PublicKey, SigningKey};
use sottovoce::wire::limits::DAY;
use sottovoce::wire::{AccountId, Bytes, Signed, SignedKind, Suite, Time, Version};

pub const NOW: Time = Time::from_millis(1_700_000_000_000);

/// A small-order point: it verifies a forged signature under a verifier that is not strict.
pub const WEAK: PublicKey = PublicKey::new([0; 32]);

/// The key of a person or machine of this test.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([number; 32]))
}

pub fn root() -> SigningKey {
    key(100)
}

pub fn next_root() -> SigningKey {
    key(101)
}

/// Administrators 1, 2 and 3 are in the root statement.
pub fn administrator(number: u8) -> SigningKey {
    key(number)
}

pub fn agent() -> SigningKey {
    key(11)
}

pub fn renewer() -> SigningKey {
    key(12)
}

pub fn id() -> AccountId {
    account_id(&root().public())
}

pub fn foreign() -> AccountId {
    account_id(&key(99).public())
}

pub fn pin() -> Pin {
    Pin::account(id())
}

pub fn days(number: u64) -> Time {
    NOW.plus_seconds(number * DAY)
}

pub fn root_statement() -> RootStatement {
    let mut administrators: Vec<_> = (1..=3).map(|number| key(number).public()).collect();
    administrators.sort_unstable();
    RootStatement {
        version: Version,
        suite: Suite::X25519,
        account: id(),
        number: 1,
        root: root().public(),
        issued: NOW,
        administrators,
        policy_threshold: 1,
        credential_threshold: 1,
        key_manager: None,
        lowest_level: Level::Storage,
    }
}

pub fn key_manager(operator: Operator) -> KeyManager {
    KeyManager {
        identity: key(50).public(),
        operator,
    }
}

pub fn entry_point(level: Level) -> EntryPoint {
    EntryPoint {
        id: "shop".into(),
        name: "ACME".into(),
        level,
        teams: vec!["support".into()],
        bot_claims: false,
        bot_transfers: false,
    }
}

pub fn team(id: &str) -> Team {
    Team {
        id: id.into(),
        name: id.to_uppercase(),
        lowest_generation: 2,
    }
}

pub fn policy() -> Policy {
    Policy {
        version: Version,
        suite: Suite::X25519,
        account: id(),
        number: 5,
        previous: None,
        issued: NOW,
        expires: days(7),
        plan: Plan::Enterprise,
        entry_points: vec![entry_point(Level::E2ee)],
        teams: vec![team("sales"), team("support")],
        archive: Archive::None,
        key_manager_url: None,
        lowest_suite: Suite::XWing,
        roles: vec![Role::Supervisor, Role::Bot],
        revocations: Vec::new(),
        issuers: Vec::new(),
        renewers: vec![renewer().public()],
        retention: Retention::default(),
        last_resort: false,
        fallback_link: None,
        limits: Limits::default(),
    }
}

/// The same policy with another version.
pub fn numbered(number: u64) -> Policy {
    Policy { number, ..policy() }
}

/// A policy of a version that revokes a key.
pub fn revoking(number: u64, key: PublicKey) -> Policy {
    Policy {
        revocations: vec![Revocation::Device(key)],
        ..numbered(number)
    }
}

pub fn renewal(of: &Policy) -> Renewal {
    Renewal {
        version: Version,
        suite: Suite::X25519,
        account: id(),
        policy: by(of, &[&administrator(1)]).hash(),
        issued: days(6),
        expires: days(13),
    }
}

pub fn credential() -> Credential {
    Credential {
        version: Version,
        suite: Suite::X25519,
        account: id(),
        device: agent().public(),
        subject: "ada".into(),
        name: "Ada".into(),
        role: Role::Agent,
        via: Via::Device,
        teams: vec!["support".into()],
        issued: NOW,
        expires: days(90),
    }
}

pub fn public_seal_key(suite: Suite) -> Bytes {
    let key = SealPrivateKey::from_seed(suite, Secret::new([7; 32]));
    key.public().as_bytes().to_vec().into()
}

pub fn seal_key(suite: Suite) -> SealKey {
    SealKey {
        version: Version,
        suite,
        account: id(),
        device: agent().public(),
        generation: 0,
        public_key: public_seal_key(suite),
        from: NOW,
        until: days(1),
    }
}

pub fn team_key(suite: Suite) -> TeamKey {
    TeamKey {
        version: Version,
        suite,
        account: id(),
        team: "support".into(),
        generation: 2,
        public_key: public_seal_key(suite),
        previous: None,
        from: NOW,
        until: days(1),
        holders: vec![agent().public()],
    }
}

pub fn by<T: SignedKind>(value: &T, keys: &[&SigningKey]) -> Signed<T> {
    Signed::sign(value, keys)
}

/// An account that believes [`root_statement`] and nothing else.
pub fn account() -> Account {
    account_with(pin(), &root_statement())
}

pub fn account_with(pin: Pin, statement: &RootStatement) -> Account {
    let mut account = Account::new(pin);
    let learned = account.learn_root(&by(statement, &[&root()]));
    assert_eq!(learned, Ok(Learned::Current));
    account
}

/// What an account says to a policy that administrator 1 signed.
pub fn learn(account: &mut Account, policy: &Policy) -> Result<Learned, AccountError> {
    account.learn_policy(&by(policy, &[&administrator(1)]))
}

/// The version of the policy in force.
pub fn version(account: &Account) -> Result<u64, AccountError> {
    account.policy(NOW).map(|(policy, _)| policy.number)
}
