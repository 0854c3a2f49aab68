//! `claim`: staff of a rostered team, or whoever was handed the contact: + oneself, - all teams,
//! - whoever handed it over.

use sottovoce::account::{Level, Role};
use sottovoce::contact::{Reason, Standing};

use crate::scene::*;

#[test]
fn a_team_member_claims_and_the_team_leaves() {
    in_both_suites(|suite| {
        for agent in [ADA, SOFIA] {
            let mut contact = Contact::waiting(suite);
            let plan = contact.claim(agent);
            let change = contact.take(plan);
            let log = contact.log();
            assert_eq!(log.responsible(), Some(&agent.device()));
            assert_eq!(log.standing(), Standing::Open);
            assert_eq!(change.added[0].device, agent.device());
            assert_eq!(change.teams_removed[0].team, "support");
            assert_eq!(log.roster().members.len(), 2);
            assert!(log.roster().teams.is_empty());
        }
    });
}

#[test]
fn strangers_claim_nothing() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        for stranger in [CLARA, VAULT, AUDITOR] {
            let plan = contact.claim(stranger);
            assert_eq!(contact.refusal(plan), "stranger");
        }
        // Someone without any credential, posing as an agent or as a second visitor.
        let mut plan = contact.claim(BRUNO);
        plan.evidence.clear();
        assert_eq!(contact.refusal(plan), "stranger");
        let second = CLARA.acting_as(Role::Visitor);
        let plan = contact.claim(second);
        assert_eq!(contact.refusal(plan), "stranger");
    });
}

#[test]
fn visitors_administrators_and_gateways_claim_nothing_at_e2ee() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let plan = contact.claim(VISITOR);
        assert_eq!(contact.refusal(plan), "role-not-allowed");
        let plan = contact.claim(BOSS);
        assert_eq!(contact.refusal(plan), "level-not-allowed");
        let plan = contact.claim(JULIA);
        assert_eq!(contact.refusal(plan), "level-not-allowed");
    });
}

#[test]
fn a_gateway_claims_at_storage() {
    in_both_suites(|suite| {
        let mut contact = Contact::unborn_with(suite, policy(Level::Storage));
        let plan = contact.creation(VISITOR);
        contact.take(plan);
        let plan = contact.claim(JULIA);
        contact.take(plan);
        assert_eq!(contact.log().responsible(), Some(&JULIA.device()));
    });
}

#[test]
fn a_bot_claims_where_the_policy_says_so_for_the_entry_point() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        contact.learn(|policy| policy.entry_points[0].bot_claims = false);
        let plan = contact.claim(BOT);
        assert_eq!(contact.refusal(plan), "role-not-allowed");
        contact.learn(|policy| policy.entry_points[0].bot_claims = true);
        let plan = contact.claim(BOT);
        contact.take(plan);
        assert_eq!(contact.log().responsible(), Some(&BOT.device()));
    });
}

#[test]
fn nobody_claims_whose_role_the_policy_does_not_allow() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        contact.learn(|policy| policy.roles = vec![]);
        for other in [SOFIA, BOT] {
            let plan = contact.claim(other);
            assert_eq!(contact.refusal(plan), "policy-not-allowed");
        }
    });
}

#[test]
fn a_claim_that_keeps_a_team_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let roster = contact.log().roster().clone();
        let plan = contact
            .claim(ADA)
            .saying(|core| core.roster.teams = roster.teams);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
    });
}

#[test]
fn a_claim_without_the_claimer_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let plan = contact
            .claim(ADA)
            .without(ADA)
            .saying(|core| core.new_key = None);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
    });
}

#[test]
fn a_claim_that_brings_somebody_else_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        for other in [BRUNO, SOFIA, BOT] {
            let plan = contact.claim(ADA).with(other);
            assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        }
    });
}

#[test]
fn a_claim_that_removes_the_visitor_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let plan = contact.claim(ADA).without(VISITOR);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
    });
}

