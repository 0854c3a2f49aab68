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
    let published = published(&folder, &objects)?;
    for object in &objects {
        match learn(&mut account, object) {
            // The folder's root statement is not published yet, and voids what is.
            Err(AccountError::RolledBack) if object.kind == ObjectKind::Root => {}
            Err(AccountError::NotSigned) if object.kind == ObjectKind::Policy => {
                sign_again(&folder, &mut account, &published)?;
            }
            Err(AccountError::UnknownPolicy) if object.kind == ObjectKind::Renewal => {}
            learned => drop(learned.map_err(refused)?),
        }
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

/// Refuses a folder that lags behind what the relay says: to publish its root statement could void the
/// policy in force and leave none.
pub(super) fn refuse_behind(folder: &Folder, objects: &[Object]) -> Outcome {
    let published = published(folder, objects)?;
    let own = folder.policy()?;
    let number = own.parse().map_err(AccountError::from)?.number;
    let theirs = published.policy_number().unwrap_or_default();
    let words = if theirs > number {
        format!("the relay has version {theirs} of the policy, and the folder only {number}")
    } else if theirs == number && published.newest_hash() != Some(own.hash()) {
        format!("the relay has another version {theirs} of the policy than the folder")
    } else {
        return Ok(());
    };
    Err(Failure::new("policy-behind", words).with_help(
        "Another administrator has published it: take it over with `sottovoce policy fetch`, if need be \
         with\n--replace, and set again what is missing then.",
    ))
}

/// What the relay says of the account, verified by itself.
fn published(folder: &Folder, objects: &[Object]) -> Outcome<Account> {
    let mut account = Account::new(Pin::account(folder.account()));
    for object in objects {
        learn(&mut account, object)?;
    }
    Ok(account)
}

/// The published policy was signed by somebody whom the folder's root statement no longer names: the
/// folder's own administrator signs it anew, as its next version.
fn sign_again(folder: &Folder, account: &mut Account, published: &Account) -> Outcome {
    let newest = published.newest_policy().zip(published.newest_hash());
    let (policy, hash) = newest.ok_or(AccountError::UnknownPolicy)?;
    let next = policy.next(hash, clock::now());
    account.learn_policy(&Signed::sign(&next, &[&folder.administrator()?]))?;
    say!(
        "Version {} was signed by nobody who stays: it is signed again, as version {}. Publish it with \
         `sottovoce policy publish`.",
        policy.number,
        next.number
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
