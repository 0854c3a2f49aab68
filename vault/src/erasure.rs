//! The end of what is kept: a contact that is erased, by somebody's wish or because its days are over.
//! Each erasure is written down outside the database before it is done, and done again when the vault
//! starts with a database from before it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sottovoce::account::{Level, Tombstone};
use sottovoce::client::Requester;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::{ContactId, Signed, Suite, Time, Version, limits};
use sottovoce_server::clock;
use sottovoce_server::tombstones::{Tombstones, TombstonesError};
use tokio::sync::{Mutex, mpsc};

use crate::keys::Keys;
use crate::store::{Store, StoreError};

/// A contact cannot be erased.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EraseError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be written down.
    #[error(transparent)]
    Tombstones(#[from] TombstonesError),
}

/// What became of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// Nothing is left here, nor at the key manager.
    Wholly,
    /// Nothing is left here. The key manager is asked again until it has erased the contact's secret.
    KeyPending,
    /// Nothing is left here. The service that gave the key cannot be asked to erase it.
    KeyKept,
}

/// See the module's documentation.
pub struct Erasures {
    store: Store,
    keys: Arc<Keys>,
    signer: SigningKey,
    tombstones: Mutex<Tombstones>,
    erased: mpsc::Sender<ContactId>,
}

impl Erasures {
    /// Opens the file of erasures, and does again what a restored database does not know. `erased` is
    /// told of what is erased from now on.
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn open(
        store: Store,
        keys: Arc<Keys>,
        device: Requester,
        tombstones: &Path,
        erased: mpsc::Sender<ContactId>,
    ) -> Result<Self, EraseError> {
        let signer = device.key;
        let (tombstones, buried) = Tombstones::open(tombstones, &signer.public()).await?;
        for (account, contact) in buried {
            if account == store.account() {
                let known = store.contact(&contact).await?;
                if known.is_none_or(|known| known.erased.is_none()) {
                    store.erase(&contact, clock::now()).await?;
                }
            }
        }
        Ok(Self {
            store,
            keys,
            signer,
            tombstones: Mutex::new(tombstones),
            erased,
        })
    }

    /// Erases a contact. Erasing it again changes nothing.
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn erase(&self, contact: ContactId, now: Time) -> Result<Erased, EraseError> {
        let known = self.store.contact(&contact).await?;
        let level = known.as_ref().map(|known| known.level);
        if known.as_ref().is_none_or(|known| known.erased.is_none()) {
            let tombstone = Tombstone {
                version: Version,
                suite: Suite::X25519,
                account: self.store.account(),
                contact,
                entries: known.map_or(0, |known| known.head),
                time: now,
            };
            let signed = Signed::sign(&tombstone, &[&self.signer]);
            self.tombstones.lock().await.add(&signed).await?;
        }
        let has_key = self.store.erase(&contact, now).await?;
        // Nobody follows contacts when the vault ends.
        let _ = self.erased.send(contact).await;
        tracing::info!(%contact, "a contact was erased");
        if has_key && !self.erase_key(contact).await? {
            return Ok(Erased::KeyPending);
        }
        if level == Some(Level::Storage) && !self.keys.can_erase() {
            return Ok(Erased::KeyKept);
        }
        Ok(Erased::Wholly)
    }

    /// Whether nothing more has to be done about a contact's key.
    async fn erase_key(&self, contact: ContactId) -> Result<bool, StoreError> {
        if !self.keys.can_erase() {
            self.keys.forget(&contact);
            self.store.key_is_erased(&contact).await?;
            return Ok(true);
        }
        match self.keys.erase(contact).await {
            Ok(()) => {
                self.store.key_is_erased(&contact).await?;
                Ok(true)
            }
            Err(error) => {
                let code = error.code();
                tracing::warn!(%contact, code, "a contact's key is not erased yet");
                Ok(false)
            }
        }
    }

    /// Asks the key manager again for what it has not erased yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erase_pending_keys(&self) -> Result<(), StoreError> {
        for contact in self.store.keys_to_erase().await? {
            if !self.erase_key(contact).await? {
                break;
            }
        }
        Ok(())
    }

    /// Erases what is older than so many days.
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn erase_old(&self, days: u64, now: Time) -> Result<u64, EraseError> {
        let life = days.saturating_mul(limits::DAY).saturating_mul(1_000);
        let before = Time::from_millis(now.millis().saturating_sub(life));
        let mut erased = 0;
        loop {
            let old = self.store.older_than(before).await?;
            if old.is_empty() {
                return Ok(erased);
            }
            for contact in old {
                self.erase(contact, now).await?;
                erased += 1;
            }
            // Others have their turn.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
