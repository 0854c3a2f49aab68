//! Policies.

use sottovoce::account::{
    AccountError, Archive, Learned, Level, Operator, Pin, Plan, Policy, Role, RootStatement,
};
use sottovoce::wire::{Suite, limits};

use crate::scene::*;

/// What a fresh account says to a changed policy.
fn refusal(change: impl FnOnce(&mut Policy)) -> AccountError {
    let mut policy = policy();
    change(&mut policy);
    learn(&mut account(), &policy).unwrap_err()
}

#[test]
fn a_policy_comes_into_force_once() {
    let mut account = account();
    assert_eq!(learn(&mut account, &policy()), Ok(Learned::Current));
    assert_eq!(learn(&mut account, &policy()), Ok(Learned::Nothing));
    assert_eq!(version(&account), Ok(5));
}

#[test]
fn a_policy_of_another_account_is_refused() {
    assert_eq!(
        refusal(|it| it.account = foreign()),
        AccountError::ForeignAccount
    );
}

#[test]
fn a_policy_that_no_administrator_signed_is_refused() {
    for signer in [root(), agent(), renewer(), key(99)] {
        let signed = by(&policy(), &[&signer]);
        assert_eq!(
            account().learn_policy(&signed),
            Err(AccountError::NotSigned)
        );
    }
}

#[test]
fn a_policy_needs_as_many_signatures_as_the_root_statement_says() {
    let statement = RootStatement {
        policy_threshold: 2,
        ..root_statement()
    };
    let learn = |keys: &[&sottovoce::crypto::sign::SigningKey]| {
        account_with(pin(), &statement).learn_policy(&by(&policy(), keys))
    };
    let (first, second) = (administrator(1), administrator(2));
    assert_eq!(learn(&[&first]), Err(AccountError::NotSigned));
    assert_eq!(learn(&[&first, &first]), Err(AccountError::NotSigned));
    assert_eq!(learn(&[&first, &agent()]), Err(AccountError::NotSigned));
    assert_eq!(learn(&[&first, &second]), Ok(Learned::Current));
}

#[test]
fn an_older_policy_is_kept_but_never_comes_into_force_again() {
    let mut account = account();
    learn(&mut account, &numbered(5)).unwrap();
    assert_eq!(learn(&mut account, &numbered(4)), Ok(Learned::Historic));
    assert_eq!(version(&account), Ok(5));
    assert_eq!(learn(&mut account, &numbered(6)), Ok(Learned::Current));
    assert_eq!(learn(&mut account, &numbered(5)), Ok(Learned::Nothing));
    assert_eq!(version(&account), Ok(6));
}

#[test]
fn two_policies_of_one_version_are_a_conflict() {
    let mut account = account();
    learn(&mut account, &policy()).unwrap();
    let other = Policy {
        last_resort: true,
        ..policy()
    };
    assert_eq!(learn(&mut account, &other), Err(AccountError::Conflict));
    assert_eq!(version(&account), Ok(5));
}

#[test]
fn a_policy_below_the_pinned_version_never_comes_into_force() {
    let pin = Pin {
        lowest_policy: 6,
        ..pin()
    };
    let mut account = account_with(pin, &root_statement());
    assert_eq!(learn(&mut account, &numbered(5)), Ok(Learned::Historic));
    assert_eq!(version(&account), Err(AccountError::UnknownAccount));
    assert_eq!(learn(&mut account, &numbered(6)), Ok(Learned::Current));
}

#[test]
fn a_policy_counts_from_issue_to_expiry() {
    let mut account = account();
    learn(&mut account, &policy()).unwrap();
    let tolerance = limits::LIVE_TOLERANCE;
    let at = |millis| {
        account
            .policy(sottovoce::wire::Time::from_millis(millis))
            .map(drop)
    };
    assert_eq!(at(NOW.millis() - tolerance), Ok(()));
    assert_eq!(
        at(NOW.millis() - tolerance - 1),
        Err(AccountError::NotYetValid)
    );
    assert_eq!(at(days(7).millis() - 1), Ok(()));
    assert_eq!(at(days(7).millis()), Err(AccountError::Expired));
}

#[test]
fn a_policy_lives_at_most_fourteen_days() {
    let mut account = account();
    let fourteen = Policy {
        expires: days(14),
        ..policy()
    };
    assert!(learn(&mut account, &fourteen).is_ok());
    assert_eq!(
        refusal(|it| it.expires = days(14).plus_millis(1)),
        AccountError::LivesTooLong
    );
}

#[test]
fn a_level_below_the_roots_is_refused() {
    let statement = RootStatement {
        lowest_level: Level::E2ee,
        ..root_statement()
    };
    let mut account = account_with(pin(), &statement);
    let stored = Policy {
        entry_points: vec![entry_point(Level::Storage)],
        ..policy()
    };
    assert!(matches!(
        learn(&mut account, &stored),
        Err(AccountError::Contradiction(_))
    ));
    assert!(learn(&mut account, &policy()).is_ok());
}

