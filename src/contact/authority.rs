//! SPEC 4.5: who may commit what. A table, judged by the log and the policy alone.

use super::commit::{Core, Reason};
use super::log::{Handover, HandoverTarget, Log};
use super::roster::{Member, Roster, RosterTeam};
use crate::account::{Level, Policy, Role, Via};
use crate::gather::Gather;
use crate::wire::DeviceId;

/// The committer may not do that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// It is not a participant, nor a member of a team that the contact waits for.
    #[error("the committer is no participant")]
    Stranger,
    /// Its role may not commit for this reason.
    #[error("the committer's role may not do that")]
    Role,
    /// It was handed the contact and has to claim it first.
    #[error("the committer has to claim the contact first")]
    Pending,
    /// The roster changes in a way that this reason does not allow.
    #[error("this reason does not allow such a change of the roster")]
    Roster,
    /// The visitor's entry was changed or removed by someone else.
    #[error("the visitor's entry cannot be changed by others")]
    Visitor,
    /// The level forbids a participant, or demands one that is missing.
    #[error("the level does not allow this roster")]
    Level,
    /// The policy forbids it.
    #[error("the policy does not allow it")]
    Policy,
    /// There is nothing to claim: nobody handed the contact to the committer or its team.
    #[error("there is nothing to claim")]
    NothingToClaim,
    /// A transfer is under way already.
    #[error("a transfer is under way already")]
    TransferUnderWay,
    /// The responsible participant cannot leave without handing the contact on.
    #[error("the responsible participant has to hand the contact on")]
    Responsible,
}

impl AuthorityError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Role => "role-not-allowed",
            Self::Pending => "claim-first",
            Self::Roster => "roster-change-not-allowed",
            Self::Visitor => "visitor-immutable",
            Self::Level => "level-not-allowed",
            Self::Policy => "policy-not-allowed",
            Self::NothingToClaim => "nothing-to-claim",
            Self::TransferUnderWay => "transfer-under-way",
            Self::Responsible => "responsible-stays",
        }
    }
}

/// How two rosters differ. A member that only took a new key of its own is in neither list.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) added: Vec<Member>,
    pub(super) removed: Vec<Member>,
    pub(super) teams_added: Vec<RosterTeam>,
    pub(super) teams_removed: Vec<RosterTeam>,
    /// Teams of the same id under another key.
    pub(super) teams_changed: Vec<RosterTeam>,
    /// Members of the same device that differ in anything.
    pub(super) changed: Vec<(Member, Member)>,
}

impl Difference {
    pub(super) fn between(before: &Roster, after: &Roster) -> Self {
        let mut difference = Self::default();
        for member in &after.members {
            match before.member(&member.device) {
                None => difference.added.push(member.clone()),
                Some(known) if known != member => {
                    difference.changed.push((known.clone(), member.clone()));
                }
                Some(_) => {}
            }
        }
        let gone = |member: &&Member| after.member(&member.device).is_none();
        difference.removed = before.members.iter().filter(gone).cloned().gather();
        for team in &after.teams {
            match before.teams.iter().find(|known| known.team == team.team) {
                None => difference.teams_added.push(team.clone()),
                Some(known) if known != team => difference.teams_changed.push(team.clone()),
                Some(_) => {}
            }
        }
        let gone = |team: &&RosterTeam| !after.has_team(&team.team);
        difference.teams_removed = before.teams.iter().filter(gone).cloned().gather();
        difference
    }

    const fn only_adds(&self, members: usize, teams: usize) -> bool {
        self.added.len() == members
            && self.teams_added.len() == teams
            && self.removed.is_empty()
            && self.teams_removed.is_empty()
            && self.teams_changed.is_empty()
    }
}

/// Who commits, as the log and a credential prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Committer {
    pub(super) device: DeviceId,
    pub(super) role: Role,
    /// Teams of its credential.
    pub(super) teams: Vec<String>,
    pub(super) on_roster: bool,
}

impl Committer {
    fn in_rostered_team(&self, roster: &Roster) -> bool {
        self.teams.iter().any(|team| roster.has_team(team))
    }

    /// Staff who stand in the contact now, not just invited to take it.
    fn is_standing_staff(&self, log: &Log) -> Result<(), AuthorityError> {
        self.is_standing(log)?;
        if self.role.is_staff() {
            Ok(())
        } else {
            Err(AuthorityError::Role)
        }
    }

    fn is_standing(&self, log: &Log) -> Result<(), AuthorityError> {
        if !self.on_roster {
            Err(AuthorityError::Stranger)
        } else if log.is_pending(&self.device) {
            Err(AuthorityError::Pending)
        } else {
            Ok(())
        }
    }
}

/// What a commit does to responsibility.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) responsible: Option<DeviceId>,
    pub(super) handover: Option<Handover>,
}

