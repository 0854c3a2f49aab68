//! `transfer`: a standing member adds a team or a device, which claims it later.

use sottovoce::account::{Level, Role};
use sottovoce::contact::{Handover, HandoverTarget, Reason, Standing};

use crate::scene::*;

#[test]
fn an_agent_hands_a_contact_to_a_device_and_stays_responsible() {
    in_both_suites(|suite| {
        for other in [BRUNO, CLARA, SOFIA, BOT] {
            let mut contact = Contact::open(suite);
            let plan = contact.plan(ADA, Reason::Transfer).with(other);
            contact.take(plan);
            let log = contact.log();
            assert_eq!(log.standing(), Standing::Transferring);
            assert_eq!(log.responsible(), Some(&ADA.device()));
            assert!(log.is_pending(&other.device()));
        }
    });
}

#[test]
fn an_agent_hands_a_contact_to_a_team_and_stays_responsible() {
    in_both_suites(|suite| {
        for team in ["sales", "support"] {
            let contact = Contact::handed_to(suite, team);
            let handover = Handover {
                from: ADA.device(),
                to: HandoverTarget::Team(team.into()),
            };
            assert_eq!(contact.log().handover(), Some(&handover));
            assert_eq!(contact.log().responsible(), Some(&ADA.device()));
        }
    });
}

#[test]
fn a_member_who_is_not_responsible_may_hand_on_and_the_responsible_one_leaves() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Invite).with(SOFIA);
        contact.take(plan);
        let plan = contact.plan(SOFIA, Reason::Transfer).with(BRUNO);
        contact.take(plan);
        assert_eq!(contact.log().handover().unwrap().from, ADA.device());
        let plan = contact.claim(BRUNO);
        let change = contact.take(plan);
        assert_eq!(change.removed[0].device, ADA.device());
        assert!(contact.log().roster().member(&SOFIA.device()).is_some());
    });
}

#[test]
fn nobody_outside_hands_a_contact_on() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        for stranger in [BRUNO, CLARA, BOT] {
            let plan = contact.plan(stranger, Reason::Transfer).with_team("sales");
            assert_eq!(contact.refusal(plan), "stranger");
        }
    });
}

#[test]
fn the_visitor_hands_nothing_on() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(VISITOR, Reason::Transfer).with_team("sales");
        assert_eq!(contact.refusal(plan), "role-not-allowed");
    });
}

#[test]
fn a_contact_that_nobody_claimed_is_not_handed_on() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let plan = contact.plan(ADA, Reason::Transfer).with_team("sales");
        assert_eq!(contact.refusal(plan), "stranger");
    });
}

#[test]
fn a_bot_hands_on_where_the_policy_says_so_for_the_entry_point() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let plan = contact.claim(BOT);
        contact.take(plan);
        contact.learn(|policy| policy.entry_points[0].bot_transfers = false);
        let plan = contact.plan(BOT, Reason::Transfer).with_team("support");
        assert_eq!(contact.refusal(plan), "role-not-allowed");
        contact.learn(|policy| policy.entry_points[0].bot_transfers = true);
        let plan = contact.plan(BOT, Reason::Transfer).with_team("support");
        contact.take(plan);
        let plan = contact.claim(ADA);
        let change = contact.take(plan);
        assert_eq!(change.replaced, Some(BOT.device()));
        assert!(contact.log().roster().member(&BOT.device()).is_none());
    });
}

#[test]
fn a_contact_is_handed_to_one_device_or_one_team_at_a_time() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let nobody = contact.plan(ADA, Reason::Transfer);
        assert_eq!(contact.refusal(nobody), "roster-change-not-allowed");
        let two = contact.plan(ADA, Reason::Transfer).with(BRUNO).with(CLARA);
        assert_eq!(contact.refusal(two), "roster-change-not-allowed");
        let both = contact
            .plan(ADA, Reason::Transfer)
            .with(BRUNO)
            .with_team("sales");
        assert_eq!(contact.refusal(both), "roster-change-not-allowed");
        let teams = contact
            .plan(ADA, Reason::Transfer)
            .with_team("support")
            .with_team("sales");
        assert_eq!(contact.refusal(teams), "roster-change-not-allowed");
    });
}

