//! SPEC 5: content: what a message says, once it is decrypted.

use crate::wire::codec::array;

use super::MessageError;
use super::padding;
use crate::crypto::secret::SecretBytes;
use crate::wire::{Bytes, ContentId, DecodeError, Time, decode, encode, limits};

/// The kinds of content that this version names. Others are kept as they are and shown as
/// unsupported.
pub mod kind {
    /// UTF-8 text.
    pub const TEXT: &str = "text";
    /// A file: key, hash, size and media type.
    pub const ATTACHMENT: &str = "attachment";
    /// A form, or the answers to one.
    pub const FORM: &str = "form";
    /// The visitor's verdict.
    pub const RATING: &str = "rating";
    /// A button that was offered or pressed.
    pub const ACTION: &str = "action";
    /// A link with a preview.
    pub const LINK: &str = "link";
    /// A place.
    pub const LOCATION: &str = "location";
    /// Answers to choose from.
    pub const QUICK_REPLIES: &str = "quick-replies";
    /// How far its author has read: a [`Receipt`](super::Receipt).
    pub const RECEIPT: &str = "receipt";
    /// A visitor's identity token (JWT).
    pub const IDENTITY: &str = "identity";
    /// What the visitor's page knows of the visitor: a list of [`Detail`](super::Detail).
    pub const DETAILS: &str = "details";
    /// The contact's labels, among staff: a list of texts.
    pub const LABELS: &str = "labels";
    /// Signalling of a call.
    pub const CALL_SIGNAL: &str = "call-signal";
    /// A private note among staff: UTF-8 text.
    pub const NOTE: &str = "note";
}

/// What CBOR adds to body and kind at most: heads, id, time, reply.
const OVERHEAD: usize = 64;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Names the content across resends and epochs.
    pub id: ContentId,
    /// One of [`kind`], or one of a later version; at most 128 bytes.
    pub kind: String,
    /// The author's clock.
    pub sent: Time,
    /// The content that it answers.
    pub reply_to: Option<ContentId>,
    /// As its kind defines, at most 64 KiB.
    pub body: Bytes,
}

array!(Content {
    id,
    kind,
    sent,
    reply_to,
    body
});

impl Content {
    /// The padded plaintext of an envelope.
    pub(super) fn to_plaintext(&self) -> Result<SecretBytes, MessageError> {
        if !self.is_within_limits() {
            return Err(MessageError::ContentTooLarge);
        }
        let encoded = SecretBytes::new(encode(self));
        padding::pad(&encoded).ok_or(MessageError::ContentTooLarge)
    }

    /// The inverse; whatever is wrong, the error is the same.
    pub(super) fn from_plaintext(plaintext: &[u8]) -> Result<Self, MessageError> {
        padding::unpad(plaintext)
            .and_then(|encoded| {
                decode::<Self>(encoded, limits::BODY + limits::NAME + OVERHEAD).ok()
            })
            .filter(Self::is_within_limits)
            .ok_or(MessageError::Undecryptable)
    }

    fn is_within_limits(&self) -> bool {
        self.body.len() <= limits::BODY && self.kind.len() <= limits::NAME
    }
}

/// The body of a [`kind::RECEIPT`]: everything up to a position was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The last position that a person has read, 0 for none.
    pub read: u64,
}

array!(Receipt { read });

impl Receipt {
    /// The body that says it.
    pub fn to_body(self) -> Bytes {
        encode(&self).into()
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_body(body: &[u8]) -> Result<Self, DecodeError> {
        decode(body, 10)
    }
}
