//! SPEC 5: the envelope: one content, encrypted for an epoch, signed by its author and chained
//! to the author's envelope before.

use crate::wire::codec::{array, number};

use super::padding;
use super::{Content, MessageError};
use crate::crypto::aead::{self, TAG};
use crate::crypto::hash::{hash, listed};
use crate::crypto::kdf::derive;
use crate::crypto::sign::{Signature, SigningKey};
use crate::crypto::{Hash, Secret, secret};
use crate::wire::codec::byte_string;
use crate::wire::log::Seen;
use crate::wire::{
    AccountId, Bytes, ContactId, DecodeError, DeviceId, Suite, Version, decode, encode, limits,
};

byte_string! {
    /// 16 random bytes that make the keys of an envelope its own, even if a rolled-back state
    /// uses a sequence number twice.
    Salt, 16
}

/// What everyone, the relay too, can read of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Protocol version.
    pub version: Version,
    /// The contact's suite.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: ContactId,
    /// The epoch whose key encrypts.
    pub epoch: u64,
    /// `T_n` of that epoch.
    pub transcript: Hash,
    /// The author.
    pub device: DeviceId,
    /// Counts the author's envelopes in this contact from 0, across epochs.
    pub sequence: u64,
    /// Random.
    pub salt: Salt,
    /// `h_{i-1}`: the hash of the author's envelope before, or
    /// [`first_previous`](Envelope::first_previous).
    pub previous: Hash,
    /// What the author had seen of the log; none before its first entry.
    pub seen: Option<Seen>,
    /// Who can read it.
    pub audience: Audience,
}

array!(Header {
    version,
    suite,
    account,
    contact,
    epoch,
    transcript,
    device,
    sequence,
    salt,
    previous,
    seen,
    audience
});

/// Who can read an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone on the roster: the epoch key encrypts.
    All,
    /// Staff on the roster: the staff epoch key encrypts.
    Staff,
}

number!(Audience { All = 0, Staff = 1 });

/// `[header: bstr, commitment, ciphertext: bstr, signature]`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wire {
    header: Bytes,
    /// AES-GCM alone does not commit a ciphertext to one key; this does.
    commitment: Hash,
    ciphertext: Bytes,
    signature: Signature,
}

array!(Wire {
    header,
    commitment,
    ciphertext,
    signature
});

/// A message as it travels and is kept. It holds the bytes that were received; parsing proves
/// nothing about who made them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    wire: Wire,
    header: Header,
    hash: Hash,
}

/// What an envelope is made from.
#[derive(Debug)]
pub struct SealParams<'a> {
    /// Its header, with a fresh salt and the signing key's device.
    pub header: Header,
    /// The epoch key, or for [`Audience::Staff`] the staff epoch key.
    pub epoch_key: &'a Secret<32>,
    /// What it says.
    pub content: &'a Content,
    /// The key of `header.device`.
    pub signing_key: &'a SigningKey,
}

impl Envelope {
    /// The label of an envelope's signature and hash.
    const KIND: &'static str = "envelope";

    /// `h_{-1} = H("sender", account, contact, device)`: what a device's first envelope in a
    /// contact names as the one before.
    pub fn first_previous(account: &AccountId, contact: &ContactId, device: &DeviceId) -> Hash {
        hash("sender", &[account.into(), contact.into(), device.into()])
    }

    /// Encrypts and signs a content.
    ///
    /// # Errors
    /// [`MessageError::ContentTooLarge`].
    pub fn seal(params: SealParams<'_>) -> Result<Self, MessageError> {
        let plaintext = params.content.to_plaintext()?;
        let encoded = encode(&params.header);
        let keys = Keys::derive(params.epoch_key, &params.header, &encoded);
        let ciphertext = aead::encrypt(&keys.key, keys.nonce.expose(), &encoded, &plaintext);
        let commitment = Hash::new(*keys.commitment.expose());
        let hash = hash_of(&encoded, &commitment, &ciphertext);
        let signature = params
            .signing_key
            .sign(Self::KIND, &signed_body(&params.header, &hash));
        Ok(Self {
            wire: Wire {
                header: encoded.into(),
                commitment,
                ciphertext: ciphertext.into(),
                signature,
            },
            header: params.header,
            hash,
        })
    }

    /// Reads an envelope that travelled. It says nothing about who signed it.
    ///
    /// # Errors
    /// [`MessageError::Decode`].
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        let wire: Wire = decode(bytes, limits::ENTRY)?;
        let header: Header = decode(&wire.header, limits::ENTRY)?;
        let padded = wire.ciphertext.len().saturating_sub(TAG);
        if !padded.is_power_of_two() || !(padding::SMALLEST..=padding::LARGEST).contains(&padded) {
            return Err(DecodeError::Malformed.into());
        }
        let hash = hash_of(&wire.header, &wire.commitment, &wire.ciphertext);
        Ok(Self { wire, header, hash })
    }

    /// The header, as signed by whoever signed it.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// `h_i = H("envelope", header, commitment, ciphertext)`: what the author's next envelope
    /// names as the one before. The signature is no part of it.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The encoded envelope as it travels.
    pub fn to_bytes(&self) -> Bytes {
        encode(&self.wire).into()
    }

    /// Verifies that the device in the header signed.
    ///
    /// # Errors
    /// [`MessageError::BadSignature`].
    pub fn verify_signature(&self) -> Result<(), MessageError> {
        let body = signed_body(&self.header, &self.hash);
        self.header
            .device
            .verify(Self::KIND, &body, &self.wire.signature)?;
        Ok(())
    }

    /// Checks the commitment, decrypts and reads the content. It does not verify the signature.
    ///
    /// # Errors
    /// [`MessageError::Undecryptable`], whatever is wrong.
    pub fn open(&self, epoch_key: &Secret<32>) -> Result<Content, MessageError> {
        let keys = Keys::derive(epoch_key, &self.header, &self.wire.header);
        if !secret::equal(keys.commitment.expose(), self.wire.commitment.as_array()) {
            return Err(MessageError::Undecryptable);
        }
        let plaintext = aead::decrypt(
            &keys.key,
            keys.nonce.expose(),
            &self.wire.header,
            &self.wire.ciphertext,
        )
        .map_err(|_| MessageError::Undecryptable)?;
        Content::from_plaintext(&plaintext)
    }
}

/// The keys of one envelope.
struct Keys {
    key: Secret<32>,
    nonce: Secret<12>,
    commitment: Secret<32>,
}

impl Keys {
    /// sender key = `Expand(epoch key, "sender", device)`;
    /// key || nonce || commitment = `Expand(sender key, "message", sequence, salt, H("header", header))`.
    fn derive(epoch_key: &Secret<32>, header: &Header, encoded: &[u8]) -> Self {
        let sender: Secret<32> = derive(epoch_key, "sender", &[(&header.device).into()]);
        let header_hash = hash("header", &[encoded.into()]);
        let okm: Secret<76> = derive(
            &sender,
            "message",
            &[
                header.sequence.into(),
                (&header.salt).into(),
                (&header_hash).into(),
            ],
        );
        let (key, nonce, commitment) = okm.split();
        Self {
            key,
            nonce,
            commitment,
        }
    }
}

fn hash_of(header: &[u8], commitment: &Hash, ciphertext: &[u8]) -> Hash {
    hash(
        Envelope::KIND,
        &[header.into(), commitment.into(), ciphertext.into()],
    )
}

/// `[version, suite, account, h_i]`.
fn signed_body(header: &Header, hash: &Hash) -> Vec<u8> {
    listed(&[
        0.into(),
        header.suite.number().into(),
        (&header.account).into(),
        hash.into(),
    ])
}
