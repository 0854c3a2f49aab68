//! What is archived of a contact: its commits are verified from the first one on, keys that were issued
//! ahead become its own, and its epoch secrets are released to whom the rules allow.

use sottovoce::account::{Archive, KeyKind, Role};
use sottovoce::archive::{ArchiveSecret, ContactState, Operation, Outcome, ReleasedSecret};
use sottovoce::contact::{Commit, EpochSecret, Log, Strand};
use sottovoce::crypto::Hash;
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::wire::{AccountId, ContactId, DeviceId, Suite, Time, limits};
use sqlx::AnyConnection;

use super::judge::Judged;
use super::{KeyManager, No, ServiceError};
use crate::master::{MasterError, unwrap_under, wrap_under};
use crate::store::{self, Prekey, StoreError};

/// Most bytes of a purpose and of a reason.
const PURPOSE: usize = 128;
const REASON: usize = 1_024;

/// A contact as its commits show it.
pub(super) struct Shown {
    commits: Vec<Commit>,
    /// Every device that was ever on the roster.
    devices: Vec<DeviceId>,
    /// Every team that was, and the teams of everyone who was.
    teams: Vec<String>,
}

/// Private keys that a contact's seals may be for.
struct Keys(Vec<(Hash, SealPrivateKey)>);

impl Keys {
    fn add(&mut self, account: &AccountId, secret: &ArchiveSecret) {
        for suite in Suite::ALL {
            let private = secret.private_key(account, suite);
            self.0.push((private.public().id(), private));
        }
    }

    fn get(&self, id: &Hash) -> Option<&SealPrivateKey> {
        self.0
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, key)| key)
    }
}

impl Shown {
    /// Verifies the commits that came along, if any did, from `create` on.
    pub(super) fn read(judged: &Judged) -> Result<Option<Self>, No> {
        let (Some(contact), false) = (
            judged.request.operation.contact(),
            judged.attached.is_empty(),
        ) else {
            return Ok(None);
        };
        let mut shown = Self {
            commits: Vec::new(),
            devices: Vec::new(),
            teams: Vec::new(),
        };
        let mut log: Option<Log> = None;
        for bytes in &judged.attached {
            let malformed = |code| No(Outcome::Malformed, code);
            let commit = Commit::parse(bytes).map_err(|error| malformed(error.code()))?;
            let applied = match &mut log {
                Some(log) => log.apply(&judged.account, &commit).map(drop),
                None => Log::create(&judged.account, &commit).map(|(first, _)| log = Some(first)),
            };
            applied.map_err(|error| malformed(error.code()))?;
            if let Some(log) = &log {
                shown.note(log);
            }
            shown.commits.push(commit);
        }
        let log = log.ok_or(No(Outcome::Malformed, "missing-evidence"))?;
        if log.contact() != contact {
            return Err(No(Outcome::Malformed, "foreign-contact"));
        }
        if log.archive() != Archive::KeyManager {
            return Err(No(Outcome::Malformed, "archive-missing"));
        }
        Ok(Some(shown))
    }

    fn note(&mut self, log: &Log) {
        let roster = log.roster();
        let teams = roster.teams.iter().map(|team| &team.team);
        let credentials = roster
            .members
            .iter()
            .filter_map(|it| log.credential(&it.device));
        let teams = teams.chain(credentials.flat_map(|credential| &credential.teams));
        for team in teams {
            if !self.teams.contains(team) {
                self.teams.push(team.clone());
            }
        }
        for member in &roster.members {
            if !self.devices.contains(&member.device) {
                self.devices.push(member.device);
            }
        }
    }

    /// The commits that archive something, and the key that each archives to.
    fn archived(&self) -> impl Iterator<Item = (&Commit, &Hash)> {
        let commits = self.commits.iter();
        commits.filter_map(|commit| commit.core().archive.as_ref().map(|id| (commit, id)))
    }
}

