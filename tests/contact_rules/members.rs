//! `invite`, `remove` and `rekey`.

use sottovoce::account::{Level, Role};
use sottovoce::contact::{Reason, Standing};

use crate::scene::*;

#[test]
fn an_agent_invites_whom_the_policy_allows() {
    in_both_suites(|suite| {
        for other in [BRUNO, CLARA, SOFIA, BOT, AUDITOR] {
            let mut contact = Contact::open(suite);
            let plan = contact.plan(ADA, Reason::Invite).with(other);
            contact.take(plan);
            let log = contact.log();
            assert!(log.roster().member(&other.device()).is_some());
            assert_eq!(log.responsible(), Some(&ADA.device()));
            assert!(!log.is_pending(&other.device()));
        }
    });
}

#[test]
fn supervisors_bots_and_auditors_join_only_where_the_policy_lists_them() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        contact.learn(|policy| policy.roles = vec![]);
        for other in [SOFIA, BOT, AUDITOR] {
            let plan = contact.plan(ADA, Reason::Invite).with(other);
            assert_eq!(contact.refusal(plan), "policy-not-allowed");
        }
    });
}

#[test]
fn a_vault_or_a_gateway_is_never_invited_at_e2ee() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        for other in [VAULT, JULIA] {
            let plan = contact.plan(ADA, Reason::Invite).with(other);
            assert_eq!(contact.refusal(plan), "level-not-allowed");
        }
        let plan = contact.plan(ADA, Reason::Invite).with(BOSS);
        assert_eq!(contact.refusal(plan), "level-not-allowed");
    });
}

#[test]
fn only_standing_staff_invite() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(VISITOR, Reason::Invite).with(BRUNO);
        assert_eq!(contact.refusal(plan), "role-not-allowed");
        let plan = contact.plan(BRUNO, Reason::Invite).with(BRUNO);
        assert_eq!(contact.refusal(plan), "stranger");
        let plan = contact.plan(ADA, Reason::Invite).with(BOT);
        contact.take(plan);
        let plan = contact.plan(BOT, Reason::Invite).with(BRUNO);
        assert_eq!(contact.refusal(plan), "role-not-allowed");
        let mut contact = Contact::waiting(suite);
        let plan = contact.plan(ADA, Reason::Invite).with(SOFIA);
        assert_eq!(contact.refusal(plan), "stranger");
    });
}

#[test]
fn an_invitation_is_for_one_and_changes_nothing_else() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Invite);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let plan = contact.plan(ADA, Reason::Invite).with(BRUNO).with(SOFIA);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let plan = contact.plan(ADA, Reason::Invite).with_team("sales");
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let plan = contact
            .plan(ADA, Reason::Invite)
            .with(BRUNO)
            .without(VISITOR);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
    });
}

#[test]
fn the_visitor_is_never_removed() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Remove).without(VISITOR);
        assert_eq!(contact.refusal(plan), "visitor-immutable");
        let mut plan = contact.plan(VISITOR, Reason::Remove).without(VISITOR);
        plan.core.new_key = None;
        assert_eq!(contact.refusal(plan), "visitor-immutable");
    });
}

#[test]
fn standing_staff_remove_others() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        for other in [SOFIA, BOT] {
            let plan = contact.plan(ADA, Reason::Invite).with(other);
            contact.take(plan);
            let plan = contact.plan(ADA, Reason::Remove).without(other);
            let change = contact.take(plan);
            assert_eq!(change.removed[0].device, other.device());
            assert!(contact.log().roster().member(&other.device()).is_none());
        }
    });
}

#[test]
fn visitors_bots_and_strangers_remove_nobody() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Invite).with(BOT);
        contact.take(plan);
        let plan = contact.plan(VISITOR, Reason::Remove).without(ADA);
        assert_eq!(contact.refusal(plan), "role-not-allowed");
        let plan = contact.plan(BOT, Reason::Remove).without(ADA);
        assert_eq!(contact.refusal(plan), "role-not-allowed");
        let plan = contact.plan(BRUNO, Reason::Remove).without(ADA);
        assert_eq!(contact.refusal(plan), "stranger");
    });
}

#[test]
fn a_removal_removes_and_does_nothing_else() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Remove);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let plan = contact.plan(ADA, Reason::Invite).with(SOFIA);
        contact.take(plan);
        let plan = contact.plan(ADA, Reason::Remove).without(SOFIA).with(BRUNO);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let plan = contact
            .plan(ADA, Reason::Remove)
            .without(SOFIA)
            .with_team("sales");
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
    });
}

