//! `tests/vectors/webhooks.json`, which the verifiers in TypeScript and Python run too.
#![allow(clippy::unwrap_used, missing_docs)]

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use sottovoce_webhook_signatures::keys::{KeyError, TokenUse};
use sottovoce_webhook_signatures::keys::{PublicKey, SecretToken, SharedSecret, SigningKey};
use sottovoce_webhook_signatures::verify::{SeenIds, StandardHeaders, VerifyError, VerifyingKey};
use sottovoce_webhook_signatures::{signature, verify};

#[derive(Deserialize)]
struct Vectors {
    hmac_sha1: Vec<HmacSha1>,
    standard: Vec<Standard>,
    malformed: Malformed,
    seen: Seen,
}

#[derive(Deserialize)]
struct HmacSha1 {
    name: String,
    token_use: String,
    tokens: Vec<String>,
    body: String,
    header: String,
    outcome: String,
    #[serde(default)]
    signs: bool,
}

#[derive(Deserialize)]
struct Standard {
    name: String,
    keys: Vec<String>,
    id: String,
    timestamp: String,
    signature: String,
    body: String,
    now: u64,
    outcome: String,
    #[serde(default)]
    signs: Vec<String>,
}

#[derive(Deserialize)]
struct Malformed {
    tokens: Vec<String>,
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct Seen {
    keep: u64,
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    id: String,
    now: u64,
    new: bool,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../tests/vectors/webhooks.json")).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    Base64::decode_vec(text).unwrap()
}

fn word(outcome: Result<(), VerifyError>) -> &'static str {
    outcome.map_or_else(|error| error.code(), |()| "ok")
}

#[test]
fn hmac_sha1_is_made_and_verified_as_the_vectors_say() {
    for vector in vectors().hmac_sha1 {
        let how = match vector.token_use.as_str() {
            "hex" => TokenUse::Hex,
            _ => TokenUse::Text,
        };
        let read = |token: &String| SecretToken::parse(token).unwrap();
        let tokens: Vec<_> = vector.tokens.iter().map(read).collect();
        let body = bytes(&vector.body);
        let outcome = verify::hmac_sha1(&vector.header, &body, &tokens, how);
        assert_eq!(word(outcome), vector.outcome, "{}", vector.name);
        if vector.signs {
            let made = signature::hmac_sha1(tokens.first().unwrap(), how, &body);
            assert_eq!(made, vector.header, "{}", vector.name);
        }
    }
}

#[test]
fn standard_webhooks_are_made_and_verified_as_the_vectors_say() {
    for vector in vectors().standard {
        let read = |key: &String| VerifyingKey::parse(key).unwrap();
        let keys: Vec<_> = vector.keys.iter().map(read).collect();
        let body = bytes(&vector.body);
        let headers = StandardHeaders {
            id: &vector.id,
            timestamp: &vector.timestamp,
            signature: &vector.signature,
        };
        let outcome = verify::standard(&headers, &body, &keys, vector.now);
        assert_eq!(word(outcome), vector.outcome, "{}", vector.name);
        let made = vector.signs.iter().map(|key| {
            let time = vector.timestamp.parse().unwrap();
            SigningKey::parse(key).map_or_else(
                |_| signature::v1(&SharedSecret::parse(key).unwrap(), &vector.id, time, &body),
                |key| signature::v1a(&key, &vector.id, time, &body),
            )
        });
        let made: Vec<_> = made.collect();
        if !made.is_empty() {
            assert_eq!(made.join(" "), vector.signature, "{}", vector.name);
        }
    }
}

#[test]
fn what_is_no_token_and_no_key_is_refused() {
    let malformed = vectors().malformed;
    for token in malformed.tokens {
        let read = SecretToken::parse(&token).map(|_| ());
        assert_eq!(read, Err(KeyError::Malformed), "{token}");
    }
    for key in malformed.keys {
        let read = VerifyingKey::parse(&key).map(|_| ());
        assert_eq!(read, Err(KeyError::Malformed), "{key}");
    }
}

#[test]
fn an_event_that_comes_again_is_known_for_as_long_as_was_asked() {
    let seen = vectors().seen;
    let mut ids = SeenIds::new(seen.keep);
    for call in seen.calls {
        let is_new = ids.is_new(&call.id, call.now);
        assert_eq!(is_new, call.new, "{} at {}", call.id, call.now);
    }
}

#[test]
fn new_secrets_read_back_from_their_text_and_differ() {
    let token = SecretToken::generate().unwrap();
    assert_eq!(token.expose().len(), 96);
    assert_eq!(token.expose(), token.expose().to_lowercase());
    assert_eq!(SecretToken::parse(token.expose()).unwrap(), token);
    assert_ne!(SecretToken::generate().unwrap(), token);
    let secret = SharedSecret::generate().unwrap();
    assert_eq!(SharedSecret::parse(&secret.expose()).unwrap(), secret);
    let key = SigningKey::generate().unwrap();
    let again = SigningKey::parse(&key.expose()).unwrap();
    assert_eq!(again.public(), key.public());
    let public = key.public().to_string();
    assert_eq!(PublicKey::parse(&public).unwrap(), key.public());
}

#[test]
fn secrets_do_not_show_themselves() {
    let shown = format!(
        "{:?} {:?} {:?}",
        SecretToken::generate().unwrap(),
        SharedSecret::generate().unwrap(),
        SigningKey::generate().unwrap()
    );
    assert_eq!(shown, "SecretToken(..) SharedSecret(..) SigningKey(..)");
}