/// `create`: oneself, the entry point's teams, and what the level demands.
pub(super) fn judge_create(
    core: &Core,
    committer: &Committer,
    policy: &Policy,
) -> Result<Outcome, AuthorityError> {
    let setup = core.setup.as_ref().ok_or(AuthorityError::Roster)?;
    let entry = policy
        .entry_point(&setup.entry_point)
        .ok_or(AuthorityError::Policy)?;
    if committer.role != Role::Visitor && !committer.role.is_staff() {
        return Err(AuthorityError::Role);
    }
    if core.level != entry.level
        || core.suite < policy.lowest_suite
        || setup.archive != policy.archive
    {
        return Err(AuthorityError::Policy);
    }
    let teams = core.roster.teams.iter().map(|team| &team.team);
    let mut others = core
        .roster
        .members
        .iter()
        .filter(|member| member.device != committer.device);
    let vaults = usize::from(core.level != Level::E2ee);
    if !teams.eq(&entry.teams)
        || core.roster.member(&committer.device).is_none()
        || core.roster.members.len() != 1 + vaults
        || others.any(|member| member.role != Role::Vault)
    {
        return Err(AuthorityError::Roster);
    }
    check_level(core)?;
    check_roles(policy, &core.roster.members)?;
    Ok(Outcome {
        responsible: committer.role.is_staff().then_some(committer.device),
        handover: None,
    })
}

/// Every reason after `create`.
pub(super) fn judge(
    log: &Log,
    core: &Core,
    committer: &Committer,
    policy: &Policy,
    difference: &Difference,
) -> Result<Outcome, AuthorityError> {
    if !committer.on_roster && !committer.in_rostered_team(log.roster()) {
        return Err(AuthorityError::Stranger);
    }
    check_changed(core, committer, difference)?;
    check_level(core)?;
    check_roles(policy, &difference.added)?;
    let unchanged = Outcome {
        responsible: log.responsible().copied(),
        handover: log.handover().cloned(),
    };
    match core.reason {
        Reason::Create => Err(AuthorityError::Roster),
        Reason::Claim => claim(log, core, committer, policy, difference),
        Reason::Transfer => transfer(log, committer, policy, difference, unchanged),
        Reason::Invite => {
            committer.is_standing_staff(log)?;
            let [joiner] = difference.added.as_slice() else {
                return Err(AuthorityError::Roster);
            };
            if !difference.only_adds(1, 0) {
                return Err(AuthorityError::Roster);
            }
            let may_join = matches!(
                joiner.role,
                Role::Agent | Role::Supervisor | Role::Bot | Role::Auditor
            );
            if may_join {
                Ok(unchanged)
            } else {
                Err(AuthorityError::Policy)
            }
        }
        Reason::Remove => remove(log, committer, difference, unchanged),
        Reason::Rekey => {
            let same_people = difference.added.is_empty()
                && difference.removed.is_empty()
                && difference.teams_added.is_empty()
                && difference.teams_removed.is_empty();
            if !same_people {
                return Err(AuthorityError::Roster);
            }
            speaks(log, committer)?;
            Ok(unchanged)
        }
        Reason::Close => {
            if core.roster != *log.roster() {
                return Err(AuthorityError::Roster);
            }
            if !committer.on_roster {
                return Err(AuthorityError::Stranger);
            }
            if log.responsible() != Some(&committer.device) {
                speaks(log, committer)?;
            }
            Ok(unchanged)
        }
    }
}

/// Visitors and standing staff; before anybody has claimed, members of the teams as well.
fn speaks(log: &Log, committer: &Committer) -> Result<(), AuthorityError> {
    match committer.role {
        Role::Visitor => Ok(()),
        role if role.is_staff() && !committer.on_roster => {
            if log.responsible().is_none() {
                Ok(())
            } else {
                Err(AuthorityError::Pending)
            }
        }
        _ => committer.is_standing_staff(log),
    }
}

fn claim(
    log: &Log,
    core: &Core,
    committer: &Committer,
    policy: &Policy,
    difference: &Difference,
) -> Result<Outcome, AuthorityError> {
    let bot_may = committer.role == Role::Bot
        && policy
            .entry_point(log.entry_point())
            .is_some_and(|entry| entry.bot_claims);
    if !committer.role.is_staff() && !bot_may {
        return Err(AuthorityError::Role);
    }
    let handed_to_self = log.is_pending(&committer.device);
    if !handed_to_self && !committer.in_rostered_team(log.roster()) {
        return Err(AuthorityError::NothingToClaim);
    }
    // + self, - all teams, - whoever handed it over.
    let mut expected = log.roster().clone();
    expected.teams.clear();
    if let Some(handover) = log.handover()
        && handover.from != committer.device
    {
        expected.remove_member(&handover.from);
    }
    let own = core
        .roster
        .member(&committer.device)
        .ok_or(AuthorityError::Roster)?;
    expected.put_member(own.clone());
    if core.roster != expected || difference.added.len() > 1 {
        return Err(AuthorityError::Roster);
    }
    Ok(Outcome {
        responsible: Some(committer.device),
        handover: None,
    })
}

