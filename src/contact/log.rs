//! SPEC 4.6: the public side of a contact, built from its commits in order. Relays and clients
//! run the same code, so they agree on every commit.

use crate::gather::Keep;
use crate::table::Table;

use super::authority::{self, AuthorityError, Committer, Difference};
use super::commit::{Commit, CommitError, Core, Reason};
use super::evidence::{Evidence, Judge, public_key};
use super::roster::{Member, Roster, RosterTeam};
use crate::account::{Account, AccountError, Archive, Credential, KeyKind, Level, Role, Via};
use crate::crypto::Hash;
use crate::crypto::hash::hash;
use crate::crypto::seal::SealPublicKey;
use crate::wire::{AccountId, ContactId, DeviceId, Signed, Suite, Time};

/// A contact on its way from one participant to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Who stays responsible until it is claimed.
    pub from: DeviceId,
    /// Who may claim it.
    pub to: HandoverTarget,
}

/// To whom a contact is handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandoverTarget {
    /// One device.
    Device(DeviceId),
    /// A team.
    Team(String),
}

/// Where a contact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits for a first claim.
    Waiting,
    /// Somebody is responsible.
    Open,
    /// Somebody is responsible and has handed it on.
    Transferring,
    /// It was closed.
    Closed,
}

/// What a commit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Why.
    pub reason: Reason,
    /// Who committed.
    pub committer: DeviceId,
    /// Who joined the roster.
    pub added: Vec<Member>,
    /// Who left it.
    pub removed: Vec<Member>,
    /// Teams that joined it.
    pub teams_added: Vec<RosterTeam>,
    /// Teams that left it.
    pub teams_removed: Vec<RosterTeam>,
    /// Who was responsible before, where that changed.
    pub replaced: Option<DeviceId>,
}

/// The public state of a contact after some of its commits.
#[derive(Clone, Debug)]
pub struct Log {
    account: AccountId,
    contact: ContactId,
    suite: Suite,
    level: Level,
    entry_point: String,
    archive: Archive,
    /// What is archived to: the key's kind and id.
    archive_key: Option<(KeyKind, Hash)>,
    created: Time,
    epoch: u64,
    transcript: Hash,
    time: Time,
    policy: u64,
    roster: Roster,
    responsible: Option<DeviceId>,
    handover: Option<Handover>,
    closed: bool,
    committed: Vec<DeviceId>,
    credentials: Table<DeviceId, (Signed<Credential>, Credential)>,
    keys: Table<Hash, SealPublicKey>,
}

impl Log {
    /// `T_{-1} = H("contact", account, contact)`.
    pub fn origin(account: &AccountId, contact: &ContactId) -> Hash {
        hash("contact", &[account.into(), contact.into()])
    }

    /// Begins with a `create` commit.
    ///
    /// # Errors
    /// [`CommitError`]: it does not count.
    pub fn create(account: &Account, commit: &Commit) -> Result<(Self, Change), CommitError> {
        let core = commit.core();
        let setup = core.setup.as_ref().ok_or(CommitError::Contradiction(
            "a first commit without set-up".into(),
        ))?;
        if core.account != account.id() {
            return Err(CommitError::ForeignContact);
        }
        if core.epoch != 0 || core.reason != Reason::Create {
            return Err(CommitError::StaleEpoch);
        }
        let mut log = Self {
            account: core.account,
            contact: core.contact,
            suite: core.suite,
            level: core.level,
            entry_point: setup.entry_point.clone(),
            archive: setup.archive,
            archive_key: None,
            created: core.time,
            epoch: 0,
            transcript: Self::origin(&core.account, &core.contact),
            time: core.time,
            policy: 0,
            roster: Roster::default(),
            responsible: None,
            handover: None,
            closed: false,
            committed: Vec::new(),
            credentials: Table::default(),
            keys: Table::default(),
        };
        let change = log.take(account, commit)?;
        Ok((log, change))
    }

