//! An account as the relay knows it: the objects in force, who a device is, and the one place
//! where publications become durable and known.

mod book;
mod lookup;
mod publish;

use std::sync::Arc;

use sottovoce::wire::frame::Object;
use sottovoce::wire::{AccountId, DeviceId, Time};
use tokio::sync::{RwLock, RwLockReadGuard};

pub use book::{Book, Standing};

use crate::fanout::{Event, Fanout};
use crate::refusal::Refusal;
use crate::store::{Store, StoreError};

/// An account that this relay serves.
pub struct AccountHub {
    id: AccountId,
    book: RwLock<Book>,
    store: Arc<dyn Store>,
    fanout: Arc<dyn Fanout>,
}

impl AccountHub {
    /// Reads what is stored of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(
        id: AccountId,
        store: Arc<dyn Store>,
        fanout: Arc<dyn Fanout>,
    ) -> Result<Self, StoreError> {
        let book = Book::restore(id, &store.objects(&id).await?);
        Ok(Self {
            id,
            book: RwLock::new(book),
            store,
            fanout,
        })
    }

    /// The account's id.
    pub const fn id(&self) -> AccountId {
        self.id
    }

    /// What is in force now.
    pub async fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().await
    }

    /// Takes in a publication. When this returns, it is durable, in force and announced.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub async fn publish(&self, object: &Object, by: &DeviceId, now: Time) -> Result<(), Refusal> {
        // Nobody reads the book between learning and storing, so nobody acts on an object that
        // is not durable.
        let mut book = self.book.write().await;
        let publication = book.publish(object, by, now)?;
        if !publication.changes.is_empty() {
            let stored = self.store.change_objects(&self.id, &publication.changes);
            if let Err(error) = stored.await {
                *book = Book::restore(self.id, &self.store.objects(&self.id).await?);
                return Err(error.into());
            }
        }
        drop(book);
        for announcement in publication.announcements {
            let event = Event::Objects(Arc::new(announcement.objects));
            self.fanout.publish(&announcement.topics, &event);
        }
        Ok(())
    }
}

impl std::fmt::Debug for AccountHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccountHub({})", self.id)
    }
}
