//! What must be in a commit and what must not, by its reason alone.

use sottovoce::contact::{Member, Reason, RosterTeam};
use sottovoce::crypto::Hash;
use sottovoce::wire::DeviceId;

use crate::forge::{Forged, h};
use crate::scene::*;

/// The code with which a rekey by Ada is refused after it was spoiled and signed again.
fn refusal(spoil: impl Fn(&mut Forged)) -> Vec<&'static str> {
    let mut codes = Vec::new();
    in_each(|mut contact| {
        let plan = contact.plan(ADA, Reason::Rekey).history(0);
        let commit = contact.build(plan);
        let mut forged = Forged::from(&commit);
        spoil(&mut forged);
        codes.push(contact.refusal_of(&forged.sign(&ADA.signer())));
    });
    codes.dedup();
    codes
}

fn in_each(mut test: impl FnMut(Contact)) {
    for suite in sottovoce::wire::Suite::ALL {
        test(Contact::open(suite));
    }
}

#[test]
fn seals_are_exactly_as_many_as_recipients() {
    assert_eq!(
        refusal(|it| drop(it.seals.all.pop())),
        ["contradiction"],
        "one too few"
    );
    assert_eq!(
        refusal(|it| it.seals.all.push(it.seals.all[0].clone())),
        ["contradiction"],
        "one too many"
    );
    assert_eq!(
        refusal(|it| it.seals.all.clear()),
        ["contradiction"],
        "none"
    );
    assert_eq!(
        refusal(|it| it.seals.staff.clear()),
        ["contradiction"],
        "none for staff"
    );
    assert_eq!(
        refusal(|it| it.seals.staff.push(it.seals.all[0].clone())),
        ["contradiction"],
        "one too many for staff"
    );
    assert_eq!(
        refusal(|it| it.seals.archive = Some(it.seals.all[0].clone())),
        ["contradiction"],
        "one for an archive that there is not"
    );
}

#[test]
fn a_commit_without_commitment_is_refused() {
    assert_eq!(refusal(|it| it.core.commitment = None), ["contradiction"]);
}

#[test]
fn history_and_back_link_come_together_and_lead_back() {
    assert_eq!(refusal(|it| it.core.history = None), ["contradiction"]);
    assert_eq!(refusal(|it| it.core.back_link = None), ["contradiction"]);
    for since in [2, 3, u64::MAX] {
        assert_eq!(
            refusal(|it| it.core.history = Some(since)),
            ["contradiction"]
        );
    }
}

#[test]
fn notes_are_readable_no_further_back_than_the_history_says() {
    in_each(|mut contact| {
        let mut plan = contact.plan(ADA, Reason::Rekey);
        plan.staff_history = true;
        assert_eq!(contact.refusal(plan), "contradiction");
        let mut plan = contact.plan(ADA, Reason::Rekey).history(1);
        plan.staff_history = true;
        contact.take(plan);
    });
}

#[test]
fn the_membership_tag_is_there_but_in_create() {
    assert_eq!(refusal(|it| it.tag = None), ["contradiction"]);
    in_both_suites(|suite| {
        let mut contact = Contact::unborn(suite);
        let plan = contact.creation(VISITOR);
        let mut forged = Forged::from(&contact.build(plan));
        forged.tag = Some(Hash::new([0; 32]));
        let commit = forged.sign(&VISITOR.signer());
        assert_eq!(contact.refusal_of(&commit), "contradiction");
    });
}

#[test]
fn staff_and_only_staff_make_a_staff_secret() {
    in_each(|mut contact| {
        let mut plan = contact.plan(ADA, Reason::Rekey);
        plan.staff = None;
        assert_eq!(contact.refusal(plan), "contradiction");
        let mut plan = contact.plan(VISITOR, Reason::Rekey);
        plan.staff = plan
            .secret
            .as_ref()
            .map(sottovoce::contact::EpochSecret::duplicate);
        assert_eq!(contact.refusal(plan), "contradiction");
        let plan = contact.plan(ADA, Reason::Transfer).with(BOT);
        contact.take(plan);
        let mut plan = contact.claim(BOT);
        plan.staff = plan
            .secret
            .as_ref()
            .map(sottovoce::contact::EpochSecret::duplicate);
        assert_eq!(contact.refusal(plan), "contradiction");
    });
}

