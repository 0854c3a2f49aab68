//! Team key records and the seals of their private halves.

use sottovoce::account::{
    AccountError, Credential, Policy, Role, RootStatement, TeamKey, TeamSeal, TeamSeals,
};
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::crypto::{Random, Secret};
use sottovoce::wire::{Suite, Time, decode, limits};

use crate::scene::*;

/// What the account says to a record signed by the agent, whose credential is given.
fn judge_with(
    record: &TeamKey,
    credential: &Credential,
    policy: &Policy,
    at: Time,
) -> Result<TeamKey, AccountError> {
    let credential = by(credential, &[&administrator(1)]);
    account().team_key(&by(record, &[&agent()]), Some(&credential), policy, at)
}

fn refusal(change: impl FnOnce(&mut TeamKey)) -> AccountError {
    let mut record = team_key(Suite::XWing);
    change(&mut record);
    judge_with(&record, &credential(), &policy(), NOW).unwrap_err()
}

#[test]
fn a_team_key_by_a_member_is_believed_for_a_day() {
    for suite in Suite::ALL {
        let record = team_key(suite);
        let at = |millis| {
            let at = Time::from_millis(millis);
            judge_with(&record, &credential(), &policy(), at).map(drop)
        };
        assert_eq!(at(NOW.millis()), Ok(()));
        assert_eq!(
            at(NOW.millis() - limits::LIVE_TOLERANCE - 1),
            Err(AccountError::NotYetValid)
        );
        assert_eq!(at(days(1).millis()), Err(AccountError::Expired));
    }
}

#[test]
fn a_team_key_is_sealed_to_for_a_day_at_most() {
    assert_eq!(
        refusal(|it| it.until = days(1).plus_millis(1)),
        AccountError::LivesTooLong
    );
}

#[test]
fn a_team_key_of_another_account_is_refused() {
    assert_eq!(
        refusal(|it| it.account = foreign()),
        AccountError::ForeignAccount
    );
}

#[test]
fn a_team_that_the_policy_does_not_name_has_no_key() {
    let error = refusal(|it| it.team = "nobody".into());
    assert!(matches!(error, AccountError::Contradiction(_)));
}

#[test]
fn a_generation_below_the_policys_is_refused() {
    assert_eq!(refusal(|it| it.generation = 1), AccountError::RolledBack);
}

#[test]
fn a_team_key_by_somebody_who_is_no_member_is_refused() {
    let elsewhere = Credential {
        teams: vec!["sales".into()],
        ..credential()
    };
    let record = team_key(Suite::XWing);
    assert_eq!(
        judge_with(&record, &elsewhere, &policy(), NOW),
        Err(AccountError::NotMember)
    );
    for role in [Role::Bot, Role::Vault, Role::Auditor, Role::Administrator] {
        let other = Credential {
            role,
            ..credential()
        };
        assert_eq!(
            judge_with(&record, &other, &policy(), NOW),
            Err(AccountError::NotMember),
            "{role:?}"
        );
    }
    let supervisor = Credential {
        role: Role::Supervisor,
        ..credential()
    };
    assert!(judge_with(&record, &supervisor, &policy(), NOW).is_ok());
}

#[test]
fn a_team_key_by_another_device_than_the_credentials_is_refused() {
    let other = Credential {
        device: key(20).public(),
        ..credential()
    };
    assert_eq!(
        judge_with(&team_key(Suite::XWing), &other, &policy(), NOW),
        Err(AccountError::NotSigned)
    );
}

#[test]
fn a_team_key_by_a_revoked_or_expired_member_is_refused() {
    let record = team_key(Suite::XWing);
    assert_eq!(
        judge_with(&record, &credential(), &revoking(5, agent().public()), NOW),
        Err(AccountError::Revoked)
    );
    let expired = Credential {
        expires: NOW,
        ..credential()
    };
    assert_eq!(
        judge_with(&record, &expired, &policy(), NOW),
        Err(AccountError::Expired)
    );
}

#[test]
fn a_team_key_by_administrators_needs_as_many_as_a_credential() {
    let statement = RootStatement {
        credential_threshold: 2,
        ..root_statement()
    };
    let account = account_with(pin(), &statement);
    let mut signed = by(&team_key(Suite::XWing), &[&administrator(1)]);
    let judge = |signed: &_, policy: &Policy| account.team_key(signed, None, policy, NOW).map(drop);
    assert_eq!(judge(&signed, &policy()), Err(AccountError::NotSigned));
    signed.add_signature(&administrator(2));
    assert_eq!(judge(&signed, &policy()), Ok(()));
    assert_eq!(
        judge(&signed, &revoking(5, administrator(2).public())),
        Err(AccountError::NotSigned)
    );
    let by_member = by(&team_key(Suite::XWing), &[&agent()]);
    assert_eq!(judge(&by_member, &policy()), Err(AccountError::NotSigned));
}

#[test]
fn a_weak_key_or_holders_out_of_order_are_refused() {
    let spoil: [fn(&mut TeamKey); 4] = [
        |it| it.public_key = vec![0; 32].into(),
        |it| it.public_key = public_seal_key(Suite::X25519),
        |it| it.suite = Suite::X25519,
        |it| it.holders = vec![agent().public(), agent().public()],
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let error = refusal(spoil);
        assert!(
            matches!(error, AccountError::Contradiction(_)),
            "{number}: {error:?}"
        );
    }
}

#[test]
fn a_team_seal_opens_for_its_holder_and_only_to_the_key_of_the_record() {
    for suite in Suite::ALL {
        let mut random = Random::os();
        let private = |number| SealPrivateKey::from_seed(suite, Secret::new([number; 32]));
        let (team_private, holder_key) = (private(7), private(8));
        let record = team_key(suite);
        let hash = by(&record, &[&agent()]).hash();
        let mut make = |team_private: &SealPrivateKey| {
            let holder = agent().public();
            TeamSeal::make(
                &mut random,
                &hash,
                team_private,
                holder,
                &holder_key.public(),
            )
            .unwrap()
        };
        let seal = make(&team_private);
        let opened = seal.open(&hash, &record, &holder_key).unwrap();
        assert_eq!(opened.seed(), team_private.seed());

        // Another record, another holder's key, another holder's name.
        let next = TeamKey {
            generation: 3,
            ..record.clone()
        };
        let moved = by(&next, &[&agent()]).hash();
        assert!(seal.open(&moved, &record, &holder_key).is_err());
        assert!(seal.open(&hash, &record, &private(9)).is_err());
        let mut renamed = seal.clone();
        renamed.holder = key(20).public();
        assert!(renamed.open(&hash, &record, &holder_key).is_err());
        // It opens, but to a key that is not the record's.
        let wrong = make(&private(6));
        assert!(wrong.open(&hash, &record, &holder_key).is_err());
    }
}

#[test]
fn the_seals_of_a_large_team_are_published_in_objects_of_allowed_size() {
    let mut random = Random::os();
    let suite = Suite::XWing;
    let private = SealPrivateKey::from_seed(suite, Secret::new([7; 32]));
    let holder_key = private.public();
    let hash = by(&team_key(suite), &[&agent()]).hash();
    let holder = agent().public();
    let seal = TeamSeal::make(&mut random, &hash, &private, holder, &holder_key).unwrap();
    let seals = vec![seal; 500];
    let mut published = Vec::new();
    for object in TeamSeals::published(hash, &seals) {
        let part: TeamSeals = decode(&object, limits::OBJECT).unwrap();
        assert_eq!(part.record, hash);
        published.extend(part.seals);
    }
    assert_eq!(published, seals);
}
