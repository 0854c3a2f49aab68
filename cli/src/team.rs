//! `sottovoce team`: the administrator makes a team's next key.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sottovoce::account::{Account, AccountError, Policy, SealKey, TeamKey, TeamSeal, TeamSeals};
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Hash, Random};
use sottovoce::wire::frame::{Object, ObjectKind, Query};
use sottovoce::wire::{DeviceId, Signed, Suite, Time, Version, limits};
use sottovoce_client::admin::Session;

use crate::clock;
use crate::connection::{self, RelayOptions};
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::say::say;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a new key for a team and seal it to its present members.
    ///
    /// Agents' devices do this once a day by themselves, and `agent revoke` when somebody leaves.
    /// A key is sealed to for 24 hours, and so are the keys of the members' devices: a daily job
    /// that runs this keeps a team within reach for up to two days after the last of its agents
    /// was connected, no longer.
    Rotate(Rotate),
}

#[derive(Args)]
pub(crate) struct Rotate {
    /// The team's id.
    team: String,
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    relay: RelayOptions,
}

pub(crate) async fn run(command: Command) -> Outcome {
    let Command::Rotate(arguments) = command;
    let folder = Folder::open(&arguments.dir)?;
    let (mut relay, key) = connection::connect_with_key(&arguments.relay, &folder).await?;
    if rotate(&folder, &mut relay, &key, &arguments.team).await? == 0 {
        let words = "no device of the team has a key that is sealed to now";
        return Err(Failure::new("no-seal-key", words).with_help(
            "Devices publish a new key whenever they connect, and it is sealed to for 24 hours. \
             One of the team's agents has to connect once.",
        ));
    }
    Ok(())
}

/// A member's device and the key to seal to.
type Holder = (DeviceId, SealPublicKey);

/// How often it is tried when members make keys at the same time.
const ATTEMPTS: u8 = 5;

/// Makes a generation for each suite that the policy allows and that a member has a key of; how
/// many.
pub(crate) async fn rotate(
    folder: &Folder,
    relay: &mut Session,
    key: &SigningKey,
    team: &str,
) -> Outcome<usize> {
    let mut attempt = 1;
    loop {
        match rotate_once(folder, relay, key, team).await {
            Err(failure) if failure.code() == "generation-taken" && attempt < ATTEMPTS => {
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn rotate_once(
    folder: &Folder,
    relay: &mut Session,
    key: &SigningKey,
    team: &str,
) -> Outcome<usize> {
    let account = folder.believed()?;
    let now = clock::now();
    let (policy, _) = account.policy(now)?;
    if policy.team(team).is_none() {
        let words = format!("the policy has no team `{team}`");
        return Err(Failure::new("unknown-team", words));
    }
    let known = relay
        .look_up(Query::TeamKey(team.to_owned()))
        .await?
        .objects;
    let members = relay
        .look_up(Query::TeamMembers(team.to_owned()))
        .await?
        .objects;
    let lowest = policy.lowest_suite;
    let mut made = 0;
    for suite in Suite::ALL.into_iter().filter(|suite| *suite >= lowest) {
        let holders = holders(&account, policy, team, suite, &members, now);
        if holders.is_empty() {
            say!(
                "nobody in {team} has a key of suite {} yet: nothing to make",
                suite.number()
            );
            continue;
        }
        let newest = newest(&known, team, suite);
        let (record, seals) = make(folder, key, team, suite, newest, &holders, now)?;
        relay
            .publish(ObjectKind::TeamKey, record.to_bytes())
            .await?;
        for seals in TeamSeals::published(record.hash(), &seals) {
            relay.publish(ObjectKind::TeamSeals, seals).await?;
        }
        made += 1;
        say!(
            "{team} has a new key of suite {}, for {} devices, until {}",
            suite.number(),
            holders.len(),
            clock::date(now.plus_seconds(limits::KEY_CURRENT))
        );
    }
    Ok(made)
}

/// Who may hold the key: staff of the team, by a credential and a seal key that verify.
fn holders(
    account: &Account,
    policy: &Policy,
    team: &str,
    suite: Suite,
    members: &[Object],
    now: Time,
) -> Vec<Holder> {
    let mut member: Option<DeviceId> = None;
    let mut holders: Vec<Holder> = Vec::new();
    for object in members {
        match object.kind {
            ObjectKind::Credential => {
                member = Signed::from_bytes(&object.bytes)
                    .map_err(AccountError::from)
                    .and_then(|signed| account.credential(&signed, policy, now))
                    .ok()
                    .filter(|body| body.role.is_staff() && body.teams.iter().any(|id| id == team))
                    .map(|body| body.device);
            }
            ObjectKind::SealKey => {
                let key = Signed::<SealKey>::from_bytes(&object.bytes)
                    .map_err(AccountError::from)
                    .and_then(|signed| account.seal_key(&signed, now))
                    .ok()
                    .filter(|key| key.suite == suite && Some(key.device) == member);
                let holder = key.and_then(|key| {
                    let public = SealPublicKey::parse(suite, &key.public_key).ok()?;
                    Some((key.device, public))
                });
                holders.extend(holder);
            }
            _ => {}
        }
    }
    holders.sort_by_key(|(device, _)| *device);
    holders.dedup_by_key(|(device, _)| *device);
    holders
}

/// The newest record of a suite that the relay knows: its generation and hash.
fn newest(known: &[Object], team: &str, suite: Suite) -> Option<(u64, Hash)> {
    known
        .iter()
        .filter(|object| object.kind == ObjectKind::TeamKey)
        .filter_map(|object| Signed::<TeamKey>::from_bytes(&object.bytes).ok())
        .filter_map(|signed| Some((signed.parse().ok()?, signed.hash())))
        .filter(|(record, _)| record.team == team && record.suite == suite)
        .map(|(record, hash)| (record.generation, hash))
        .max_by_key(|(generation, _)| *generation)
}

fn make(
    folder: &Folder,
    key: &SigningKey,
    team: &str,
    suite: Suite,
    newest: Option<(u64, Hash)>,
    holders: &[Holder],
    now: Time,
) -> Outcome<(Signed<TeamKey>, Vec<TeamSeal>)> {
    let mut random = Random::os();
    let private = SealPrivateKey::generate(suite, &mut random)?;
    let record = TeamKey {
        version: Version,
        suite,
        account: folder.account(),
        team: team.to_owned(),
        generation: newest.map_or(0, |(generation, _)| generation + 1),
        public_key: private.public().as_bytes().to_vec().into(),
        previous: newest.map(|(_, hash)| hash),
        from: now,
        until: now.plus_seconds(limits::KEY_CURRENT),
        holders: holders.iter().map(|(device, _)| *device).collect(),
    };
    let record = Signed::sign(&record, &[key]);
    let hash = record.hash();
    let seals: Result<Vec<_>, _> = holders
        .iter()
        .map(|(device, public)| TeamSeal::make(&mut random, &hash, &private, *device, public))
        .collect();
    let seals = seals.map_err(|error| Failure::new("cannot-seal", error.to_string()))?;
    Ok((record, seals))
}
