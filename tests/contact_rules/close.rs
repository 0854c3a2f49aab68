//! `close`: seals nothing, fixes the end.

use sottovoce::account::Level;
use sottovoce::contact::{Reason, Standing};
use sottovoce::crypto::Hash;

use crate::scene::*;

#[test]
fn visitors_and_standing_staff_close() {
    in_both_suites(|suite| {
        for person in [VISITOR, ADA] {
            let mut contact = Contact::open(suite);
            let plan = contact.plan(person, Reason::Close);
            contact.take(plan);
            assert!(contact.log().is_closed());
            assert_eq!(contact.log().standing(), Standing::Closed);
        }
        let mut contact = Contact::waiting(suite);
        let plan = contact.plan(VISITOR, Reason::Close);
        contact.take(plan);
        assert!(contact.log().is_closed());
    });
}

#[test]
fn a_bot_closes_what_it_is_responsible_for() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let plan = contact.claim(BOT);
        contact.take(plan);
        let plan = contact.plan(BOT, Reason::Close);
        contact.take(plan);
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Invite).with(BOT);
        contact.take(plan);
        let plan = contact.plan(BOT, Reason::Close);
        assert_eq!(contact.refusal(plan), "role-not-allowed");
    });
}

#[test]
fn a_member_that_never_committed_may_close() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Invite).with(SOFIA);
        contact.take(plan);
        let plan = contact.plan(SOFIA, Reason::Close);
        contact.take(plan);
    });
}

#[test]
fn nobody_outside_closes() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        for stranger in [ADA, CLARA, BOT] {
            let plan = contact.plan(stranger, Reason::Close);
            assert_eq!(contact.refusal(plan), "stranger");
        }
    });
}

#[test]
fn a_close_that_changes_the_roster_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Close).without(ADA);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let plan = contact.plan(ADA, Reason::Close).with(SOFIA);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let mut contact = Contact::waiting(suite);
        let plan = contact.plan(VISITOR, Reason::Close).without_team("support");
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
    });
}

#[test]
fn a_close_that_seals_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let mut plan = contact.plan(ADA, Reason::Rekey);
        plan.core.reason = Reason::Close;
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact
            .plan(ADA, Reason::Close)
            .saying(|core| core.commitment = Some(Hash::new([1; 32])));
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact
            .plan(ADA, Reason::Close)
            .saying(|core| core.staff = Some(staff_field()));
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact.plan(ADA, Reason::Close).with_own_key();
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact
            .plan(ADA, Reason::Close)
            .saying(|core| core.archive = Some(Hash::new([1; 32])));
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact.plan(ADA, Reason::Close).history(0);
        assert_eq!(contact.refusal(plan), "contradiction");
    });
}

#[test]
fn nothing_comes_after_a_close() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let late = contact.plan(ADA, Reason::Rekey);
        let late = contact.build(late);
        let plan = contact.plan(ADA, Reason::Close);
        contact.take(plan);
        assert_eq!(contact.refusal_of(&late), "closed");
        for reason in [Reason::Rekey, Reason::Transfer, Reason::Close] {
            let mut plan = contact.plan(ADA, reason);
            plan.tagged = false;
            assert_eq!(contact.refusal(plan), "closed");
        }
        let plan = contact.plan(BRUNO, Reason::Claim).with_self();
        assert_eq!(
            contact.refusal(Plan {
                tagged: false,
                ..plan
            }),
            "closed"
        );
    });
}

#[test]
fn a_contact_at_storage_is_closed_without_its_vault() {
    in_both_suites(|suite| {
        let mut contact = Contact::unborn_with(suite, policy(Level::Storage));
        let plan = contact.creation(VISITOR);
        contact.take(plan);
        let plan = contact.plan(VAULT, Reason::Close);
        assert_eq!(contact.refusal(plan), "role-not-allowed");
        let plan = contact.plan(VISITOR, Reason::Close);
        contact.take(plan);
    });
}