#[test]
fn taking_the_device_back_cancels_a_transfer() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to_bruno(suite);
        let plan = contact.plan(ADA, Reason::Remove).without(BRUNO);
        contact.take(plan);
        assert_eq!(contact.log().handover(), None);
        assert_eq!(contact.log().standing(), Standing::Open);
        let plan = contact.claim(BRUNO);
        assert_eq!(contact.refusal(plan), "stranger");
    });
}

#[test]
fn taking_the_team_back_cancels_a_transfer() {
    in_both_suites(|suite| {
        let mut contact = Contact::handed_to(suite, "sales");
        let plan = contact.plan(ADA, Reason::Remove).without_team("sales");
        contact.take(plan);
        assert_eq!(contact.log().standing(), Standing::Open);
        let plan = contact.claim(CLARA);
        assert_eq!(contact.refusal(plan), "stranger");
    });
}

#[test]
fn whoever_removes_the_responsible_one_takes_over_with_the_transfer() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Invite).with(SOFIA);
        contact.take(plan);
        let plan = contact.plan(ADA, Reason::Transfer).with(BRUNO);
        contact.take(plan);
        let plan = contact.plan(SOFIA, Reason::Remove).without(ADA);
        let change = contact.take(plan);
        assert_eq!(change.replaced, Some(ADA.device()));
        assert_eq!(contact.log().responsible(), Some(&SOFIA.device()));
        assert_eq!(contact.log().handover().unwrap().from, SOFIA.device());
        let plan = contact.claim(BRUNO);
        contact.take(plan);
        assert!(contact.log().roster().member(&SOFIA.device()).is_none());
    });
}

#[test]
fn participants_remove_themselves_but_for_the_responsible_one() {
    in_both_suites(|suite| {
        for other in [SOFIA, BOT, AUDITOR] {
            let mut contact = Contact::open(suite);
            let plan = contact.plan(ADA, Reason::Invite).with(other);
            contact.take(plan);
            let mut plan = contact.plan(other, Reason::Remove).without(other);
            plan.core.new_key = None;
            contact.take(plan);
            assert!(contact.log().roster().member(&other.device()).is_none());
        }
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Remove).without(ADA);
        assert_eq!(contact.refusal(plan), "responsible-stays");
    });
}

#[test]
fn nobody_leaves_together_with_others() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Invite).with(SOFIA);
        contact.take(plan);
        let plan = contact
            .plan(ADA, Reason::Remove)
            .without(SOFIA)
            .without(ADA);
        assert_eq!(contact.refusal(plan), "responsible-stays");
        let mut plan = contact
            .plan(SOFIA, Reason::Remove)
            .without(ADA)
            .without(SOFIA);
        plan.core.new_key = None;
        assert_eq!(contact.refusal(plan), "responsible-stays");
    });
}

#[test]
fn a_vault_and_an_auditor_commit_nothing_but_their_own_removal() {
    in_both_suites(|suite| {
        let mut contact = Contact::unborn_with(suite, policy(Level::Storage));
        let plan = contact.creation(VISITOR);
        contact.take(plan);
        let plan = contact.claim(ADA);
        contact.take(plan);
        let plan = contact.plan(ADA, Reason::Invite).with(AUDITOR);
        contact.take(plan);
        for silent in [VAULT, AUDITOR] {
            let plan = contact.plan(silent, Reason::Rekey);
            assert_eq!(contact.refusal(plan), "role-not-allowed");
            let plan = contact.plan(silent, Reason::Close);
            assert_eq!(contact.refusal(plan), "role-not-allowed");
            let plan = contact.plan(silent, Reason::Invite).with(BRUNO);
            assert_eq!(contact.refusal(plan), "role-not-allowed");
            let plan = contact.plan(silent, Reason::Transfer).with(BRUNO);
            assert_eq!(contact.refusal(plan), "role-not-allowed");
            let plan = contact.plan(silent, Reason::Remove).without(ADA);
            assert_eq!(contact.refusal(plan), "role-not-allowed");
            let mut plan = contact.plan(silent, Reason::Remove).without(silent);
            plan.core.new_key = None;
            contact.take(plan);
        }
    });
}

