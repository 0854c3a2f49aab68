//! What a commit brings along for whoever is new on the roster.

use sottovoce::account::{Role, Via};
use sottovoce::contact::Reason;
use sottovoce::crypto::Hash;
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::limits::DAY;
use sottovoce::wire::{Signed, Suite, limits};

use crate::account::{administrator, by, key};
use crate::scene::*;

/// The code with which a transfer to Bruno is refused with other evidence.
fn refusal(spoil: impl Fn(&mut Vec<Object>, Suite)) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for suite in Suite::ALL {
        let mut contact = Contact::open(suite);
        let mut plan = contact.plan(ADA, Reason::Transfer).with(BRUNO);
        spoil(&mut plan.evidence, suite);
        codes.push(contact.refusal(plan));
    }
    codes.dedup();
    codes
}

#[test]
fn a_credential_or_seal_key_that_is_missing_is_missed() {
    assert_eq!(refusal(|it, _| it.clear()), ["missing-evidence"]);
    assert_eq!(refusal(|it, _| drop(it.remove(0))), ["missing-evidence"]);
    assert_eq!(refusal(|it, _| drop(it.remove(1))), ["missing-evidence"]);
}

#[test]
fn evidence_of_somebody_else_proves_nothing() {
    assert_eq!(
        refusal(|it, suite| *it = CLARA.objects(suite)),
        ["missing-evidence"]
    );
    assert_eq!(
        refusal(|it, suite| it[1] = CLARA.objects(suite)[1].clone()),
        ["missing-evidence"]
    );
}

#[test]
fn a_seal_key_of_the_other_suite_proves_nothing() {
    assert_eq!(
        refusal(|it, suite| {
            let other = Suite::ALL.into_iter().find(|other| *other != suite);
            it[1] = BRUNO.objects(other.unwrap())[1].clone();
        }),
        ["missing-evidence"]
    );
}

#[test]
fn other_objects_or_garbage_are_no_evidence() {
    for kind in [
        ObjectKind::Root,
        ObjectKind::Policy,
        ObjectKind::Renewal,
        ObjectKind::TeamSeals,
        ObjectKind::Enrolment,
    ] {
        assert_eq!(
            refusal(|it, _| it.push(Object::new(kind, it[0].bytes.clone()))),
            ["malformed"]
        );
    }
    for kind in [
        ObjectKind::Credential,
        ObjectKind::SealKey,
        ObjectKind::TeamKey,
    ] {
        assert_eq!(
            refusal(|it, _| it.push(Object::new(kind, vec![0xff].into()))),
            ["malformed"]
        );
    }
}

#[test]
fn more_evidence_than_a_roster_can_need_is_refused() {
    assert_eq!(
        refusal(|it, _| {
            let one = it[0].clone();
            it.resize(3 * limits::ROSTER + 1, one);
        }),
        ["contradiction"]
    );
}

#[test]
fn a_credential_that_says_something_else_than_the_roster_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let spoil: [fn(&mut sottovoce::contact::Member); 2] = [
            |member| member.role = Role::Supervisor,
            |member| member.device = CLARA.device(),
        ];
        for change in spoil {
            let plan = contact
                .plan(ADA, Reason::Transfer)
                .with(BRUNO)
                .saying(|core| {
                    let mut member = core.roster.member(&BRUNO.device()).unwrap().clone();
                    core.roster.remove_member(&BRUNO.device());
                    change(&mut member);
                    core.roster.put_member(member);
                });
            assert_eq!(contact.refusal(plan), "contradiction");
        }
        // A gateway cannot pass for the person's own device.
        let plan = contact
            .plan(ADA, Reason::Transfer)
            .with(JULIA)
            .saying(|core| {
                let mut member = core.roster.member(&JULIA.device()).unwrap().clone();
                member.via = Via::Device;
                core.roster.put_member(member);
            });
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact
            .plan(ADA, Reason::Transfer)
            .with(BRUNO)
            .saying(|core| {
                let mut member = core.roster.member(&BRUNO.device()).unwrap().clone();
                member.credential = None;
                core.roster.put_member(member);
            });
        assert_eq!(contact.refusal(plan), "visitor-immutable");
    });
}

#[test]
fn a_credential_that_no_administrator_signed_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        for signer in [key(99), BRUNO.signer(), ADA.signer()] {
            let signed = by(&BRUNO.credential(), &[&signer]);
            let mut plan = contact.plan(ADA, Reason::Transfer).with(BRUNO);
            plan.evidence[0] = Object::new(ObjectKind::Credential, signed.to_bytes());
            assert_eq!(contact.refusal(plan), "not-signed");
        }
    });
}

#[test]
fn an_expired_credential_or_seal_key_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        // Seal keys are sealed to for a day.
        let plan = contact.plan(ADA, Reason::Transfer).with(BRUNO).at(day(1));
        assert_eq!(contact.refusal(plan), "expired");
        let mut credential = BRUNO.credential();
        credential.expires = contact.log().time();
        let signed = by(&credential, &[&administrator(1)]);
        let mut plan = contact.plan(ADA, Reason::Transfer).with(BRUNO);
        plan.evidence[0] = Object::new(ObjectKind::Credential, signed.to_bytes());
        let plan = plan.saying(|core| {
            let mut member = core.roster.member(&BRUNO.device()).unwrap().clone();
            member.credential = Some(signed.hash());
            core.roster.put_member(member);
        });
        assert_eq!(contact.refusal(plan), "expired");
    });
}

