//! SPEC 3.1: signed objects: a body of deterministic CBOR and who signed it. Verification is
//! always over the bytes received.

use core::marker::PhantomData;

use minicbor::{Decode, Encode};

use super::codec::{Bytes, DecodeError, decode, encode};
use super::{DeviceId, limits};
use crate::crypto::Hash;
use crate::crypto::hash::hash;
use crate::crypto::sign::{PublicKey, Signature, SignatureError, SigningKey};

/// A body type that can be signed: its array begins with version, suite and account.
pub trait SignedKind: Encode<()> + for<'b> Decode<'b, ()> {
    /// The label of its signature and hash.
    const KIND: &'static str;
}

/// One signature and the key it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SignedBy {
    /// Who signed.
    #[n(0)]
    pub signer: PublicKey,
    /// Over `KIND` and the body's hash.
    #[n(1)]
    pub signature: Signature,
}

/// `[body: bstr, [+ [signer, signature]]]`.
#[derive(Clone, Encode, Decode)]
#[cbor(array)]
pub struct Signed<T> {
    #[n(0)]
    body: Bytes,
    #[n(1)]
    signatures: Vec<SignedBy>,
    #[cbor(skip)]
    kind: PhantomData<T>,
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.body == other.body && self.signatures == other.signatures
    }
}

impl<T: SignedKind> Signed<T> {
    /// Encodes and signs a body.
    pub fn sign(value: &T, keys: &[&SigningKey]) -> Self {
        let body = encode(value);
        let signatures = keys
            .iter()
            .map(|key| SignedBy {
                signer: key.public(),
                signature: key.sign(T::KIND, &body),
            })
            .collect();
        Self {
            body: body.into(),
            signatures,
            kind: PhantomData,
        }
    }

    /// Adds one more signature, for objects that several administrators must sign.
    pub fn add_signature(&mut self, key: &SigningKey) {
        let signer = key.public();
        self.signatures.retain(|by| by.signer != signer);
        self.signatures.push(SignedBy {
            signer,
            signature: key.sign(T::KIND, &self.body),
        });
    }

    /// Decodes the body. It says nothing about who signed it.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn parse(&self) -> Result<T, DecodeError> {
        decode(&self.body, limits::OBJECT)
    }

    /// Verifies that `signer` signed.
    ///
    /// # Errors
    /// [`SignatureError`] when there is no valid signature by `signer`.
    pub fn verify_by(&self, signer: &DeviceId) -> Result<(), SignatureError> {
        self.signatures
            .iter()
            .find(|by| by.signer == *signer)
            .ok_or(SignatureError)
            .and_then(|by| signer.verify(T::KIND, &self.body, &by.signature))
    }

    /// Verifies that at least `threshold` different keys among `signers` signed. Signatures of
    /// others are ignored.
    ///
    /// # Errors
    /// [`SignatureError`] when fewer did.
    pub fn verify_threshold(
        &self,
        signers: &[PublicKey],
        threshold: usize,
    ) -> Result<(), SignatureError> {
        let mut distinct = signers.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let valid = distinct.iter().filter(|key| self.verify_by(key).is_ok());
        if threshold > 0 && valid.count() >= threshold {
            Ok(())
        } else {
            Err(SignatureError)
        }
    }

    /// Who signed, by their own word.
    pub fn signers(&self) -> impl Iterator<Item = &PublicKey> {
        self.signatures.iter().map(|by| &by.signer)
    }

    /// `H(KIND, body)`: the name of this object. Signatures are not part of it.
    pub fn hash(&self) -> Hash {
        hash(T::KIND, &[self.body.as_ref().into()])
    }

    /// The encoded object as it travels.
    pub fn to_bytes(&self) -> Bytes {
        encode(self).into()
    }

    /// Reads an object that travelled.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, limits::OBJECT)
    }
}

impl<T: SignedKind> core::fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Signed({}, {:?})", T::KIND, self.hash())
    }
}
