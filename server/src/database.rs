//! Databases of servers that keep little: one pool for SQLite and PostgreSQL, over the `Any` driver of `sqlx`.

use std::path::Path;

use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{MigrateError, Migrator};

/// A database cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It does not do what it is asked.
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    /// It has not the form that this version needs, and cannot be brought to it.
    #[error("the database cannot be migrated: {0}")]
    Migration(#[from] MigrateError),
}

/// The migrations of a server, for either database.
#[derive(Debug)]
pub struct Migrations {
    /// Those of SQLite.
    pub sqlite: Migrator,
    /// Those of PostgreSQL.
    pub postgres: Migrator,
}

/// Whether a URL names a server that several processes may use, and no file.
pub fn is_shared(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

/// Opens a database, path or URL, and brings it up to date. What SQLite deletes is overwritten with
/// zeros, and what it commits is on the disk.
///
/// # Errors
/// [`OpenError`].
pub async fn open(url: &str, migrations: &Migrations) -> Result<AnyPool, OpenError> {
    sqlx::any::install_default_drivers();
    let is_shared = is_shared(url);
    let url = match url.split_once(':') {
        Some(("sqlite" | "postgres" | "postgresql", _)) => url.to_owned(),
        _ => format!("sqlite://{url}?mode=rwc"),
    };
    let pool = AnyPoolOptions::new()
        // One writer is all that SQLite has.
        .max_connections(if is_shared { 4 } else { 1 })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if !is_shared {
                    for pragma in [
                        "PRAGMA journal_mode = WAL",
                        "PRAGMA synchronous = FULL",
                        // What is deleted is overwritten with zeros.
                        "PRAGMA secure_delete = ON",
                    ] {
                        sqlx::query(pragma).execute(&mut *connection).await?;
                    }
                }
                Ok(())
            })
        })
        .connect(&url)
        .await?;
    let migrator = if is_shared {
        &migrations.postgres
    } else {
        &migrations.sqlite
    };
    migrator.run(&pool).await?;
    Ok(pool)
}

/// Whether a database is one of others, however their URLs are written.
pub fn is_among(url: &str, others: &[String]) -> bool {
    let own = place(url);
    others.iter().any(|other| place(other) == own)
}

/// Where a database is, whatever way its URL is written: a server's name, port and database, or a
/// file. Who connects, and how, makes no difference.
fn place(url: &str) -> String {
    if let Ok(parsed) = url::Url::parse(url)
        && matches!(parsed.scheme(), "postgres" | "postgresql")
    {
        let query = |name: &str| {
            let mut pairs = parsed.query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let host = query("host").or_else(|| parsed.host_str().map(str::to_owned));
        let host = match host.unwrap_or_default().to_ascii_lowercase() {
            host if ["localhost", "127.0.0.1", "[::1]", ""].contains(&host.as_str()) => {
                "localhost".to_owned()
            }
            host => host,
        };
        let port = query("port").or_else(|| parsed.port().map(|port| port.to_string()));
        let port = port.unwrap_or_else(|| "5432".to_owned());
        let name = query("dbname").unwrap_or_else(|| parsed.path().trim_matches('/').to_owned());
        return format!("postgres {host} {port} {name}");
    }
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = Path::new(path.split('?').next().unwrap_or(path));
    // A file that is not there yet is where its folder is.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = std::fs::canonicalize(folder.unwrap_or(Path::new(".")));
    let whole = std::fs::canonicalize(path).ok().or_else(|| {
        let name = path.file_name()?;
        folder.ok().map(|folder| folder.join(name))
    });
    format!(
        "file {}",
        whole.unwrap_or_else(|| path.to_owned()).display()
    )
}