#[test]
fn a_transfer_removes_nobody() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Transfer).with(BRUNO).without(ADA);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let plan = contact
            .plan(ADA, Reason::Transfer)
            .with(BRUNO)
            .without(VISITOR);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
    });
}

#[test]
fn a_contact_is_handed_only_to_those_who_answer_visitors() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Transfer).with(AUDITOR);
        assert_eq!(contact.refusal(plan), "policy-not-allowed");
        for other in [VAULT, JULIA, BOSS] {
            let plan = contact.plan(ADA, Reason::Transfer).with(other);
            assert_eq!(contact.refusal(plan), "level-not-allowed");
        }
        contact.learn(|policy| policy.roles = vec![Role::Auditor]);
        for other in [SOFIA, BOT] {
            let plan = contact.plan(ADA, Reason::Transfer).with(other);
            assert_eq!(contact.refusal(plan), "policy-not-allowed");
        }
        let second = BRUNO.acting_as(Role::Visitor);
        let plan = contact.plan(ADA, Reason::Transfer).with(second);
        assert_eq!(contact.refusal(plan), "level-not-allowed");
    });
}

#[test]
fn a_vault_is_handed_nothing_at_storage_either() {
    in_both_suites(|suite| {
        let mut contact = Contact::unborn_with(suite, policy(Level::Storage));
        let plan = contact.creation(VISITOR);
        contact.take(plan);
        let plan = contact.claim(ADA);
        contact.take(plan);
        let second = CLARA.acting_as(Role::Vault);
        for reason in [Reason::Transfer, Reason::Invite] {
            let plan = contact.plan(ADA, reason).with(second);
            assert_eq!(contact.refusal(plan), "policy-not-allowed");
        }
    });
}

#[test]
fn there_is_one_transfer_at_a_time() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to_bruno(suite);
        let plan = contact.plan(ADA, Reason::Transfer).with(CLARA);
        assert_eq!(contact.refusal(plan), "transfer-under-way");
        let plan = contact.plan(ADA, Reason::Transfer).with_team("sales");
        assert_eq!(contact.refusal(plan), "transfer-under-way");
    });
}

#[test]
fn whoever_was_handed_a_contact_does_nothing_but_claim_or_leave() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to_bruno(suite);
        let plan = contact.plan(BRUNO, Reason::Transfer).with(CLARA);
        assert_eq!(contact.refusal(plan), "claim-first");
        let plan = contact.plan(BRUNO, Reason::Invite).with(SOFIA);
        assert_eq!(contact.refusal(plan), "claim-first");
        let plan = contact.plan(BRUNO, Reason::Rekey);
        assert_eq!(contact.refusal(plan), "claim-first");
        let plan = contact.plan(BRUNO, Reason::Close);
        assert_eq!(contact.refusal(plan), "claim-first");
        let plan = contact.plan(BRUNO, Reason::Remove).without(ADA);
        assert_eq!(contact.refusal(plan), "claim-first");
    });
}

#[test]
fn a_member_of_the_team_on_the_way_does_nothing_but_claim() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to(suite, "support");
        let plan = contact.plan(BRUNO, Reason::Rekey);
        assert_eq!(contact.refusal(plan), "claim-first");
        let plan = contact.plan(BRUNO, Reason::Close);
        assert_eq!(contact.refusal(plan), "stranger");
        let plan = contact.plan(BRUNO, Reason::Remove).without(ADA);
        assert_eq!(contact.refusal(plan), "stranger");
    });
}

#[test]
fn whoever_was_handed_a_contact_can_decline_it() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to_bruno(suite);
        let mut plan = contact.plan(BRUNO, Reason::Remove).without(BRUNO);
        plan.core.new_key = None;
        contact.take(plan);
        assert_eq!(contact.log().standing(), Standing::Open);
        assert_eq!(contact.log().responsible(), Some(&ADA.device()));
    });
}
