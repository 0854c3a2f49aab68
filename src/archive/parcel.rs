//! SPEC 7.2: bytes of any length for the holder of one private key.

use crate::wire::codec::array;

use crate::crypto::hash::labelled;
use crate::crypto::seal::{Seal, SealError, SealPrivateKey, SealPublicKey};
use crate::crypto::secret::SecretBytes;
use crate::crypto::{Hash, Random, Secret, aead};
use crate::wire::Bytes;

/// A sealed key and what is encrypted under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    seal: Seal,
    ciphertext: Bytes,
}

array!(Parcel { seal, ciphertext });

impl Parcel {
    /// Encrypts `plaintext` for a public key. `context` is what it belongs to: only who names the
    /// same can open it.
    ///
    /// # Errors
    /// [`SealError`]: the key cannot be sealed to, or there is no randomness.
    pub fn pack(
        to: &SealPublicKey,
        context: &Hash,
        plaintext: &[u8],
        random: &mut Random,
    ) -> Result<Self, SealError> {
        let key: Secret<32> = random.secret().map_err(|_| SealError)?;
        let seal = to.seal_fresh(random, &info(context, to), key.expose())?;
        // The key encrypts nothing else, so its nonce is zero.
        let ciphertext = aead::encrypt(&key, &[0; 12], &[], plaintext).into();
        Ok(Self { seal, ciphertext })
    }

    /// What is in it, for the holder of the private key.
    ///
    /// # Errors
    /// [`SealError`], whatever is wrong.
    pub fn unpack(&self, key: &SealPrivateKey, context: &Hash) -> Result<SecretBytes, SealError> {
        let opened = key.open(&info(context, &key.public()), &self.seal)?;
        let key = Secret::from_slice(&opened).ok_or(SealError)?;
        aead::decrypt(&key, &[0; 12], &[], &self.ciphertext).map_err(|_| SealError)
    }
}

fn info(context: &Hash, to: &SealPublicKey) -> Vec<u8> {
    labelled("parcel", &[context.into(), to.as_bytes().into()])
}
