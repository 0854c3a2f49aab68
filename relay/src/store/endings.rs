//! What a store keeps of what ended for good: erased contacts and revoked API tokens.

use async_trait::async_trait;
use sottovoce::crypto::Hash;
use sottovoce::wire::{AccountId, ContactId, Time};

use super::StoreError;

/// Something that must not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A contact was erased.
    Erased {
        /// Its account.
        account: AccountId,
        /// The contact.
        contact: ContactId,
        /// When.
        at: Time,
        /// Its signed tombstone.
        tombstone: Vec<u8>,
    },
    /// An API token was revoked.
    Revoked {
        /// Its account.
        account: AccountId,
        /// The token's SHA-256.
        token: Hash,
        /// When.
        at: Time,
    },
}

/// What ended: its account, and the contact's id or the token's hash.
pub type Subject = (AccountId, Vec<u8>);

impl Ending {
    /// What ended.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Erased {
                account, contact, ..
            } => (*account, contact.as_array().to_vec()),
            Self::Revoked { account, token, .. } => (*account, token.as_array().to_vec()),
        }
    }
}

/// Knows what ended.
#[async_trait]
pub trait EndingStore: Send + Sync + 'static {
    /// All tombstones and all revoked tokens that are kept.
    async fn endings(&self) -> Result<Vec<Ending>, StoreError>;

    /// Keeps the tombstone of a contact that is not there. Changes nothing where one is kept.
    async fn keep_tombstone(
        &self,
        account: &AccountId,
        contact: &ContactId,
        at: Time,
        tombstone: &[u8],
    ) -> Result<(), StoreError>;
}

/// Implements [`EndingStore`] for a store: its type, and its pools for writing and reading.
macro_rules! ending_store {
    ($store:ty, write: $write:ident, read: $read:ident) => {
        #[async_trait]
        impl crate::store::EndingStore for $store {
            async fn endings(&self) -> Result<Vec<crate::store::Ending>, StoreError> {
                use crate::store::Ending;
                let mut endings = Vec::new();
                let erased = "SELECT account, contact, erased, signed FROM tombstones";
                for row in sqlx::query(erased).fetch_all(&self.$read).await? {
                    let account = row.try_get::<Vec<u8>, _>("account")?;
                    let contact = row.try_get::<Vec<u8>, _>("contact")?;
                    endings.push(Ending::Erased {
                        account: AccountId::from_slice(&account).ok_or(StoreError::Unreadable)?,
                        contact: ContactId::from_slice(&contact).ok_or(StoreError::Unreadable)?,
                        at: Time::from_millis(position(row.try_get("erased")?)?),
                        tombstone: row.try_get("signed")?,
                    });
                }
                let revoked =
                    "SELECT account, hash, revoked FROM api_tokens WHERE revoked IS NOT NULL";
                for row in sqlx::query(revoked).fetch_all(&self.$read).await? {
                    let account = row.try_get::<Vec<u8>, _>("account")?;
                    endings.push(Ending::Revoked {
                        account: AccountId::from_slice(&account).ok_or(StoreError::Unreadable)?,
                        token: read_hash(&row.try_get::<Vec<u8>, _>("hash")?)?,
                        at: Time::from_millis(position(row.try_get("revoked")?)?),
                    });
                }
                Ok(endings)
            }

            async fn keep_tombstone(
                &self,
                account: &AccountId,
                contact: &ContactId,
                at: Time,
                tombstone: &[u8],
            ) -> Result<(), StoreError> {
                sqlx::query(
                    "INSERT INTO tombstones (account, contact, erased, signed)
                     VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                )
                .bind(blob(account.as_array()))
                .bind(blob(contact.as_array()))
                .bind(number(at.millis())?)
                .bind(blob(tombstone))
                .execute(&self.$write)
                .await?;
                Ok(())
            }
        }
    };
}

pub(in crate::store) use ending_store;
