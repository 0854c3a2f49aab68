//! What a commit follows: the epoch before, the clock, and the policy in force.

use sottovoce::account::Revocation;
use sottovoce::contact::Reason;
use sottovoce::crypto::Hash;
use sottovoce::wire::{ContactId, limits};

use crate::account::{self as objects, NOW};
use crate::scene::*;

#[test]
fn a_commit_for_another_contact_or_account_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact
            .plan(ADA, Reason::Rekey)
            .saying(|core| core.contact = ContactId::new([8; 16]));
        assert_eq!(contact.refusal(plan), "foreign-contact");
        let plan = contact
            .plan(ADA, Reason::Rekey)
            .saying(|core| core.account = objects::foreign());
        assert_eq!(contact.refusal(plan), "foreign-contact");
    });
}

#[test]
fn a_commit_starts_the_next_epoch_and_no_other() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        for epoch in [0, 1, 3, u64::MAX] {
            let plan = contact
                .plan(ADA, Reason::Rekey)
                .saying(|core| core.epoch = epoch);
            assert_eq!(contact.refusal(plan), "stale-epoch");
        }
    });
}

#[test]
fn a_commit_that_follows_another_history_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let before = contact.commits[0].transcript();
        for previous in [before, Hash::new([0; 32])] {
            let plan = contact
                .plan(ADA, Reason::Rekey)
                .saying(|core| core.previous = previous);
            assert_eq!(contact.refusal(plan), "fork");
        }
    });
}

#[test]
fn time_does_not_run_back() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let last = contact.log().time();
        let plan = contact.plan(ADA, Reason::Rekey).at(NOW);
        assert_eq!(contact.refusal(plan), "time-runs-back");
        let plan = contact.plan(ADA, Reason::Rekey).at(last);
        contact.take(plan);
    });
}

#[test]
fn a_policy_is_not_rolled_back_within_a_contact() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let old = contact.policy.clone();
        contact.learn(|_| {});
        let plan = contact.plan(ADA, Reason::Rekey);
        contact.take(plan);
        let plan = contact
            .plan(ADA, Reason::Rekey)
            .saying(|core| core.policy = policy_ref(&old));
        assert_eq!(contact.refusal(plan), "rolled-back");
    });
}

#[test]
fn a_policy_that_is_unknown_or_called_by_another_number_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact
            .plan(ADA, Reason::Rekey)
            .saying(|core| core.policy.hash = Hash::new([4; 32]));
        assert_eq!(contact.refusal(plan), "unknown-policy");
        let plan = contact
            .plan(ADA, Reason::Rekey)
            .saying(|core| core.policy.number += 1);
        assert_eq!(contact.refusal(plan), "contradiction");
    });
}

#[test]
fn a_commit_counts_only_while_its_policy_does() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Rekey).at(day(7));
        assert_eq!(contact.refusal(plan), "expired");
        contact.renew();
        let plan = contact.plan(ADA, Reason::Rekey).at(day(7));
        contact.take(plan);
        let plan = contact.plan(ADA, Reason::Rekey).at(day(13));
        assert_eq!(contact.refusal(plan), "expired");
        // Nor before it was issued.
        let mut contact = Contact::unborn(suite);
        let early = sottovoce::wire::Time::from_millis(NOW.millis() - limits::LIVE_TOLERANCE - 1);
        let plan = contact.creation(VISITOR).at(early);
        assert_eq!(contact.refusal(plan), "not-yet-valid");
    });
}

#[test]
fn a_device_or_credential_that_the_policy_revokes_commits_nothing() {
    in_both_suites(|suite| {
        let hash = ADA.member(suite).credential.unwrap();
        let ways = [
            Revocation::Device(ADA.device()),
            Revocation::Credential(hash),
        ];
        for revocation in ways {
            // On the roster,
            let mut contact = Contact::open(suite);
            let early = contact.plan(ADA, Reason::Rekey);
            let early = contact.build(early);
            contact.learn(|policy| policy.revocations = vec![revocation]);
            let plan = contact.plan(ADA, Reason::Rekey);
            assert_eq!(contact.refusal(plan), "revoked");
            let time = contact.log().time();
            assert_eq!(contact.allowed(time).unwrap_err().code(), "revoked");
            // judged by the policy that the commit names,
            assert!(contact.judge(&early).is_ok());
            // and as a member of the team.
            let mut contact = Contact::waiting(suite);
            contact.learn(|policy| policy.revocations = vec![revocation]);
            let plan = contact.claim(ADA);
            assert_eq!(contact.refusal(plan), "revoked");
            // Nobody hands the contact to it either.
            let mut contact = Contact::waiting(suite);
            let plan = contact.claim(BRUNO);
            contact.take(plan);
            contact.learn(|policy| policy.revocations = vec![revocation]);
            let plan = contact.plan(BRUNO, Reason::Transfer).with(ADA);
            assert_eq!(contact.refusal(plan), "revoked");
        }
    });
}

#[test]
fn what_a_revoked_administrator_signed_is_void_on_the_roster_too() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let time = contact.log().time();
        assert!(contact.allowed(time).is_ok());
        let revoked = Revocation::Device(objects::administrator(1).public());
        contact.learn_from(2, |policy| policy.revocations = vec![revoked]);
        assert_eq!(contact.allowed(time).unwrap_err().code(), "not-signed");
        let plan = contact.plan(ADA, Reason::Rekey);
        assert_eq!(contact.refusal(plan), "not-signed");
        // The visitor needs nobody's signature and can end it.
        let plan = contact.plan(VISITOR, Reason::Close);
        contact.take(plan);
    });
}

#[test]
fn an_expired_credential_commits_nothing() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        for number in 1..=15 {
            let from = day(number * 6);
            contact.learn(|policy| {
                policy.issued = from;
                policy.expires = from.plus_seconds(7 * limits::DAY);
            });
        }
        let plan = contact.plan(ADA, Reason::Rekey).at(day(90));
        assert_eq!(contact.refusal(plan), "expired");
        assert_eq!(contact.allowed(day(90)).unwrap_err().code(), "expired");
        let just_before = sottovoce::wire::Time::from_millis(day(90).millis() - 1);
        let plan = contact.plan(ADA, Reason::Rekey).at(just_before);
        contact.take(plan);
        let plan = contact.plan(VISITOR, Reason::Rekey).at(day(90));
        contact.take(plan);
    });
}

#[test]
fn a_roster_with_a_role_that_the_policy_no_longer_allows_is_not_sent_to() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Invite).with(SOFIA);
        contact.take(plan);
        let time = contact.log().time();
        assert!(contact.allowed(time).is_ok());
        contact.learn(|policy| policy.roles = vec![]);
        assert_eq!(contact.allowed(time).unwrap_err().code(), "contradiction");
    });
}
