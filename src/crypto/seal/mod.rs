//! SPEC 2.6: HPKE (RFC 9180) base mode, single shot, with encapsulations that whoever holds
//! the epoch secret can recompute.
//!
//! HPKE is written out here because no crate exposes the encapsulation randomness; the tests
//! hold it against the RFC's vectors and against the `hpke` crate in both directions.

mod kem;
mod schedule;
#[cfg(test)]
mod vectors;

use super::Secret;
use super::aead;
use super::hash::{Hash, hash};
use super::random::{NoRandomness, Random};
use crate::wire::codec::array;
use crate::wire::{Bytes, Suite};

pub use schedule::Context;

/// Sealing or opening failed: a key that is none, an encapsulation or ciphertext that is not
/// for this key, or a shared secret that is all zero. It never says which.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot be sealed or opened")]
pub struct SealError;

/// Length of the randomness that an encapsulation is made from, in bytes.
pub const ENCAPSULATION_RANDOMNESS: usize = 64;

/// An encapsulated key and the ciphertext under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The KEM's ciphertext: 32 bytes in suite 1, 1,120 in suite 2.
    pub encapsulation: Bytes,
    /// AES-256-GCM ciphertext, 16 bytes longer than the plaintext.
    pub ciphertext: Bytes,
}

array!(Seal {
    encapsulation,
    ciphertext
});

/// A public key that can be sealed to, with its suite: 32 bytes in suite 1, 1,216 in suite 2.
#[derive(Clone, PartialEq, Eq)]
pub struct SealPublicKey {
    suite: Suite,
    bytes: Vec<u8>,
}

impl SealPublicKey {
    /// Parses and checks a public key.
    ///
    /// # Errors
    /// [`SealError`] for a wrong length, a low-order or a non-canonical key.
    pub fn parse(suite: Suite, bytes: &[u8]) -> Result<Self, SealError> {
        kem::check_public(suite, bytes)?;
        Ok(Self {
            suite,
            bytes: bytes.to_vec(),
        })
    }

    /// The serialised key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `H("key", suite, bytes)`: the id under which rosters name this key.
    pub fn id(&self) -> Hash {
        hash(
            "key",
            &[self.suite.number().into(), self.bytes.as_slice().into()],
        )
    }

    /// RFC 9180 section 6.1, `SealBase` with one message and empty associated data.
    /// `randomness` determines the encapsulation wholly.
    ///
    /// # Errors
    /// [`SealError`] when the key agreement gives an all-zero secret.
    pub fn seal(
        &self,
        randomness: &Secret<ENCAPSULATION_RANDOMNESS>,
        info: &[u8],
        plaintext: &[u8],
    ) -> Result<Seal, SealError> {
        let (shared, encapsulation) = kem::encapsulate(self.suite, &self.bytes, randomness)?;
        let context = Context::new(self.suite, &shared, info);
        Ok(Seal {
            encapsulation: encapsulation.into(),
            ciphertext: aead::encrypt(context.key(), context.nonce(), &[], plaintext).into(),
        })
    }

    /// As [`seal`](Self::seal), with fresh randomness, where nobody has to recompute it.
    ///
    /// # Errors
    /// [`SealError`]; no randomness is reported as the same.
    pub fn seal_fresh(
        &self,
        random: &mut Random,
        info: &[u8],
        plaintext: &[u8],
    ) -> Result<Seal, SealError> {
        let randomness = random.secret().map_err(|NoRandomness| SealError)?;
        self.seal(&randomness, info, plaintext)
    }
}

impl core::fmt::Debug for SealPublicKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SealPublicKey({:?}, {:?})", self.suite, self.id())
    }
}

/// A private key that opens seals: a 32-byte seed in both suites.
#[derive(Debug)]
pub struct SealPrivateKey {
    suite: Suite,
    seed: Secret<32>,
}

impl SealPrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system refuses.
    pub fn generate(suite: Suite, random: &mut Random) -> Result<Self, NoRandomness> {
        Ok(Self::from_seed(suite, random.secret()?))
    }

    /// Suite 1: the X25519 scalar. Suite 2: the X-Wing seed.
    pub const fn from_seed(suite: Suite, seed: Secret<32>) -> Self {
        Self { suite, seed }
    }

    /// The 32-byte seed, for sealed storage.
    pub const fn seed(&self) -> &Secret<32> {
        &self.seed
    }

    /// The suite that this key belongs to.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// A second owner of the same key.
    pub fn duplicate(&self) -> Self {
        Self::from_seed(self.suite, self.seed.duplicate())
    }

    /// The public half.
    pub fn public(&self) -> SealPublicKey {
        SealPublicKey {
            suite: self.suite,
            bytes: kem::public_of(self.suite, &self.seed),
        }
    }

    /// RFC 9180 section 6.1, `OpenBase` with one message and empty associated data.
    ///
    /// # Errors
    /// [`SealError`], whatever is wrong.
    pub fn open(&self, info: &[u8], seal: &Seal) -> Result<super::secret::SecretBytes, SealError> {
        let shared = kem::decapsulate(self.suite, &self.seed, &seal.encapsulation)?;
        let context = Context::new(self.suite, &shared, info);
        aead::decrypt(context.key(), context.nonce(), &[], &seal.ciphertext).map_err(|_| SealError)
    }
}
