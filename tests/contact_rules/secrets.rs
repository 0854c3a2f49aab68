//! What a commit's secrets determine, and how whoever holds one notices that something is wrong.

use sottovoce::contact::{Commit, EpochSecret, Reason, SecretError, Strand};
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::crypto::{Hash, Random};
use sottovoce::wire::Suite;

use crate::forge::{Forged, h, labelled};
use crate::scene::*;

fn opened(commit: &Commit, strand: Strand, key: &SealPrivateKey) -> Option<EpochSecret> {
    try_open(commit, strand, key).map(Result::unwrap)
}

fn try_open(
    commit: &Commit,
    strand: Strand,
    key: &SealPrivateKey,
) -> Option<Result<EpochSecret, SecretError>> {
    EpochSecret::open(strand, commit, |id| {
        (key.public().id() == *id).then_some(key)
    })
}

/// A rekey by Ada that a test spoils, tagged and signed as it should be afterwards.
fn spoiled(suite: Suite, spoil: impl FnOnce(&Contact, &mut Forged)) -> (Contact, Commit) {
    let mut contact = Contact::open(suite);
    let plan = contact.plan(ADA, Reason::Rekey).history(0);
    let mut forged = Forged::from(&contact.build(plan));
    spoil(&contact, &mut forged);
    let key = contact.epoch_key(1).unwrap();
    let commit = forged.tagged_with(&key).sign(&ADA.signer());
    (contact, commit)
}

/// The secret inside a commit that was not spoiled yet.
fn secret_of(forged: &Forged) -> Vec<u8> {
    let commit = forged.sign(&ADA.signer());
    let secret = opened(&commit, Strand::All, &ADA.own(commit.core().suite)).unwrap();
    sottovoce::wire::encode(&secret)[2..].to_vec()
}

/// Seals a secret to one member by hand: right key, right info, randomness of the test's choice.
fn seal_by_hand(forged: &mut Forged, to: Person, secret: &[u8]) {
    let core = sottovoce::wire::encode(&forged.core);
    let hc = h("core", &[&core]);
    let key = to.own(forged.core.suite).public();
    let device = to.device();
    let parts = [hc.as_array().as_slice(), device.as_array(), key.as_bytes()];
    let info = labelled("seal", &parts);
    let seal = key.seal_fresh(&mut Random::seeded(1), &info, secret);
    let place = place(forged, to);
    forged.seals.all[place] = seal.unwrap();
}

fn place(forged: &Forged, of: Person) -> usize {
    let members = &forged.core.roster.members;
    members
        .iter()
        .position(|member| member.device == of.device())
        .unwrap()
}

#[test]
fn exactly_the_roster_opens_an_epoch() {
    in_both_suites(|suite| {
        let contact = Contact::open(suite);
        let team = team_private(suite, "support");
        for (epoch, keys, opens) in [
            (0, VISITOR.own(suite), true),
            (0, team.duplicate(), true),
            (0, ADA.own(suite), false),
            (0, ADA.published(suite), false),
            (1, VISITOR.own(suite), true),
            (1, ADA.own(suite), true),
            (1, team.duplicate(), false),
            (1, BRUNO.published(suite), false),
        ] {
            assert_eq!(contact.opens(epoch, Strand::All, &[keys]), opens);
        }
        let staff = |epoch, key| contact.opens(epoch, Strand::Staff, &[key]);
        assert!(staff(1, ADA.own(suite)));
        assert!(!staff(1, VISITOR.own(suite)));
        assert!(!staff(0, team), "a visitor's commit has no staff secret");
    });
}

#[test]
fn everyone_opens_the_same_secret_and_finds_all_seals_right() {
    in_both_suites(|suite| {
        let contact = Contact::handed_to_bruno(suite);
        let commit = &contact.commits[2];
        let keys = [VISITOR.own(suite), ADA.own(suite), BRUNO.published(suite)];
        let secrets = keys.map(|key| opened(commit, Strand::All, &key).unwrap());
        for secret in &secrets {
            assert_eq!(*secret, secrets[0]);
            let checked = secret.check_seals(Strand::All, commit, |id| contact.shown(id));
            assert_eq!(checked, Ok(()));
        }
        let staff = opened(commit, Strand::Staff, &BRUNO.published(suite)).unwrap();
        assert_ne!(staff, secrets[0]);
        assert_eq!(
            staff.check_seals(Strand::Staff, commit, |id| contact.shown(id)),
            Ok(())
        );
    });
}