#[test]
fn a_level_below_the_pinned_one_is_refused_where_it_is_pinned() {
    let pin = |entry_point: Option<&str>| Pin {
        entry_point: entry_point.map(Into::into),
        lowest_level: Some(Level::E2ee),
        ..pin()
    };
    let stored = Policy {
        entry_points: vec![entry_point(Level::Storage)],
        ..policy()
    };
    for pin in [pin(Some("shop")), pin(None)] {
        let mut account = account_with(pin, &root_statement());
        assert!(matches!(
            learn(&mut account, &stored),
            Err(AccountError::Contradiction(_))
        ));
        assert!(learn(&mut account, &policy()).is_ok());
    }
    let mut account = account_with(pin(Some("phone")), &root_statement());
    assert!(learn(&mut account, &stored).is_ok());
}

#[test]
fn a_level_that_the_plan_does_not_have_is_refused() {
    let statement = RootStatement {
        lowest_level: Level::Transport,
        ..root_statement()
    };
    for (plan, level, allowed) in [
        (Plan::Solo, Level::Transport, true),
        (Plan::Starter, Level::Storage, false),
        (Plan::Plus, Level::E2ee, false),
        (Plan::Enterprise, Level::Transport, false),
        (Plan::Enterprise, Level::Storage, true),
        (Plan::Enterprise, Level::E2ee, true),
    ] {
        let mut account = account_with(pin(), &statement);
        let policy = Policy {
            plan,
            entry_points: vec![entry_point(level)],
            ..policy()
        };
        assert_eq!(learn(&mut account, &policy).is_ok(), allowed, "{plan:?}");
    }
}

#[test]
fn an_archive_that_the_platform_operates_is_refused_at_e2ee() {
    for (operator, level, allowed) in [
        (Some(Operator::Customer), Level::E2ee, true),
        (Some(Operator::Platform), Level::E2ee, false),
        (Some(Operator::Platform), Level::Storage, true),
        (None, Level::E2ee, false),
        (None, Level::Storage, false),
    ] {
        let statement = RootStatement {
            key_manager: operator.map(key_manager),
            ..root_statement()
        };
        let mut account = account_with(pin(), &statement);
        let policy = Policy {
            archive: Archive::KeyManager,
            entry_points: vec![entry_point(level)],
            ..policy()
        };
        assert_eq!(learn(&mut account, &policy).is_ok(), allowed);
    }
}

#[test]
fn a_policy_that_contradicts_itself_is_refused() {
    let spoil: [fn(&mut Policy); 13] = [
        |it| it.number = 0,
        |it| it.suite = Suite::XWing,
        |it| it.teams.reverse(),
        |it| it.teams[0].id = "support".into(),
        |it| it.teams[0].id = String::new(),
        |it| it.teams[1].id = "x".repeat(limits::NAME + 1),
        |it| it.entry_points.push(entry_point(Level::E2ee)),
        |it| it.entry_points[0].id = String::new(),
        |it| it.entry_points[0].teams = vec!["nobody".into()],
        |it| it.entry_points[0].teams = Vec::new(),
        |it| it.entry_points[0].teams = vec!["support".into(), "sales".into()],
        |it| it.roles = vec![Role::Bot, Role::Supervisor],
        |it| it.roles = vec![Role::Administrator],
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let error = refusal(spoil);
        assert!(
            matches!(error, AccountError::Contradiction(_)),
            "{number}: {error:?}"
        );
        assert_eq!(error.code(), "contradiction");
    }
}

#[test]
fn what_a_revoked_administrator_signed_is_void_unless_another_signs_it_again() {
    let mut account = account();
    learn(&mut account, &numbered(5)).unwrap();
    let revoked = administrator(1).public();
    let sixth = by(&revoking(6, revoked), &[&administrator(2)]);
    assert_eq!(account.learn_policy(&sixth), Ok(Learned::Current));

    // What it signed before is forgotten, what it signs now is refused.
    let fifth = by(&numbered(5), &[&administrator(1)]);
    assert!(!account.knows_policy(&fifth.hash()));
    assert_eq!(account.learn_policy(&fifth), Err(AccountError::NotSigned));
    assert_eq!(
        learn(&mut account, &numbered(7)),
        Err(AccountError::NotSigned)
    );
    let mut again = fifth.clone();
    again.add_signature(&administrator(2));
    assert_eq!(account.learn_policy(&again), Ok(Learned::Historic));
    assert_eq!(version(&account), Ok(6));
}

#[test]
fn a_policy_that_revokes_its_own_signer_is_void() {
    let own = revoking(6, administrator(1).public());
    assert_eq!(learn(&mut account(), &own), Err(AccountError::NotSigned));
}

#[test]
fn a_policy_named_by_a_commit_must_be_known_and_have_covered_its_time() {
    let mut account = account();
    let hash = by(&policy(), &[&administrator(1)]).hash();
    assert_eq!(
        account.policy_at(&hash, NOW).map(drop),
        Err(AccountError::UnknownPolicy)
    );
    learn(&mut account, &policy()).unwrap();
    assert!(account.policy_at(&hash, days(6)).is_ok());
    assert_eq!(
        account.policy_at(&hash, days(7)).map(drop),
        Err(AccountError::Expired)
    );
}
