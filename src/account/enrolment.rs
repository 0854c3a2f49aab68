//! SPEC 3.7: how a new device asks for a credential.

use crate::wire::codec::array;

use crate::crypto::hash::labelled;
use crate::crypto::{Secret, kdf};
use crate::wire::{AccountId, Bytes, DeviceId, Signed, SignedKind, Suite, Time, Version};

/// A device's request, signed by the key that the credential shall be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentRequest {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The device's Ed25519 key.
    pub device: DeviceId,
    /// The name that the person proposes.
    pub name: String,
    /// When it was made.
    pub time: Time,
    /// Proof that the person holds an administrator's invitation code: 32 bytes, see
    /// [`invitation_proof`](Self::invitation_proof).
    pub invitation: Option<Bytes>,
}

array!(EnrolmentRequest {
    version,
    suite,
    account,
    device,
    name,
    time,
    invitation
});

impl SignedKind for EnrolmentRequest {
    const KIND: &'static str = "enrolment";
}

impl EnrolmentRequest {
    /// HMAC of (account, device) under a key derived from the invitation code, so that the relay
    /// that carries the request learns no code that it could use for a device of its own.
    pub fn invitation_proof(code: &str, account: &AccountId, device: &DeviceId) -> [u8; 32] {
        let key: Secret<32> = kdf::extract(account.as_array(), code.as_bytes());
        kdf::hmac(
            &key,
            &labelled("invitation", &[account.into(), device.into()]),
        )
    }

    /// Whether the request proves knowledge of the invitation code.
    pub fn proves(&self, code: &str) -> bool {
        let expected = Self::invitation_proof(code, &self.account, &self.device);
        self.invitation
            .as_ref()
            .is_some_and(|proof| crate::crypto::secret::equal(proof, &expected))
    }

    /// Reads a request and checks that the device itself signed it.
    ///
    /// # Errors
    /// `None` when it is malformed or signed by another key.
    pub fn verify(signed: &Signed<Self>) -> Option<Self> {
        let request = signed.parse().ok()?;
        signed.verify_by(&request.device).ok()?;
        Some(request)
    }
}
