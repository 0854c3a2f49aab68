//! RFC 9180 section 5.1: the key schedule of base mode with HKDF-SHA256 and AES-256-GCM.

use super::kem::{labeled_expand, labeled_extract};
use crate::crypto::Secret;
use crate::wire::Suite;

/// Key and nonce of the one message that a seal carries (sequence number 0).
#[derive(Debug)]
pub struct Context {
    key: Secret<32>,
    base_nonce: Secret<12>,
}

impl Context {
    /// `KeySchedule(mode_base, shared_secret, info, "", "")`.
    pub fn new(suite: Suite, shared: &Secret<32>, info: &[u8]) -> Self {
        // suite_id = concat("HPKE", I2OSP(kem_id, 2), I2OSP(kdf_id, 2), I2OSP(aead_id, 2))
        let [kem_high, kem_low] = suite.kem_id().to_be_bytes();
        let suite_id = [b'H', b'P', b'K', b'E', kem_high, kem_low, 0, 1, 0, 2];
        // psk_id_hash = LabeledExtract("", "psk_id_hash", psk_id)
        // info_hash = LabeledExtract("", "info_hash", info)
        // key_schedule_context = concat(mode, psk_id_hash, info_hash)
        let psk_id_hash = labeled_extract(&suite_id, &[], b"psk_id_hash", &[]);
        let info_hash = labeled_extract(&suite_id, &[], b"info_hash", info);
        let context = [[0].as_slice(), psk_id_hash.expose(), info_hash.expose()].concat();
        // secret = LabeledExtract(shared_secret, "secret", psk)
        let secret = labeled_extract(&suite_id, shared.expose(), b"secret", &[]);
        Self {
            key: labeled_expand(&suite_id, &secret, b"key", &context),
            base_nonce: labeled_expand(&suite_id, &secret, b"base_nonce", &context),
        }
    }

    /// The 32-byte AES-256 key.
    pub const fn key(&self) -> &Secret<32> {
        &self.key
    }

    /// The nonce of message 0, which is the base nonce.
    pub const fn nonce(&self) -> &[u8; 12] {
        self.base_nonce.expose()
    }
}
