//! What a wish comes to: the roster and the evidence of a commit, or why there is none.

use super::Target;
use super::context::{Context, STAFF};
use super::conversation::Conversation;
use super::directory::{FoundArchiveKey, Member as KnownMember};
use super::proposals::Wish;
use crate::account::{Archive, KeyKind, Level, Role, Via};
use crate::contact::{Log, Member, Reason, Roster, RosterTeam, Setup, Standing};
use crate::crypto::Hash;
use crate::crypto::seal::SealPublicKey;
use crate::gather::{Gather, Keep};
use crate::wire::frame::{Object, ObjectKind, Query};
use crate::wire::{DeviceId, Suite, Time};

/// Why there is no proposal.
pub(super) enum Obstacle {
    /// It can never be done now; the code says why.
    Never(&'static str),
    /// Answers of the relay are missing.
    Ask(Vec<Query>),
    /// It is done already.
    Done,
}

/// A commit in the making.
pub(super) struct Plan {
    pub(super) reason: Reason,
    pub(super) roster: Roster,
    pub(super) evidence: Vec<Object>,
    /// Public keys that the log has not shown yet.
    pub(super) keys: Vec<SealPublicKey>,
    /// Whether joiners may read back.
    pub(super) history: bool,
    pub(super) setup: Option<Setup>,
    pub(super) suite: Suite,
    pub(super) level: Level,
    /// Id of the key that is archived to.
    pub(super) archive: Option<Hash>,
}

impl Plan {
    pub(super) fn key(&self, id: &Hash) -> Option<&SealPublicKey> {
        self.keys.iter().find(|key| key.id() == *id)
    }

    fn put_member(&mut self, cx: &Context, known: &KnownMember, now: Time) -> Option<()> {
        let (signed, key) = known.seal_key(self.suite, now)?;
        self.roster.put_member(Member {
            device: known.credential.device,
            role: known.credential.role,
            via: known.credential.via,
            credential: Some(known.signed.hash()),
            key: key.id(),
        });
        debug_assert_ne!(known.credential.device, cx.device());
        self.keys.push(key.clone());
        self.evidence
            .push(Object::new(ObjectKind::Credential, known.signed.to_bytes()));
        self.evidence
            .push(Object::new(ObjectKind::SealKey, signed.to_bytes()));
        Some(())
    }

    fn put_archive_key(&mut self, found: &FoundArchiveKey) {
        self.archive = Some(found.public.id());
        self.keys.push(found.public.clone());
        let object = Object::new(ObjectKind::ArchiveKey, found.signed.to_bytes());
        self.evidence.push(object);
    }

    fn put_team(&mut self, cx: &Context, team: &str, now: Time) -> Option<()> {
        let found = cx.directory.team_key(team, self.suite, now)?;
        self.roster.put_team(RosterTeam {
            team: team.to_owned(),
            record: found.signed.hash(),
            key: found.public.id(),
        });
        self.keys.push(found.public.clone());
        if let Some(signer) = &found.signer {
            let credential = Object::new(ObjectKind::Credential, signer.to_bytes());
            if !self.evidence.contains(&credential) {
                self.evidence.push(credential);
            }
        }
        self.evidence
            .push(Object::new(ObjectKind::TeamKey, found.signed.to_bytes()));
        Some(())
    }
}

impl Conversation {
    /// The commit that would carry a wish out.
    pub(super) fn plan(&self, cx: &Context, now: Time, wish: &Wish) -> Result<Plan, Obstacle> {
        use Obstacle::Never;
        if let Wish::Start { entry_point, level } = wish {
            return self.plan_start(cx, now, entry_point, *level);
        }
        let log = self.log.as_ref().ok_or(Never("not-started"))?;
        if log.is_closed() {
            return Err(Never("closed"));
        }
        let mut plan = Plan {
            reason: Reason::Rekey,
            roster: log.roster().clone(),
            evidence: Vec::new(),
            keys: Vec::new(),
            history: true,
            setup: None,
            suite: log.suite(),
            level: log.level(),
            archive: log.archive_key().map(|(_, id)| *id),
        };
        if !STAFF && !matches!(wish, Wish::Rekey | Wish::Close) {
            return Err(Never("role-not-allowed"));
        }
        if STAFF
            && log
                .archive_key()
                .is_some_and(|(kind, _)| *kind == KeyKind::LastResort)
            && let Some(own) =
                cx.directory
                    .key_of(KeyKind::Contact, Some(self.id), log.suite(), now)
            && !matches!(wish, Wish::Close)
        {
            plan.put_archive_key(own);
        }
        let own = cx.device();
        if log.roster().member(&own).is_none() {
            // Not on the roster: a team's member, who proves it.
            let credential = cx.credential().ok_or(Never("stranger"))?;
            plan.evidence.push(Object::new(
                ObjectKind::Credential,
                credential.signed.to_bytes(),
            ));
        }
        match wish {
            Wish::Start { .. } => {}
            Wish::Claim => {
                plan.reason = Reason::Claim;
                if !self.can_claim(cx) {
                    return Err(Never("nothing-to-claim"));
                }
                plan.roster.teams.clear();
                if let Some(handover) = log.handover()
                    && handover.from != own
                {
                    plan.roster.remove_member(&handover.from);
                }
                self.put_self(cx, &mut plan)?;
            }
            Wish::Transfer { to, history, .. } => {
                plan.reason = Reason::Transfer;
                plan.history = *history;
                match to {
                    Target::Device(device) => plan_device(cx, now, &mut plan, log, device)?,
                    Target::Team(team) => plan_team(cx, now, &mut plan, team)?,
                }
            }
            Wish::Invite { device, history } => {
                plan.reason = Reason::Invite;
                plan.history = *history;
                plan_device(cx, now, &mut plan, log, device)?;
            }
            Wish::Remove { target } => {
                plan.reason = Reason::Remove;
                match target {
                    Target::Device(device) => plan.roster.remove_member(device),
                    Target::Team(team) => plan.roster.teams.keep(|entry| entry.team != *team),
                }
            }
            Wish::Reseal if !self.is_outdated(cx, now) => return Err(Obstacle::Done),
            Wish::Rekey | Wish::Reseal => {
                if log.standing() == Standing::Waiting && cx.is_staff() {
                    let teams: Vec<_> = log.roster().teams.iter().map(|t| t.team.clone()).gather();
                    for team in teams {
                        plan_team(cx, now, &mut plan, &team)?;
                    }
                }
            }
            Wish::Close => plan.reason = Reason::Close,
        }
        Ok(plan)
    }