    /// Judges the next commit and, if it counts, takes it in. A commit that does not count
    /// changes nothing.
    ///
    /// # Errors
    /// [`CommitError`]: it does not count.
    pub fn apply(&mut self, account: &Account, commit: &Commit) -> Result<Change, CommitError> {
        let core = commit.core();
        if core.account != self.account || core.contact != self.contact {
            return Err(CommitError::ForeignContact);
        }
        if self.closed {
            return Err(CommitError::Closed);
        }
        if core.epoch != self.epoch + 1 || core.reason == Reason::Create {
            return Err(CommitError::StaleEpoch);
        }
        if core.suite != self.suite || core.level != self.level || core.setup.is_some() {
            return Err(CommitError::FixedFieldChanged);
        }
        // All or nothing: a commit that fails half-way must leave no trace.
        let mut next = self.clone();
        let change = next.take(account, commit)?;
        *self = next;
        Ok(change)
    }

    /// Steps 3 to 9 of SPEC 4.6; the caller discards `self` on failure.
    fn take(&mut self, account: &Account, commit: &Commit) -> Result<Change, CommitError> {
        let core = commit.core();
        if core.previous != self.transcript {
            return Err(CommitError::Fork);
        }
        if core.time < self.time {
            return Err(CommitError::TimeRunsBack);
        }
        if core.policy.number < self.policy {
            return Err(AccountError::RolledBack.into());
        }
        let policy = account.policy_at(&core.policy.hash, core.time)?;
        if policy.number != core.policy.number {
            return Err(CommitError::Contradiction("the policy's number".into()));
        }
        let judge = Judge {
            account,
            policy,
            commit,
        };
        let evidence = Evidence::read(commit)?;
        check_shape(core, commit, self.archive)?;
        let committer = self.committer(&judge, &evidence)?;
        // Only staff may know the staff secret, so only staff may make it.
        let staff_commit = committer.role.is_staff() && core.reason != Reason::Close;
        if core.staff.is_some() != staff_commit {
            return Err(CommitError::Contradiction("the staff secret".into()));
        }
        let difference = Difference::between(&self.roster, &core.roster);
        let outcome = if core.reason == Reason::Create {
            authority::judge_create(core, &committer, policy)?
        } else {
            authority::judge(self, core, &committer, policy, &difference)?
        };
        self.take_roster(&judge, &evidence, &difference)?;
        self.take_archive_key(&judge, &evidence)?;
        commit.verify_signature(account.proven())?;

        let replaced = self
            .responsible
            .filter(|before| outcome.responsible != Some(*before));
        self.epoch = core.epoch;
        self.transcript = commit.transcript();
        self.time = core.time;
        self.policy = core.policy.number;
        self.roster = core.roster.clone();
        self.responsible = outcome.responsible;
        self.handover = outcome.handover;
        self.closed = core.reason == Reason::Close;
        // Whoever comes back makes another own key, as does a team's member that joins later.
        self.committed.push(core.committer);
        self.committed
            .keep(|device| core.roster.member(device).is_some());
        Ok(Change {
            reason: core.reason,
            committer: core.committer,
            added: difference.added,
            removed: difference.removed,
            teams_added: difference.teams_added,
            teams_removed: difference.teams_removed,
            replaced,
        })
    }

    /// Who commits: from the roster before, or by a credential that makes it a team member.
    fn committer(&self, judge: &Judge<'_>, evidence: &Evidence) -> Result<Committer, CommitError> {
        let core = judge.commit.core();
        let device = core.committer;
        let before = self.roster.member(&device);
        let own = before.or_else(|| core.roster.member(&device));
        if own.is_some_and(|member| member.role == Role::Visitor) {
            // Only `create` brings a visitor in; afterwards it must be on the roster before.
            if before.is_none() && core.reason != Reason::Create {
                return Err(AuthorityError::Stranger.into());
            }
            return Ok(Committer {
                device,
                role: Role::Visitor,
                teams: Vec::new(),
                on_roster: true,
            });
        }
        let credential = match self.credentials.get(&device) {
            // What was believed when it joined may be void by now.
            Some((signed, _)) if before.is_some() => {
                judge.account.credential(signed, judge.policy, judge.at())?
            }
            _ => evidence
                .credential_of(&device, judge)
                .map_err(|error| match error {
                    CommitError::MissingEvidence => AuthorityError::Stranger.into(),
                    other => other,
                })?,
        };
        Ok(Committer {
            device,
            role: credential.role,
            teams: credential.teams,
            on_roster: before.is_some(),
        })
    }

