//! SPEC 4.4: what a commit brings along so that a log proves itself: credentials and keys of
//! those who are new on the roster.

use crate::table::Table;

use super::commit::{Commit, CommitError};
use super::roster::{Member, RosterTeam};
use crate::account::{Account, ArchiveKey, Credential, KeyKind, Policy, SealKey, TeamKey};
use crate::crypto::Hash;
use crate::crypto::seal::SealPublicKey;
use crate::wire::frame::ObjectKind;
use crate::wire::{DecodeError, DeviceId, Signed, limits};

/// The account objects of one commit, readable but not yet believed.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    credentials: Table<Hash, Signed<Credential>>,
    seal_keys: Vec<Signed<SealKey>>,
    team_keys: Table<Hash, Signed<TeamKey>>,
    archive_key: Option<Signed<ArchiveKey>>,
}

impl Evidence {
    pub(super) fn read(commit: &Commit) -> Result<Self, CommitError> {
        if commit.evidence().len() > 3 * limits::ROSTER {
            return Err(CommitError::Contradiction("too much evidence".into()));
        }
        let mut evidence = Self::default();
        for object in commit.evidence() {
            match object.kind {
                ObjectKind::Credential => {
                    let credential = Signed::from_bytes(&object.bytes)?;
                    evidence.credentials.insert(credential.hash(), credential);
                }
                ObjectKind::SealKey => evidence.seal_keys.push(Signed::from_bytes(&object.bytes)?),
                ObjectKind::TeamKey => {
                    let key = Signed::from_bytes(&object.bytes)?;
                    evidence.team_keys.insert(key.hash(), key);
                }
                ObjectKind::ArchiveKey => {
                    evidence.archive_key = Some(Signed::from_bytes(&object.bytes)?);
                }
                _ => return Err(DecodeError::Malformed.into()),
            }
        }
        Ok(evidence)
    }

    /// The believed credential with this hash.
    pub(super) fn credential(
        &self,
        hash: &Hash,
        judge: &Judge<'_>,
    ) -> Result<(&Signed<Credential>, Credential), CommitError> {
        let signed = self
            .credentials
            .get(hash)
            .ok_or(CommitError::MissingEvidence)?;
        let credential = judge.account.credential(signed, judge.policy, judge.at())?;
        Ok((signed, credential))
    }

    /// The believed credential of a device.
    pub(super) fn credential_of(
        &self,
        device: &DeviceId,
        judge: &Judge<'_>,
    ) -> Result<Credential, CommitError> {
        let mut found = Err(CommitError::MissingEvidence);
        for hash in self.credentials.keys() {
            match self.credential(hash, judge) {
                Ok((_, credential)) if credential.device == *device => return Ok(credential),
                Ok(_) => {}
                Err(error) => found = Err(error),
            }
        }
        found
    }

    /// The published seal key that a member who has not committed is sealed to.
    pub(super) fn seal_key(
        &self,
        member: &Member,
        judge: &Judge<'_>,
    ) -> Result<SealPublicKey, CommitError> {
        for signed in &self.seal_keys {
            let record = judge.account.seal_key(signed, judge.at())?;
            let suite = judge.commit.core().suite;
            if record.device != member.device || record.suite != suite {
                continue;
            }
            let key = public_key(judge, &record.public_key)?;
            if key.id() == member.key {
                return Ok(key);
            }
        }
        Err(CommitError::MissingEvidence)
    }

    /// The team key that a rostered team is sealed to, and its record.
    pub(super) fn team_key(
        &self,
        team: &RosterTeam,
        judge: &Judge<'_>,
    ) -> Result<(TeamKey, SealPublicKey), CommitError> {
        let signed = self
            .team_keys
            .get(&team.record)
            .ok_or(CommitError::MissingEvidence)?;
        let signer = self.credentials.values().find(|credential| {
            credential
                .parse()
                .is_ok_and(|credential| signed.signers().any(|key| *key == credential.device))
        });
        let record = judge
            .account
            .team_key(signed, signer, judge.policy, judge.at())?;
        let key = public_key(judge, &record.public_key)?;
        if record.team != team.team
            || record.suite != judge.commit.core().suite
            || key.id() != team.key
        {
            return Err(CommitError::Contradiction("the team key record".into()));
        }
        Ok((record, key))
    }

    /// The key manager's key that a commit begins to archive to.
    pub(super) fn archive_key(
        &self,
        id: &Hash,
        judge: &Judge<'_>,
    ) -> Result<(KeyKind, SealPublicKey), CommitError> {
        let signed = self.archive_key.as_ref();
        let signed = signed.ok_or(CommitError::MissingEvidence)?;
        let record = judge.account.archive_key(signed, judge.at())?;
        let core = judge.commit.core();
        let serves = match record.kind {
            KeyKind::Contact => record.contact == Some(core.contact),
            KeyKind::OneTime => true,
            KeyKind::LastResort => judge.policy.last_resort,
            KeyKind::Request => false,
        };
        let key = public_key(judge, &record.public_key)?;
        if !serves || record.suite != core.suite || key.id() != *id {
            return Err(CommitError::Contradiction("the archive's key".into()));
        }
        Ok((record.kind, key))
    }
}

/// What a commit is judged by: the account as it was at the commit's own time.
pub(super) struct Judge<'a> {
    pub(super) account: &'a Account,
    pub(super) policy: &'a Policy,
    pub(super) commit: &'a Commit,
}

impl Judge<'_> {
    pub(super) const fn at(&self) -> crate::wire::Time {
        self.commit.core().time
    }
}

/// Parses a public key of the commit's suite.
pub(super) fn public_key(judge: &Judge<'_>, bytes: &[u8]) -> Result<SealPublicKey, CommitError> {
    SealPublicKey::parse(judge.commit.core().suite, bytes)
        .map_err(|_| CommitError::Contradiction("a public key that is none".into()))
}
