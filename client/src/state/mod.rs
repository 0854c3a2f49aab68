//! What a device keeps: sealed records, and the key that they are sealed with.

mod folder;
mod key;

use std::io;
use std::path::{Path, PathBuf};

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
        /// The folder; made if it does not exist. Records whose storage key is lost are dropped:
        /// the device starts afresh.
        path: PathBuf,
        /// Where the storage key comes from.
        key: StorageKey,
    },
}

/// Where a storage key comes from.
#[derive(Debug)]
pub enum StorageKey {
    /// Kept in the folder as it is: whoever reads the folder has the device.
    Plain,
    /// Kept in the folder, sealed with a passphrase.
    Passphrase(SecretString),
    /// 32 random bytes that the caller keeps, such as in a phone's keystore. The folder has a hash
    /// of them; another key means that the one before is lost.
    Given(Secret<32>),
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
    /// The records are sealed with a key that was given, and none was given now.
    #[error("the storage key is kept elsewhere and has to be given")]
    KeyNeeded,
    /// A key was given, but the folder has its own.
    #[error("the folder has a storage key of its own")]
    KeyNotExpected,
    /// The storage key is sealed and no passphrase was given.
    #[error("the storage key is sealed with a passphrase")]
    PassphraseNeeded,
    /// A passphrase was given, but the storage key is not sealed.
    #[error("the storage key is not sealed with a passphrase")]
    NotSealed,
    /// The passphrase is another one.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// There is no device in the folder, or its storage key is lost.
    #[error("{} holds no device that can be read", path.display())]
    NoDevice {
        /// The folder.
        path: PathBuf,
    },
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
            Self::KeyNeeded => "storage-key-needed",
            Self::KeyNotExpected => "storage-key-not-expected",
            Self::PassphraseNeeded => "passphrase-needed",
            Self::NotSealed => "passphrase-not-expected",
            Self::WrongPassphrase => "passphrase-wrong",
            Self::NoDevice { .. } => "no-device",
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
            let (mut folder, mut records) = Folder::open(&path)?;
            let key = match key::find(&path, &key)? {
                Some(found) => found,
                None => {
                    // They can never be read again, and must not meet another key.
                    if !records.is_empty() {
                        tracing::warn!("the storage key is lost: the device starts afresh");
                        folder.clear()?;
                        records.clear();
                    }
                    key::make(&path, &key)?
                }
            };
            Ok(Opened {
                folder: Some(folder),
                key,
                records,
            })
        }
    }
}

/// Reads a folder's records and their key, and changes nothing: records are replaced as a whole, so
/// another process may be using them.
pub(crate) fn read(path: &Path, key: &StorageKey) -> Result<(Secret<32>, Vec<Record>), StateError> {
    let records = folder::records(path)?;
    match (records, key::find(path, key)?) {
        (Some(records), Some(key)) => Ok((key, records)),
        _ => Err(StateError::NoDevice {
            path: path.to_owned(),
        }),
    }
}
