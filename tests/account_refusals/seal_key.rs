//! Devices' seal keys.

use sottovoce::account::{AccountError, SealKey};
use sottovoce::wire::{Suite, Time, limits};

use crate::scene::*;

fn refusal(change: impl FnOnce(&mut SealKey)) -> AccountError {
    let mut record = seal_key(Suite::XWing);
    change(&mut record);
    account()
        .seal_key(&by(&record, &[&agent()]), NOW)
        .unwrap_err()
}

#[test]
fn a_seal_key_is_believed_for_a_day() {
    for suite in Suite::ALL {
        let signed = by(&seal_key(suite), &[&agent()]);
        let at = |millis| {
            account()
                .seal_key(&signed, Time::from_millis(millis))
                .map(drop)
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
fn a_seal_key_is_sealed_to_for_a_day_at_most() {
    assert_eq!(
        refusal(|it| it.until = days(1).plus_millis(1)),
        AccountError::LivesTooLong
    );
}

#[test]
fn a_seal_key_of_another_account_is_refused() {
    assert_eq!(
        refusal(|it| it.account = foreign()),
        AccountError::ForeignAccount
    );
}

#[test]
fn a_seal_key_that_its_device_did_not_sign_is_refused() {
    assert_eq!(
        refusal(|it| it.device = key(20).public()),
        AccountError::NotSigned
    );
    assert_eq!(refusal(|it| it.device = WEAK), AccountError::NotSigned);
    let by_administrator = by(&seal_key(Suite::XWing), &[&administrator(1)]);
    assert_eq!(
        account().seal_key(&by_administrator, NOW),
        Err(AccountError::NotSigned)
    );
}

#[test]
fn a_weak_key_or_one_of_the_other_suite_is_refused() {
    let spoil: [fn(&mut SealKey); 5] = [
        |it| it.public_key = Vec::new().into(),
        |it| it.public_key = vec![0; 32].into(),
        |it| it.public_key = public_seal_key(Suite::X25519),
        |it| it.suite = Suite::X25519,
        |it| it.public_key = vec![0; 1216].into(),
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let error = refusal(spoil);
        assert!(
            matches!(error, AccountError::Contradiction(_)),
            "{number}: {error:?}"
        );
    }
}