    /// Believes and keeps the credentials and keys of whoever is new or has a new key.
    fn take_roster(
        &mut self,
        judge: &Judge<'_>,
        evidence: &Evidence,
        difference: &Difference,
    ) -> Result<(), CommitError> {
        let core = judge.commit.core();
        let new_key = core
            .new_key
            .as_ref()
            .map(|bytes| public_key(judge, bytes))
            .transpose()?;
        let own = core.roster.member(&core.committer);
        // The first own commit puts a key made for this contact on the roster.
        let first = !self.committed.contains(&core.committer);
        if own.is_some() && first && new_key.is_none() && core.reason != Reason::Close {
            return Err(CommitError::Contradiction(
                "a first commit without own key".into(),
            ));
        }
        if let Some(key) = new_key {
            if own.is_none_or(|member| member.key != key.id()) {
                return Err(CommitError::Contradiction(
                    "an own key that is not on the roster".into(),
                ));
            }
            self.keys.insert(key.id(), key);
        }
        for member in &difference.added {
            match (member.role, member.credential) {
                (Role::Visitor, None) if core.reason == Reason::Create => {
                    if member.via != Via::Device || !member.device.is_valid() {
                        return Err(CommitError::Contradiction("the visitor's entry".into()));
                    }
                }
                (Role::Visitor, _) | (_, None) => return Err(AuthorityError::Visitor.into()),
                (role, Some(hash)) => {
                    let (signed, credential) = evidence.credential(&hash, judge)?;
                    if credential.device != member.device
                        || credential.role != role
                        || credential.via != member.via
                    {
                        return Err(CommitError::Contradiction("a member's credential".into()));
                    }
                    let known = (signed.clone(), credential);
                    self.credentials.insert(member.device, known);
                }
            }
            if member.device != core.committer {
                let key = evidence.seal_key(member, judge)?;
                self.keys.insert(key.id(), key);
            }
        }
        for team in difference
            .teams_added
            .iter()
            .chain(&difference.teams_changed)
        {
            let (_, key) = evidence.team_key(team, judge)?;
            self.keys.insert(key.id(), key);
        }
        Ok(())
    }

    /// Believes and keeps the key that the first commit archives to. A later one may go over to the
    /// contact's own key, and to no other.
    fn take_archive_key(
        &mut self,
        judge: &Judge<'_>,
        evidence: &Evidence,
    ) -> Result<(), CommitError> {
        let Some(id) = &judge.commit.core().archive else {
            return Ok(());
        };
        if self.archive_key.is_some_and(|(_, known)| known == *id) {
            return Ok(());
        }
        let (kind, key) = evidence.archive_key(id, judge)?;
        if self.archive_key.is_some() && kind != KeyKind::Contact {
            return Err(CommitError::FixedFieldChanged);
        }
        self.archive_key = Some((kind, *id));
        self.keys.insert(*id, key);
        Ok(())
    }

    /// The account.
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// The contact.
    pub const fn contact(&self) -> &ContactId {
        &self.contact
    }

    /// Its suite, fixed for its life.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Its level, fixed for its life.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Its entry point, fixed for its life.
    pub fn entry_point(&self) -> &str {
        &self.entry_point
    }

    /// Its archive rule, fixed for its life.
    pub const fn archive(&self) -> Archive {
        self.archive
    }

    /// What its secrets are archived to: the key's kind and id.
    pub const fn archive_key(&self) -> Option<&(KeyKind, Hash)> {
        self.archive_key.as_ref()
    }

    /// The time in its `create` commit.
    pub const fn created(&self) -> Time {
        self.created
    }

