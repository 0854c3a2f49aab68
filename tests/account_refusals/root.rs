//! Root statements.

use sottovoce::account::{Account, AccountError, KeyManager, Learned, Level, Operator, Pin};
use sottovoce::wire::{Signed, Suite};

use crate::scene::*;

fn learn_root(
    account: &mut Account,
    change: impl FnOnce(&mut sottovoce::account::RootStatement),
) -> Result<Learned, AccountError> {
    let mut statement = root_statement();
    change(&mut statement);
    account.learn_root(&by(&statement, &[&root()]))
}

#[test]
fn a_root_statement_is_believed_once() {
    let mut account = Account::new(pin());
    assert_eq!(learn_root(&mut account, |_| {}), Ok(Learned::Current));
    assert_eq!(learn_root(&mut account, |_| {}), Ok(Learned::Nothing));
    assert_eq!(account.root(), Ok(&root_statement()));
}

#[test]
fn a_root_statement_of_another_account_is_refused() {
    let error = learn_root(&mut Account::new(pin()), |it| it.account = foreign());
    assert_eq!(error, Err(AccountError::ForeignAccount));
}

#[test]
fn a_root_statement_of_another_root_key_is_refused() {
    let mut statement = root_statement();
    statement.root = key(99).public();
    let signed = by(&statement, &[&key(99)]);
    let error = Account::new(pin()).learn_root(&signed);
    assert_eq!(error, Err(AccountError::NotSigned));
}

#[test]
fn a_root_statement_that_the_root_did_not_sign_is_refused() {
    for signers in [vec![], vec![administrator(1)], vec![key(99)]] {
        let signers: Vec<_> = signers.iter().collect();
        let signed = by(&root_statement(), &signers);
        let error = Account::new(pin()).learn_root(&signed);
        assert_eq!(error, Err(AccountError::NotSigned));
    }
}

#[test]
fn an_older_root_statement_is_refused() {
    let mut account = Account::new(pin());
    assert!(learn_root(&mut account, |it| it.number = 2).is_ok());
    assert_eq!(
        learn_root(&mut account, |it| it.number = 1),
        Err(AccountError::RolledBack)
    );
    assert_eq!(account.root().unwrap().number, 2);
}

#[test]
fn two_root_statements_of_one_version_are_a_conflict() {
    let mut account = account();
    assert_eq!(
        learn_root(&mut account, |it| it.issued = days(1)),
        Err(AccountError::Conflict)
    );
}

#[test]
fn a_root_statement_needs_as_many_administrators_as_must_sign() {
    for (policy, credential) in [(0, 1), (1, 0), (4, 1), (1, 4), (u64::MAX, 1)] {
        let error = learn_root(&mut Account::new(pin()), |it| {
            it.policy_threshold = policy;
            it.credential_threshold = credential;
        });
        assert!(matches!(error, Err(AccountError::Contradiction(_))));
    }
    assert!(learn_root(&mut Account::new(pin()), |it| it.administrators.clear()).is_err());
}

#[test]
fn an_administrator_twice_or_out_of_order_is_refused() {
    let twice = learn_root(&mut Account::new(pin()), |it| {
        it.administrators[1] = it.administrators[0];
    });
    let swapped = learn_root(&mut Account::new(pin()), |it| it.administrators.swap(0, 1));
    for error in [twice, swapped] {
        assert!(matches!(error, Err(AccountError::Contradiction(_))));
    }
}

#[test]
fn weak_keys_of_administrators_and_key_managers_are_refused() {
    let administrator = learn_root(&mut Account::new(pin()), |it| {
        it.administrators.insert(0, WEAK);
    });
    let manager = learn_root(&mut Account::new(pin()), |it| {
        it.key_manager = Some(KeyManager {
            identity: WEAK,
            operator: Operator::Customer,
        });
    });
    for error in [administrator, manager] {
        assert!(matches!(error, Err(AccountError::Contradiction(_))));
    }
}

#[test]
fn a_root_statement_of_the_other_suite_is_refused() {
    let error = learn_root(&mut Account::new(pin()), |it| it.suite = Suite::XWing);
    assert!(matches!(error, Err(AccountError::Contradiction(_))));
}

#[test]
fn only_a_pinned_next_root_may_follow_and_the_first_is_silent_from_then_on() {
    let mut statement = root_statement();
    statement.root = next_root().public();
    let next = by(&statement, &[&next_root()]);
    assert_eq!(account().learn_root(&next), Err(AccountError::NotSigned));

    let pin = Pin {
        next_root: Some(sottovoce::account::account_id(&next_root().public())),
        ..pin()
    };
    let mut first = root_statement();
    first.number = 10;
    let mut account = account_with(pin, &first);
    assert_eq!(account.learn_root(&next), Ok(Learned::Current));
    assert_eq!(
        learn_root(&mut account, |it| it.number = u64::MAX),
        Err(AccountError::RolledBack)
    );
}

#[test]
fn a_policy_of_a_removed_administrator_is_void_and_nobody_goes_back_behind_it() {
    let mut account = account();
    learn(&mut account, &numbered(5)).unwrap();
    assert_eq!(version(&account), Ok(5));
    learn_root(&mut account, |it| {
        it.number = 2;
        let removed = administrator(1).public();
        it.administrators.retain(|key| *key != removed);
    })
    .unwrap();
    assert_eq!(version(&account), Err(AccountError::UnknownAccount));
    let by_second = |number| by(&numbered(number), &[&administrator(2)]);
    assert_eq!(account.learn_policy(&by_second(4)), Ok(Learned::Historic));
    assert_eq!(version(&account), Err(AccountError::UnknownAccount));
    // Signed again by one who remains, it counts again.
    assert_eq!(account.learn_policy(&by_second(5)), Ok(Learned::Current));
}

#[test]
fn a_policy_below_a_raised_lowest_level_is_no_longer_in_force() {
    let mut account = account();
    let mut stored = policy();
    stored.entry_points = vec![entry_point(Level::Storage)];
    learn(&mut account, &stored).unwrap();
    learn_root(&mut account, |it| {
        it.number = 2;
        it.lowest_level = Level::E2ee;
    })
    .unwrap();
    assert_eq!(version(&account), Err(AccountError::UnknownAccount));
}

#[test]
fn nothing_is_believed_before_a_root_statement() {
    let mut account = Account::new(pin());
    assert_eq!(
        learn(&mut account, &policy()),
        Err(AccountError::UnknownAccount)
    );
    assert_eq!(version(&account), Err(AccountError::UnknownAccount));
    let signed = by(&credential(), &[&administrator(1)]);
    assert_eq!(
        account.credential(&signed, &policy(), NOW),
        Err(AccountError::UnknownAccount)
    );
}

#[test]
fn bytes_of_one_kind_are_not_believed_as_another() {
    let signed = by(&policy(), &[&root(), &administrator(1)]).to_bytes();
    let as_root = Signed::from_bytes(&signed).unwrap();
    assert!(matches!(
        Account::new(pin()).learn_root(&as_root),
        Err(AccountError::Decode(_))
    ));
}