#[test]
fn visitors_and_staff_rekey_and_nobody_else_does() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        for person in [VISITOR, ADA] {
            let before = contact.log().roster().clone();
            let plan = contact.plan(person, Reason::Rekey);
            contact.take(plan);
            assert_eq!(*contact.log().roster(), before);
        }
        let plan = contact.plan(BRUNO, Reason::Rekey);
        assert_eq!(contact.refusal(plan), "stranger");
        let plan = contact.plan(ADA, Reason::Invite).with(BOT);
        contact.take(plan);
        let plan = contact.plan(BOT, Reason::Rekey);
        assert_eq!(contact.refusal(plan), "role-not-allowed");
    });
}

#[test]
fn a_rekey_that_changes_who_is_on_the_roster_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Rekey).with(SOFIA);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let plan = contact.plan(ADA, Reason::Rekey).without(VISITOR);
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let plan = contact.plan(ADA, Reason::Rekey).with_team("sales");
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        let mut contact = Contact::waiting(suite);
        let plan = contact.plan(VISITOR, Reason::Rekey).without_team("support");
        assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
    });
}

#[test]
fn a_waiting_contact_is_sealed_to_its_teams_next_key_by_members_of_it() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let mut record = team_key(suite, "support");
        record.generation += 1;
        let signer = crate::account::administrator(1);
        let plan = contact
            .plan(CLARA, Reason::Rekey)
            .with_team_key(&record, &signer);
        assert_eq!(contact.refusal(plan), "stranger");
        let plan = contact
            .plan(ADA, Reason::Rekey)
            .with_team_key(&record, &signer);
        contact.take(plan);
        let (entry, _) = team_entry(&record, &signer);
        assert_eq!(contact.log().roster().teams, [entry]);
    });
}

#[test]
fn an_own_key_is_replaced_only_by_its_owner() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Invite).with(SOFIA);
        contact.take(plan);
        let others_key = BRUNO.own(suite);
        for (victim, code) in [
            (VISITOR, "visitor-immutable"),
            (SOFIA, "roster-change-not-allowed"),
        ] {
            let id = others_key.public().id();
            let plan = contact.plan(ADA, Reason::Rekey).saying(|core| {
                let mut member = core.roster.member(&victim.device()).unwrap().clone();
                member.key = id;
                core.roster.put_member(member);
            });
            assert_eq!(contact.refusal(plan), code);
        }
        for owner in [VISITOR, ADA] {
            let plan = contact.plan(owner, Reason::Rekey).with_key(&others_key);
            contact.take(plan);
            let member = contact.log().roster().member(&owner.device()).unwrap();
            assert_eq!(member.key, others_key.public().id());
            assert!(contact.shown(&others_key.public().id()).is_some());
        }
    });
}

#[test]
fn nothing_of_an_entry_but_the_key_changes() {
    in_both_suites(|suite| {
        let spoil: [fn(&mut sottovoce::contact::Member); 3] = [
            |member| member.role = Role::Supervisor,
            |member| member.credential = None,
            |member| member.credential = Some(sottovoce::crypto::Hash::new([5; 32])),
        ];
        let mut contact = Contact::open(suite);
        for change in spoil {
            let plan = contact
                .plan(ADA, Reason::Rekey)
                .with_own_key()
                .saying(|core| {
                    let mut member = core.roster.member(&ADA.device()).unwrap().clone();
                    change(&mut member);
                    core.roster.put_member(member);
                });
            assert_eq!(contact.refusal(plan), "roster-change-not-allowed");
        }
    });
}

#[test]
fn a_first_own_commit_without_an_own_key_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Invite).with(SOFIA);
        contact.take(plan);
        let published = SOFIA.member(suite);
        let plan = contact.plan(SOFIA, Reason::Rekey).saying(|core| {
            core.new_key = None;
            core.roster.put_member(published);
        });
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact.plan(SOFIA, Reason::Rekey);
        contact.take(plan);
        let member = contact.log().roster().member(&SOFIA.device()).unwrap();
        assert_eq!(member.key, SOFIA.own(suite).public().id());
    });
}

#[test]
fn an_own_key_that_the_roster_does_not_name_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let other = BRUNO.own(suite).public().as_bytes().to_vec();
        let plan = contact
            .plan(ADA, Reason::Rekey)
            .saying(|core| core.new_key = Some(other.into()));
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact
            .plan(ADA, Reason::Rekey)
            .saying(|core| core.new_key = Some(vec![0; 32].into()));
        assert_eq!(contact.refusal(plan), "contradiction");
        // A team's member that is not on the roster has no own key there.
        let mut contact = Contact::waiting(suite);
        let plan = contact.plan(BRUNO, Reason::Rekey).with_own_key();
        assert_eq!(contact.refusal(plan), "contradiction");
    });
}
