//! SPEC 8.4: work that a relay under load asks of anonymous devices, so that many connections cost
//! those who open them more than the relay. Found by trying, checked at once.

use sha2::{Digest, Sha256};

use super::frame::Nonce;

/// The hardest work that a client does, in leading zero bits: about 260,000 hashes.
pub const MOST_BITS: u32 = 18;

/// Whether SHA-256("sottovoce/0 work" || nonce || answer as 8 bytes, the highest first) begins with
/// so many zero bits.
pub fn is_done(nonce: &Nonce, answer: u64, bits: u64) -> bool {
    let mut hash = Sha256::new_with_prefix("sottovoce/0 work");
    hash.update(nonce.as_array());
    hash.update(answer.to_be_bytes());
    let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
    u64::from(u32::from_be_bytes([a, b, c, d]).leading_zeros()) >= bits
}
