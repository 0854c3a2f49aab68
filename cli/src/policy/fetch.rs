//! `policy fetch`: what other administrators signed since, into the account's folder.

use std::path::PathBuf;

use clap::Args;
use sottovoce::account::{Account, AccountError, Learned, Pin};
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{Signed, SignedKind};

use crate::clock;
use crate::connection::{self, RelayOptions};
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::say::say;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    /// Give up a version of the folder that was never published, where somebody else published
    /// another one of the same number.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    relay: RelayOptions,
}

pub(super) async fn run(arguments: &Arguments) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let before = folder.policy()?;
    let number = before.parse().map_err(AccountError::from)?.number;
    let mut account = Account::new(Pin::account(folder.account()));
    account.learn_root(&folder.root()?)?;
    if !arguments.replace {
        // One that a newer root statement made void is what this command replaces.
        match account.learn_policy(&before) {
            Ok(_) | Err(AccountError::NotSigned) => {}
            Err(error) => return Err(error.into()),
        }
        for renewal in folder.renewals()? {
            account.learn_renewal(&renewal).ok();
        }
    }
    let (_session, objects) = connection::connect_and_learn(&arguments.relay, &folder).await?;
    for object in &objects {
        learn(&mut account, object).map_err(refused)?;
    }
    let policy = account.newest_policy().ok_or_else(|| {
        let words = "the relay has no policy of this account that counts";
        Failure::new("unknown-policy", words)
    })?;
    if policy.number < number {
        return Err(AccountError::RolledBack.into());
    }
    let news = policy.number;
    for object in account.objects() {
        keep(&folder, &object)?;
    }
    folder.believed()?;
    say!(
        "Version {news} of the policy is in the folder, valid until {}.",
        clock::date(account.policy_expires().unwrap_or_default())
    );
    Ok(())
}

fn learn(account: &mut Account, object: &Object) -> Result<Learned, AccountError> {
    match object.kind {
        ObjectKind::Root => account.learn_root(&read(object)?),
        ObjectKind::Policy => account.learn_policy(&read(object)?),
        ObjectKind::Renewal => account.learn_renewal(&read(object)?),
        _ => Ok(Learned::Nothing),
    }
}

/// Keeps one of the objects in force, which come in the order root statement, policy, renewals.
fn keep(folder: &Folder, object: &Object) -> Outcome {
    match object.kind {
        ObjectKind::Root => folder.keep_root(&read(object)?),
        ObjectKind::Policy => folder.keep_policy(&read(object)?),
        ObjectKind::Renewal => folder.keep_renewal(&read(object)?),
        _ => Ok(()),
    }
}

fn read<T: SignedKind>(object: &Object) -> Result<Signed<T>, AccountError> {
    Ok(Signed::from_bytes(&object.bytes)?)
}

fn refused(error: AccountError) -> Failure {
    match error {
        AccountError::Conflict => Failure::new(
            error.code(),
            "the folder and the relay have different policies of one version: somebody else published \
             theirs first. `sottovoce policy fetch --replace` takes it over; set again what is missing then",
        ),
        AccountError::RolledBack => Failure::new(
            error.code(),
            "the folder is newer than the relay: publish it with `sottovoce policy publish`",
        ),
        error => error.into(),
    }
}
