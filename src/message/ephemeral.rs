//! SPEC 5: ephemeral events, such as typing: of one size, signed, passed on to whoever listens,
//! kept by nobody.

use crate::wire::codec::{array, number};

use super::{Audience, MessageError, Salt};
use crate::crypto::aead::{self, TAG};
use crate::crypto::hash::{hash, listed};
use crate::crypto::kdf::derive;
use crate::crypto::sign::{Signature, SigningKey};
use crate::crypto::{Hash, Secret};
use crate::wire::{
    AccountId, Bytes, ContactId, DecodeError, DeviceId, Suite, Time, Version, decode, encode,
};

/// Length of every event before it is encrypted, in bytes.
const PLAINTEXT: usize = 64;
/// Longer than any event, in bytes.
const LIMIT: usize = 512;

/// What everyone, the relay too, can read of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EphemeralHeader {
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
    /// Random, fresh for every event.
    pub salt: Salt,
    /// Who can make sense of it.
    pub audience: Audience,
}

array!(EphemeralHeader {
    version,
    suite,
    account,
    contact,
    epoch,
    transcript,
    device,
    salt,
    audience
});

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EphemeralEvent {
    /// What happens.
    pub kind: EphemeralKind,
    /// Rises with each of a device's events; one that is not higher is stale.
    pub counter: u64,
    /// The author's clock; an old event is stale.
    pub time: Time,
}

array!(EphemeralEvent {
    kind,
    counter,
    time
});

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EphemeralKind {
    /// The author is typing.
    Typing,
    /// The author looks at the contact.
    Viewing,
}

number!(EphemeralKind { Typing = 0, Viewing = 1 });

/// `[header: bstr, ciphertext: bstr, signature]`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wire {
    header: Bytes,
    ciphertext: Bytes,
    signature: Signature,
}

array!(Wire {
    header,
    ciphertext,
    signature
});

/// An event as it travels. Parsing proves nothing about who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ephemeral {
    wire: Wire,
    header: EphemeralHeader,
}

/// What an event is made from.
#[derive(Debug)]
pub struct EphemeralParams<'a> {
    /// Its header, with a fresh salt and the signing key's device.
    pub header: EphemeralHeader,
    /// The epoch key, or what [`Audience::Staff`] has instead.
    pub epoch_key: &'a Secret<32>,
    /// What it says.
    pub event: EphemeralEvent,
    /// The key of `header.device`.
    pub signing_key: &'a SigningKey,
}

impl Ephemeral {
    /// The label of an event's signature and hash.
    const KIND: &'static str = "ephemeral";

    /// Encrypts and signs an event.
    pub fn seal(params: EphemeralParams<'_>) -> Self {
        let encoded = encode(&params.header);
        let mut plaintext = encode(&params.event);
        plaintext.resize(PLAINTEXT, 0);
        let (key, nonce) = keys(params.epoch_key, &params.header, &encoded);
        let ciphertext = aead::encrypt(&key, nonce.expose(), &encoded, &plaintext);
        let body = signed_body(&params.header, &encoded, &ciphertext);
        Self {
            wire: Wire {
                header: encoded.into(),
                ciphertext: ciphertext.into(),
                signature: params.signing_key.sign(Self::KIND, &body),
            },
            header: params.header,
        }
    }

    /// Reads an event that travelled. It says nothing about who signed it.
    ///
    /// # Errors
    /// [`MessageError::Decode`].
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        let wire: Wire = decode(bytes, LIMIT)?;
        let header = decode(&wire.header, LIMIT)?;
        if wire.ciphertext.len() != PLAINTEXT + TAG {
            return Err(DecodeError::Malformed.into());
        }
        Ok(Self { wire, header })
    }

    /// The header, as signed by whoever signed it.
    pub const fn header(&self) -> &EphemeralHeader {
        &self.header
    }

    /// The encoded event as it travels.
    pub fn to_bytes(&self) -> Bytes {
        encode(&self.wire).into()
    }

    /// Verifies that the device in the header signed.
    ///
    /// # Errors
    /// [`MessageError::BadSignature`].
    pub fn verify_signature(&self) -> Result<(), MessageError> {
        let body = signed_body(&self.header, &self.wire.header, &self.wire.ciphertext);
        self.header
            .device
            .verify(Self::KIND, &body, &self.wire.signature)?;
        Ok(())
    }

    /// Decrypts and reads the event. It does not verify the signature, nor does it know what is
    /// stale.
    ///
    /// # Errors
    /// [`MessageError::Undecryptable`], whatever is wrong.
    pub fn open(&self, epoch_key: &Secret<32>) -> Result<EphemeralEvent, MessageError> {
        let (key, nonce) = keys(epoch_key, &self.header, &self.wire.header);
        let plaintext = aead::decrypt(
            &key,
            nonce.expose(),
            &self.wire.header,
            &self.wire.ciphertext,
        )
        .map_err(|_| MessageError::Undecryptable)?;
        read_event(&plaintext).ok_or(MessageError::Undecryptable)
    }
}

/// `[kind, counter, time]`, deterministically encoded, and zeros.
fn read_event(plaintext: &[u8]) -> Option<EphemeralEvent> {
    let event: EphemeralEvent = crate::wire::codec::decode_prefix(plaintext)?;
    let mut expected = encode(&event);
    expected.resize(PLAINTEXT, 0);
    (expected == plaintext).then_some(event)
}

/// key || nonce = `Expand(Expand(epoch key, "ephemeral", device), "event", salt, H("header", header))`.
fn keys(
    epoch_key: &Secret<32>,
    header: &EphemeralHeader,
    encoded: &[u8],
) -> (Secret<32>, Secret<12>) {
    let sender: Secret<32> = derive(epoch_key, "ephemeral", &[(&header.device).into()]);
    let header_hash = hash("header", &[encoded.into()]);
    let okm: Secret<44> = derive(
        &sender,
        "event",
        &[(&header.salt).into(), (&header_hash).into()],
    );
    let (key, nonce, _) = okm.split::<32, 12, 0>();
    (key, nonce)
}

/// `[version, suite, account, H("ephemeral", header, ciphertext)]`.
fn signed_body(header: &EphemeralHeader, encoded: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let hash = hash(Ephemeral::KIND, &[encoded.into(), ciphertext.into()]);
    listed(&[
        0.into(),
        header.suite.number().into(),
        (&header.account).into(),
        (&hash).into(),
    ])
}
