//! SPEC 11: the registry of codes that a relay may send. A code that is not in it is shown as
//! `refused`, so that no text of a relay's choosing reaches people.

const KNOWN: &[&str] = &[
    "already-exists",
    "bad-signature",
    "banned",
    "cannot-seal",
    "claim-first",
    "closed",
    "conflict",
    "contact-taken",
    "content-too-large",
    "contradiction",
    "device-taken",
    "epoch-taken",
    "erased",
    "expired",
    "fixed-field-changed",
    "foreign-account",
    "foreign-contact",
    "fork",
    "generation-taken",
    "going-away",
    "id-reused",
    "internal",
    "level-not-allowed",
    "lives-too-long",
    "malformed",
    "missing-evidence",
    "no-randomness",
    "not-allowed",
    "not-authenticated",
    "not-deterministic",
    "not-on-roster",
    "not-signed",
    "not-yet-valid",
    "not-yours",
    "nothing-to-claim",
    "policy-not-allowed",
    "responsible-stays",
    "revoked",
    "role-not-allowed",
    "rolled-back",
    "roster-change-not-allowed",
    "stale-epoch",
    "stranger",
    "throttled",
    "time-off",
    "time-runs-back",
    "timed-out",
    "too-large",
    "too-slow",
    "transfer-under-way",
    "unavailable",
    "unexpected",
    "unknown-account",
    "unknown-contact",
    "unknown-policy",
    "unknown-record",
    "visitor-immutable",
    "weak-key",
    "wrong-host",
    "wrong-nonce",
];

/// The registered code that equals `code`, or `refused`.
pub(super) fn known(code: &str) -> &'static str {
    KNOWN
        .iter()
        .find(|known| **known == code)
        .copied()
        .unwrap_or("refused")
}
