//! SPEC 3.9: identity tokens are believed only if everything about them is right.
#![allow(clippy::unwrap_used)]

use ed25519_dalek::Signer;
use p256::ecdsa::Signature as P256Signature;
use sottovoce::account::{Identity, IdentityError, Issuer, thumbprint, verify_identity};
use sottovoce::crypto::Secret;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::codec::to_base64url;
use sottovoce::wire::{AccountId, DeviceId, Time, limits};

const NOW: u64 = 1_700_000_000;
const ISSUER: &str = "https://shop.example";

fn account() -> AccountId {
    AccountId::new([1; 32])
}

fn device() -> DeviceId {
    SigningKey::from_seed(&Secret::new([2; 32])).public()
}

fn ed25519_key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[3; 32])
}

fn p256_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[4; 32]).unwrap()
}

fn ed25519_issuer() -> Issuer {
    Issuer {
        issuer: ISSUER.into(),
        algorithm: "EdDSA".into(),
        public_key: ed25519_key().verifying_key().to_bytes().to_vec().into(),
    }
}

fn p256_issuer() -> Issuer {
    Issuer {
        issuer: ISSUER.into(),
        algorithm: "ES256".into(),
        public_key: p256_key()
            .verifying_key()
            .to_sec1_point(false)
            .as_bytes()
            .to_vec()
            .into(),
    }
}

/// The claims of a good token; tests replace or add one.
fn claims() -> serde_json::Value {
    serde_json::json!({
        "iss": ISSUER,
        "sub": "customer-4711",
        "aud": account().to_string(),
        "iat": NOW,
        "exp": NOW + 300,
        "cnf": { "jkt": thumbprint(&device()) },
        "name": "Zoë Müller",
        "email": "zoe@example.org",
        "locale": ["de", { "fallback": null }],
    })
}

fn with(name: &str, value: impl Into<serde_json::Value>) -> serde_json::Value {
    let mut claims = claims();
    claims
        .as_object_mut()
        .unwrap()
        .insert(name.into(), value.into());
    claims
}

fn without(name: &str) -> serde_json::Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn signed_input(header: &str, payload: &str) -> String {
    format!(
        "{}.{}",
        to_base64url(header.as_bytes()),
        to_base64url(payload.as_bytes())
    )
}

fn token_of(header: &str, payload: &str) -> String {
    let input = signed_input(header, payload);
    let signature = ed25519_key().sign(input.as_bytes()).to_bytes();
    format!("{input}.{}", to_base64url(&signature))
}

fn token(claims: &serde_json::Value) -> String {
    token_of(r#"{"alg":"EdDSA","typ":"JWT"}"#, &claims.to_string())
}

fn verify(token: &str) -> Result<Identity, IdentityError> {
    verify_at(token, NOW)
}

fn verify_at(token: &str, seconds: u64) -> Result<Identity, IdentityError> {
    verify_identity(
        token,
        &[ed25519_issuer()],
        account(),
        device(),
        Time::from_millis(seconds * 1000),
    )
}

#[test]
fn a_good_token_says_who_the_visitor_is() {
    let identity = verify(&token(&claims())).unwrap();
    assert_eq!(identity.subject, "customer-4711");
    assert_eq!(identity.name.as_deref(), Some("Zoë Müller"));
    assert_eq!(identity.email.as_deref(), Some("zoe@example.org"));
    let bare = verify(&token(&without("name"))).unwrap();
    assert_eq!(bare.name, None);
}

#[test]
fn a_token_signed_with_es256_is_believed() {
    let input = signed_input(r#"{"alg":"ES256"}"#, &claims().to_string());
    let signature: P256Signature = p256_key().sign(input.as_bytes());
    let token = format!("{input}.{}", to_base64url(&signature.to_bytes()));
    let issuers = [ed25519_issuer(), p256_issuer()];
    let now = Time::from_millis(NOW * 1000);
    let identity = verify_identity(&token, &issuers, account(), device(), now);
    assert_eq!(identity.unwrap().subject, "customer-4711");
}

#[test]
fn the_audience_may_be_one_of_several() {
    let own = account().to_string();
    assert!(verify(&token(&with("aud", vec!["other".to_owned(), own.clone()]))).is_ok());
    for wrong in [
        with("aud", "other"),
        with("aud", vec!["other"]),
        with("aud", Vec::<String>::new()),
        with("aud", format!("{own} ")),
        with("aud", AccountId::new([9; 32]).to_string()),
    ] {
        assert_eq!(verify(&token(&wrong)), Err(IdentityError::WrongAudience));
    }
}

#[test]
fn an_issuer_that_the_policy_does_not_name_is_refused() {
    for wrong in ["https://shop.example/", "https://evil.example", ""] {
        assert_eq!(
            verify(&token(&with("iss", wrong))),
            Err(IdentityError::UnknownIssuer)
        );
    }
}

#[test]
fn a_token_that_names_another_algorithm_than_the_policy_is_refused() {
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"alg":"eddsa"}"#,
    ] {
        assert_eq!(
            verify(&token_of(header, &claims().to_string())),
            Err(IdentityError::WrongAlgorithm)
        );
    }
}