    /// The epoch in force.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// `T_n` of the epoch in force.
    pub const fn transcript(&self) -> &Hash {
        &self.transcript
    }

    /// The time of the last commit.
    pub const fn time(&self) -> Time {
        self.time
    }

    /// The policy version of the last commit.
    pub const fn policy(&self) -> u64 {
        self.policy
    }

    /// Who holds keys.
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Who answers for the contact.
    pub const fn responsible(&self) -> Option<&DeviceId> {
        self.responsible.as_ref()
    }

    /// The transfer under way.
    pub const fn handover(&self) -> Option<&Handover> {
        self.handover.as_ref()
    }

    /// Whether it ended.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a device was handed the contact and has not claimed it.
    pub fn is_pending(&self, device: &DeviceId) -> bool {
        matches!(&self.handover, Some(Handover { to: HandoverTarget::Device(to), .. }) if to == device)
    }

    /// Whether the device has committed in this contact.
    pub fn has_committed(&self, device: &DeviceId) -> bool {
        self.committed.contains(device)
    }

    /// Where it stands.
    pub const fn standing(&self) -> Standing {
        if self.closed {
            Standing::Closed
        } else if self.handover.is_some() {
            Standing::Transferring
        } else if self.responsible.is_none() {
            Standing::Waiting
        } else {
            Standing::Open
        }
    }

    /// The credential under which a device joined, as it was believed then.
    pub fn credential(&self, device: &DeviceId) -> Option<&Credential> {
        self.credentials
            .get(device)
            .map(|(_, credential)| credential)
    }

    /// A public key that the log has shown, by its id.
    pub fn key(&self, id: &Hash) -> Option<&SealPublicKey> {
        self.keys.get(id)
    }

    /// Whether everyone on the roster may be there under the policy in force: what a client asks
    /// before it sends.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn roster_allowed(&self, account: &Account, now: Time) -> Result<(), AccountError> {
        let (policy, _) = account.policy(now)?;
        for member in &self.roster.members {
            if !policy.allows(member.role) && member.role != Role::Vault {
                return Err(AccountError::Contradiction("the policy's roles".into()));
            }
            if policy.revokes_device(&member.device) {
                return Err(AccountError::Revoked);
            }
            if let Some((signed, _)) = self.credentials.get(&member.device) {
                account.credential(signed, policy, now)?;
            }
        }
        Ok(())
    }
}

/// What must be there, and what must not, by reason alone.
fn check_shape(core: &Core, commit: &Commit, archive: Archive) -> Result<(), CommitError> {
    let fail = |what: &'static str| Err(CommitError::Contradiction(what.into()));
    if !core.roster.is_well_formed() {
        return fail("a roster out of order");
    }
    let seals = commit.seals();
    if (core.reason == Reason::Create) != commit.tag().is_none() {
        return fail("a membership tag too many or too few");
    }
    if core.history.is_some() != core.back_link.is_some() {
        return fail("history without back-link");
    }
    let notes_linked = core.staff.as_ref().is_some_and(|it| it.back_link.is_some());
    if notes_linked && core.history.is_none() {
        return fail("notes without history");
    }
    if core.history.is_some_and(|since| since >= core.epoch) {
        return fail("history that has not been");
    }
    if core.reason == Reason::Close {
        let nothing = core.commitment.is_none()
            && core.history.is_none()
            && core.staff.is_none()
            && core.new_key.is_none()
            && core.archive.is_none()
            && seals.all.is_empty()
            && seals.staff.is_empty()
            && seals.archive.is_none();
        return if nothing {
            Ok(())
        } else {
            fail("a close that seals")
        };
    }
    let archived = archive == Archive::KeyManager;
    if core.archive.is_some() != archived || seals.archive.is_some() != archived {
        return fail("the archive rule");
    }
    let staff = core.roster.recipients(true).len();
    if core.commitment.is_none()
        || seals.all.len() != core.roster.recipients(false).len()
        || seals.staff.len() != if core.staff.is_some() { staff } else { 0 }
    {
        return fail("seals too many or too few");
    }
    Ok(())
}
