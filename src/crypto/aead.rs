//! SPEC 2.4: AES-256-GCM (NIST SP 800-38D): 32-byte key, 12-byte nonce, 16-byte tag at the end.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};

use super::Secret;
use super::secret::SecretBytes;

/// Length of the tag that a ciphertext is longer than its plaintext, in bytes.
pub const TAG: usize = 16;

/// Opening failed. It never says why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot be decrypted")]
pub struct DecryptError;

/// Encrypts `plaintext`; the caller promises that (key, nonce) was never used before.
pub fn encrypt(key: &Secret<32>, nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let payload = Payload {
        msg: plaintext,
        aad,
    };
    // The crate fails only for plaintexts beyond 64 GiB, which `wire::limits` makes impossible.
    Aes256Gcm::new(key.expose().into())
        .encrypt(nonce.into(), payload)
        .unwrap_or_default()
}

/// Decrypts and authenticates.
///
/// # Errors
/// [`DecryptError`] for a wrong key, nonce, associated data or ciphertext alike.
pub fn decrypt(
    key: &Secret<32>,
    nonce: &[u8; 12],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<SecretBytes, DecryptError> {
    let payload = Payload {
        msg: ciphertext,
        aad,
    };
    Aes256Gcm::new(key.expose().into())
        .decrypt(nonce.into(), payload)
        .map(SecretBytes::new)
        .map_err(|_| DecryptError)
}