#[test]
fn an_unsigned_or_changed_token_is_refused() {
    let good = token(&claims());
    let (input, signature) = good.rsplit_once('.').unwrap();
    assert_eq!(
        verify(&format!("{input}.")),
        Err(IdentityError::BadSignature)
    );
    let other = signed_input(
        r#"{"alg":"EdDSA","typ":"JWT"}"#,
        &with("sub", "customer-1").to_string(),
    );
    assert_eq!(
        verify(&format!("{other}.{signature}")),
        Err(IdentityError::BadSignature)
    );
}

#[test]
fn every_flipped_bit_of_a_token_is_a_typed_error() {
    let good = token(&claims());
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone().into_bytes();
        if let Some(byte) = bytes.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(verify(&changed).is_err(), "bit {bit}");
        }
    }
    for length in 0..good.len() {
        assert!(verify(good.get(..length).unwrap()).is_err());
    }
}

#[test]
fn a_token_for_another_device_is_refused() {
    let other = SigningKey::from_seed(&Secret::new([9; 32])).public();
    let claims = with("cnf", serde_json::json!({ "jkt": thumbprint(&other) }));
    assert_eq!(verify(&token(&claims)), Err(IdentityError::WrongDevice));
}

#[test]
fn a_token_counts_from_issue_to_expiry_with_a_minute_of_tolerance() {
    let good = token(&claims());
    assert!(verify_at(&good, NOW - 60).is_ok());
    assert_eq!(verify_at(&good, NOW - 61), Err(IdentityError::NotYetValid));
    assert!(verify_at(&good, NOW + 359).is_ok());
    assert_eq!(verify_at(&good, NOW + 360), Err(IdentityError::Expired));
    let later = token(&with("nbf", NOW + 100));
    assert_eq!(verify(&later), Err(IdentityError::NotYetValid));
    assert!(verify_at(&later, NOW + 40).is_ok());
}

#[test]
fn a_token_lives_at_most_an_hour() {
    assert!(verify(&token(&with("exp", NOW + limits::IDENTITY_LIFE))).is_ok());
    let longer = token(&with("exp", NOW + limits::IDENTITY_LIFE + 1));
    assert_eq!(verify(&longer), Err(IdentityError::LivesTooLong));
}

#[test]
fn a_token_that_is_not_what_it_should_be_is_malformed() {
    for name in ["iss", "sub", "aud", "iat", "exp", "cnf"] {
        let token = token(&without(name));
        assert_eq!(verify(&token), Err(IdentityError::Malformed), "{name}");
    }
    for claims in [
        with("sub", ""),
        with("sub", 5),
        with("sub", "x".repeat(256)),
        with("name", 5),
        with("name", "x".repeat(256)),
        with("email", serde_json::Value::Null),
        with("aud", 5),
        with("aud", vec![5]),
        with("iat", "1700000000"),
        with("exp", 1_700_000_300.5),
        with("exp", -1),
        with("nbf", "soon"),
        with("cnf", "jkt"),
        with("cnf", serde_json::json!({})),
        serde_json::json!([]),
        serde_json::json!("token"),
    ] {
        let token = token(&claims);
        assert_eq!(verify(&token), Err(IdentityError::Malformed), "{claims}");
    }
    let payload = claims().to_string();
    for header in [
        "{}",
        "[]",
        "",
        r#"{"alg":5}"#,
        r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#,
    ] {
        let token = token_of(header, &payload);
        assert_eq!(verify(&token), Err(IdentityError::Malformed), "{header}");
    }
    let twice = payload.replacen('{', r#"{"sub":"customer-1","#, 1);
    let header = r#"{"alg":"EdDSA"}"#;
    assert_eq!(
        verify(&token_of(header, &twice)),
        Err(IdentityError::Malformed)
    );
    for text in ["", ".", "..", "...", "a.b.c", "e30.e30", "e30=.e30=.e30="] {
        assert_eq!(verify(text), Err(IdentityError::Malformed), "{text}");
    }
    let large = token(&with("padding", "x".repeat(limits::IDENTITY_TOKEN)));
    assert_eq!(verify(&large), Err(IdentityError::Malformed));
}

#[test]
fn an_issuer_may_have_an_old_and_a_new_key() {
    let mut old = ed25519_issuer();
    old.public_key = vec![7; 32].into();
    let issuers = [old, ed25519_issuer()];
    let now = Time::from_millis(NOW * 1000);
    assert!(verify_identity(&token(&claims()), &issuers, account(), device(), now).is_ok());
}

#[test]
fn a_thumbprint_is_that_of_rfc_8037() {
    let device = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        .parse()
        .unwrap();
    assert_eq!(
        thumbprint(&device),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}
