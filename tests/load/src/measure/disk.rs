//! How often a disk makes a small write durable, one after the other: what bounds a single writer.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Outcome;

/// A page of a database.
const PAGE: [u8; 4096] = [7; 4096];

/// Synchronisations per second in a folder.
///
/// # Errors
/// [`crate::LoadError::Io`].
pub fn synchronisations(folder: &Path, time: Duration) -> Outcome<f64> {
    let mut file = File::create(folder.join("synchronised"))?;
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < time {
        file.write_all(&PAGE)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}
