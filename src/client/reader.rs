//! Reads one entry of a contact's log from stored state alone, without the log and without a
//! relay: for a holder of the keys who was given the entry by other means, such as a webhook.

use super::Record;
use super::records::{ContactRecord, Sealer, contact_name};
use crate::contact::EpochSecret;
use crate::crypto::Secret;
use crate::message::{Audience, Content, Envelope, Header, MessageError};
use crate::wire::frame::Entry;
use crate::wire::{DecodeError, decode, limits};

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The envelope's head, signed by its device. Whether that device was on the roster then only
    /// the contact's log can tell.
    pub header: Header,
    /// What was encrypted.
    pub content: Content,
}

/// An entry cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is not an entry.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It is a commit, which is public and says nothing to anybody.
    #[error("it is a commit, which has no content")]
    Commit,
    /// It is no envelope, its author did not sign it, or it does not open under the epoch's key.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Records do not open under this storage key and generation.
    #[error("the stored state cannot be read")]
    State,
    /// The device has never taken part in the contact.
    #[error("this device has no keys of the contact")]
    UnknownContact,
    /// The contact is closed, and its keys are destroyed.
    #[error("the contact is closed and its keys are destroyed")]
    Destroyed,
    /// The device was not on the roster in that epoch, and history was not granted.
    #[error("this device has no keys of that epoch")]
    UnknownEpoch,
}

impl ReadError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Decode(error) => error.code(),
            Self::Commit => "is-commit",
            Self::Message(error) => error.code(),
            Self::State => "state-unreadable",
            Self::UnknownContact => "unknown-contact",
            Self::Destroyed => "keys-destroyed",
            Self::UnknownEpoch => "unknown-epoch",
        }
    }
}

/// Reads an entry with what a device has stored.
///
/// # Errors
/// [`ReadError`].
pub fn read_entry(
    storage_key: &Secret<32>,
    generation: u64,
    records: &[Record],
    entry: &[u8],
) -> Result<Reading, ReadError> {
    let envelope = match decode(entry, limits::ENTRY)? {
        Entry::Envelope(envelope) => Envelope::parse(&envelope)?,
        Entry::Commit(_) => return Err(ReadError::Commit),
    };
    envelope.verify_signature()?;
    let header = envelope.header();
    let name = contact_name(&header.contact);
    let record = records.iter().find(|record| record.name == name);
    let sealer = Sealer::new(storage_key.duplicate(), generation);
    let contact: ContactRecord = sealer
        .open(record.ok_or(ReadError::UnknownContact)?)
        .map_err(|_| ReadError::State)?;
    let secret = secret_of(&contact, header).ok_or(match contact.closed {
        Some(_) if contact.secrets.is_empty() => ReadError::Destroyed,
        _ => ReadError::UnknownEpoch,
    })?;
    // Opens only if the transcript is the one under which the epoch's key was used.
    let content = envelope.open(secret.key(&header.transcript).secret())?;
    Ok(Reading {
        header: header.clone(),
        content,
    })
}

fn secret_of<'a>(contact: &'a ContactRecord, header: &Header) -> Option<&'a EpochSecret> {
    let mut secrets = contact.secrets.iter();
    let stored = secrets.find(|stored| stored.epoch == header.epoch)?;
    match header.audience {
        Audience::All => stored.all.as_ref(),
        Audience::Staff => stored.staff.as_ref(),
    }
}
