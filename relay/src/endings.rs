//! What ended for good, written down beside the database: a file that only grows. A database that
//! was restored from before an erasure or the revocation of a token learns of it from here when its
//! relay starts.
//!
//! A line is `erased ACCOUNT CONTACT TIME TOMBSTONE` or `revoked ACCOUNT TOKEN TIME`, the token as
//! its SHA-256; bytes are base64url, times milliseconds since 1970.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sottovoce::wire::Time;
use sottovoce::wire::codec::{from_base64url, to_base64url};

use crate::store::{Ending, Store, StoreError, Subject};

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndingsError {
    /// The operating system refuses.
    #[error("the file of endings cannot be used: {0}")]
    File(#[from] std::io::Error),
    /// A line of it is none.
    #[error("line {0} of the file of endings cannot be read")]
    Unreadable(usize),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EndingsError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(_) => "endings-unusable",
            Self::Unreadable(_) => "endings-unreadable",
            Self::Store(error) => error.code(),
        }
    }
}

/// The open file, if there is one. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endings(Option<Arc<Mutex<Open>>>);

#[derive(Debug)]
struct Open {
    file: File,
    known: HashSet<Subject>,
}

impl Endings {
    /// Opens or makes the file, and brings it and the database to the same state: what either knows
    /// to have ended has ended.
    pub(crate) async fn open(path: Option<&Path>, store: &dyn Store) -> Result<Self, EndingsError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let (file, written) = read(path)?;
        let kept = store.endings().await?;
        let known: HashSet<_> = kept.iter().map(Ending::subject).collect();
        let mut replayed = 0_usize;
        for ending in written.iter().filter(|it| !known.contains(&it.subject())) {
            if replay(ending, store).await? {
                replayed += 1;
            }
        }
        if replayed > 0 {
            tracing::warn!(
                replayed,
                "the database is older than what ended: contacts were erased and tokens revoked again"
            );
            store.scour().await?;
        }
        let mut open = Open {
            file,
            known: written.iter().map(Ending::subject).collect(),
        };
        for ending in kept {
            open.add(&ending)?;
        }
        Ok(Self(Some(Arc::new(Mutex::new(open)))))
    }

    /// Writes an ending down, unless it is; it is on the disk when this returns.
    pub(crate) async fn add(&self, ending: Ending) -> Result<(), EndingsError> {
        let Some(open) = self.0.clone() else {
            return Ok(());
        };
        let added = tokio::task::spawn_blocking(move || {
            // No code panics while it holds the lock.
            open.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(&ending)
        });
        added
            .await
            .unwrap_or_else(|_| Err(std::io::Error::other("the task ended")))?;
        Ok(())
    }
}

impl Open {
    fn add(&mut self, ending: &Ending) -> std::io::Result<()> {
        if self.known.contains(&ending.subject()) {
            return Ok(());
        }
        let before = self.file.metadata()?.len();
        let written = self
            .file
            .write_all(line(ending).as_bytes())
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a line would make the next one unreadable.
            self.file.set_len(before)?;
            return Err(error);
        }
        self.known.insert(ending.subject());
        Ok(())
    }
}

/// Ends what a restored database brought back; whether there was anything.
async fn replay(ending: &Ending, store: &dyn Store) -> Result<bool, StoreError> {
    match ending {
        Ending::Erased {
            account,
            contact,
            at,
            tombstone,
        } => {
            let bury = |_| tombstone.clone();
            let erased = store.erase(account, contact, *at, &bury).await?;
            if !erased {
                store
                    .keep_tombstone(account, contact, *at, tombstone)
                    .await?;
            }
            Ok(erased)
        }
        Ending::Revoked { account, token, at } => {
            let stands = store
                .token(token)
                .await?
                .is_some_and(|known| known.revoked.is_none());
            Ok(stands && store.revoke_token(account, token, *at).await?)
        }
    }
}

/// The open file and what it holds. A last line without its end was never acknowledged.
fn read(path: &Path) -> Result<(File, Vec<Ending>), EndingsError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let mut known = Vec::new();
    for (number, line) in (1..).zip(text.get(..whole).unwrap_or_default().lines()) {
        known.push(parse(line).ok_or(EndingsError::Unreadable(number))?);
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    file.set_len(u64::try_from(whole).unwrap_or(0))?;
    Ok((file, known))
}

fn line(ending: &Ending) -> String {
    match ending {
        Ending::Erased {
            account,
            contact,
            at,
            tombstone,
        } => format!(
            "erased {account} {contact} {} {}\n",
            at.millis(),
            to_base64url(tombstone)
        ),
        Ending::Revoked { account, token, at } => {
            format!("revoked {account} {token} {}\n", at.millis())
        }
    }
}

fn parse(line: &str) -> Option<Ending> {
    let words: Vec<_> = line.split(' ').collect();
    let time = |text: &str| text.parse().ok().map(Time::from_millis);
    match words.as_slice() {
        ["erased", account, contact, at, tombstone] => Some(Ending::Erased {
            account: account.parse().ok()?,
            contact: contact.parse().ok()?,
            at: time(at)?,
            tombstone: from_base64url(tombstone)?,
        }),
        ["revoked", account, token, at] => Some(Ending::Revoked {
            account: account.parse().ok()?,
            token: token.parse().ok()?,
            at: time(at)?,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use sottovoce::crypto::Hash;
    use sottovoce::wire::{AccountId, ContactId};

    use super::*;

    #[test]
    fn a_line_that_was_cut_off_is_forgotten_and_one_that_is_none_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endings");
        let erased = Ending::Erased {
            account: AccountId::new([1; 32]),
            contact: ContactId::new([2; 16]),
            at: Time::from_millis(3),
            tombstone: vec![4; 5],
        };
        let revoked = Ending::Revoked {
            account: AccountId::new([1; 32]),
            token: Hash::new([6; 32]),
            at: Time::from_millis(7),
        };
        let opened = |written: &[Ending]| {
            let (file, found) = read(&path).unwrap();
            assert_eq!(found, written);
            let known = found.iter().map(Ending::subject).collect();
            Open { file, known }
        };
        let mut open = opened(&[]);
        open.add(&erased).unwrap();
        open.add(&erased).unwrap();
        open.file.write_all(b"revoked AAAA").unwrap();
        opened(std::slice::from_ref(&erased)).add(&revoked).unwrap();
        opened(&[erased, revoked]);
        std::fs::write(&path, "something else\n").unwrap();
        assert_eq!(read(&path).unwrap_err().code(), "endings-unreadable");
    }
}
