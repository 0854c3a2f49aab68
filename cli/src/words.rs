//! Codes in plain words. The codes are stable and the same everywhere; the words are for people.

/// What a code means, as the rest of a sentence or one of its own.
pub(crate) fn of(code: &str) -> &'static str {
    match code {
        "account-exists" | "already-exists" => "it exists already",
        "already-on-roster" => "they take part already",
        "already-started" => "this visitor has a conversation already",
        "archive-missing" => "the conversation was not archived",
        "audit-fork" | "audit-rolled-back" => {
            "the key manager's audit log is not what it was: somebody changed it"
        }
        "bad-signature" => "a signature is not valid",
        "cannot-seal" => "nobody who could answer has published a key yet; it is tried again",
        "certificate-refused" => "the relay's certificate is not one to trust",
        "challenge-repeated" => "the relay asked again who this is",
        "claim-first" => "claim the contact first",
        "closed" => "the conversation has ended",
        "conflict" => {
            "two different versions of the same thing exist: \
             somebody shows people different things"
        }
        "contact-taken" => "a contact of this id exists",
        "content-empty" => "there is nothing to send",
        "content-too-large" | "too-large" => "it is too long: a text has at most 64 KiB",
        "contradiction" => "it contradicts the account's rules",
        "device-taken" => "the device belongs to somebody else already",
        "disconnected" => "the connection to the relay ended",
        "epoch-taken" => "somebody else was faster",
        "erased" => "the conversation was erased at the relay; what is shown is kept here only",
        "expired" => "its time, or the account's policy, has run out",
        "fixed-field-changed" => "something was changed that is fixed for the contact's life",
        "foreign-account" => "it belongs to another account",
        "foreign-contact" => "it belongs to another contact",
        "fork" => "the relay shows different people different conversations",
        "generation-taken" => "somebody else made a new key at the same time",
        "going-away" => "the relay is ending",
        "id-reused" => "one id was used for two things",
        "internal" => "the program made a mistake",
        "key-manager-missing" => "the account has no key manager",
        "key-taken" => "its archive key belongs to another conversation: tell your administrator",
        "policy-stale" => "the policy was dated too long ago: an administrator has to renew it",
        "reason-missing" => "say why you want it",
        "unknown-key" => "the key manager does not have the key that it was archived to",
        "level-not-allowed" => "the account's policy does not allow this level",
        "lives-too-long" => "it would be valid for longer than allowed",
        "log-truncated" => "the relay withholds a part of the conversation",
        "malformed" | "not-deterministic" => "it cannot be read",
        "missing-evidence" => "somebody did not prove who they are",
        "no-key" => "this device has no key for the conversation",
        "no-randomness" => "the operating system gives no randomness",
        "no-seal-key" => "their device has published no key; they have to sign in once",
        "no-team-key" => "the team has no key: nobody of it has been there lately",
        "not-acknowledged" => "nobody has confirmed yet that it arrived",
        "not-allowed" => "the relay does not let this device do that; is the policy published?",
        "not-authenticated" => "the relay does not know who this is",
        "not-on-roster" => "this device takes no part in the conversation",
        "not-signed" => "nobody who may sign it did",
        "not-started" => "the conversation has not begun, or is still loading",
        "not-utf8" => "it is no text",
        "not-yet-valid" => "it is not valid yet; is the clock right?",
        "not-yours" => "it belongs to another device",
        "nothing-to-claim" => "the contact waits for nobody, or not for this device",
        "plan-not-allowed" => {
            "the relay's operator does not allow the policy's plan, a level in it, or its retention"
        }
        "policy-not-allowed" => "the policy does not allow it",
        "refused" => "the relay refused",
        "responsible-stays" => "whoever is responsible can only hand the contact on, or close it",
        "revoked" => "this device's access was withdrawn",
        "scopes-invalid" => "it asks for a scope that does not exist; `docs/API.md` lists all",
        "role-not-allowed" => "this role may not do that",
        "rolled-back" => "it is older than what is known already",
        "roster-change-not-allowed" => "the participants may not be changed like that",
        "roster-not-allowed" => "the policy does not allow somebody who takes part",
        "stale-epoch" => "the conversation has changed meanwhile",
        "state-rolled-back" => "this device's state is older than what it has sent",
        "stopped" => "the client has stopped",
        "stranger" => "somebody took part who may not",
        "banned" => "this device or its network is kept away for a while",
        "throttled" => "too much at once; wait a moment",
        "time-off" => "this clock and the relay's are more than ten minutes apart",
        "time-runs-back" => "its time is before that of the entry before it",
        "timed-out" => "the relay does not answer in time",
        "tls-failed" => "what answers at the relay's address does not speak TLS as it must",
        "too-slow" => "this device read too slowly",
        "transfer-under-way" => "the contact is being handed on already",
        "two-with-one-sequence" => "two messages of one author claim the same place",
        "unavailable" => "the relay cannot do that now",
        "unknown-account" => {
            "the relay does not serve this account, or its policy is not published"
        }
        "unknown-contact" => "there is no such contact, or it is none of this device's business",
        "unknown-device" => "no such device is known",
        "unknown-entry-point" => "there is no such entry point",
        "unknown-message" => "there is no such message",
        "unknown-policy" => "the policy is not known",
        "unknown-record" => "the team's key is not known",
        "unknown-ban" => "this device is not kept away",
        "unknown-token" => "there is no such token",
        "unknown-team" => "there is no such team",
        "visitor-immutable" => "the visitor cannot be changed",
        "weak-key" => "the key is not a usable one",
        "wrong-back-link"
        | "wrong-commitment"
        | "wrong-membership-tag"
        | "wrong-other-seal"
        | "wrong-seal" => "the keys of a change do not add up",
        "wrong-host" => "the relay was reached under a name that it does not see",
        "wrong-nonce" => "the relay's challenge was not answered",
        _ => "it could not be done",
    }
}

/// A code that a relay sent, if it may be shown as it is: letters and hyphens only.
pub(crate) fn shown(code: &str) -> &str {
    let plain = |c: char| c.is_ascii_lowercase() || c == '-';
    if code.len() <= 40 && code.chars().all(plain) {
        code
    } else {
        "refused"
    }
}
