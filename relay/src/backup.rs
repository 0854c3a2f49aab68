//! A copy of an SQLite database while its relay runs. PostgreSQL has `pg_dump` for that.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::{Database, StoreError};

/// No copy was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The target exists, and is not overwritten.
    #[error("{path} exists already")]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// The copy cannot be written in the end.
    #[error("{path}: {source}")]
    File {
        /// The target.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The database cannot be copied.
    #[error("the database cannot be copied: {0}")]
    Store(#[from] StoreError),
}

impl BackupError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "backup-exists",
            Self::File { .. } => "backup-unwritable",
            Self::Store(error) => error.code(),
        }
    }
}

/// Copies the SQLite database at a path or `sqlite:` URL to a new file. The file has its name only
/// once it is whole and on disk.
///
/// # Errors
/// [`BackupError`].
pub async fn back_up(database: &str, to: &Path) -> Result<(), BackupError> {
    if to.exists() {
        let path = to.to_owned();
        return Err(BackupError::Exists { path });
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    // What an interrupted backup has left.
    let _ = std::fs::remove_file(&partial);
    let copied = match Database::back_up(database, &partial).await {
        Ok(()) => finish(&partial, to).map_err(|source| BackupError::File {
            path: to.to_owned(),
            source,
        }),
        Err(error) => Err(error.into()),
    };
    if copied.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    copied
}

fn finish(partial: &Path, to: &Path) -> io::Result<()> {
    std::fs::File::open(partial)?.sync_all()?;
    std::fs::rename(partial, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
