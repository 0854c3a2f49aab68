//! SPEC 3.8: the one place that decides what to believe of an account: root -> administrator ->
//! device, no longer. Pure: it is told what arrived and what time it is.

use std::collections::BTreeMap;

use super::{
    Credential, Level, Operator, Policy, Renewal, RootStatement, SealKey, TeamKey, account_id,
};
use crate::account::Archive;
use crate::crypto::Hash;
use crate::wire::frame::{Object, ObjectKind};
use crate::wire::{AccountId, DecodeError, Signed, Time, limits};

/// What the embed snippet or a device's own configuration pins: nothing that a server says can
/// go below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The account.
    pub account: AccountId,
    /// The id that another root key would give: accepted as the account's next root.
    pub next_root: Option<AccountId>,
    /// The entry point that the page uses.
    pub entry_point: Option<String>,
    /// The lowest level that the page accepts there.
    pub lowest_level: Option<Level>,
    /// The lowest policy version that is accepted.
    pub lowest_policy: u64,
}

impl Pin {
    /// Pins the account alone.
    pub const fn account(account: AccountId) -> Self {
        Self {
            account,
            next_root: None,
            entry_point: None,
            lowest_level: None,
            lowest_policy: 0,
        }
    }
}

/// Why an account object is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// It cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It belongs to another account.
    #[error("the object belongs to another account")]
    ForeignAccount,
    /// No valid signature by somebody who may sign it.
    #[error("nobody who may sign it did")]
    NotSigned,
    /// Its version is lower than one already known.
    #[error("the version is lower than one already known")]
    RolledBack,
    /// Another object of the same version is known: somebody shows people different things.
    #[error("two different objects of one version")]
    Conflict,
    /// It is not valid yet.
    #[error("not valid yet")]
    NotYetValid,
    /// It is no longer valid.
    #[error("expired")]
    Expired,
    /// It would live longer than allowed.
    #[error("lives longer than allowed")]
    LivesTooLong,
    /// The device or credential is revoked.
    #[error("revoked")]
    Revoked,
    /// It contradicts itself, the plan, the root statement or the pin.
    #[error("contradicts {0}")]
    Contradiction(&'static str),
    /// A policy that is named by hash is not known.
    #[error("the policy is not known")]
    UnknownPolicy,
    /// No root statement or policy has arrived yet.
    #[error("the account is not known yet")]
    UnknownAccount,
}

impl AccountError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Decode(error) => error.code(),
            Self::ForeignAccount => "foreign-account",
            Self::NotSigned => "not-signed",
            Self::RolledBack => "rolled-back",
            Self::Conflict => "conflict",
            Self::NotYetValid => "not-yet-valid",
            Self::Expired => "expired",
            Self::LivesTooLong => "lives-too-long",
            Self::Revoked => "revoked",
            Self::Contradiction(_) => "contradiction",
            Self::UnknownPolicy => "unknown-policy",
            Self::UnknownAccount => "unknown-account",
        }
    }
}

/// What learning an object changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// Nothing: it was known.
    Nothing,
    /// It is now in force.
    Current,
    /// It is kept so that old transcripts verify.
    Historic,
}

/// How much later than its own issue another clock may think it is, in milliseconds.
const CLOCK_TOLERANCE: u64 = limits::LIVE_TOLERANCE;

#[derive(Debug)]
struct KnownRoot {
    statement: RootStatement,
    signed: Signed<RootStatement>,
}

#[derive(Debug)]
struct KnownPolicy {
    policy: Policy,
    signed: Signed<Policy>,
    renewals: Vec<(Renewal, Signed<Renewal>)>,
}

impl KnownPolicy {
    /// Whether its own dates or a renewal's cover a time.
    fn covers(&self, at: Time) -> Result<(), AccountError> {
        let spans = core::iter::once((self.policy.issued, self.policy.expires)).chain(
            self.renewals
                .iter()
                .map(|(renewal, _)| (renewal.issued, renewal.expires)),
        );
        let mut before_all = true;
        for (issued, expires) in spans {
            if valid_between(issued, expires, at).is_ok() {
                return Ok(());
            }
            before_all &= at.plus_millis(CLOCK_TOLERANCE) < issued;
        }
        Err(if before_all {
            AccountError::NotYetValid
        } else {
            AccountError::Expired
        })
    }

    fn expires(&self) -> Time {
        self.renewals
            .iter()
            .map(|(renewal, _)| renewal.expires)
            .fold(self.policy.expires, Time::max)
    }
}

