//! SPEC 2.2: labelled SHA-256. Every hash states what it is a hash of.

use minicbor::{Encode, Encoder};
use sha2::{Digest, Sha256};

use crate::wire::codec::byte_string;

byte_string! {
    /// A SHA-256 digest, 32 bytes.
    Hash, 32
}

/// The prefix of every label: protocol name and version.
pub(crate) const PREFIX: &str = "sottovoce/0 ";

/// `H(label, parts…)` = SHA-256 of the deterministic CBOR array `["sottovoce/0 " label, parts…]`.
///
/// `parts` is a tuple-like slice of already typed values; byte strings are encoded as such, so
/// no two different inputs ever share an encoding.
pub(crate) fn hash(label: &str, parts: &[Part<'_>]) -> Hash {
    Hash::new(Sha256::digest(labelled(label, parts)).into())
}

/// One element of a labelled array: what hashes, derivations and signatures are made over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
    Number(u64),
}

impl<C> Encode<C> for Part<'_> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Part::Bytes(bytes) => e.bytes(bytes)?,
            Part::Text(text) => e.str(text)?,
            Part::Number(number) => e.u64(*number)?,
        };
        Ok(())
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Part<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Part::Bytes(bytes)
    }
}

impl<'a> From<&'a [u8]> for Part<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Part::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Part<'a> {
    fn from(text: &'a str) -> Self {
        Part::Text(text)
    }
}

impl From<u64> for Part<'_> {
    fn from(number: u64) -> Self {
        Part::Number(number)
    }
}

/// The deterministic CBOR array `["sottovoce/0 " label, parts…]`.
pub(crate) fn labelled(label: &str, parts: &[Part<'_>]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::with_capacity(64));
    // Writing into a Vec is infallible; the results carry `Infallible`.
    let _ = encoder.array(parts.len() as u64 + 1);
    let _ = encoder.str(&[PREFIX, label].concat());
    for part in parts {
        let _ = encoder.encode(part);
    }
    encoder.into_writer()
}

/// Plain SHA-256 of bytes that are already self-describing.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