#[test]
fn a_roster_is_in_order_without_duplicates_and_not_too_large() {
    assert_eq!(
        refusal(|it| it.core.roster.members.reverse()),
        ["contradiction"]
    );
    assert_eq!(
        refusal(|it| {
            let twin = it.core.roster.members[0].clone();
            it.core.roster.members.insert(0, twin);
            it.seals.all.push(it.seals.all[0].clone());
        }),
        ["contradiction"]
    );
    let team = |id: &str| RosterTeam {
        team: id.into(),
        record: Hash::new([1; 32]),
        key: Hash::new([1; 32]),
    };
    for teams in [["b", "a"], ["a", "a"]] {
        assert_eq!(
            refusal(|it| it.core.roster.teams = teams.map(team).to_vec()),
            ["contradiction"]
        );
    }
    assert_eq!(
        refusal(|it| {
            let roster = &mut it.core.roster;
            let model = roster.visitor().unwrap().clone();
            while roster.members.len() <= sottovoce::wire::limits::ROSTER {
                let device = DeviceId::new([roster.members.len() as u8; 32]);
                roster.put_member(Member {
                    device,
                    ..model.clone()
                });
            }
            let seal = it.seals.all[0].clone();
            it.seals.all = vec![seal; it.core.roster.members.len()];
        }),
        ["contradiction"]
    );
}

#[test]
fn a_spoiled_signature_or_that_of_another_is_refused() {
    in_each(|mut contact| {
        let plan = contact.plan(ADA, Reason::Rekey);
        let commit = contact.build(plan);
        let by_another = Forged::from(&commit).sign(&BRUNO.signer());
        assert_eq!(contact.refusal_of(&by_another), "bad-signature");
        let mut changed = Forged::from(&commit);
        changed.evidence = ADA.objects(contact.suite);
        let same = changed.sign(&ADA.signer());
        // Evidence is not signed: it proves itself.
        assert!(contact.judge(&same).is_ok());
    });
}

#[test]
fn somebody_elses_commit_cannot_be_signed_as_ones_own() {
    in_each(|mut contact| {
        let plan = contact.plan(ADA, Reason::Rekey);
        let mut forged = Forged::from(&contact.build(plan));
        forged.core.committer = VISITOR.device();
        let commit = forged.sign(&VISITOR.signer());
        assert_eq!(contact.refusal_of(&commit), "contradiction");
    });
}

/// The same commit as built by an honest client, byte for byte: the forge states what SPEC does.
#[test]
fn a_commit_put_together_by_hand_from_the_spec_is_the_one_that_clients_make() {
    in_both_suites(|suite| {
        let contact = Contact::open(suite);
        let [created, claimed] = [&contact.commits[0], &contact.commits[1]];
        let again = Forged::from(created).sign(&VISITOR.signer());
        assert_eq!(again.to_bytes(), created.to_bytes());
        let key = contact.epoch_key(0).unwrap();
        let forged = Forged::from(claimed).tagged_with(&key);
        assert_eq!(forged.tag.as_ref(), claimed.tag());
        assert_eq!(forged.sign(&ADA.signer()).to_bytes(), claimed.to_bytes());
        let [hc, hs] = forged.hashes();
        assert_eq!(*claimed.core_hash(), hc);
        let previous = created.transcript();
        let parts = [previous.as_array(), hc.as_array(), hs.as_array()].map(<[u8; 32]>::as_slice);
        assert_eq!(claimed.transcript(), h("transcript", &parts));
    });
}
