//! SPEC 3.8: the one place that decides what to believe of an account: root -> administrator ->
//! device, no longer. Pure: it is told what arrived and what time it is.

use crate::gather::Gather;
use crate::table::Table;
use core::cmp::Ordering;

use super::rules::{self, valid_between};
use super::{
    AccountError, ArchiveKey, Credential, Level, Policy, Renewal, RootStatement, SealKey, TeamKey,
    account_id,
};
use crate::crypto::Hash;
use crate::crypto::sign::{Proven, PublicKey};
use crate::wire::frame::{Object, ObjectKind};
use crate::wire::{AccountId, Signed, Time, limits};

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
        let mut covered = valid_between(self.policy.issued, self.policy.expires, at);
        for (renewal, _) in &self.renewals {
            let renewed = valid_between(renewal.issued, renewal.expires, at);
            if renewed.is_ok() || covered == Err(AccountError::NotYetValid) {
                covered = renewed;
            }
        }
        covered
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
    policies: Table<Hash, KnownPolicy>,
    current: Option<Hash>,
    /// The highest version of a policy that was in force: it stands even if that policy became
    /// void, so that nobody can go back behind it.
    highest: u64,
    proven: Proven,
}

impl Account {
    /// Nothing but the pin is believed at first.
    pub const fn new(pin: Pin) -> Self {
        Self {
            pin,
            root: None,
            policies: Table::new(),
            current: None,
            highest: 0,
            proven: Proven::new(),
        }
    }

    /// Signatures of this account's objects and logs that were found valid.
    pub(crate) const fn proven(&self) -> &Proven {
        &self.proven
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
        rules::check_root(&statement)?;
        if let Some(known) = &self.root {
            // Once the next root has spoken, the first one is silent.
            let rank = |statement: &RootStatement| {
                let is_next = account_id(&statement.root) != self.pin.account;
                (is_next, statement.number)
            };
            match rank(&statement).cmp(&rank(&known.statement)) {
                Ordering::Less => return Err(AccountError::RolledBack),
                Ordering::Equal if known.signed.hash() == signed.hash() => {
                    return Ok(Learned::Nothing);
                }
                Ordering::Equal => return Err(AccountError::Conflict),
                Ordering::Greater => {}
            }
        }
        self.root = Some(KnownRoot {
            statement,
            signed: signed.clone(),
        });
        self.forget_void_policies();
        Ok(Learned::Current)
    }

    /// Learns a policy. One with a higher number comes into force; a lower one is kept for old
    /// transcripts only.
    ///
    /// # Errors
    /// [`AccountError`]; [`Conflict`](AccountError::Conflict) is an alarm that stops sending.
    pub fn learn_policy(&mut self, signed: &Signed<Policy>) -> Result<Learned, AccountError> {
        let policy = self.judge_policy(signed)?;
        let hash = signed.hash();
        if self.policies.contains_key(&hash) {
            return Ok(Learned::Nothing);
        }
        let number = policy.number;
        self.policies.insert(
            hash,
            KnownPolicy {
                policy,
                signed: signed.clone(),
                renewals: Vec::new(),
            },
        );
        if number >= self.highest && number >= self.pin.lowest_policy {
            self.current = Some(hash);
            self.highest = number;
            self.forget_void_policies();
            Ok(Learned::Current)
        } else {
            Ok(Learned::Historic)
        }
    }

    /// Whether a policy would be learnt, and come into force.
    ///
    /// # Errors
    /// [`AccountError`]: why not.
    pub fn would_learn_policy(&self, signed: &Signed<Policy>) -> Result<(), AccountError> {
        let policy = self.judge_policy(signed)?;
        if policy.number < self.highest || policy.number < self.pin.lowest_policy {
            return Err(AccountError::RolledBack);
        }
        Ok(())
    }

