//! Secrets under other generations of the master key than the newest.

use sqlx::{AnyConnection, Row};

use super::{OLDER, StoreError};
use crate::master::Wrapped;

/// A secret under another generation of the master key than the newest.
#[derive(Debug)]
pub struct Old {
    of: Of,
    account: Vec<u8>,
    /// The contact's, or the key's id.
    place: Vec<u8>,
    /// As it is stored.
    pub secret: Wrapped,
}

/// Whose secret.
#[derive(Clone, Copy, Debug)]
enum Of {
    Contact,
    Prekey,
    /// In the older shape.
    Older,
}

impl Of {
    const ALL: [Self; 3] = [Self::Contact, Self::Prekey, Self::Older];

    /// What its place has beside account and contact, or id.
    const fn place(self) -> &'static [u8] {
        match self {
            Self::Contact | Self::Prekey => &[],
            Self::Older => OLDER,
        }
    }

    const fn select(self) -> &'static str {
        match self {
            Self::Contact => {
                "SELECT account, contact AS place, generation, wrapped FROM contacts
                 WHERE generation <> $1 LIMIT 512"
            }
            Self::Prekey => {
                "SELECT account, id AS place, generation, wrapped FROM prekeys
                 WHERE generation <> $1 AND contact IS NULL LIMIT 512"
            }
            Self::Older => {
                "SELECT account, contact AS place, generation, wrapped FROM older_keys
                 WHERE generation <> $1 LIMIT 512"
            }
        }
    }

    const fn update(self) -> &'static str {
        match self {
            Self::Contact => {
                "UPDATE contacts SET generation = $3, wrapped = $4
                 WHERE account = $1 AND contact = $2"
            }
            Self::Prekey => {
                "UPDATE prekeys SET generation = $3, wrapped = $4 WHERE account = $1 AND id = $2"
            }
            Self::Older => {
                "UPDATE older_keys SET generation = $3, wrapped = $4
                 WHERE account = $1 AND contact = $2"
            }
        }
    }
}

impl Old {
    /// The place that it is bound to.
    pub fn bound_to(&self) -> [&[u8]; 3] {
        [&self.account, &self.place, self.of.place()]
    }
}

/// Secrets that another generation of the master key than this one wrapped, a few at a time.
///
/// # Errors
/// [`StoreError`].
pub async fn wrapped_otherwise(
    connection: &mut AnyConnection,
    generation: i64,
) -> Result<Vec<Old>, StoreError> {
    let mut old = Vec::new();
    for of in Of::ALL {
        let rows = sqlx::query(of.select())
            .bind(generation)
            .fetch_all(&mut *connection)
            .await?;
        for row in rows {
            old.push(Old {
                of,
                account: row.try_get("account")?,
                place: row.try_get("place")?,
                secret: Wrapped {
                    generation: row.try_get("generation")?,
                    bytes: row.try_get("wrapped")?,
                },
            });
        }
    }
    Ok(old)
}

/// Replaces it.
///
/// # Errors
/// [`StoreError`].
pub async fn replace(
    connection: &mut AnyConnection,
    old: Old,
    new: &Wrapped,
) -> Result<(), StoreError> {
    sqlx::query(old.of.update())
        .bind(old.account)
        .bind(old.place)
        .bind(new.generation)
        .bind(new.bytes.clone())
        .execute(connection)
        .await?;
    Ok(())
}
