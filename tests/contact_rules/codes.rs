//! The codes of refusals, the same in every language.

use sottovoce::account::AccountError;
use sottovoce::contact::{AuthorityError, CommitError};
use sottovoce::wire::DecodeError;

#[test]
fn every_refusal_has_its_code() {
    let authority = [
        (AuthorityError::Stranger, "stranger"),
        (AuthorityError::Role, "role-not-allowed"),
        (AuthorityError::Pending, "claim-first"),
        (AuthorityError::Roster, "roster-change-not-allowed"),
        (AuthorityError::Visitor, "visitor-immutable"),
        (AuthorityError::Level, "level-not-allowed"),
        (AuthorityError::Policy, "policy-not-allowed"),
        (AuthorityError::NothingToClaim, "nothing-to-claim"),
        (AuthorityError::TransferUnderWay, "transfer-under-way"),
        (AuthorityError::Responsible, "responsible-stays"),
    ];
    for (error, code) in authority {
        assert_eq!(error.code(), code);
        assert_eq!(CommitError::from(error).code(), code);
    }
    let commit = [
        (CommitError::ForeignContact, "foreign-contact"),
        (CommitError::StaleEpoch, "stale-epoch"),
        (CommitError::Fork, "fork"),
        (CommitError::Closed, "closed"),
        (CommitError::TimeRunsBack, "time-runs-back"),
        (CommitError::FixedFieldChanged, "fixed-field-changed"),
        (
            CommitError::Contradiction("anything".into()),
            "contradiction",
        ),
        (CommitError::MissingEvidence, "missing-evidence"),
        (CommitError::BadSignature, "bad-signature"),
        (DecodeError::Malformed.into(), "malformed"),
        (AccountError::Revoked.into(), "revoked"),
    ];
    for (error, code) in commit {
        assert_eq!(error.code(), code);
    }
}
