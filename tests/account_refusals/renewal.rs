//! Renewals.

use sottovoce::account::{Account, AccountError, Learned, Renewal};
use sottovoce::wire::{Suite, limits};

use crate::scene::*;

fn refusal(change: impl FnOnce(&mut Renewal)) -> AccountError {
    let mut account = with_policy();
    let mut renewal = renewal(&policy());
    change(&mut renewal);
    account
        .learn_renewal(&by(&renewal, &[&renewer()]))
        .unwrap_err()
}

fn with_policy() -> Account {
    let mut account = account();
    learn(&mut account, &policy()).unwrap();
    account
}

#[test]
fn a_renewal_extends_a_policy_and_nothing_else() {
    let mut account = with_policy();
    assert!(account.policy(days(8)).is_err());
    let signed = by(&renewal(&policy()), &[&renewer()]);
    assert_eq!(account.learn_renewal(&signed), Ok(Learned::Current));
    assert_eq!(account.learn_renewal(&signed), Ok(Learned::Nothing));
    assert_eq!(account.policy(days(8)).unwrap().0, &policy());
    assert_eq!(account.policy_expires(), Some(days(13)));
    assert_eq!(
        account.policy(days(13)).map(drop),
        Err(AccountError::Expired)
    );
}

#[test]
fn a_renewal_of_another_account_is_refused() {
    assert_eq!(
        refusal(|it| it.account = foreign()),
        AccountError::ForeignAccount
    );
}

#[test]
fn a_renewal_of_an_unknown_policy_is_refused() {
    assert_eq!(
        refusal(|it| it.policy = renewal(&numbered(9)).policy),
        AccountError::UnknownPolicy
    );
}

#[test]
fn a_renewal_that_no_renewer_of_that_policy_signed_is_refused() {
    for signer in [root(), administrator(1), agent(), key(99)] {
        let signed = by(&renewal(&policy()), &[&signer]);
        assert_eq!(
            with_policy().learn_renewal(&signed),
            Err(AccountError::NotSigned)
        );
    }
}

#[test]
fn a_revoked_renewer_is_refused() {
    let policy = revoking(5, renewer().public());
    let mut account = account();
    learn(&mut account, &policy).unwrap();
    let signed = by(&renewal(&policy), &[&renewer()]);
    assert_eq!(account.learn_renewal(&signed), Err(AccountError::NotSigned));
}

#[test]
fn a_renewal_lives_at_most_fourteen_days() {
    assert_eq!(
        refusal(|it| {
            it.expires = it.issued.plus_seconds(limits::POLICY_LIFE).plus_millis(1);
        }),
        AccountError::LivesTooLong
    );
}

#[test]
fn a_renewal_cannot_put_a_policy_in_force_before_it_was_issued() {
    let error = refusal(|it| it.issued = sottovoce::wire::Time::from_millis(NOW.millis() - 1));
    assert!(matches!(error, AccountError::Contradiction(_)));
}

#[test]
fn a_renewal_of_the_other_suite_is_refused() {
    let error = refusal(|it| it.suite = Suite::XWing);
    assert!(matches!(error, AccountError::Contradiction(_)));
}

#[test]
fn a_renewal_of_an_older_policy_does_not_bring_it_back() {
    let mut account = with_policy();
    learn(&mut account, &numbered(6)).unwrap();
    account
        .learn_renewal(&by(&renewal(&policy()), &[&renewer()]))
        .unwrap();
    assert_eq!(version(&account), Ok(6));
    assert_eq!(
        account.policy(days(8)).map(drop),
        Err(AccountError::Expired)
    );
}
