//! Reads with what a device keeps, without starting the device: an entry, or what it proves itself to a
//! key manager with.

use std::path::Path;

use sottovoce::client::{OpenError, ReadError, Reading, Requester};

use crate::host::GENERATION;
use crate::state::{self, StateError, StorageKey};

/// What a device keeps cannot be read, or does not open an entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadingError {
    /// The device's state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The device's own records do not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The entry does not open with it.
    #[error(transparent)]
    Entry(#[from] ReadError),
}

impl ReadingError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::State(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Entry(error) => error.code(),
        }
    }
}

/// Reads an entry of a contact's log with the state in a device's folder, which is not changed and
/// may be in use. Takes its time: a passphrase is slow on purpose.
///
/// # Errors
/// [`ReadingError`].
pub fn read_entry(folder: &Path, key: &StorageKey, entry: &[u8]) -> Result<Reading, ReadingError> {
    let (key, records) = state::read(folder, key)?;
    Ok(sottovoce::client::read_entry(
        &key, GENERATION, &records, entry,
    )?)
}

/// What the device in a folder proves itself to a key manager with, now. The folder is not changed and
/// may be in use. Takes its time: a passphrase is slow on purpose.
///
/// # Errors
/// [`ReadingError`].
pub fn requester(folder: &Path, key: &StorageKey) -> Result<Requester, ReadingError> {
    let (key, records) = state::read(folder, key)?;
    Ok(sottovoce::client::requester(&key, GENERATION, &records)?)
}
