//! SPEC 3.1: signed objects: a body of deterministic CBOR and who signed it. Verification is
//! always over the bytes received.

use crate::gather::Keep;
use core::marker::PhantomData;

use super::codec::{Bytes, Decode, DecodeError, Encode, array, decode, encode};
use super::{DeviceId, limits};
use crate::crypto::Hash;
use crate::crypto::hash::hash;
use crate::crypto::sign::{Proven, PublicKey, Signature, SignatureError, SigningKey};

/// A body type that can be signed: its array begins with version, suite and account.
pub trait SignedKind: Encode + Decode {
    /// The label of its signature and hash.
    const KIND: &'static str;
}

/// One signature and the key it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedBy {
    /// Who signed.
    pub signer: PublicKey,
    /// Over `KIND` and the body's hash.
    pub signature: Signature,
}

array!(SignedBy { signer, signature });

/// `[body: bstr, [+ [signer, signature]]]`.
#[derive(Clone)]
pub struct Signed<T> {
    wire: Wire,
    kind: PhantomData<T>,
}

/// The part that needs no type: a body's bytes and who signed them.
#[derive(Clone, PartialEq, Eq)]
struct Wire {
    body: Bytes,
    signatures: Vec<SignedBy>,
}

array!(Wire { body, signatures });

impl Wire {
    fn add_signature(&mut self, kind: &str, key: &SigningKey) {
        let signer = key.public();
        self.signatures.keep(|by| by.signer != signer);
        let signature = key.sign(kind, &self.body);
        self.signatures.push(SignedBy { signer, signature });
    }

    fn verify_by(
        &self,
        kind: &str,
        signer: &PublicKey,
        proven: &Proven,
    ) -> Result<(), SignatureError> {
        self.signatures
            .iter()
            .find(|by| by.signer == *signer)
            .ok_or(SignatureError)
            .and_then(|by| signer.verify_once(proven, kind, &self.body, &by.signature))
    }

    fn verify_threshold(
        &self,
        kind: &str,
        signers: &[PublicKey],
        threshold: u64,
        proven: &Proven,
    ) -> Result<(), SignatureError> {
        let mut valid: Vec<&PublicKey> = Vec::new();
        for signer in signers {
            if !valid.contains(&signer) && self.verify_by(kind, signer, proven).is_ok() {
                valid.push(signer);
            }
        }
        if threshold > 0 && valid.len() as u64 >= threshold {
            Ok(())
        } else {
            Err(SignatureError)
        }
    }
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.wire == other.wire
    }
}

impl<T: SignedKind> Signed<T> {
    /// Encodes and signs a body.
    pub fn sign(value: &T, keys: &[&SigningKey]) -> Self {
        let mut wire = Wire {
            body: encode(value).into(),
            signatures: Vec::new(),
        };
        for key in keys {
            wire.add_signature(T::KIND, key);
        }
        Self {
            wire,
            kind: PhantomData,
        }
    }

    /// Puts together what was signed elsewhere, over exactly `encode(value)`: by a key that is
    /// none of this crate's, such as a relay's own.
    pub fn assemble(value: &T, by: SignedBy) -> Self {
        Self {
            wire: Wire {
                body: encode(value).into(),
                signatures: vec![by],
            },
            kind: PhantomData,
        }
    }

    /// Adds one more signature, for objects that several administrators must sign.
    pub fn add_signature(&mut self, key: &SigningKey) {
        self.wire.add_signature(T::KIND, key);
    }

    /// Decodes the body. It says nothing about who signed it.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn parse(&self) -> Result<T, DecodeError> {
        decode(&self.wire.body, limits::OBJECT)
    }

    /// Verifies that `signer` signed.
    ///
    /// # Errors
    /// [`SignatureError`] when there is no valid signature by `signer`.
    pub fn verify_by(&self, signer: &DeviceId) -> Result<(), SignatureError> {
        self.verify_once_by(signer, &Proven::new())
    }

    /// [`verify_by`](Self::verify_by), unless it is known that it is valid.
    ///
    /// # Errors
    /// [`SignatureError`] when there is no valid signature by `signer`.
    pub(crate) fn verify_once_by(
        &self,
        signer: &DeviceId,
        proven: &Proven,
    ) -> Result<(), SignatureError> {
        self.wire.verify_by(T::KIND, signer, proven)
    }

    /// Verifies that at least `threshold` different keys among `signers` signed. Signatures of
    /// others are ignored; those that are known to be valid are not verified again.
    ///
    /// # Errors
    /// [`SignatureError`] when fewer did.
    pub(crate) fn verify_threshold(
        &self,
        signers: &[PublicKey],
        threshold: u64,
        proven: &Proven,
    ) -> Result<(), SignatureError> {
        self.wire
            .verify_threshold(T::KIND, signers, threshold, proven)
    }

    /// Who signed, by their own word.
    pub fn signers(&self) -> impl Iterator<Item = &PublicKey> {
        self.wire.signatures.iter().map(|by| &by.signer)
    }

    /// `H(KIND, body)`: the name of this object. Signatures are not part of it.
    pub fn hash(&self) -> Hash {
        hash(T::KIND, &[self.wire.body.as_ref().into()])
    }

    /// The encoded object as it travels.
    pub fn to_bytes(&self) -> Bytes {
        encode(&self.wire).into()
    }

    /// Reads an object that travelled.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self {
            wire: decode(bytes, limits::OBJECT)?,
            kind: PhantomData,
        })
    }
}

impl<T: SignedKind> core::fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Signed({}, {:?})", T::KIND, self.hash())
    }
}
