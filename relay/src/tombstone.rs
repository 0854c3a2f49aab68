//! The relay's own signing key, for what it leaves in place of erased contacts. It opens nothing
//! and is no participant's, so it is none of the core's keys.

use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use sottovoce::account::Tombstone;
use sottovoce::crypto::sign::Signature;
use sottovoce::wire::{
    AccountId, ContactId, DeviceId, Signed, SignedBy, SignedKind, Suite, Time, Version, encode,
};

/// Signs tombstones.
pub(crate) struct Undertaker(SigningKey);

impl Undertaker {
    /// With the seed that the database keeps.
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The tombstone of a contact that had so many entries, as it travels.
    pub(crate) fn bury(
        &self,
        account: AccountId,
        contact: ContactId,
        entries: u64,
        now: Time,
    ) -> Vec<u8> {
        let tombstone = Tombstone {
            version: Version,
            suite: Suite::X25519,
            account,
            contact,
            entries,
            time: now,
        };
        let message = signed_message(Tombstone::KIND, &encode(&tombstone));
        let by = SignedBy {
            signer: DeviceId::new(self.0.verifying_key().to_bytes()),
            signature: Signature::new(self.0.sign(&message).to_bytes()),
        };
        Signed::assemble(&tombstone, by).to_bytes().into_vec()
    }
}

/// SPEC 2.5: `"sottovoce/0 " kind || 0x00 || SHA-256(body)`.
fn signed_message(kind: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("sottovoce/0 {kind}\0").into_bytes();
    message.extend_from_slice(&Sha256::digest(body));
    message
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn anybody_can_verify_a_tombstone_by_the_relays_key() {
        let undertaker = Undertaker::new(&[7; 32]);
        let (account, contact) = (AccountId::new([1; 32]), ContactId::new([2; 16]));
        let now = Time::from_millis(3);
        let bytes = undertaker.bury(account, contact, 4, now);
        let signed = Signed::<Tombstone>::from_bytes(&bytes).unwrap();
        let key = DeviceId::new(undertaker.0.verifying_key().to_bytes());
        signed.verify_by(&key).unwrap();
        let says = signed.parse().unwrap();
        assert_eq!((says.contact, says.entries, says.time), (contact, 4, now));
    }
}