#[test]
fn different_secrets_for_two_recipients_are_found_by_each() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Rekey);
        let first = contact.build(plan);
        let plan = contact.plan(ADA, Reason::Rekey);
        let second = contact.build(plan);
        let mut forged = Forged::from(&first);
        let place = place(&forged, VISITOR);
        forged.seals.all[place] = second.seals().all[place].clone();
        let commit = forged.sign(&ADA.signer());
        // Its seal was made for another commit: the visitor cannot open it,
        let own = try_open(&commit, Strand::All, &VISITOR.own(suite)).unwrap();
        assert_eq!(own.unwrap_err(), SecretError::Seal);
        // and everyone else sees that it could not.
        let others = opened(&commit, Strand::All, &ADA.own(suite)).unwrap();
        assert_eq!(
            others.check_seals(Strand::All, &commit, |id| contact.shown(id)),
            Err(SecretError::OtherSeal)
        );
    });
}

#[test]
fn a_seal_that_opens_to_another_secret_breaks_the_commitment() {
    in_both_suites(|suite| {
        let (contact, commit) = spoiled(suite, |_, forged| {
            seal_by_hand(forged, VISITOR, &[7; 32]);
        });
        let own = try_open(&commit, Strand::All, &VISITOR.own(suite)).unwrap();
        assert_eq!(own.unwrap_err(), SecretError::Commitment);
        let others = opened(&commit, Strand::All, &ADA.own(suite)).unwrap();
        assert_eq!(
            others.check_seals(Strand::All, &commit, |id| contact.shown(id)),
            Err(SecretError::OtherSeal)
        );
    });
}

#[test]
fn a_seal_with_other_randomness_is_found_though_it_opens() {
    in_both_suites(|suite| {
        let (contact, commit) = spoiled(suite, |_, forged| {
            let secret = secret_of(forged);
            seal_by_hand(forged, VISITOR, &secret);
        });
        let secret = opened(&commit, Strand::All, &VISITOR.own(suite)).unwrap();
        assert_eq!(
            secret.check_seals(Strand::All, &commit, |id| contact.shown(id)),
            Err(SecretError::OtherSeal)
        );
    });
}

#[test]
fn seals_and_commitments_of_another_commit_do_not_fit() {
    in_both_suites(|suite| {
        let earlier = Contact::open(suite);
        let transplant: [fn(&Commit, &mut Forged); 3] = [
            |from, to| to.seals.all = from.seals().all.clone(),
            |from, to| to.core.commitment = from.core().commitment,
            |from, to| {
                to.seals.all = from.seals().all.clone();
                to.core.commitment = from.core().commitment;
            },
        ];
        for change in transplant {
            let (_, commit) = spoiled(suite, |_, forged| change(&earlier.commits[1], forged));
            let own = try_open(&commit, Strand::All, &VISITOR.own(suite)).unwrap();
            assert!(matches!(
                own,
                Err(SecretError::Seal | SecretError::Commitment)
            ));
        }
    });
}

#[test]
fn a_commit_moved_to_another_contact_opens_nothing_there() {
    in_both_suites(|suite| {
        let contact = Contact::open(suite);
        let mut forged = Forged::from(&contact.commits[1]);
        forged.core.contact = sottovoce::wire::ContactId::new([8; 16]);
        let moved = forged.sign(&ADA.signer());
        let own = try_open(&moved, Strand::All, &VISITOR.own(suite)).unwrap();
        assert_eq!(own.unwrap_err(), SecretError::Seal);
        let secret = opened(&contact.commits[1], Strand::All, &VISITOR.own(suite)).unwrap();
        assert_eq!(
            secret.matches(Strand::All, moved.core()),
            Err(SecretError::Commitment)
        );
    });
}

#[test]
fn a_staff_seal_is_no_seal_for_everyone() {
    in_both_suites(|suite| {
        let (_, commit) = spoiled(suite, |_, forged| {
            let place = place(forged, ADA);
            forged.seals.all[place] = forged.seals.staff[0].clone();
        });
        let own = try_open(&commit, Strand::All, &ADA.own(suite)).unwrap();
        assert_eq!(own.unwrap_err(), SecretError::Seal);
    });
}

#[test]
fn a_stolen_signing_key_alone_makes_no_commit() {
    in_both_suites(|suite| {
        let mut contact = Contact::open(suite);
        let plan = contact.plan(ADA, Reason::Rekey);
        let honest = contact.build(plan);
        let key = contact.epoch_key(1).unwrap();
        assert_eq!(honest.verify_tag(&key), Ok(()));
        let earlier = contact.epoch_key(0).unwrap();
        assert_eq!(honest.verify_tag(&earlier), Err(SecretError::Tag));
        // The thief signs as Ada, but knows no epoch's key.
        let mut forged = Forged::from(&honest);
        forged.tag = Some(Hash::new([0; 32]));
        assert_eq!(
            forged.sign(&ADA.signer()).verify_tag(&key),
            Err(SecretError::Tag)
        );
        // A tag of another commit, or of the same one with other seals, is none.
        let mut forged = Forged::from(&honest);
        forged.tag = contact.commits[1].tag().copied();
        assert_eq!(
            forged.sign(&ADA.signer()).verify_tag(&key),
            Err(SecretError::Tag)
        );
        let mut forged = Forged::from(&honest);
        forged.seals.all.swap(0, 1);
        assert_eq!(
            forged.sign(&ADA.signer()).verify_tag(&key),
            Err(SecretError::Tag)
        );
        // `create` has no tag, and nothing after it goes without.
        assert_eq!(contact.commits[0].verify_tag(&key), Err(SecretError::Tag));
    });
}

