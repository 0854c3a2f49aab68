//! HPKE from the inside: the RFCs' own intermediate values. From the outside, against another
//! implementation, it is tested in `tests/crypto_vectors.rs`.
#![allow(clippy::unwrap_used)]

use serde::Deserialize;

use super::{Context, SealPrivateKey, SealPublicKey, kem};
use crate::crypto::{Secret, aead};
use crate::wire::Suite;

#[derive(Deserialize)]
struct File<T> {
    vectors: Vec<T>,
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    hex::decode(hexadecimal).unwrap()
}

fn secret<const N: usize>(hexadecimal: &str) -> Secret<N> {
    Secret::from_slice(&bytes(hexadecimal)).unwrap()
}

#[derive(Deserialize)]
struct Hpke {
    info: String,
    ikm_e: String,
    ikm_r: String,
    private_key: String,
    public_key: String,
    encapsulation: String,
    aad: String,
    plaintext: String,
    ciphertext: String,
}

#[test]
fn base_mode_is_that_of_rfc_9180() {
    let vector: Hpke =
        serde_json::from_str(include_str!("../../../tests/vectors/hpke.json")).unwrap();
    let private = kem::derive_key_pair(&bytes(&vector.ikm_r));
    assert_eq!(private.to_bytes().to_vec(), bytes(&vector.private_key));
    let public = kem::public_of(Suite::X25519, &secret(&vector.private_key));
    assert_eq!(public, bytes(&vector.public_key));

    let ephemeral = kem::derive_key_pair(&bytes(&vector.ikm_e));
    let (sent, encapsulation) = kem::encapsulate_x25519(&ephemeral, &public).unwrap();
    assert_eq!(encapsulation, bytes(&vector.encapsulation));
    let received =
        kem::decapsulate(Suite::X25519, &secret(&vector.private_key), &encapsulation).unwrap();
    assert_eq!(sent, received);

    let context = Context::new(Suite::X25519, &sent, &bytes(&vector.info));
    let ciphertext = aead::encrypt(
        context.key(),
        context.nonce(),
        &bytes(&vector.aad),
        &bytes(&vector.plaintext),
    );
    assert_eq!(ciphertext, bytes(&vector.ciphertext));
}

#[derive(Deserialize)]
struct X25519 {
    scalar: String,
    u: String,
    result: String,
}

#[test]
fn x25519_is_that_of_rfc_7748() {
    let file: File<X25519> =
        serde_json::from_str(include_str!("../../../tests/vectors/x25519.json")).unwrap();
    let base = [&[9][..], &[0; 31]].concat();
    for vector in file.vectors {
        let (u, result) = (bytes(&vector.u), bytes(&vector.result));
        let own = kem::public_of(Suite::X25519, &secret(&vector.scalar));
        if u == base {
            assert_eq!(own, result);
        }
        // The KEM hashes the result together with both public keys.
        let expected = kem::extract_and_expand(
            result.as_slice().try_into().unwrap(),
            u.as_slice().try_into().unwrap(),
            own.as_slice().try_into().unwrap(),
        );
        let shared = kem::decapsulate(Suite::X25519, &secret(&vector.scalar), &u).unwrap();
        assert_eq!(shared, expected);
    }
}

#[derive(Deserialize)]
struct XWing {
    seed: String,
    randomness: String,
    public_key: String,
    encapsulation: String,
    shared_secret: String,
}

#[test]
fn x_wing_is_that_of_the_draft() {
    let file: File<XWing> =
        serde_json::from_str(include_str!("../../../tests/vectors/x-wing.json")).unwrap();
    for vector in file.vectors {
        let private = SealPrivateKey::from_seed(Suite::XWing, secret(&vector.seed));
        let public = private.public();
        assert_eq!(public.as_bytes(), bytes(&vector.public_key));
        assert_eq!(
            SealPublicKey::parse(Suite::XWing, public.as_bytes()),
            Ok(public.clone())
        );
        let (shared, encapsulation) =
            kem::encapsulate(Suite::XWing, public.as_bytes(), &secret(&vector.randomness)).unwrap();
        assert_eq!(encapsulation, bytes(&vector.encapsulation));
        assert_eq!(shared, secret(&vector.shared_secret));
        let opened = kem::decapsulate(Suite::XWing, &secret(&vector.seed), &encapsulation).unwrap();
        assert_eq!(opened, shared);
    }
}