impl KeyManager {
    /// Takes a contact into its own keeping. A one-time key is the first contact's that shows itself;
    /// what was sealed to a shared key, or to one besides the contact's own, is kept under the
    /// contact's secret from then on.
    pub(super) async fn take_in(
        &self,
        connection: &mut AnyConnection,
        judged: &Judged,
        shown: &Shown,
        now: Time,
    ) -> Result<Result<(), No>, ServiceError> {
        let account = &judged.request.account;
        let Some(contact) = judged.request.operation.contact() else {
            return Ok(Ok(()));
        };
        let mut ids: Vec<&Hash> = Vec::new();
        for (_, id) in shown.archived() {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        for id in ids {
            let Some(prekey) = store::prekey(connection, account, id).await? else {
                // The contact's own key, or one that is none of this key manager's: opening tells.
                continue;
            };
            match (prekey.kind, &prekey.contact) {
                (KeyKind::OneTime, Some(owner)) if owner == contact => continue,
                (KeyKind::OneTime, Some(_)) => {
                    tracing::warn!(%contact, "a one-time key was used by a second contact");
                    return Ok(Err(No(Outcome::Denied, "key-taken")));
                }
                _ => {}
            }
            let secret = self.prekey_secret(account, id, &prekey)?;
            let known = store::contact(connection, account, contact).await?;
            if known
                .as_ref()
                .is_some_and(|it| matches!(it.state, ContactState::Pending | ContactState::Erased))
            {
                return Ok(Err(No(Outcome::Erased, "erased")));
            }
            if prekey.kind == KeyKind::OneTime && known.is_none() {
                let place = [account.as_array().as_slice(), contact.as_array()];
                let wrapped = self.master.wrap(&place, secret.secret())?;
                store::add_contact(connection, account, contact, &wrapped, now).await?;
            } else {
                let own = match known {
                    Some(known) => self.contact_secret(account, contact, &known)?,
                    None => self.add_contact(connection, account, contact, now).await?,
                };
                let mut keys = Keys(Vec::new());
                keys.add(account, &secret);
                let kept = self
                    .keep(connection, judged, shown, contact, &own, &keys)
                    .await?;
                if let Err(no) = kept {
                    return Ok(Err(no));
                }
            }
            match prekey.kind {
                KeyKind::OneTime => store::use_up(connection, account, id, contact).await?,
                _ => store::share(connection, account, contact, prekey.until).await?,
            }
        }
        Ok(Ok(()))
    }

    /// Keeps the epoch secrets that these keys open under the contact's own secret.
    async fn keep(
        &self,
        connection: &mut AnyConnection,
        judged: &Judged,
        shown: &Shown,
        contact: &ContactId,
        own: &ArchiveSecret,
        keys: &Keys,
    ) -> Result<Result<(), No>, ServiceError> {
        let account = &judged.request.account;
        let keeping = own.keeping_key(account, contact);
        for (commit, id) in shown.archived() {
            let Some(key) = keys.get(id) else { continue };
            let secret = match EpochSecret::open_archived(commit, key) {
                Some(Ok(secret)) => secret,
                Some(Err(error)) => return Ok(Err(No(Outcome::Malformed, error.code()))),
                None => continue,
            };
            let epoch = commit.core().epoch;
            let place = place(account, contact, &epoch.to_be_bytes());
            let wrapped = wrap_under(&keeping, &[&place], secret.secret())?;
            store::put_archived(connection, account, contact, epoch, &wrapped).await?;
        }
        Ok(Ok(()))
    }

    /// The secrets of every epoch, for somebody to whom the rules allow that.
    pub(super) async fn release(
        &self,
        connection: &mut AnyConnection,
        judged: &Judged,
        shown: &Shown,
        own: &ArchiveSecret,
    ) -> Result<Result<Vec<ReleasedSecret>, No>, ServiceError> {
        if let Err(no) = self.may_release(judged, shown) {
            return Ok(Err(no));
        }
        let account = &judged.request.account;
        let Some(contact) = judged.request.operation.contact() else {
            return Ok(Err(No(Outcome::Malformed, "malformed")));
        };
        let mut keys = Keys(Vec::new());
        keys.add(account, own);
        let keeping = own.keeping_key(account, contact);
        let kept = store::archived(connection, account, contact).await?;
        let mut secrets = Vec::new();
        for (commit, id) in shown.archived() {
            let epoch = commit.core().epoch;
            let secret = match (keys.get(id), kept.iter().find(|(of, _)| *of == epoch)) {
                (Some(key), _) => match EpochSecret::open_archived(commit, key) {
                    Some(Ok(secret)) => secret,
                    Some(Err(error)) => return Ok(Err(No(Outcome::Malformed, error.code()))),
                    None => continue,
                },
                (None, Some((_, wrapped))) => {
                    let place = place(account, contact, &epoch.to_be_bytes());
                    let secret = EpochSecret::new(unwrap_under(&keeping, &[&place], wrapped)?);
                    if let Err(error) = secret.matches(Strand::All, commit.core()) {
                        return Ok(Err(No(Outcome::Malformed, error.code())));
                    }
                    secret
                }
                (None, None) => return Ok(Err(No(Outcome::Unknown, "unknown-key"))),
            };
            secrets.push(ReleasedSecret { epoch, secret });
        }
        store::count_release(connection, account, contact).await?;
        Ok(Ok(secrets))
    }

    /// Agents open contacts that they were on, supervisors those of their teams, whoever the rules
    /// name all; for a purpose, with a reason, under a policy that was dated lately.
    fn may_release(&self, judged: &Judged, shown: &Shown) -> Result<(), No> {
        let Operation::Release {
            purpose, reason, ..
        } = &judged.request.operation
        else {
            return Err(No(Outcome::Malformed, "malformed"));
        };
        let denied = |code| Err(No(Outcome::Denied, code));
        if purpose.trim().is_empty() || reason.trim().is_empty() {
            return denied("reason-missing");
        }
        if purpose.len() > PURPOSE || reason.len() > REASON {
            return Err(No(Outcome::Malformed, "too-large"));
        }
        let rule = &self.rules.release;
        let age = rule.policy_age_hours.saturating_mul(limits::DAY / 24);
        let dated = judged.account.policy_dated();
        if dated.is_none_or(|dated| judged.request.time > dated.plus_seconds(age)) {
            return denied("policy-stale");
        }
        let any = rule.any_contact.iter().any(|name| name.is(judged.role));
        let own = shown.devices.contains(&judged.request.device);
        let of_team = judged.role == Role::Supervisor
            && judged.teams.iter().any(|team| shown.teams.contains(team));
        if any || own || of_team {
            Ok(())
        } else {
            denied("not-on-roster")
        }
    }

    fn prekey_secret(
        &self,
        account: &AccountId,
        id: &Hash,
        prekey: &Prekey,
    ) -> Result<ArchiveSecret, MasterError> {
        let place = [account.as_array().as_slice(), id.as_array()];
        self.master
            .unwrap(&place, &prekey.secret)
            .map(ArchiveSecret::new)
    }

    fn contact_secret(
        &self,
        account: &AccountId,
        contact: &ContactId,
        known: &store::StoredContact,
    ) -> Result<ArchiveSecret, ServiceError> {
        let wrapped = known.secret.as_ref().ok_or(StoreError::Unreadable)?;
        let place = [account.as_array().as_slice(), contact.as_array()];
        Ok(ArchiveSecret::new(self.master.unwrap(&place, wrapped)?))
    }
}

/// Where an epoch's secret is kept, so that it is good nowhere else.
fn place(account: &AccountId, contact: &ContactId, epoch: &[u8]) -> Vec<u8> {
    [account.as_array().as_slice(), contact.as_array(), epoch].concat()
}