    fn judge_policy(&self, signed: &Signed<Policy>) -> Result<Policy, AccountError> {
        let policy = signed.parse()?;
        if policy.account != self.pin.account {
            return Err(AccountError::ForeignAccount);
        }
        let root = self.root()?;
        let in_force = self.current_policy().map(|known| &known.policy);
        verify_policy(signed, root, &[Some(&policy), in_force], &self.proven)?;
        rules::check_policy(&policy, root, &self.pin)?;
        let hash = signed.hash();
        let is_another = self
            .policies
            .values()
            .any(|known| known.policy.number == policy.number && known.signed.hash() != hash);
        if is_another {
            return Err(AccountError::Conflict);
        }
        Ok(policy)
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
        rules::check_suite(renewal.suite)?;
        rules::check_life(renewal.issued, renewal.expires, limits::POLICY_LIFE)?;
        let known = self
            .policies
            .get_mut(&renewal.policy)
            .ok_or(AccountError::UnknownPolicy)?;
        let by_renewer = known
            .policy
            .renewers
            .iter()
            .filter(|device| !known.policy.revokes_device(device))
            .any(|device| signed.verify_by(device).is_ok());
        if !by_renewer {
            return Err(AccountError::NotSigned);
        }
        // A renewer extends; it cannot put a policy in force before administrators did.
        if renewal.issued < known.policy.issued {
            return Err(AccountError::Contradiction("the policy's dates".into()));
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

    /// The hash of the newest policy.
    pub const fn newest_hash(&self) -> Option<Hash> {
        self.current
    }

    /// The newest policy, expired or not.
    pub fn newest_policy(&self) -> Option<&Policy> {
        self.current_policy().map(|known| &known.policy)
    }

    /// The version of the policy in force, expired or not.
    pub fn policy_number(&self) -> Option<u64> {
        self.current_policy().map(|known| known.policy.number)
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
        signed
            .verify_threshold(
                &administrators(root, &[Some(policy)]),
                root.credential_threshold,
                &self.proven,
            )
            .map_err(|_| AccountError::NotSigned)?;
        if policy.revokes_device(&credential.device) || policy.revokes_credential(&signed.hash()) {
            return Err(AccountError::Revoked);
        }
        rules::check_credential(&credential)?;
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
            .verify_once_by(&key.device, &self.proven)
            .map_err(|_| AccountError::NotSigned)?;
        rules::check_seal_key(key.suite, &key.public_key)?;
        rules::check_life(key.from, key.until, limits::KEY_CURRENT)?;
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
            .ok_or(AccountError::Contradiction("the policy's teams".into()))?;
        if key.generation < team.lowest_generation {
            return Err(AccountError::RolledBack);
        }
        match signer {
            None => {
                let root = self.root()?;
                signed
                    .verify_threshold(
                        &administrators(root, &[Some(policy)]),
                        root.credential_threshold,
                        &self.proven,
                    )
                    .map_err(|_| AccountError::NotSigned)?;
            }
            Some(credential) => {
                let member = self.credential(credential, policy, at)?;
                if !member.role.is_staff() || !member.teams.contains(&key.team) {
                    return Err(AccountError::NotMember);
                }
                signed
                    .verify_once_by(&member.device, &self.proven)
                    .map_err(|_| AccountError::NotSigned)?;
            }
        }
        rules::check_team_key(&key)?;
        valid_between(key.from, key.until, at)?;
        Ok(key)
    }

    /// Verifies a key of the account's key manager: signed by the identity that the root statement in
    /// force names, valid at a time.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn archive_key(
        &self,
        signed: &Signed<ArchiveKey>,
        at: Time,
    ) -> Result<ArchiveKey, AccountError> {
        let key = signed.parse()?;
        if key.account != self.pin.account {
            return Err(AccountError::ForeignAccount);
        }
        let manager = self.root()?.key_manager.as_ref();
        let identity = &manager.ok_or(AccountError::NotSigned)?.identity;
        signed
            .verify_once_by(identity, &self.proven)
            .map_err(|_| AccountError::NotSigned)?;
        rules::check_seal_key(key.suite, &key.public_key)?;
        valid_between(key.from, key.until, at)?;
        Ok(key)
    }

    /// Everything in force, as it travels and is stored: root statement, policy, its renewals.
    pub fn objects(&self) -> Vec<Object> {
        let mut objects = Vec::new();
        if let Some(root) = &self.root {
            objects.push(Object::new(ObjectKind::Root, root.signed.to_bytes()));
        }
        if let Some(current) = &self.current {
            objects.extend(self.policy_objects(current));
        }
        objects
    }

    /// When administrators or a renewer last dated the policy in force.
    pub fn policy_dated(&self) -> Option<Time> {
        let current = self.current_policy()?;
        let mut dated = current.policy.issued;
        for (renewal, _) in &current.renewals {
            dated = dated.max(renewal.issued);
        }
        Some(dated)
    }

    /// A known policy and its renewals, as they travel: what others need to judge what was done under
    /// it.
    pub fn policy_objects(&self, hash: &Hash) -> Vec<Object> {
        let mut objects = Vec::new();
        if let Some(policy) = self.policies.get(hash) {
            objects.push(Object::new(ObjectKind::Policy, policy.signed.to_bytes()));
            for (_, renewal) in &policy.renewals {
                objects.push(Object::new(ObjectKind::Renewal, renewal.to_bytes()));
            }
        }
        objects
    }

    fn current_policy(&self) -> Option<&KnownPolicy> {
        self.current.and_then(|hash| self.policies.get(&hash))
    }

    /// After another root statement or policy came into force: what administrators signed counts
    /// only if it would if it came now.
    fn forget_void_policies(&mut self) {
        let Some(KnownRoot { statement, .. }) = &self.root else {
            return;
        };
        let stands = |known: &KnownPolicy, in_force: Option<&Policy>| {
            let revoking = [Some(&known.policy), in_force];
            verify_policy(&known.signed, statement, &revoking, &self.proven).is_ok()
        };
        let current = self.current_policy().filter(|current| {
            stands(current, None)
                && rules::check_policy(&current.policy, statement, &self.pin).is_ok()
        });
        let in_force = current.map(|current| &current.policy);
        let mut void = Vec::new();
        for (hash, known) in self.policies.iter() {
            if !stands(known, in_force) {
                void.push(*hash);
            }
        }
        self.current = current.and(self.current);
        for hash in void {
            self.policies.remove(&hash);
        }
    }
}

fn verify_policy(
    signed: &Signed<Policy>,
    root: &RootStatement,
    revoking: &[Option<&Policy>],
    proven: &Proven,
) -> Result<(), AccountError> {
    let signers = administrators(root, revoking);
    signed
        .verify_threshold(&signers, root.policy_threshold, proven)
        .map_err(|_| AccountError::NotSigned)
}

/// The administrators whose signatures count. Those of one whom any of the `revoking` policies
/// revokes do not: what it signed is void unless others sign it again.
fn administrators(root: &RootStatement, revoking: &[Option<&Policy>]) -> Vec<PublicKey> {
    let is_revoked = |key: &PublicKey| {
        let mut policies = revoking.iter().flatten();
        policies.any(|policy| policy.revokes_device(key))
    };
    let administrators = root.administrators.iter();
    administrators
        .filter(|key| !is_revoked(key))
        .copied()
        .gather()
}