/// Everything believed of one account.
#[derive(Debug)]
pub struct Account {
    pin: Pin,
    root: Option<KnownRoot>,
    policies: BTreeMap<Hash, KnownPolicy>,
    current: Option<Hash>,
}

impl Account {
    /// Nothing but the pin is believed at first.
    pub const fn new(pin: Pin) -> Self {
        Self {
            pin,
            root: None,
            policies: BTreeMap::new(),
            current: None,
        }
    }

    /// The account's id.
    pub const fn id(&self) -> AccountId {
        self.pin.account
    }

    /// What was pinned.
    pub const fn pin(&self) -> &Pin {
        &self.pin
    }

    /// Learns a root statement. One with a higher number replaces the one before.
    ///
    /// # Errors
    /// [`AccountError`]; [`Conflict`](AccountError::Conflict) is an alarm.
    pub fn learn_root(&mut self, signed: &Signed<RootStatement>) -> Result<Learned, AccountError> {
        let statement = signed.parse()?;
        if statement.account != self.pin.account {
            return Err(AccountError::ForeignAccount);
        }
        let root_id = account_id(&statement.root);
        if root_id != self.pin.account && Some(root_id) != self.pin.next_root {
            return Err(AccountError::NotSigned);
        }
        signed
            .verify_by(&statement.root)
            .map_err(|_| AccountError::NotSigned)?;
        let administrators = statement.administrators.len() as u64;
        if statement.policy_threshold == 0
            || statement.credential_threshold == 0
            || statement.policy_threshold > administrators
            || statement.credential_threshold > administrators
        {
            return Err(AccountError::Contradiction("the number of administrators"));
        }
        if !strictly_ascending(&statement.administrators) {
            return Err(AccountError::Contradiction("the order of administrators"));
        }
        if let Some(known) = &self.root {
            if statement.number < known.statement.number {
                return Err(AccountError::RolledBack);
            }
            if statement.number == known.statement.number {
                return if known.signed.hash() == signed.hash() {
                    Ok(Learned::Nothing)
                } else {
                    Err(AccountError::Conflict)
                };
            }
        }
        self.root = Some(KnownRoot {
            statement,
            signed: signed.clone(),
        });
        // Administrators may have changed: what they signed counts only if it still would.
        self.forget_unsigned_policies();
        Ok(Learned::Current)
    }

    /// Learns a policy. One with a higher number comes into force; a lower one is kept for old
    /// transcripts only.
    ///
    /// # Errors
    /// [`AccountError`]; [`Conflict`](AccountError::Conflict) is an alarm that stops sending.
    pub fn learn_policy(&mut self, signed: &Signed<Policy>) -> Result<Learned, AccountError> {
        let policy = signed.parse()?;
        if policy.account != self.pin.account {
            return Err(AccountError::ForeignAccount);
        }
        let root = self.root()?;
        signed
            .verify_threshold(&root.administrators, threshold(root.policy_threshold))
            .map_err(|_| AccountError::NotSigned)?;
        self.check_policy(&policy)?;
        let hash = signed.hash();
        if self.policies.contains_key(&hash) {
            return Ok(Learned::Nothing);
        }
        let number = policy.number;
        if self
            .policies
            .values()
            .any(|known| known.policy.number == number)
        {
            return Err(AccountError::Conflict);
        }
        self.policies.insert(
            hash,
            KnownPolicy {
                policy,
                signed: signed.clone(),
                renewals: Vec::new(),
            },
        );
        let newest = self.current_policy().map_or(0, |known| known.policy.number);
        if number > newest && number >= self.pin.lowest_policy {
            self.current = Some(hash);
            Ok(Learned::Current)
        } else {
            Ok(Learned::Historic)
        }
    }