#[test]
fn a_seal_key_that_another_device_signed_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let forged = by(&BRUNO.seal_key(suite), &[&ADA.signer()]);
        let mut plan = contact.plan(ADA, Reason::Transfer).with(BRUNO);
        plan.evidence[1] = Object::new(ObjectKind::SealKey, forged.to_bytes());
        assert_eq!(contact.refusal(plan), "not-signed");
    });
}

#[test]
fn a_key_of_the_committers_choice_for_somebody_else_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let id = ADA.published(suite).public().id();
        let plan = contact
            .plan(ADA, Reason::Transfer)
            .with(BRUNO)
            .saying(|core| {
                let mut member = core.roster.member(&BRUNO.device()).unwrap().clone();
                member.key = id;
                core.roster.put_member(member);
            });
        assert_eq!(contact.refusal(plan), "missing-evidence");
    });
}

/// The code with which a `create` is refused whose team is sealed to another record.
fn team_refusal(
    record: impl Fn(&mut sottovoce::account::TeamKey),
    signer: u8,
) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for suite in Suite::ALL {
        let mut contact = Contact::unborn(suite);
        let mut key = team_key(suite, "support");
        record(&mut key);
        let mut plan = contact.creation(VISITOR);
        plan.evidence.clear();
        let plan = plan.with_team_key(&key, &crate::account::key(signer));
        codes.push(contact.refusal(plan));
    }
    codes.dedup();
    codes
}

#[test]
fn a_team_key_that_nobody_of_the_team_signed_is_refused() {
    assert_eq!(team_refusal(|_| {}, 99), ["not-signed"]);
}

#[test]
fn a_team_key_may_be_signed_by_a_member_but_not_by_another_teams() {
    in_both_suites(|suite| {
        for (signer, counts) in [(ADA, true), (SOFIA, true), (CLARA, false), (BOT, false)] {
            let mut contact = Contact::unborn(suite);
            let mut plan = contact.creation(VISITOR);
            plan.evidence = vec![signer.objects(suite)[0].clone()];
            let plan = plan.with_team_key(&team_key(suite, "support"), &signer.signer());
            if counts {
                contact.take(plan);
            } else {
                assert_eq!(contact.refusal(plan), "not-signed");
            }
        }
    });
}

#[test]
fn a_team_key_that_is_expired_or_below_the_lowest_generation_is_refused() {
    let end = |seconds| crate::account::NOW.plus_seconds(seconds);
    assert_eq!(
        team_refusal(|key| key.until = crate::account::NOW, 1),
        ["expired"]
    );
    assert_eq!(
        team_refusal(|key| key.until = end(DAY + 1), 1),
        ["lives-too-long"]
    );
    assert_eq!(
        team_refusal(
            |key| {
                key.from = end(3_600);
                key.until = end(7_200);
            },
            1
        ),
        ["not-yet-valid"]
    );
    assert_eq!(team_refusal(|key| key.generation = 1, 1), ["rolled-back"]);
}

#[test]
fn another_teams_key_is_refused() {
    in_both_suites(|suite| {
        let mut contact = Contact::unborn(suite);
        let plan = contact.creation(VISITOR);
        let (sales, object) = team_entry(&team_key(suite, "sales"), &administrator(1));
        let mut plan = plan.saying(|core| {
            core.roster.teams[0].record = sales.record;
            core.roster.teams[0].key = sales.key;
        });
        plan.evidence.push(object);
        assert_eq!(contact.refusal(plan), "contradiction");
        let other = team_private(suite, "sales").public().id();
        let plan = contact
            .creation(VISITOR)
            .saying(|core| core.roster.teams[0].key = other);
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact
            .creation(VISITOR)
            .saying(|core| core.roster.teams[0].record = Hash::new([1; 32]));
        assert_eq!(contact.refusal(plan), "missing-evidence");
    });
}

#[test]
fn a_team_key_of_the_other_suite_is_refused() {
    in_both_suites(|suite| {
        let other = Suite::ALL.into_iter().find(|other| *other != suite);
        let record = team_key(other.unwrap(), "support");
        let (entry, object) = team_entry(&record, &administrator(1));
        let mut contact = Contact::unborn(suite);
        let mut plan = contact.creation(VISITOR);
        plan.evidence = vec![object];
        let key = plan.core.roster.teams[0].key;
        let plan = plan.saying(|core| {
            core.roster.teams[0] = sottovoce::contact::RosterTeam { key, ..entry };
        });
        assert_eq!(contact.refusal(plan), "contradiction");
    });
}

#[test]
fn a_credential_travels_as_it_was_signed() {
    let object = &ADA.objects(Suite::XWing)[0];
    let read = Signed::<sottovoce::account::Credential>::from_bytes(&object.bytes).unwrap();
    assert_eq!(read.parse().unwrap(), ADA.credential());
}
