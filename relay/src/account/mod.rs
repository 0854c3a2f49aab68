//! An account as the relay knows it: the objects in force, who a device is, and the one place
//! where publications become durable and known.

mod announce;
mod book;
mod lookup;
mod notebook;
mod publish;

use std::sync::Arc;

use sottovoce::crypto::Hash;
use sottovoce::wire::frame::Object;
use sottovoce::wire::{AccountId, DeviceId, Time};
use tokio::sync::{RwLock, RwLockReadGuard};

use announce::{Announcement, Seen};
pub use book::{Book, Standing};
use publish::Publication;

use crate::fanout::{Event, Fanout};
use crate::hints::{Hint, Hints};
use crate::plans::{PlanError, Plans, Rule};
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
    plans: Arc<Plans>,
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
        plans: Arc<Plans>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            id,
            known: RwLock::new(Known::load(id, &*store).await?),
            store,
            fanout,
            hints,
            plans,
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

    /// How long entries stay here, and why; nothing while there is no policy.
    pub(crate) async fn kept(&self, now: Time) -> Option<Kept> {
        let book = self.book().await;
        let (policy, hash) = book.policy_in_force(now)?;
        let rule = self.plans.of(&self.id, policy.plan);
        Some(Kept {
            policy: hash,
            policy_days: policy.retention.days,
            plan: rule.clone(),
        })
    }

    /// Whether the operator's table of plans still allows the policy in force, if there is one.
    pub(crate) fn allowed(&self, book: &Book, now: Time) -> Result<(), PlanError> {
        book.policy_in_force(now)
            .map_or(Ok(()), |(policy, _)| self.plans.check(policy))
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
            let publication = match known.book.publish(object, by, now, &self.plans) {
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

/// How long entries of an account stay.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// The policy in force.
    pub(crate) policy: Hash,
    /// What it says.
    pub(crate) policy_days: u64,
    /// What the account's plan allows.
    pub(crate) plan: Rule,
}

impl Kept {
    /// Days after a contact's last entry: a day at least, what the plan allows at most.
    pub(crate) fn days(&self) -> u64 {
        self.policy_days.clamp(1, self.plan.days)
    }
}

impl std::fmt::Debug for AccountHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccountHub({})", self.id)
    }
}
