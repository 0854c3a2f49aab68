//! Erasures, written down beside the database: a file that only grows. A database that was restored
//! from before an erasure learns of it from here when its server starts.

use std::path::Path;

use sottovoce::account::Tombstone;
use sottovoce::crypto::sign::PublicKey;
use sottovoce::wire::codec::{from_base64url, to_base64url};
use sottovoce::wire::{AccountId, ContactId, Signed};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TombstonesError {
    /// The operating system refuses.
    #[error("the file of erasures cannot be used: {0}")]
    File(#[from] std::io::Error),
    /// A line of it was not signed by this server.
    #[error("line {0} of the file of erasures was not signed by this server")]
    Foreign(usize),
}

/// The open file.
#[derive(Debug)]
pub struct Tombstones(File);

impl Tombstones {
    /// Opens or makes it, and says what it holds: what this identity signed. A last line without its
    /// end was never acknowledged.
    ///
    /// # Errors
    /// [`TombstonesError`].
    pub async fn open(
        path: &Path,
        identity: &PublicKey,
    ) -> Result<(Self, Vec<(AccountId, ContactId)>), TombstonesError> {
        let text = match tokio::fs::read_to_string(path).await {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error.into()),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut buried = Vec::new();
        for (number, line) in (1..).zip(text.get(..whole).unwrap_or_default().lines()) {
            let tombstone = read(line, identity).ok_or(TombstonesError::Foreign(number))?;
            buried.push((tombstone.account, tombstone.contact));
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .await?;
        // What was cut off makes no line together with what comes next.
        file.set_len(u64::try_from(whole).unwrap_or(0)).await?;
        Ok((Self(file), buried))
    }

    /// Adds one; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`TombstonesError::File`].
    pub async fn add(&mut self, signed: &Signed<Tombstone>) -> Result<(), TombstonesError> {
        let line = format!("{}\n", to_base64url(&signed.to_bytes()));
        self.0.write_all(line.as_bytes()).await?;
        self.0.flush().await?;
        Ok(self.0.sync_data().await?)
    }
}

fn read(line: &str, identity: &PublicKey) -> Option<Tombstone> {
    let bytes = from_base64url(line)?;
    let signed = Signed::<Tombstone>::from_bytes(&bytes).ok()?;
    signed.verify_by(identity).ok()?;
    signed.parse().ok()
}
