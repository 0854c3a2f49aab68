//! `account administrator`: whose signatures the account's settings and devices count by.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sottovoce::account::{Account, AccountError, Learned, RootStatement};
use sottovoce::wire::{DeviceId, Signed};

use crate::agent;
use crate::clock;
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::policy;
use crate::say::say;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Name one more device whose key administers the account.
    ///
    /// Needs `root.key`. Publish the account afterwards: `policy publish`. A console whose device is
    /// named has security settings from then on, once it is let in as well: `agent approve`.
    Add(Change),
    /// Name a device no longer.
    ///
    /// Needs `root.key`. What only this device signed is void from then on. Publish the account
    /// afterwards: `policy publish`.
    Remove(Change),
    /// Print the devices that administer the account.
    List(List),
}

#[derive(Args)]
pub(crate) struct Change {
    /// The device's id, as `agent list` and the console show it, or its request.
    #[arg(value_name = "DEVICE|REQUEST", allow_hyphen_values = true)]
    device: String,
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct List {
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
}

pub(crate) fn run(command: &Command) -> Outcome {
    match command {
        Command::Add(arguments) => add(arguments),
        Command::Remove(arguments) => remove(arguments),
        Command::List(arguments) => list(&Folder::open(&arguments.dir)?),
    }
}

fn add(arguments: &Change) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let device = device(&arguments.device, &folder)?;
    let mut root = next_statement(&folder)?;
    match root.administrators.binary_search(&device) {
        Ok(_) => {
            let words = format!("{device} administers the account already");
            return Err(Failure::new("already-administrator", words));
        }
        Err(place) => root.administrators.insert(place, device),
    }
    let signed = Signed::sign(&root, &[&folder.root_key()?]);
    // What no client would believe must not be kept.
    folder.believed()?.learn_root(&signed)?;
    folder.keep_root(&signed)?;
    say!("root-statement={}", root.number);
    say!("{device} administers the account: it can change its settings, let devices in and");
    say!("shut them out. Publish it with `sottovoce policy publish`.");
    Ok(())
}

fn remove(arguments: &Change) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let device = device(&arguments.device, &folder)?;
    let mut root = next_statement(&folder)?;
    let place = root.administrators.binary_search(&device).map_err(|_| {
        let words = format!(
            "{device} does not administer the account; `sottovoce account administrator list` shows who does"
        );
        Failure::new("unknown-administrator", words)
    })?;
    root.administrators.remove(place);
    let left = root.administrators.len() as u64;
    if left < root.policy_threshold.max(root.credential_threshold) {
        let words = if left == 0 {
            "an account needs an administrator: add another one before".to_owned()
        } else {
            format!(
                "{} administrators have to sign, so many have to stay: add another one before",
                root.policy_threshold.max(root.credential_threshold)
            )
        };
        return Err(Failure::new("last-administrator", words));
    }
    let signed = Signed::sign(&root, &[&folder.root_key()?]);
    let mut account = folder.believed()?;
    account.learn_root(&signed)?;
    if account.newest_policy().is_some() {
        folder.keep_root(&signed)?;
    } else {
        sign_again(&folder, account, &root, &signed)?;
    }
    say!("root-statement={}", root.number);
    say!("{device} no longer administers the account. Void from now on, unless others");
    say!("signed it too: settings that it signed and devices that it let in, which have to be");
    say!("approved again (`sottovoce agent list`), and the API tokens that it made.");
    say!("Publish it with `sottovoce policy publish`.");
    Ok(())
}

/// The policy was the removed administrator's: the folder's own administrator signs it anew, as its
/// next version.
fn sign_again(
    folder: &Folder,
    mut account: Account,
    root: &RootStatement,
    signed_root: &Signed<RootStatement>,
) -> Outcome {
    let key = folder.administrator()?;
    if !root.administrators.contains(&key.public()) {
        let words = "nobody who stays has signed the policy, and this folder's own administrator is the \
            one that would be removed: let another administrator sign it first (Security settings in the \
            console), and take it over with `sottovoce policy fetch`";
        return Err(Failure::new("policy-void", words));
    }
    let policy = policy::next_version(folder)?;
    let signed = Signed::sign(&policy, &[&key]);
    match account.learn_policy(&signed)? {
        Learned::Current => {
            folder.keep_root(signed_root)?;
            folder.keep_policy(&signed)?;
        }
        Learned::Nothing | Learned::Historic => return Err(AccountError::RolledBack.into()),
    }
    say!(
        "Version {} of the policy is signed by this folder's administrator, valid until {}.",
        policy.number,
        clock::date(policy.expires)
    );
    Ok(())
}

fn list(folder: &Folder) -> Outcome {
    folder.believed()?;
    let root = folder.root()?.parse().map_err(AccountError::from)?;
    let policy = folder.policy()?;
    for device in &root.administrators {
        let signed = policy.signers().any(|signer| signer == device);
        let note = if signed {
            "  signed the newest policy"
        } else {
            ""
        };
        say!("{device}{note}");
    }
    if root.policy_threshold > 1 {
        say!("{} of them sign a policy.", root.policy_threshold);
    }
    Ok(())
}

/// The beginning of the next root statement.
pub(super) fn next_statement(folder: &Folder) -> Outcome<RootStatement> {
    let mut root = folder.root()?.parse().map_err(AccountError::from)?;
    root.number += 1;
    root.issued = clock::now();
    Ok(root)
}

/// The device that is meant, by its id or by the request that it signed.
fn device(text: &str, folder: &Folder) -> Outcome<DeviceId> {
    if let Ok(device) = text.trim().parse() {
        return Ok(device);
    }
    let request = agent::read_request(text)?;
    if request.account != folder.account() {
        let words = "the request is for another account";
        return Err(Failure::new("foreign-account", words));
    }
    Ok(request.device)
}