#[test]
fn a_joiner_walks_back_epoch_by_epoch_and_checks_each_secret() {
    in_both_suites(|suite| {
        let mut contact = Contact::waiting(suite);
        let mut plan = contact.claim(ADA).history(0);
        plan.staff_history = true;
        contact.take(plan);
        let mut plan = contact.plan(ADA, Reason::Transfer).with(BRUNO).history(0);
        plan.staff_history = true;
        contact.take(plan);
        let [created, claimed, handed] = [0, 1, 2].map(|epoch| &contact.commits[epoch]);
        let secret = opened(handed, Strand::All, &BRUNO.published(suite)).unwrap();
        let before = secret
            .previous(Strand::All, handed.core())
            .unwrap()
            .unwrap();
        assert_eq!(before.matches(Strand::All, claimed.core()), Ok(()));
        let first = before
            .previous(Strand::All, claimed.core())
            .unwrap()
            .unwrap();
        assert_eq!(first.matches(Strand::All, created.core()), Ok(()));
        assert!(first.previous(Strand::All, created.core()).is_none());
        assert_eq!(Some(&first), contact.secrets[0].all.as_ref());
        // Notes: Ada's claim made the first staff secret.
        let staff = opened(handed, Strand::Staff, &BRUNO.published(suite)).unwrap();
        let notes = staff
            .previous(Strand::Staff, handed.core())
            .unwrap()
            .unwrap();
        assert_eq!(Some(&notes), contact.secrets[1].staff.as_ref());
        assert!(notes.previous(Strand::Staff, claimed.core()).is_none());
    });
}

#[test]
fn without_history_there_is_no_way_back() {
    in_both_suites(|suite| {
        let contact = Contact::handed_to_bruno(suite);
        let handed = &contact.commits[2];
        for strand in [Strand::All, Strand::Staff] {
            let secret = opened(handed, strand, &BRUNO.published(suite)).unwrap();
            assert!(secret.previous(strand, handed.core()).is_none());
        }
    });
}

#[test]
fn a_wrong_back_link_is_found() {
    in_both_suites(|suite| {
        // One that does not open,
        let (_, commit) = spoiled(suite, |_, forged| {
            let secret = secret_of(forged);
            let mut link = forged.core.back_link.clone().unwrap().into_vec();
            link[0] ^= 1;
            forged.core.back_link = Some(link.into());
            seal_by_hand(forged, VISITOR, &secret);
        });
        let secret = visitors_secret(&commit, suite);
        assert_eq!(
            secret.previous(Strand::All, commit.core()),
            Some(Err(SecretError::BackLink))
        );
        // one of another length,
        let (_, commit) = spoiled(suite, |_, forged| {
            let secret = secret_of(forged);
            forged.core.back_link = Some(vec![0; 47].into());
            seal_by_hand(forged, VISITOR, &secret);
        });
        let secret = visitors_secret(&commit, suite);
        assert_eq!(
            secret.previous(Strand::All, commit.core()),
            Some(Err(SecretError::BackLink))
        );
        // and one to a secret that was never in force.
        let mut contact = Contact::open(suite);
        let wrong = EpochSecret::generate(&mut Random::seeded(3)).unwrap();
        let right = contact.secrets[1].all.replace(wrong);
        let mut plan = contact.plan(ADA, Reason::Rekey).history(0);
        plan.tagged = false;
        let commit = contact.build(plan);
        let secret = visitors_secret(&commit, suite);
        let found = secret
            .previous(Strand::All, commit.core())
            .unwrap()
            .unwrap();
        assert_ne!(Some(&found), right.as_ref());
        assert_eq!(
            found.matches(Strand::All, contact.commits[1].core()),
            Err(SecretError::Commitment)
        );
    });
}

fn visitors_secret(commit: &Commit, suite: Suite) -> EpochSecret {
    opened(commit, Strand::All, &VISITOR.own(suite)).unwrap()
}

#[test]
fn every_error_of_a_secret_has_its_code() {
    for (error, code) in [
        (SecretError::Seal, "wrong-seal"),
        (SecretError::Commitment, "wrong-commitment"),
        (SecretError::OtherSeal, "wrong-other-seal"),
        (SecretError::Tag, "wrong-membership-tag"),
        (SecretError::BackLink, "wrong-back-link"),
    ] {
        assert_eq!(error.code(), code);
    }
}
