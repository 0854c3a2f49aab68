//! SPEC 5: what is said within a contact: content, padded and encrypted into signed envelopes
//! that the log keeps, and ephemeral events that nobody keeps.

mod about;
mod content;
mod envelope;
mod ephemeral;
mod notebook;
mod padding;

pub use about::{Detail, labels_from_body, labels_to_body};
pub use content::{Content, Receipt, kind};
pub use envelope::{Audience, Envelope, Header, Salt, SealParams};
pub use ephemeral::{Ephemeral, EphemeralEvent, EphemeralHeader, EphemeralKind, EphemeralParams};

pub use notebook::{Notebook, NotebookError, NotebookParams, Page, Reply};

use crate::crypto::sign::SignatureError;
use crate::wire::DecodeError;

/// Why an envelope or ephemeral event is not made, or not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// It cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The device that it names did not sign it.
    #[error("the signature does not verify")]
    BadSignature,
    /// It does not open: another key, another commitment, changed bytes, wrong padding, content
    /// that is none. It never says which.
    #[error("cannot be decrypted")]
    Undecryptable,
    /// The body or the kind's name is longer than [`limits`](crate::wire::limits) allow.
    #[error("the content is larger than allowed")]
    ContentTooLarge,
}

impl MessageError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Decode(error) => error.code(),
            Self::BadSignature => "bad-signature",
            Self::Undecryptable => "undecryptable",
            Self::ContentTooLarge => "content-too-large",
        }
    }
}

impl From<SignatureError> for MessageError {
    fn from(SignatureError: SignatureError) -> Self {
        Self::BadSignature
    }
}
