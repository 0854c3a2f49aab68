//! The policy in words.

use sottovoce::account::{AccountError, Archive, Policy, Revocation};
use sottovoce::wire::limits;

use crate::clock;
use crate::failure::Outcome;
use crate::folder::Folder;
use crate::say::say;

pub(super) fn run(folder: &Folder) -> Outcome {
    let account = folder.believed()?;
    let policy = folder.policy()?.parse().map_err(AccountError::from)?;
    let expires = account.policy_expires().unwrap_or(policy.expires);
    let now = clock::now();
    row("account", &folder.account().to_string());
    row("version", &policy.number.to_string());
    row("issued", &clock::date(policy.issued));
    row("valid until", &validity(expires, now));
    show(&policy);
    Ok(())
}

fn validity(expires: sottovoce::wire::Time, now: sottovoce::wire::Time) -> String {
    let date = clock::date(expires);
    if expires <= now {
        format!(
            "{date}: it has run out, and nobody can send anything; \
             `sottovoce policy renew` extends it, then `sottovoce policy publish`"
        )
    } else if expires < now.plus_seconds(3 * limits::DAY) {
        format!(
            "{date}: soon; `sottovoce policy renew` extends it, then `sottovoce policy publish`"
        )
    } else {
        date
    }
}

fn show(policy: &Policy) {
    row("plan", policy.plan.name());
    for entry in &policy.entry_points {
        let words = format!(
            "{}: {}, {}, answered by {}",
            entry.id,
            entry.name,
            entry.level.name(),
            entry.teams.join(", ")
        );
        row("entry point", &words);
    }
    for team in &policy.teams {
        row("team", &format!("{}: {}", team.id, team.name));
    }
    let roles: Vec<_> = policy.roles.iter().map(|role| role.name()).collect();
    row("may join as well", &listed(&roles));
    row("lowest suite", &policy.lowest_suite.number().to_string());
    row(
        "servers keep entries",
        &format!("{} days", policy.retention.days),
    );
    row(
        "devices keep closed contacts",
        &format!("{} seconds", policy.retention.device_history),
    );
    row(
        "team keys drain",
        &format!("{} seconds at most", policy.retention.draining),
    );
    row("longest text", &format!("{} bytes", policy.limits.text));
    row(
        "largest attachment",
        &format!("{} bytes", policy.limits.attachment),
    );
    let archive = match (policy.archive, policy.last_resort) {
        (Archive::None, _) => "none",
        (Archive::KeyManager, false) => "at the key manager",
        (Archive::KeyManager, true) => "at the key manager, on its last-resort key if need be",
    };
    row("archive", archive);
    if let Some(url) = &policy.key_manager_url {
        row("key manager", url);
    }
    if let Some(link) = &policy.fallback_link {
        row("fallback link", link);
    }
    for renewer in &policy.renewers {
        row("renewer", &renewer.to_string());
    }
    for revocation in &policy.revocations {
        match revocation {
            Revocation::Device(device) => row("revoked device", &device.to_string()),
            Revocation::Credential(hash) => row("revoked credential", &hash.to_string()),
        }
    }
}

fn row(name: &str, value: &str) {
    say!("{name:<29} {value}");
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.join(", ")
    }
}
