//! Commits that no honest client makes: put together by hand from the bytes that SPEC 4 states,
//! and signed by whoever has a key.

use sha2::{Digest, Sha256};
use sottovoce::contact::{Commit, Core, EpochKey, Seals};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Hash, Secret, kdf};
use sottovoce::wire::frame::Object;
use sottovoce::wire::{DecodeError, encode};

/// The parts of a commit.
pub struct Forged {
    pub core: Core,
    pub seals: Seals,
    pub tag: Option<Hash>,
    pub evidence: Vec<Object>,
}

impl Forged {
    pub fn from(commit: &Commit) -> Self {
        Self {
            core: commit.core().clone(),
            seals: commit.seals().clone(),
            tag: commit.tag().copied(),
            evidence: commit.evidence().to_vec(),
        }
    }

    /// Those of core and seals.
    pub fn hashes(&self) -> [Hash; 2] {
        let hash = |label: &str, body: &[u8]| h(label, &[body]);
        [
            hash("core", &encode(&self.core)),
            hash("seals", &encode(&self.seals)),
        ]
    }

    /// Gives it the membership tag that the holder of an epoch key makes.
    pub fn tagged_with(mut self, key: &EpochKey) -> Self {
        let [hc, hs] = self.hashes();
        let membership: Secret<32> = kdf::expand(key.secret(), &labelled("membership", &[]));
        let message = labelled("membership", &[hc.as_array(), hs.as_array()]);
        self.tag = Some(Hash::new(kdf::hmac(&membership, &message)));
        self
    }

    /// Signs it with any key.
    pub fn sign(&self, key: &SigningKey) -> Commit {
        self.try_sign(key).unwrap()
    }

    pub fn try_sign(&self, key: &SigningKey) -> Result<Commit, DecodeError> {
        let [hc, hs] = self.hashes();
        let mut body = vec![0x85, 0, self.core.suite.number() as u8];
        body.extend(bstr(self.core.account.as_array()));
        body.extend(bstr(hc.as_array()));
        body.extend(bstr(hs.as_array()));
        let signature = key.sign("commit", &body);
        let mut out = vec![0x85];
        out.extend(bstr(&encode(&self.core)));
        out.extend(bstr(&encode(&self.seals)));
        match &self.tag {
            Some(tag) => out.extend(bstr(tag.as_array())),
            None => out.push(0xf6),
        }
        out.extend(bstr(signature.as_array()));
        out.extend(head(0x80, self.evidence.len()));
        self.evidence
            .iter()
            .for_each(|object| out.extend(encode(object)));
        Commit::parse(&out)
    }
}

/// `H(label, parts)` of SPEC 2.2, for byte strings.
pub fn h(label: &str, parts: &[&[u8]]) -> Hash {
    Hash::new(Sha256::digest(labelled(label, parts)).into())
}

/// CBOR `["sottovoce/0 " label, parts]`.
pub fn labelled(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    let label = format!("sottovoce/0 {label}");
    let mut out = head(0x80, parts.len() + 1);
    out.extend(head(0x60, label.len()));
    out.extend(label.as_bytes());
    parts.iter().for_each(|part| out.extend(bstr(part)));
    out
}

fn bstr(bytes: &[u8]) -> Vec<u8> {
    [head(0x40, bytes.len()), bytes.to_vec()].concat()
}

/// The head of a CBOR item of a major type.
fn head(major: u8, length: usize) -> Vec<u8> {
    match length {
        0..24 => vec![major | length as u8],
        24..256 => vec![major | 24, length as u8],
        256..65_536 => [&[major | 25][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[major | 26][..], &(length as u32).to_be_bytes()].concat(),
    }
}
