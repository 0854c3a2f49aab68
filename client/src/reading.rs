//! Reads an entry with what a device keeps, without starting the device.

use std::path::Path;

use sottovoce::client::{ReadError, Reading};

use crate::host::GENERATION;
use crate::state::{self, StateError, StorageKey};

/// An entry cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadingError {
    /// The device's state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The entry does not open with it.
    #[error(transparent)]
    Entry(#[from] ReadError),
}

impl ReadingError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::State(error) => error.code(),
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
