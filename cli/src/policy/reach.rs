//! Whether visitors can begin at the entry points: every team of one needs a key, of one suite.

use sottovoce::account::{Account, AccountError, Policy, TeamKey};
use sottovoce::wire::frame::{ObjectKind, Query};
use sottovoce::wire::{Signed, Suite, Time};
use sottovoce_client::admin::Session;

use crate::failure::Outcome;
use crate::say::complain;

/// The teams' keys that are sealed to now: team and suite.
type Keys = Vec<(String, Suite)>;

/// Names on standard error the teams that keep visitors from beginning, in every entry point.
pub(super) async fn warn(
    account: &Account,
    policy: &Policy,
    relay: &mut Session,
    now: Time,
) -> Outcome {
    let mut keys = Keys::new();
    for team in &policy.teams {
        let found = relay.look_up(Query::TeamKey(team.id.clone())).await?;
        let records = found
            .objects
            .iter()
            .filter(|object| object.kind == ObjectKind::TeamKey)
            .filter_map(|object| Signed::<TeamKey>::from_bytes(&object.bytes).ok())
            .filter_map(|signed| signed.parse().map_err(AccountError::from).ok())
            .filter(|record| record.account == account.id() && record.team == team.id)
            .filter(|record| now < record.until)
            .map(|record| (record.team, record.suite));
        keys.extend(records);
    }
    for entry in &policy.entry_points {
        let missing = missing(&entry.teams, policy.lowest_suite, &keys);
        if missing.is_empty() {
            continue;
        }
        complain!(
            "warning: nobody can begin a chat at {} yet: {} {} no current key, and a chat is sealed \
             to every team of its entry point. A team gets one when one of its agents connects, \
             and keeps it for a day.",
            entry.id,
            missing.join(", "),
            if missing.len() == 1 { "has" } else { "have" }
        );
    }
    Ok(())
}

/// The teams without a key; all of them if they have none of one suite.
fn missing<'a>(teams: &'a [String], lowest: Suite, keys: &Keys) -> Vec<&'a str> {
    let has = |team: &str, suite: Suite| keys.iter().any(|(id, of)| id == team && *of == suite);
    let allowed = || Suite::ALL.into_iter().filter(|suite| *suite >= lowest);
    if allowed().any(|suite| teams.iter().all(|team| has(team, suite))) {
        return Vec::new();
    }
    let teams = teams.iter().map(String::as_str);
    let without: Vec<_> = teams
        .clone()
        .filter(|team| !allowed().any(|suite| has(team, suite)))
        .collect();
    if without.is_empty() {
        teams.collect()
    } else {
        without
    }
}