#[test]
fn a_claim_that_gives_the_visitor_another_key_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let plan = contact.claim(ADA);
        let key = ADA.own(suite).public().id();
        let plan = plan.saying(|core| {
            let mut visitor = core.roster.visitor().unwrap().clone();
            visitor.key = key;
            core.roster.put_member(visitor);
        });
        assert_eq!(contact.refusal(plan), "visitor-immutable");
    });
}

#[test]
fn of_two_claims_of_one_epoch_the_second_is_late() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let first = contact.claim(ADA);
        let second = contact.claim(BRUNO);
        let second = contact.build(second);
        contact.take(first);
        assert_eq!(contact.refusal_of(&second), "stale-epoch");
        assert_eq!(contact.log().responsible(), Some(&ADA.device()));
    });
}

#[test]
fn a_claimed_contact_is_not_claimed_again_without_a_transfer() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.claim(BRUNO);
        assert_eq!(contact.refusal(plan), "stranger");
        let plan = contact.claim(ADA);
        assert_eq!(contact.refusal(plan), "nothing-to-claim");
        let plan = contact.plan(ADA, Reason::Invite).with(SOFIA);
        contact.take(plan);
        let plan = contact.claim(SOFIA);
        assert_eq!(contact.refusal(plan), "nothing-to-claim");
    });
}

#[test]
fn a_claim_after_a_transfer_removes_whoever_handed_over() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to_bruno(suite);
        let plan = contact.claim(BRUNO);
        let change = contact.take(plan);
        let log = contact.log();
        assert_eq!(change.replaced, Some(ADA.device()));
        assert_eq!(change.removed[0].device, ADA.device());
        assert_eq!(log.responsible(), Some(&BRUNO.device()));
        assert_eq!(log.standing(), Standing::Open);
        assert!(log.roster().member(&ADA.device()).is_none());
        assert!(log.roster().visitor().is_some());
    });
}

#[test]
fn a_claim_after_a_transfer_that_keeps_whoever_handed_over_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to_bruno(suite);
        let ada = contact
            .log()
            .roster()
            .member(&ADA.device())
            .unwrap()
            .clone();
        let plan = contact
            .claim(BRUNO)
            .saying(|core| core.roster.put_member(ada));
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
    });
}

#[test]
fn a_contact_handed_to_a_team_is_claimed_by_its_members_only() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to(suite, "sales");
        let plan = contact.claim(BRUNO);
        assert_eq!(contact.refusal(plan), "stranger");
        let plan = contact.claim(CLARA);
        contact.take(plan);
        assert_eq!(contact.log().responsible(), Some(&CLARA.device()));
        assert!(contact.log().roster().member(&ADA.device()).is_none());
        assert!(contact.log().roster().teams.is_empty());
    });
}

#[test]
fn whoever_handed_a_contact_to_the_own_team_can_claim_it_back() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to(suite, "support");
        let plan = contact.claim(ADA);
        let change = contact.take(plan);
        assert!(change.removed.is_empty());
        assert_eq!(contact.log().standing(), Standing::Open);
    });
}

#[test]
fn a_member_that_left_claims_again_with_a_new_own_key() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to_bruno(suite);
        let plan = contact.claim(BRUNO);
        contact.take(plan);
        let plan = contact.plan(BRUNO, Reason::Transfer).with_team("support");
        contact.take(plan);
        assert!(!contact.log().has_committed(&ADA.device()));
        // Its entry of the first time counts for nothing now.
        let plan = contact.claim(ADA).saying(|core| core.new_key = None);
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact.claim(ADA);
        contact.take(plan);
        assert_eq!(contact.log().responsible(), Some(&ADA.device()));
    });
}

#[test]
fn a_team_member_who_sealed_a_waiting_contact_again_claims_it_with_an_own_key() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let plan = contact.plan(ADA, Reason::Rekey);
        contact.take(plan);
        assert!(!contact.log().has_committed(&ADA.device()));
        let plan = contact.claim(ADA).saying(|core| core.new_key = None);
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact.claim(ADA);
        contact.take(plan);
    });
}
