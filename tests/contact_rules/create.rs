//! `create`: the visitor, or staff for an outbound contact; oneself, the entry point's teams and
//! what the level demands.

use sottovoce::account::{Archive, Level, Operator, Role, RootStatement};
use sottovoce::contact::{Reason, Standing};
use sottovoce::wire::Suite;

use crate::account as objects;
use crate::scene::*;

/// The code with which a spoiled `create` is refused.
fn refusal(creator: Person, spoil: impl Fn(Plan) -> Plan) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for suite in Suite::ALL {
        let mut contact = Contact::unborn(suite);
        let plan = spoil(contact.creation(creator));
        codes.push(contact.refusal(plan));
        assert!(contact.log.is_none());
    }
    codes.dedup();
    codes
}

#[test]
fn a_visitor_creates_a_contact_that_waits_for_the_entry_points_team() {
    in_both_suites(|suite| {
        let contact = Contact::waiting(suite);
        let log = contact.log();
        assert_eq!(log.standing(), Standing::Waiting);
        assert_eq!((log.epoch(), log.responsible()), (0, None));
        assert_eq!(log.roster().visitor().unwrap().device, VISITOR.device());
        assert!(log.roster().has_team("support"));
        assert_eq!(
            (log.suite(), log.level(), log.entry_point()),
            (suite, Level::E2ee, "shop")
        );
    });
}

#[test]
fn an_agent_creates_an_outbound_contact_and_is_responsible_for_it() {
    in_both_suites(|suite| {
        for agent in [ADA, SOFIA] {
            let mut contact = Contact::unborn(suite);
            let plan = contact.creation(agent);
            contact.take(plan);
            assert_eq!(contact.log().responsible(), Some(&agent.device()));
            assert_eq!(contact.log().standing(), Standing::Open);
        }
    });
}

#[test]
fn nobody_else_creates_a_contact() {
    for other in [BOT, VAULT, AUDITOR, BOSS] {
        assert_eq!(refusal(other, |plan| plan), ["role-not-allowed"]);
    }
}

#[test]
fn a_supervisor_creates_nothing_where_the_policy_does_not_allow_supervisors() {
    in_both_suites(|suite| {
        let mut policy = policy(Level::E2ee);
        policy.roles = vec![Role::Bot];
        let mut contact = Contact::unborn_with(suite, policy);
        let plan = contact.creation(SOFIA);
        assert_eq!(contact.refusal(plan), "policy-not-allowed");
    });
}

#[test]
fn a_create_has_exactly_the_teams_of_its_entry_point() {
    assert_eq!(
        refusal(VISITOR, |plan| plan.without_team("support")),
        ["roster-change-not-allowed"]
    );
    assert_eq!(
        refusal(VISITOR, |plan| plan.with_team("sales")),
        ["roster-change-not-allowed"]
    );
    assert_eq!(
        refusal(VISITOR, |plan| plan
            .without_team("support")
            .with_team("sales")),
        ["roster-change-not-allowed"]
    );
}

#[test]
fn a_create_has_nobody_else() {
    for other in [ADA, BOT, SOFIA, AUDITOR] {
        assert_eq!(
            refusal(VISITOR, |plan| plan.with(other)),
            ["roster-change-not-allowed"]
        );
    }
}

#[test]
fn a_create_without_its_creator_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::unborn_with(suite, policy(Level::Storage));
        let mut plan = contact.creation(ADA).without(ADA).with(JULIA);
        plan.core.new_key = None;
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let second = JULIA.acting_as(Role::Vault);
        let mut plan = contact.creation(ADA).without(ADA).with(second);
        plan.core.new_key = None;
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
    });
}

#[test]
fn a_level_other_than_the_policys_is_refused() {
    for level in [Level::Transport, Level::Storage] {
        assert_eq!(
            refusal(VISITOR, |plan| plan.saying(|core| core.level = level)),
            ["policy-not-allowed"]
        );
    }
}

#[test]
fn a_suite_below_the_policys_lowest_is_refused() {
    let mut policy = policy(Level::E2ee);
    policy.lowest_suite = Suite::XWing;
    let mut contact = Contact::unborn_with(Suite::X25519, policy.clone());
    let plan = contact.creation(VISITOR);
    assert_eq!(contact.refusal(plan), "policy-not-allowed");
    let mut contact = Contact::unborn_with(Suite::XWing, policy);
    let plan = contact.creation(VISITOR);
    contact.take(plan);
}

#[test]
fn an_unknown_entry_point_is_refused() {
    assert_eq!(
        refusal(VISITOR, |plan| plan.saying(|core| core
            .setup
            .as_mut()
            .unwrap()
            .entry_point =
            "back door".into())),
        ["policy-not-allowed"]
    );
}

#[test]
fn an_archive_rule_other_than_the_policys_is_refused() {
    // Claiming to archive, without an archive's seal:
    assert_eq!(
        refusal(VISITOR, |plan| plan.saying(|core| core
            .setup
            .as_mut()
            .unwrap()
            .archive =
            Archive::KeyManager)),
        ["contradiction"]
    );
    // and not archiving where the policy wants it.
    in_both_suites(|suite| {
        let mut contact = Contact::unborn(suite);
        let statement = RootStatement {
            number: 2,
            key_manager: Some(objects::key_manager(Operator::Customer)),
            ..objects::root_statement()
        };
        let signed = objects::by(&statement, &[&objects::root()]);
        contact.account.learn_root(&signed).unwrap();
        contact.learn(|policy| policy.archive = Archive::KeyManager);
        let plan = contact
            .creation(VISITOR)
            .saying(|core| core.setup.as_mut().unwrap().archive = Archive::None);
        assert_eq!(contact.refusal(plan), "policy-not-allowed");
        // An archive's key that the contact's rule does not have is refused as well.
        contact.learn(|policy| policy.archive = Archive::None);
        let plan = contact
            .creation(VISITOR)
            .saying(|core| core.archive = Some(core.roster.members[0].key));
        assert_eq!(contact.refusal(plan), "contradiction");
    });
}

