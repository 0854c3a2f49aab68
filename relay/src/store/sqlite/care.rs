//! What operators need of the database: whether it can be written, and a copy of it.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sottovoce::wire::Time;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{ConnectOptions, Connection};

use crate::store::StoreError;

/// Writes to the database for real: a full or read-only disk shows nowhere else. A file that was
/// moved or deleted could be written still, so it is looked for, too.
pub(in crate::store) async fn probe(
    writer: &SqlitePool,
    readers: &SqlitePool,
    now: Time,
) -> Result<(), StoreError> {
    let path = readers.connect_options().get_filename().to_owned();
    if tokio::fs::metadata(path).await.is_err() {
        return Err(StoreError::Gone);
    }
    sqlx::query(
        "INSERT INTO probe (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at",
    )
    .bind(i64::try_from(now.millis()).unwrap_or(i64::MAX))
    .execute(writer)
    .await?;
    Ok(())
}

/// Whether a path or URL can be one, and its folder is there.
pub(in crate::store) fn check(database: &str) -> Result<(), StoreError> {
    let path = options(database)?.get_filename().to_owned();
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            let missing = format!("{} is not a folder", folder.display());
            Err(StoreError::File(io::Error::new(
                io::ErrorKind::NotFound,
                missing,
            )))
        }
        _ => Ok(()),
    }
}

/// Reads a path or `sqlite:` URL.
pub(super) fn options(database: &str) -> Result<SqliteConnectOptions, StoreError> {
    if database.starts_with("sqlite:") {
        Ok(SqliteConnectOptions::from_str(database)?)
    } else {
        Ok(SqliteConnectOptions::new().filename(database))
    }
}

/// Makes a database's file for its owner only, before SQLite would make one for everybody; its
/// log takes after it. One that is there is closed to others, where that is allowed: it has the
/// secrets that sign webhooks in it.
pub(in crate::store) fn keep_private(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        const OTHERS: u32 = 0o007;
        let name = path.to_string_lossy();
        if name.is_empty() || name.contains(":memory:") {
            return Ok(());
        }
        let made = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        match made {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                for end in ["", "-wal", "-shm"] {
                    let mut file = path.as_os_str().to_owned();
                    file.push(end);
                    let Ok(known) = std::fs::metadata(&file) else {
                        continue;
                    };
                    let mode = known.permissions().mode();
                    if mode & OTHERS != 0 {
                        let closed = std::fs::Permissions::from_mode(mode & !OTHERS);
                        let _ = std::fs::set_permissions(&file, closed);
                    }
                }
            }
            Err(error) => return Err(StoreError::File(error)),
        }
    }
    Ok(())
}

/// A path like that of the database's file, with more at its end; none for one in memory.
pub(in crate::store) fn beside(pool: &SqlitePool, end: &str) -> Option<PathBuf> {
    let mut path = pool.connect_options().get_filename().as_os_str().to_owned();
    let is_file = !path.is_empty() && !path.to_string_lossy().contains(":memory:");
    is_file.then(|| {
        path.push(end);
        path.into()
    })
}

/// Copies a database as it is at one moment, while a relay may be writing to it, to a file that
/// does not exist yet.
pub(in crate::store) async fn back_up(database: &str, to: &Path) -> Result<(), StoreError> {
    let mut connection = options(database)?.read_only(true).connect().await?;
    keep_private(to)?;
    let target = to.to_str().ok_or(StoreError::Unsupported)?;
    let copied = sqlx::query("VACUUM INTO ?")
        .bind(target.to_owned())
        .execute(&mut connection)
        .await;
    connection.close().await?;
    copied?;
    Ok(())
}