fn transfer(
    log: &Log,
    committer: &Committer,
    policy: &Policy,
    difference: &Difference,
    unchanged: Outcome,
) -> Result<Outcome, AuthorityError> {
    let bot_may = committer.role == Role::Bot
        && policy
            .entry_point(log.entry_point())
            .is_some_and(|entry| entry.bot_transfers);
    if bot_may {
        committer.is_standing(log)?;
    } else {
        committer.is_standing_staff(log)?;
    }
    if log.handover().is_some() {
        return Err(AuthorityError::TransferUnderWay);
    }
    let from = log.responsible().copied().ok_or(AuthorityError::Roster)?;
    let to = match (
        difference.added.as_slice(),
        difference.teams_added.as_slice(),
    ) {
        ([member], []) if difference.only_adds(1, 0) => {
            if !member.role.is_staff() && member.role != Role::Bot {
                return Err(AuthorityError::Policy);
            }
            HandoverTarget::Device(member.device)
        }
        ([], [team]) if difference.only_adds(0, 1) => HandoverTarget::Team(team.team.clone()),
        _ => return Err(AuthorityError::Roster),
    };
    Ok(Outcome {
        handover: Some(Handover { from, to }),
        ..unchanged
    })
}

fn remove(
    log: &Log,
    committer: &Committer,
    difference: &Difference,
    mut outcome: Outcome,
) -> Result<Outcome, AuthorityError> {
    let nothing_else = difference.added.is_empty()
        && difference.teams_added.is_empty()
        && difference.teams_changed.is_empty();
    let something = !difference.removed.is_empty() || !difference.teams_removed.is_empty();
    if !nothing_else || !something {
        return Err(AuthorityError::Roster);
    }
    let only_self = difference.teams_removed.is_empty()
        && matches!(difference.removed.as_slice(), [member] if member.device == committer.device);
    if !only_self {
        committer.is_standing_staff(log)?;
    } else if !committer.on_roster || committer.role == Role::Visitor {
        return Err(AuthorityError::Visitor);
    }
    let removed = |device: &DeviceId| difference.removed.iter().any(|m| m.device == *device);
    if difference
        .removed
        .iter()
        .any(|member| member.role == Role::Visitor)
    {
        return Err(AuthorityError::Visitor);
    }
    if outcome.responsible.is_some_and(|device| removed(&device)) {
        if removed(&committer.device) {
            return Err(AuthorityError::Responsible);
        }
        outcome.responsible = Some(committer.device);
    }
    // Taking back a transfer; a handover by someone who is gone goes on from whoever stays.
    outcome.handover = outcome.handover.and_then(|handover| {
        let taken_back = match &handover.to {
            HandoverTarget::Device(device) => removed(device),
            HandoverTarget::Team(team) => difference.teams_removed.iter().any(|t| t.team == *team),
        };
        let from = outcome.responsible.unwrap_or(handover.from);
        (!taken_back).then_some(Handover { from, ..handover })
    });
    Ok(outcome)
}

/// An entry changes only by its own participant taking another key of its own.
fn check_changed(
    core: &Core,
    committer: &Committer,
    difference: &Difference,
) -> Result<(), AuthorityError> {
    for (before, after) in &difference.changed {
        if before.device != committer.device || core.new_key.is_none() {
            return Err(if before.role == Role::Visitor {
                AuthorityError::Visitor
            } else {
                AuthorityError::Roster
            });
        }
        let same_but_key = Member {
            key: after.key,
            ..before.clone()
        };
        if same_but_key != *after {
            return Err(AuthorityError::Roster);
        }
    }
    Ok(())
}

/// Only roles that the policy lists. The level alone decides about vaults.
fn check_roles(policy: &Policy, members: &[Member]) -> Result<(), AuthorityError> {
    let may = |member: &Member| member.role == Role::Vault || policy.allows(member.role);
    if members.iter().all(may) {
        Ok(())
    } else {
        Err(AuthorityError::Policy)
    }
}

/// At `e2ee` no vault and no gateway; elsewhere a vault from the beginning. One visitor at most.
fn check_level(core: &Core) -> Result<(), AuthorityError> {
    let members = &core.roster.members;
    let visitors = members.iter().filter(|m| m.role == Role::Visitor).count();
    let allowed = members.iter().all(|member| {
        let server = member.role == Role::Vault || member.via == Via::Gateway;
        member.role != Role::Administrator && !(server && core.level == Level::E2ee)
    });
    if allowed && visitors <= 1 {
        Ok(())
    } else {
        Err(AuthorityError::Level)
    }
}