#[test]
fn at_the_levels_of_a_vault_a_create_has_one() {
    in_both_suites(|suite| {
        for level in [Level::Storage, Level::Transport] {
            let mut policy = policy(level);
            if level == Level::Transport {
                policy.plan = sottovoce::account::Plan::Plus;
            }
            let mut contact = Contact::unborn_with(suite, policy);
            let plan = contact.creation(VISITOR).without(VAULT);
            assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
            let plan = contact.creation(VISITOR).with(ADA);
            assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
            let plan = contact.creation(VISITOR);
            contact.take(plan);
            assert!(contact.opens(
                0,
                sottovoce::contact::Strand::All,
                &[VAULT.published(suite)]
            ));
        }
    });
}

#[test]
fn a_gateway_creates_at_storage_and_never_at_e2ee() {
    assert_eq!(refusal(JULIA, |plan| plan), ["level-not-allowed"]);
    in_both_suites(|suite| {
        let mut contact = Contact::unborn_with(suite, policy(Level::Storage));
        let plan = contact.creation(JULIA);
        contact.take(plan);
    });
}

#[test]
fn a_first_commit_without_setup_or_for_another_reason_or_epoch_is_refused() {
    assert_eq!(
        refusal(VISITOR, |plan| plan.saying(|core| core.setup = None)),
        ["contradiction"]
    );
    assert_eq!(
        refusal(VISITOR, |plan| plan
            .saying(|core| core.reason = Reason::Rekey)),
        ["stale-epoch"]
    );
    assert_eq!(
        refusal(VISITOR, |plan| plan.saying(|core| core.epoch = 1)),
        ["stale-epoch"]
    );
}

#[test]
fn a_create_of_another_account_is_refused() {
    assert_eq!(
        refusal(VISITOR, |plan| plan
            .saying(|core| core.account = objects::foreign())),
        ["foreign-contact"]
    );
}

#[test]
fn a_create_that_follows_something_is_refused() {
    assert_eq!(
        refusal(VISITOR, |plan| plan.saying(
            |core| core.previous = sottovoce::crypto::Hash::new([0; 32])
        )),
        ["fork"]
    );
}

#[test]
fn a_visitor_has_a_usable_device_key_and_no_gateway() {
    let weak = |plan: Plan| {
        plan.saying(|core| {
            core.roster.members[0].via = sottovoce::account::Via::Gateway;
            core.level = Level::E2ee;
        })
    };
    assert_eq!(refusal(VISITOR, weak), ["level-not-allowed"]);
    in_both_suites(|suite| {
        let mut contact = Contact::unborn_with(suite, policy(Level::Storage));
        let device = VISITOR.device();
        let plan = contact.creation(VISITOR).saying(|core| {
            let mut member = core.roster.member(&device).unwrap().clone();
            member.via = sottovoce::account::Via::Gateway;
            core.roster.put_member(member);
        });
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact.creation(VISITOR).saying(|core| {
            let mut member = core.roster.member(&device).unwrap().clone();
            core.roster.remove_member(&device);
            member.device = objects::WEAK;
            core.roster.put_member(member);
            core.committer = objects::WEAK;
        });
        assert_eq!(contact.refusal(plan), "contradiction");
    });
}

#[test]
fn nothing_of_what_create_fixed_changes_later() {
    in_both_suites(|suite| {
        let other = match suite {
            Suite::X25519 => Suite::XWing,
            Suite::XWing => Suite::X25519,
        };
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Rekey);
        let commit = contact.build(plan);
        let mut forged = crate::forge::Forged::from(&commit);
        forged.core.suite = other;
        assert_eq!(
            contact.refusal_of(&forged.sign(&ADA.signer())),
            "fixed-field-changed"
        );
        let plan = contact
            .plan(ADA, Reason::Rekey)
            .saying(|core| core.level = Level::Storage);
        assert_eq!(contact.refusal(plan), "fixed-field-changed");
        let setup = contact.commits[0].core().setup.clone();
        let plan = contact
            .plan(ADA, Reason::Rekey)
            .saying(|core| core.setup = setup);
        assert_eq!(contact.refusal(plan), "fixed-field-changed");
        // No later policy changes it either.
        contact.learn(|policy| policy.entry_points[0].level = Level::Storage);
        let plan = contact.plan(ADA, Reason::Rekey);
        contact.take(plan);
        assert_eq!(contact.log().level(), Level::E2ee);
    });
}

#[test]
fn there_is_no_second_create() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let first = contact.commits[0].clone();
        assert_eq!(contact.refusal_of(&first), "stale-epoch");
        let plan = contact
            .plan(VISITOR, Reason::Rekey)
            .saying(|core| core.reason = Reason::Create);
        assert_eq!(contact.refusal(plan), "stale-epoch");
    });
}