    /// The first commit: oneself and the entry point's teams, in the best suite that all have.
    fn plan_start(
        &self,
        cx: &Context,
        now: Time,
        entry_point: &str,
        shown: Option<Level>,
    ) -> Result<Plan, Obstacle> {
        use Obstacle::{Ask, Never};
        if self.log.is_some() {
            return Err(Never("already-started"));
        }
        let (policy, _) = cx
            .account
            .policy(now)
            .map_err(|error| Never(error.code()))?;
        let entry = policy
            .entry_point(entry_point)
            .ok_or(Never("unknown-entry-point"))?;
        // A policy that came since then may not take away what the person was shown.
        let lowest = cx.account.pin().lowest_level.max(shown);
        if lowest.is_some_and(|lowest| entry.level < lowest) {
            return Err(Never("level-not-allowed"));
        }
        let mut plan = Plan {
            reason: Reason::Create,
            roster: Roster::default(),
            evidence: Vec::new(),
            keys: Vec::new(),
            history: false,
            setup: Some(Setup {
                entry_point: entry_point.to_owned(),
                archive: policy.archive,
            }),
            suite: Suite::default(),
            level: entry.level,
            archive: None,
        };
        let with_vault = entry.level != Level::E2ee;
        let has_all = |suite: &Suite| {
            let has = |team: &String| cx.directory.team_key(team, *suite, now).is_some();
            entry.teams.iter().all(has)
                && (!with_vault || cx.directory.vault(*suite, now).is_some())
        };
        let suites = cx.suites(now).iter().copied();
        plan.suite = suites.rev().find(has_all).ok_or_else(|| {
            let mut queries = entry.teams.iter().cloned().map(Query::TeamKey).gather();
            if with_vault {
                queries.push(Query::Vaults);
            }
            Ask(queries)
        })?;
        if policy.archive == Archive::KeyManager {
            let (suite, last_resort) = (plan.suite, policy.last_resort);
            let found = cx.directory.archive_key(suite, now, last_resort);
            plan.put_archive_key(found.ok_or_else(|| Ask(vec![Query::ArchiveKeys(suite)]))?);
        }
        if with_vault && let Some(vault) = cx.directory.vault(plan.suite, now) {
            plan.put_member(cx, vault, now)
                .ok_or(Never("no-seal-key"))?;
        }
        for team in &entry.teams {
            plan.put_team(cx, team, now).ok_or(Never("no-team-key"))?;
        }
        self.put_self(cx, &mut plan)?;
        Ok(plan)
    }

    /// The own entry, still under the key that the log knows; a new key comes with `build`.
    fn put_self(&self, cx: &Context, plan: &mut Plan) -> Result<(), Obstacle> {
        let device = cx.device();
        if plan.roster.member(&device).is_some() {
            return Ok(());
        }
        let own = cx.credential();
        plan.roster.put_member(Member {
            device,
            role: own.map_or(Role::Visitor, |own| own.credential.role),
            via: own.map_or(Via::Device, |own| own.credential.via),
            credential: own.map(|own| own.signed.hash()),
            key: Hash::new([0; 32]),
        });
        if let Some(own) = own {
            let object = Object::new(ObjectKind::Credential, own.signed.to_bytes());
            if !plan.evidence.contains(&object) {
                plan.evidence.push(object);
            }
        }
        Ok(())
    }
}

fn plan_device(
    cx: &Context,
    now: Time,
    plan: &mut Plan,
    log: &Log,
    device: &DeviceId,
) -> Result<(), Obstacle> {
    if log.roster().member(device).is_some() {
        return Err(Obstacle::Never("already-on-roster"));
    }
    let known = cx
        .directory
        .member(device)
        .ok_or(Obstacle::Never("unknown-device"))?;
    plan.put_member(cx, known, now)
        .ok_or(Obstacle::Never("no-seal-key"))
}

fn plan_team(cx: &Context, now: Time, plan: &mut Plan, team: &str) -> Result<(), Obstacle> {
    let ask = || Obstacle::Ask(vec![Query::TeamKey(team.to_owned())]);
    plan.put_team(cx, team, now).ok_or_else(ask)
}
