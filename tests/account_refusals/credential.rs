//! Credentials.

use sottovoce::account::{AccountError, Credential, Policy, Revocation, Role, RootStatement};
use sottovoce::wire::{Suite, Time, limits};

use crate::scene::*;

fn judge(credential: &Credential, policy: &Policy, at: Time) -> Result<Credential, AccountError> {
    account().credential(&by(credential, &[&administrator(1)]), policy, at)
}

fn refusal(change: impl FnOnce(&mut Credential)) -> AccountError {
    let mut credential = credential();
    change(&mut credential);
    judge(&credential, &policy(), NOW).unwrap_err()
}

#[test]
fn a_credential_is_believed_from_issue_to_expiry() {
    let tolerance = limits::LIVE_TOLERANCE;
    let at = |millis| judge(&credential(), &policy(), Time::from_millis(millis)).map(drop);
    assert_eq!(at(NOW.millis() - tolerance), Ok(()));
    assert_eq!(
        at(NOW.millis() - tolerance - 1),
        Err(AccountError::NotYetValid)
    );
    assert_eq!(at(days(90).millis() - 1), Ok(()));
    assert_eq!(at(days(90).millis()), Err(AccountError::Expired));
}

#[test]
fn a_credential_lives_at_most_ninety_days() {
    assert_eq!(
        refusal(|it| it.expires = days(90).plus_millis(1)),
        AccountError::LivesTooLong
    );
}

#[test]
fn a_credential_of_another_account_is_refused() {
    assert_eq!(
        refusal(|it| it.account = foreign()),
        AccountError::ForeignAccount
    );
}

#[test]
fn a_credential_that_no_administrator_signed_is_refused() {
    for signer in [root(), agent(), renewer(), key(99)] {
        let signed = by(&credential(), &[&signer]);
        assert_eq!(
            account().credential(&signed, &policy(), NOW),
            Err(AccountError::NotSigned)
        );
    }
}

#[test]
fn the_chain_is_no_longer_than_root_administrator_device() {
    // A device with an administrator's credential is no administrator of the root statement.
    let device = Credential {
        role: Role::Administrator,
        ..credential()
    };
    assert!(judge(&device, &policy(), NOW).is_ok());
    let signed = by(
        &Credential {
            device: key(20).public(),
            ..credential()
        },
        &[&agent()],
    );
    assert_eq!(
        account().credential(&signed, &policy(), NOW),
        Err(AccountError::NotSigned)
    );
}

#[test]
fn a_credential_needs_as_many_signatures_as_the_root_statement_says() {
    let statement = RootStatement {
        credential_threshold: 2,
        ..root_statement()
    };
    let account = account_with(pin(), &statement);
    let mut signed = by(&credential(), &[&administrator(1)]);
    assert_eq!(
        account.credential(&signed, &policy(), NOW),
        Err(AccountError::NotSigned)
    );
    signed.add_signature(&administrator(1));
    assert!(account.credential(&signed, &policy(), NOW).is_err());
    signed.add_signature(&administrator(3));
    assert_eq!(
        account.credential(&signed, &policy(), NOW),
        Ok(credential())
    );
    // A revoked one no longer counts towards the number.
    assert_eq!(
        account.credential(&signed, &revoking(5, administrator(3).public()), NOW),
        Err(AccountError::NotSigned)
    );
}

#[test]
fn a_revoked_device_is_refused() {
    assert_eq!(
        judge(&credential(), &revoking(5, agent().public()), NOW),
        Err(AccountError::Revoked)
    );
}

#[test]
fn a_revoked_credential_is_refused_and_another_of_the_same_device_is_not() {
    let signed = by(&credential(), &[&administrator(1)]);
    let policy = Policy {
        revocations: vec![Revocation::Credential(signed.hash())],
        ..policy()
    };
    assert_eq!(
        account().credential(&signed, &policy, NOW),
        Err(AccountError::Revoked)
    );
    let other = Credential {
        name: "Ada L.".into(),
        ..credential()
    };
    assert!(judge(&other, &policy, NOW).is_ok());
}

#[test]
fn a_credential_by_a_revoked_administrator_is_void() {
    let policy = revoking(5, administrator(1).public());
    assert_eq!(
        judge(&credential(), &policy, NOW),
        Err(AccountError::NotSigned)
    );
    let mut again = by(&credential(), &[&administrator(1)]);
    again.add_signature(&administrator(2));
    assert!(account().credential(&again, &policy, NOW).is_ok());
}

#[test]
fn a_credential_that_contradicts_itself_is_refused() {
    let spoil: [fn(&mut Credential); 8] = [
        |it| it.role = Role::Visitor,
        |it| it.device = WEAK,
        |it| it.suite = Suite::XWing,
        |it| it.subject = String::new(),
        |it| it.name = String::new(),
        |it| it.name = "x".repeat(limits::NAME + 1),
        |it| it.teams = vec!["support".into(), "sales".into()],
        |it| it.teams = vec![String::new()],
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let error = refusal(spoil);
        assert!(
            matches!(error, AccountError::Contradiction(_)),
            "{number}: {error:?}"
        );
    }
}
