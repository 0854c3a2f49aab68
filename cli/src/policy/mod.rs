//! `sottovoce policy`: what the account decides, in signed versions.

mod fetch;
mod reach;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sottovoce::account::{self, AccountError, Learned, Policy, Renewal, Setting, SettingError};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::{Signed, Suite, Version, limits};
use sottovoce_client::admin::Session;

use crate::clock;
use crate::connection::{self, RelayOptions};
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::say::say;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print the policy in words.
    Show(Show),
    /// Change the policy: make and sign its next version. Publish it afterwards.
    #[command(after_help = account::HELP)]
    Set(Set),
    /// Send root statement, policy and renewals to the relay. Repeating it is harmless.
    Publish(Publish),
    /// Take over what other administrators published since, such as in the console's security settings.
    Fetch(fetch::Arguments),
    /// Extend the dates of the policy as it is, and change nothing else. Publish it afterwards.
    Renew(Renew),
}

#[derive(Args)]
pub(crate) struct Show {
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct Set {
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    /// What to set, such as `retention.days=30`.
    #[arg(required = true, value_name = "KEY=VALUE", value_parser = Setting::parse)]
    settings: Vec<Setting>,
}

#[derive(Args)]
pub(crate) struct Publish {
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    relay: RelayOptions,
}

#[derive(Args)]
pub(crate) struct Renew {
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    /// For how many days from now.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=14))]
    days: u64,
}

pub(crate) async fn run(command: Command) -> Outcome {
    match command {
        Command::Show(arguments) => show::run(&Folder::open(&arguments.dir)?),
        Command::Set(arguments) => set(&arguments),
        Command::Publish(arguments) => publish(&arguments).await,
        Command::Fetch(arguments) => fetch::run(&arguments).await,
        Command::Renew(arguments) => renew(&arguments),
    }
}

fn set(arguments: &Set) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let mut policy = next_version(&folder)?;
    for setting in &arguments.settings {
        setting.apply(&mut policy).map_err(|error| {
            let failure = Failure::from(error.clone());
            match error {
                SettingError::Unknown(_) => failure.with_help(account::HELP),
                _ => failure,
            }
        })?;
    }
    sign(&folder, &policy, &folder.administrator()?)?;
    say!(
        "Version {} of the policy is signed, valid until {}. Next: sottovoce policy publish",
        policy.number,
        clock::date(policy.expires)
    );
    Ok(())
}

/// The policy as it is, as the beginning of its next version.
pub(crate) fn next_version(folder: &Folder) -> Outcome<Policy> {
    let before = folder.policy()?;
    let policy = before.parse().map_err(AccountError::from)?;
    Ok(policy.next(before.hash(), clock::now()))
}

/// Signs a policy and keeps it, if clients would believe it.
pub(crate) fn sign(folder: &Folder, policy: &Policy, key: &SigningKey) -> Outcome {
    let mut account = folder.believed()?;
    let signed = Signed::sign(policy, &[key]);
    match account.learn_policy(&signed)? {
        Learned::Current => folder.keep_policy(&signed),
        Learned::Nothing | Learned::Historic => Err(AccountError::RolledBack.into()),
    }
}

fn renew(arguments: &Renew) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let mut account = folder.believed()?;
    let now = clock::now();
    let renewal = Renewal {
        version: Version,
        suite: Suite::X25519,
        account: folder.account(),
        policy: folder.policy()?.hash(),
        issued: now,
        expires: now.plus_seconds(arguments.days * limits::DAY),
    };
    let signed = Signed::sign(&renewal, &[&folder.administrator()?]);
    account
        .learn_renewal(&signed)
        .map_err(|error| match error {
            AccountError::NotSigned => Failure::new(
                "not-signed",
                "the policy does not list this administrator among its renewers",
            ),
            other => other.into(),
        })?;
    folder.keep_renewal(&signed)?;
    say!(
        "The policy is valid until {}. Next: sottovoce policy publish",
        clock::date(renewal.expires)
    );
    Ok(())
}

async fn publish(arguments: &Publish) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let account = folder.believed()?;
    let (mut relay, objects) = connection::connect_and_learn(&arguments.relay, &folder).await?;
    fetch::refuse_behind(&folder, &objects)?;
    send(&folder, &mut relay).await?;
    let now = clock::now();
    let until = account.policy_expires().unwrap_or_default();
    match account.policy(now) {
        Ok((policy, _)) => {
            say!(
                "Version {} of the policy is in force at the relay, until {}.",
                policy.number,
                clock::date(until)
            );
            reach::warn(&account, policy, &mut relay, now).await
        }
        Err(AccountError::Expired) => {
            say!(
                "The relay has the policy, but it ran out on {}: nobody can send anything. \
                 Next: sottovoce policy renew, then sottovoce policy publish",
                clock::date(until)
            );
            Ok(())
        }
        Err(error) => {
            say!("The relay has the policy, but it is not in force: {error}.");
            Ok(())
        }
    }
}

/// Sends everything in the folder that the relay should have.
pub(crate) async fn send(folder: &Folder, relay: &mut Session) -> Outcome {
    relay
        .publish(ObjectKind::Root, folder.root()?.to_bytes())
        .await?;
    relay
        .publish(ObjectKind::Policy, folder.policy()?.to_bytes())
        .await
        .map_err(|error| match error.code() {
            "conflict" | "rolled-back" => Failure::from(error).with_help(
                "Another administrator has published a policy since: take it over with `sottovoce policy \
                 fetch`,\nif need be with --replace, and set again what is missing then.",
            ),
            _ => error.into(),
        })?;
    for renewal in folder.renewals()? {
        relay
            .publish(ObjectKind::Renewal, renewal.to_bytes())
            .await?;
    }
    Ok(())
}
