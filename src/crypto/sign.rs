//! SPEC 2.5: Ed25519 (RFC 8032), verified strictly, over domain-separated hashes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ed25519_dalek::Signer;

use super::hash::{PREFIX, sha256};
use super::random::{NoRandomness, Random};
use super::{Secret, secret::SecretBytes};
use crate::wire::codec::byte_string;

byte_string! {
    /// An Ed25519 signature, 64 bytes.
    Signature, 64
}

byte_string! {
    /// An Ed25519 public key as it travels, 32 bytes. It is checked when it is used.
    PublicKey, 32
}

/// A signature does not verify, or its key is weak or no point of the curve.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct SignatureError;

/// A device's, administrator's or root's private signing key.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system refuses.
    pub fn generate(random: &mut Random) -> Result<Self, NoRandomness> {
        Ok(Self::from_seed(&random.secret()?))
    }

    /// The key of a 32-byte seed (RFC 8032 section 5.1.5).
    pub fn from_seed(seed: &Secret<32>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed.expose()))
    }

    /// The 32-byte seed, for sealed storage.
    pub fn seed(&self) -> Secret<32> {
        Secret::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey::new(self.0.verifying_key().to_bytes())
    }

    /// Signs `body`, deterministic CBOR that begins with version, suite and account.
    pub fn sign(&self, kind: &str, body: &[u8]) -> Signature {
        Signature::new(self.0.sign(&message(kind, body)).to_bytes())
    }
}

impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SigningKey({:?}, …)", self.public())
    }
}

/// How many of them are remembered: 16 KiB.
const PROVEN: usize = 512;

/// Signatures that were found valid. The same credential or key record comes again with one commit after
/// the other, and what was valid over the same bytes stays so; a hash of everything that goes into the
/// verification takes a thirtieth of its time.
#[derive(Default)]
pub struct Proven(Mutex<Vec<[u8; 32]>>);

impl Proven {
    /// None yet.
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn names(&self) -> MutexGuard<'_, Vec<[u8; 32]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each name has one place, where the last that was put there is found.
    fn place(name: &[u8; 32]) -> usize {
        let [first, second, ..] = *name;
        usize::from(u16::from_be_bytes([first, second])) % PROVEN
    }

    fn knows(&self, name: &[u8; 32]) -> bool {
        self.names().get(Self::place(name)) == Some(name)
    }

    fn learn(&self, name: [u8; 32]) {
        let mut names = self.names();
        names.resize(PROVEN, [0; 32]);
        if let Some(place) = names.get_mut(Self::place(&name)) {
            *place = name;
        }
    }
}

impl core::fmt::Debug for Proven {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Proven(…)")
    }
}

impl PublicKey {
    /// [`verify`](Self::verify), unless it is known that it is valid.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify_once(
        &self,
        proven: &Proven,
        kind: &str,
        body: &[u8],
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        let message = message(kind, body);
        let name = sha256(&[&message, self.as_array().as_slice(), signature.as_array()].concat());
        if proven.knows(&name) {
            return Ok(());
        }
        self.verify_raw(&message, signature)?;
        proven.learn(name);
        Ok(())
    }

    /// Verifies with `verify_strict`; weak (small-order) keys are refused before.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(
        &self,
        kind: &str,
        body: &[u8],
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        self.verify_raw(&message(kind, body), signature)
    }

    /// Verifies a signature over exactly `message`, for signatures that the protocol does not
    /// make itself (identity tokens) and for published vectors.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify_raw(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        let key = self.parse()?;
        key.verify_strict(
            message,
            &ed25519_dalek::Signature::from_bytes(signature.as_array()),
        )
        .map_err(|_| SignatureError)
    }

    /// Whether the bytes are a usable key: canonical point, not of small order.
    pub fn is_valid(&self) -> bool {
        self.parse().is_ok()
    }

    fn parse(&self) -> Result<ed25519_dalek::VerifyingKey, SignatureError> {
        let key =
            ed25519_dalek::VerifyingKey::from_bytes(self.as_array()).map_err(|_| SignatureError)?;
        if key.is_weak() || !self.is_canonical() {
            return Err(SignatureError);
        }
        Ok(key)
    }

    /// Whether the y-coordinate is below the field's prime 2^255 - 19. That leaves two points with
    /// two encodings, those where x is 0 and has a sign all the same: both are weak.
    fn is_canonical(&self) -> bool {
        let [first, middle @ .., last] = self.as_array();
        let is_large = last & 0x7f == 0x7f && middle.iter().all(|byte| *byte == 0xff);
        !is_large || *first < 0xed
    }
}

/// `"sottovoce/0 " kind || 0x00 || SHA-256(body)`.
fn message(kind: &str, body: &[u8]) -> SecretBytes {
    let mut out = Vec::with_capacity(PREFIX.len() + kind.len() + 33);
    out.extend_from_slice(PREFIX.as_bytes());
    out.extend_from_slice(kind.as_bytes());
    out.push(0);
    out.extend_from_slice(&sha256(body));
    SecretBytes::new(out)
}