    /// Learns a renewal of a known policy.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn learn_renewal(&mut self, signed: &Signed<Renewal>) -> Result<Learned, AccountError> {
        let renewal = signed.parse()?;
        if renewal.account != self.pin.account {
            return Err(AccountError::ForeignAccount);
        }
        if renewal.expires > renewal.issued.plus_seconds(limits::POLICY_LIFE) {
            return Err(AccountError::LivesTooLong);
        }
        let known = self
            .policies
            .get_mut(&renewal.policy)
            .ok_or(AccountError::UnknownPolicy)?;
        let by_renewer = known
            .policy
            .renewers
            .iter()
            .any(|device| signed.verify_by(device).is_ok());
        if !by_renewer {
            return Err(AccountError::NotSigned);
        }
        if known.renewals.iter().any(|(known, _)| *known == renewal) {
            return Ok(Learned::Nothing);
        }
        known.renewals.push((renewal, signed.clone()));
        Ok(Learned::Current)
    }

    /// The root statement in force.
    ///
    /// # Errors
    /// [`AccountError::UnknownAccount`] before one was learnt.
    pub fn root(&self) -> Result<&RootStatement, AccountError> {
        self.root
            .as_ref()
            .map(|known| &known.statement)
            .ok_or(AccountError::UnknownAccount)
    }

    /// The policy in force and its hash.
    ///
    /// # Errors
    /// [`AccountError`] when there is none, or it is expired.
    pub fn policy(&self, now: Time) -> Result<(&Policy, Hash), AccountError> {
        let known = self.current_policy().ok_or(AccountError::UnknownAccount)?;
        known.covers(now)?;
        Ok((&known.policy, known.signed.hash()))
    }

    /// When the policy in force ends, renewals included.
    pub fn policy_expires(&self) -> Option<Time> {
        self.current_policy().map(KnownPolicy::expires)
    }

    /// A policy by its hash, as it was in force at a time: how commits are judged.
    ///
    /// # Errors
    /// [`AccountError`] when it is not known or did not cover that time.
    pub fn policy_at(&self, hash: &Hash, at: Time) -> Result<&Policy, AccountError> {
        let known = self.policies.get(hash).ok_or(AccountError::UnknownPolicy)?;
        known.covers(at)?;
        Ok(&known.policy)
    }

    /// Whether a policy is known.
    pub fn knows_policy(&self, hash: &Hash) -> bool {
        self.policies.contains_key(hash)
    }

    /// Verifies a credential as of a time under a policy.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn credential(
        &self,
        signed: &Signed<Credential>,
        policy: &Policy,
        at: Time,
    ) -> Result<Credential, AccountError> {
        let credential = signed.parse()?;
        if credential.account != self.pin.account {
            return Err(AccountError::ForeignAccount);
        }
        let root = self.root()?;
        // A revoked administrator's signature is void.
        let administrators: Vec<_> = root
            .administrators
            .iter()
            .filter(|key| !policy.revokes_device(key))
            .copied()
            .collect();
        signed
            .verify_threshold(&administrators, threshold(root.credential_threshold))
            .map_err(|_| AccountError::NotSigned)?;
        if policy.revokes_device(&credential.device) || policy.revokes_credential(&signed.hash()) {
            return Err(AccountError::Revoked);
        }
        if credential.role == super::Role::Visitor || !credential.device.is_valid() {
            return Err(AccountError::Contradiction("the rules for credentials"));
        }
        if credential.expires > credential.issued.plus_seconds(limits::CREDENTIAL_LIFE) {
            return Err(AccountError::LivesTooLong);
        }
        valid_between(credential.issued, credential.expires, at)?;
        Ok(credential)
    }

    /// Verifies a device's seal key: signed by the device, valid at a time.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn seal_key(&self, signed: &Signed<SealKey>, at: Time) -> Result<SealKey, AccountError> {
        let key = signed.parse()?;
        if key.account != self.pin.account {
            return Err(AccountError::ForeignAccount);
        }
        signed
            .verify_by(&key.device)
            .map_err(|_| AccountError::NotSigned)?;
        if key.until > key.from.plus_seconds(limits::KEY_CURRENT) {
            return Err(AccountError::LivesTooLong);
        }
        valid_between(key.from, key.until, at)?;
        Ok(key)
    }

    /// Verifies a team key as of a time: signed by administrators, or by `signer`, whose
    /// credential makes it a member of the team.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn team_key(
        &self,
        signed: &Signed<TeamKey>,
        signer: Option<&Signed<Credential>>,
        policy: &Policy,
        at: Time,
    ) -> Result<TeamKey, AccountError> {
        let key = signed.parse()?;
        if key.account != self.pin.account {
            return Err(AccountError::ForeignAccount);
        }
        let team = policy
            .team(&key.team)
            .ok_or(AccountError::Contradiction("the policy's teams"))?;
        if key.generation < team.lowest_generation {
            return Err(AccountError::RolledBack);
        }
        match signer {
            None => {
                let root = self.root()?;
                signed
                    .verify_threshold(&root.administrators, threshold(root.credential_threshold))
                    .map_err(|_| AccountError::NotSigned)?;
            }
            Some(credential) => {
                let member = self.credential(credential, policy, at)?;
                if !member.role.is_staff() || !member.teams.contains(&key.team) {
                    return Err(AccountError::NotSigned);
                }
                signed
                    .verify_by(&member.device)
                    .map_err(|_| AccountError::NotSigned)?;
            }
        }
        if key.until > key.from.plus_seconds(limits::KEY_CURRENT) {
            return Err(AccountError::LivesTooLong);
        }
        valid_between(key.from, key.until, at)?;
        Ok(key)
    }

    /// Everything in force, as it travels and is stored: root statement, policy, its renewals.
    pub fn objects(&self) -> Vec<Object> {
        let mut objects = Vec::new();
        if let Some(root) = &self.root {
            objects.push(Object::new(ObjectKind::Root, root.signed.to_bytes()));
        }
        if let Some(policy) = self.current_policy() {
            objects.push(Object::new(ObjectKind::Policy, policy.signed.to_bytes()));
            objects.extend(
                policy
                    .renewals
                    .iter()
                    .map(|(_, renewal)| Object::new(ObjectKind::Renewal, renewal.to_bytes())),
            );
        }
        objects
    }

    fn current_policy(&self) -> Option<&KnownPolicy> {
        self.current.and_then(|hash| self.policies.get(&hash))
    }

    /// What a policy must agree with: itself, its plan, the root statement, the pin.
    fn check_policy(&self, policy: &Policy) -> Result<(), AccountError> {
        let root = self.root()?;
        if policy.expires > policy.issued.plus_seconds(limits::POLICY_LIFE) {
            return Err(AccountError::LivesTooLong);
        }
        let ids = |texts: Vec<&String>| {
            texts
                .iter()
                .all(|id| !id.is_empty() && id.len() <= limits::NAME)
                && strictly_ascending(&texts)
        };
        if !ids(policy.teams.iter().map(|team| &team.id).collect())
            || !ids(policy.entry_points.iter().map(|entry| &entry.id).collect())
            || policy
                .entry_points
                .iter()
                .any(|entry| !ids(entry.teams.iter().collect()) || entry.teams.is_empty())
        {
            return Err(AccountError::Contradiction("the order of names"));
        }
        for entry in &policy.entry_points {
            if entry.level < root.lowest_level {
                return Err(AccountError::Contradiction("the root's lowest level"));
            }
            if !policy.plan.allows(entry.level) {
                return Err(AccountError::Contradiction("the plan"));
            }
            if entry.teams.iter().any(|team| policy.team(team).is_none()) {
                return Err(AccountError::Contradiction("its own teams"));
            }
            if self.pin.entry_point.as_deref() == Some(entry.id.as_str())
                && self
                    .pin
                    .lowest_level
                    .is_some_and(|lowest| entry.level < lowest)
            {
                return Err(AccountError::Contradiction("the pinned level"));
            }
        }
        if policy.archive == Archive::KeyManager {
            let manager = root
                .key_manager
                .as_ref()
                .ok_or(AccountError::Contradiction("the root's key manager"))?;
            let e2ee = policy
                .entry_points
                .iter()
                .any(|entry| entry.level == Level::E2ee);
            if e2ee && manager.operator == Operator::Platform {
                return Err(AccountError::Contradiction("end-to-end encryption"));
            }
        }
        Ok(())
    }

    fn forget_unsigned_policies(&mut self) {
        let Some(root) = &self.root else { return };
        let administrators = root.statement.administrators.clone();
        let needed = threshold(root.statement.policy_threshold);
        self.policies.retain(|_, known| {
            known
                .signed
                .verify_threshold(&administrators, needed)
                .is_ok()
        });
        if self.current_policy().is_none() {
            self.current = None;
        }
    }
}

/// Whether `at` lies in `[issued, expires)`, with the clock tolerance at the beginning.
fn valid_between(issued: Time, expires: Time, at: Time) -> Result<(), AccountError> {
    if at.plus_millis(CLOCK_TOLERANCE) < issued {
        Err(AccountError::NotYetValid)
    } else if at >= expires {
        Err(AccountError::Expired)
    } else {
        Ok(())
    }
}

fn threshold(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn strictly_ascending<T: Ord>(items: &[T]) -> bool {
    items.is_sorted_by(|a, b| a < b)
}
