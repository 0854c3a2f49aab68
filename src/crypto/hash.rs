//! SPEC 2.2: labelled SHA-256. Every hash states what it is a hash of.

use sha2::{Digest, Sha256};

use crate::wire::codec::{Encode, Writer, byte_string, encode};

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

impl Encode for Part<'_> {
    fn encode(&self, out: &mut Writer) {
        match self {
            Part::Bytes(bytes) => out.bytes(bytes),
            Part::Text(text) => out.text(text),
            Part::Number(number) => out.number(*number),
        }
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
    let label = [PREFIX, label].concat();
    encode(&Labelled {
        label: Some(&label),
        parts,
    })
}

/// The deterministic CBOR array `[parts…]`.
pub(crate) fn listed(parts: &[Part<'_>]) -> Vec<u8> {
    encode(&Labelled { label: None, parts })
}

struct Labelled<'a> {
    label: Option<&'a str>,
    parts: &'a [Part<'a>],
}

impl Encode for Labelled<'_> {
    fn encode(&self, out: &mut Writer) {
        let label = self.label.map(Part::Text);
        out.array((self.parts.len() + usize::from(label.is_some())) as u64);
        for part in label.iter().chain(self.parts) {
            part.encode(out);
        }
    }
}

/// Plain SHA-256 of bytes that are already self-describing.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
