//! An account as the relay knows it: the objects in force, who a device is, and the one place
//! where publications become durable and known.

mod announce;
mod book;
mod lookup;
mod publish;

use std::sync::Arc;

use sottovoce::wire::frame::Object;
use sottovoce::wire::{AccountId, DeviceId, Time};
use tokio::sync::{RwLock, RwLockReadGuard};

use announce::{Announcement, Seen};
pub use book::{Book, Standing};
use publish::Publication;

use crate::fanout::{Event, Fanout};
use crate::hints::{Hint, Hints};
use crate::refusal::Refusal;
use crate::store::{Store, StoreError};

/// How often a publication is judged when other nodes change the account at the same time.
const ROUNDS: usize = 8;

/// An account that this relay serves.
pub struct AccountHub {
    id: AccountId,
    known: RwLock<Known>,
    store: Arc<dyn Store>,
    fanout: Arc<dyn Fanout>,
    hints: Arc<dyn Hints>,
}

/// What is known of an account.
struct Known {
    book: Book,
    /// The stored objects that the book was made of.
    seen: Seen,
}

impl Known {
    async fn load(id: AccountId, store: &dyn Store) -> Result<Self, StoreError> {
        let (version, objects) = store.objects(&id).await?;
        Ok(Self {
            book: Book::restore(id, version, &objects),
            seen: Seen::new(&objects),
        })
    }
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
        hints: Arc<dyn Hints>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            id,
            known: RwLock::new(Known::load(id, &*store).await?),
            store,
            fanout,
            hints,
        })
    }

    /// The account's id.
    pub const fn id(&self) -> AccountId {
        self.id
    }

    /// What is in force now.
    pub async fn book(&self) -> RwLockReadGuard<'_, Book> {
        RwLockReadGuard::map(self.known.read().await, |known| &known.book)
    }

    /// Takes in a publication. When this returns, it is durable, in force and announced.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub async fn publish(&self, object: &Object, by: &DeviceId, now: Time) -> Result<(), Refusal> {
        // Nobody reads the book between learning and storing, so nobody acts on an object that
        // is not durable.
        let mut known = self.known.write().await;
        for _ in 0..ROUNDS {
            let publication = match known.book.publish(object, by, now) {
                Ok(publication) => publication,
                // By what this node knows. Another one may know more.
                Err(refusal) => {
                    if self.reload(&mut known).await? {
                        continue;
                    }
                    return Err(refusal);
                }
            };
            if publication.changes.is_empty() {
                return Ok(());
            }
            let version = known.book.version;
            let Publication {
                changes, events, ..
            } = &publication;
            let stored = self
                .store
                .change_objects(&self.id, version, changes, events);
            match stored.await {
                Ok(true) => {
                    known.book.version += 1;
                    known.seen.change(&publication.changes);
                    drop(known);
                    self.announce(publication.announcements);
                    self.hints.publish(Hint::Objects {
                        account: self.id,
                        version: version + 1,
                    });
                    return Ok(());
                }
                // Another node was faster. What was learned is not stored, so it is forgotten.
                Ok(false) => self.replace(&mut known).await?,
                Err(error) => {
                    self.replace(&mut known).await?;
                    return Err(error.into());
                }
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Takes in what other nodes have stored, and announces it here. Whether there was anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refresh(&self) -> Result<bool, StoreError> {
        if self.store.object_version(&self.id).await? == self.book().await.version {
            return Ok(false);
        }
        let mut known = self.known.write().await;
        self.reload(&mut known).await
    }

    async fn reload(&self, known: &mut Known) -> Result<bool, StoreError> {
        if self.store.object_version(&self.id).await? == known.book.version {
            return Ok(false);
        }
        self.replace(known).await?;
        Ok(true)
    }

    async fn replace(&self, known: &mut Known) -> Result<(), StoreError> {
        let (version, objects) = self.store.objects(&self.id).await?;
        let book = Book::restore(self.id, version, &objects);
        let news = known.seen.replace(&objects);
        let announcements = news.iter().filter_map(|object| book.announcement(object));
        self.announce(announcements.collect());
        known.book = book;
        Ok(())
    }

    fn announce(&self, announcements: Vec<Announcement>) {
        for announcement in announcements {
            let event = Event::Objects(Arc::new(announcement.objects));
            self.fanout.publish(&[announcement.topic], &event);
        }
    }
}

impl std::fmt::Debug for AccountHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccountHub({})", self.id)
    }
}
