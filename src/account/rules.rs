//! SPEC 3.8: what account objects must agree with, signatures and versions apart: themselves,
//! each other, the plan, the pin, the clock.

use super::{
    AccountError, Archive, Credential, Level, Operator, Pin, Policy, Role, RootStatement, TeamKey,
};
use crate::crypto::seal::SealPublicKey;
use crate::crypto::sign::PublicKey;
use crate::wire::{Suite, Time, limits};

/// How much later than its own issue another clock may think it is, in milliseconds.
pub(super) const CLOCK_TOLERANCE: u64 = limits::LIVE_TOLERANCE;

/// What a root statement must be in itself.
pub(super) fn check_root(statement: &RootStatement) -> Result<(), AccountError> {
    check_suite(statement.suite)?;
    let administrators = statement.administrators.len() as u64;
    let possible = 1..=administrators;
    if !possible.contains(&statement.policy_threshold)
        || !possible.contains(&statement.credential_threshold)
    {
        return Err(AccountError::Contradiction(
            "the number of administrators".into(),
        ));
    }
    if !strictly_ascending(&statement.administrators) {
        return Err(AccountError::Contradiction(
            "the order of administrators".into(),
        ));
    }
    let manager = statement
        .key_manager
        .iter()
        .map(|manager| &manager.identity);
    if !statement
        .administrators
        .iter()
        .chain(manager)
        .all(PublicKey::is_valid)
    {
        return Err(AccountError::Contradiction("the rules for keys".into()));
    }
    Ok(())
}

/// What a policy must agree with: itself, its plan, the root statement, the pin.
pub(super) fn check_policy(
    policy: &Policy,
    root: &RootStatement,
    pin: &Pin,
) -> Result<(), AccountError> {
    check_suite(policy.suite)?;
    if policy.number == 0 {
        return Err(AccountError::Contradiction("the rules for versions".into()));
    }
    check_life(policy.issued, policy.expires, limits::POLICY_LIFE)?;
    if !strictly_ascending(&policy.roles)
        || policy.roles.contains(&Role::Visitor)
        || policy.roles.contains(&Role::Administrator)
    {
        return Err(AccountError::Contradiction("the rules for roles".into()));
    }
    let entries = &policy.entry_points;
    if !are_ids(policy.teams.iter().map(|team| &team.id))
        || !are_ids(entries.iter().map(|entry| &entry.id))
        || entries
            .iter()
            .any(|entry| !are_ids(entry.teams.iter()) || entry.teams.is_empty())
    {
        return Err(AccountError::Contradiction("the order of names".into()));
    }
    for entry in entries {
        if entry.level < root.lowest_level {
            return Err(AccountError::Contradiction(
                "the root's lowest level".into(),
            ));
        }
        if !policy.plan.allows(entry.level) {
            return Err(AccountError::Contradiction("the plan".into()));
        }
        if entry.teams.iter().any(|team| policy.team(team).is_none()) {
            return Err(AccountError::Contradiction("its own teams".into()));
        }
        // A page that pins no entry point may use any.
        let pinned = pin.entry_point.as_ref().is_none_or(|id| *id == entry.id);
        if pinned && pin.lowest_level.is_some_and(|lowest| entry.level < lowest) {
            return Err(AccountError::Contradiction("the pinned level".into()));
        }
    }
    if policy.archive == Archive::KeyManager {
        let manager = root
            .key_manager
            .as_ref()
            .ok_or(AccountError::Contradiction("the root's key manager".into()))?;
        let e2ee = entries.iter().any(|entry| entry.level == Level::E2ee);
        if e2ee && manager.operator == Operator::Platform {
            return Err(AccountError::Contradiction("end-to-end encryption".into()));
        }
    }
    Ok(())
}

/// What a credential must be in itself.
pub(super) fn check_credential(credential: &Credential) -> Result<(), AccountError> {
    check_suite(credential.suite)?;
    let named = |text: &str| !text.is_empty() && text.len() <= limits::NAME;
    if credential.role == Role::Visitor
        || !credential.device.is_valid()
        || !named(&credential.subject)
        || !named(&credential.name)
        || !are_ids(credential.teams.iter())
    {
        return Err(AccountError::Contradiction(
            "the rules for credentials".into(),
        ));
    }
    check_life(
        credential.issued,
        credential.expires,
        limits::CREDENTIAL_LIFE,
    )
}

/// What a team key record must be in itself.
pub(super) fn check_team_key(key: &TeamKey) -> Result<(), AccountError> {
    if !strictly_ascending(&key.holders) {
        return Err(AccountError::Contradiction("the order of holders".into()));
    }
    check_seal_key(key.suite, &key.public_key)?;
    check_life(key.from, key.until, limits::KEY_CURRENT)
}

/// Weak keys and those of another suite are refused before anybody seals to them.
pub(super) fn check_seal_key(suite: Suite, key: &[u8]) -> Result<(), AccountError> {
    SealPublicKey::parse(suite, key)
        .map(drop)
        .map_err(|_| AccountError::Contradiction("the rules for keys".into()))
}

/// SPEC 1.3: objects that use no KEM carry suite 1.
pub(super) fn check_suite(suite: Suite) -> Result<(), AccountError> {
    match suite {
        Suite::X25519 => Ok(()),
        Suite::XWing => Err(AccountError::Contradiction("the suite of its kind".into())),
    }
}

/// Whether something lives at most `longest` seconds.
pub(super) fn check_life(from: Time, until: Time, longest: u64) -> Result<(), AccountError> {
    if until > from.plus_seconds(longest) {
        Err(AccountError::LivesTooLong)
    } else {
        Ok(())
    }
}

/// Whether `at` lies in `[from, until)`, with the clock tolerance at the beginning.
pub(super) fn valid_between(from: Time, until: Time, at: Time) -> Result<(), AccountError> {
    if at.plus_millis(CLOCK_TOLERANCE) < from {
        Err(AccountError::NotYetValid)
    } else if at >= until {
        Err(AccountError::Expired)
    } else {
        Ok(())
    }
}

/// Whether ids are of an allowed length, ascending and distinct.
fn are_ids<'a>(ids: impl Iterator<Item = &'a String> + Clone) -> bool {
    ids.clone()
        .all(|id| !id.is_empty() && id.len() <= limits::NAME)
        && ids.is_sorted_by(|a, b| a < b)
}

fn strictly_ascending<T: Ord>(items: &[T]) -> bool {
    items.is_sorted_by(|a, b| a < b)
}
