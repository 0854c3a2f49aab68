//! SPEC 2.3: HKDF-SHA256 (RFC 5869) with labelled info, and the HMAC of membership tags.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use super::Secret;
use super::hash::{Part, labelled};
use super::secret;

/// RFC 5869 section 2.2: `PRK = HKDF-Extract(salt, IKM)`, 32 bytes.
pub fn extract(salt: &[u8], ikm: &[u8]) -> Secret<32> {
    let (mut prk, _) = Hkdf::<Sha256>::extract(Some(salt), ikm);
    let out = Secret::new(prk.into());
    prk.as_mut_slice().zeroize();
    out
}

/// RFC 5869 section 2.3: `OKM = HKDF-Expand(PRK, info, N)` for `N` up to 255 * 32 bytes.
///
/// A longer `N` is a mistake at compile time.
pub fn expand<const N: usize>(prk: &Secret<32>, info: &[u8]) -> Secret<N> {
    const { assert!(N <= 255 * 32) }
    let mut out = [0; N];
    // Both errors of the crate are lengths: the PRK is 32 bytes and N was checked above.
    if let Ok(hkdf) = Hkdf::<Sha256>::from_prk(prk.expose()) {
        let _ = hkdf.expand(info, &mut out);
    }
    let secret = Secret::new(out);
    out.zeroize();
    secret
}

/// `Expand(PRK, label, parts…)`: the info is the labelled CBOR array of SPEC 2.2.
pub(crate) fn derive<const N: usize>(
    prk: &Secret<32>,
    label: &str,
    parts: &[Part<'_>],
) -> Secret<N> {
    expand(prk, &labelled(label, parts))
}

/// HMAC-SHA256 (RFC 2104) of `message` under a 32-byte key.
pub fn hmac(key: &Secret<32>, message: &[u8]) -> [u8; 32] {
    match <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose()) {
        Ok(mac) => mac.chain_update(message).finalize().into_bytes().into(),
        // HMAC takes a key of any length.
        Err(_) => [0; 32],
    }
}

/// Whether `tag` is the HMAC of `message`, in constant time.
pub fn hmac_verify(key: &Secret<32>, message: &[u8], tag: &[u8; 32]) -> bool {
    secret::equal(&hmac(key, message), tag)
}
