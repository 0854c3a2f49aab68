//! What is stored, opened: for whoever may read it.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use sottovoce::account::Level;
use sottovoce::crypto::random::NoRandomness;
use sottovoce::wire::{AccountId, ContactId};
use zeroize::Zeroizing;

use crate::keys::{KeyError, Keys};
use crate::record::{About, Record};
use crate::seal::{self, ABOUT, DataKey, DoesNotOpen, Place};
use crate::store::{Store, StoreError, Stored, StoredContact, StoredRecord};

/// What is stored cannot be read now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its key is not there.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It does not open, or is nothing that a vault wrote.
    #[error(transparent)]
    Damaged(#[from] DoesNotOpen),
}

impl ReadError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "database-unusable",
            Self::Key(error) => error.code(),
            Self::Damaged(_) => "record-damaged",
        }
    }
}

/// A contact's key, as its level wants it.
#[derive(Clone, Debug)]
pub struct Opener {
    account: AccountId,
    contact: ContactId,
    /// None at `transport`.
    key: Option<Arc<DataKey>>,
}

impl Opener {
    /// For a contact of level `transport`, or with the key of one of level `storage`.
    pub const fn new(account: AccountId, contact: ContactId, key: Option<Arc<DataKey>>) -> Self {
        Self {
            account,
            contact,
            key,
        }
    }

    /// Whether it has a key.
    pub const fn has_key(&self) -> bool {
        self.key.is_some()
    }

    const fn place(&self, position: u64) -> Place {
        Place {
            account: self.account,
            contact: self.contact,
            position,
        }
    }

    /// What is stored at a position. What is stored in clear is not taken for what ought to be encrypted.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn open(&self, position: u64, stored: &Stored) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        match (&self.key, stored) {
            (None, Stored::Clear(bytes)) => Ok(Zeroizing::new(bytes.clone())),
            (Some(key), Stored::Sealed(sealed)) => seal::open(key, &self.place(position), sealed),
            _ => Err(DoesNotOpen),
        }
    }

    /// How something is stored at a position.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn close(&self, position: u64, plain: &[u8]) -> Result<Stored, NoRandomness> {
        Ok(match &self.key {
            None => Stored::Clear(plain.to_vec()),
            Some(key) => {
                let sealed = seal::seal(key, &self.place(position), plain);
                Stored::Sealed(sealed?)
            }
        })
    }

    fn read<T: DeserializeOwned>(&self, position: u64, stored: &Stored) -> Result<T, DoesNotOpen> {
        let plain = self.open(position, stored)?;
        serde_json::from_slice(&plain).map_err(|_| DoesNotOpen)
    }

    /// Who took part.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn about(&self, stored: &StoredContact) -> Result<About, DoesNotOpen> {
        let about = stored.about.as_ref();
        about.map_or_else(|| Ok(About::default()), |about| self.read(ABOUT, about))
    }

    /// A record.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn record(&self, stored: &StoredRecord) -> Result<Record, DoesNotOpen> {
        self.read(stored.position, &stored.body)
    }
}

/// Reads what is stored.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The database.
    pub store: Store,
    /// Where keys come from.
    pub keys: Arc<Keys>,
}

impl Archive {
    /// What opens a contact. One under whose key nothing is stored needs none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn opener(&self, stored: &StoredContact) -> Result<Opener, KeyError> {
        let is_empty = stored.about.is_none() && stored.head == 0;
        let key = match stored.level {
            Level::Storage if !is_empty => Some(self.keys.of(stored).await?),
            _ => None,
        };
        Ok(Opener::new(self.store.account(), stored.contact, key))
    }
}
