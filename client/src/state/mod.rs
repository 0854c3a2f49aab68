//! What a device keeps: sealed records, and the key that they are sealed with.

mod folder;
mod key;

use std::io;
use std::path::PathBuf;

use age::secrecy::SecretString;
use sottovoce::client::Record;
use sottovoce::crypto::random::NoRandomness;
use sottovoce::crypto::{Random, Secret};

pub(crate) use folder::Folder;

/// Where a device keeps its state.
#[derive(Debug)]
pub enum StateStore {
    /// Nowhere: with the process the device is gone.
    Memory,
    /// In a folder of its own, which one process at a time may use.
    Folder {
        /// The folder; made if it does not exist.
        path: PathBuf,
        /// How the storage key is kept there.
        key: StorageKey,
    },
}

/// How a storage key is kept in its folder.
#[derive(Debug)]
pub enum StorageKey {
    /// As it is: whoever reads the folder has the device.
    Plain,
    /// Sealed with a passphrase.
    Passphrase(SecretString),
}

/// Why a device's state cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Another process uses the folder.
    #[error("another process uses {}", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not what this program writes.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// There are records, but not the key that they are sealed with.
    #[error("the storage key is missing in {}", path.display())]
    KeyMissing {
        /// The folder.
        path: PathBuf,
    },
    /// The storage key is sealed and no passphrase was given.
    #[error("the storage key is sealed with a passphrase")]
    PassphraseNeeded,
    /// A passphrase was given, but the storage key is not sealed.
    #[error("the storage key is not sealed with a passphrase")]
    NotSealed,
    /// The passphrase is another one.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The operating system gave no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl StateError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "state-in-use",
            Self::Io { .. } => "state-io",
            Self::Damaged { .. } => "state-damaged",
            Self::KeyMissing { .. } => "storage-key-missing",
            Self::PassphraseNeeded => "passphrase-needed",
            Self::NotSealed => "passphrase-not-expected",
            Self::WrongPassphrase => "passphrase-wrong",
            Self::NoRandomness(_) => "no-randomness",
        }
    }

    fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// State that is ready for use.
pub(crate) struct Opened {
    /// The folder, unless nothing is kept.
    pub(crate) folder: Option<Folder>,
    /// The key of all records.
    pub(crate) key: Secret<32>,
    /// What was kept.
    pub(crate) records: Vec<Record>,
}

/// Opens a store. Takes its time: a passphrase is slow on purpose.
pub(crate) fn open(store: StateStore) -> Result<Opened, StateError> {
    match store {
        StateStore::Memory => Ok(Opened {
            folder: None,
            key: Random::os().secret()?,
            records: Vec::new(),
        }),
        StateStore::Folder { path, key } => {
            let (folder, records) = Folder::open(&path)?;
            let key = key::open(&path, &key, !records.is_empty())?;
            Ok(Opened {
                folder: Some(folder),
                key,
                records,
            })
        }
    }
}
