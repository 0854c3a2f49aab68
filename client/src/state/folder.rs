//! A folder with one file of sealed records. Every batch writes that file anew and puts it in the
//! old one's place, so a crash leaves the state before the batch or the one after it.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sottovoce::client::{Batch, Record};
use sottovoce::wire::codec::{Decode, Encode, Reader, Writer};
use sottovoce::wire::{Bytes, Version, decode, encode};

use super::StateError;

const RECORDS: &str = "records";
const LOCK: &str = "lock";
/// More than a device ever keeps, in bytes.
const LARGEST: usize = 1 << 30;

/// A folder that this process alone uses until it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    records: BTreeMap<String, Bytes>,
    /// Held, never read: closing it unlocks.
    _lock: File,
}

/// The content of the file: `[version, [name, bytes, name, bytes, …]]`, ascending by name.
#[derive(Debug)]
struct Snapshot {
    version: Version,
    records: BTreeMap<String, Bytes>,
}

impl Encode for Snapshot {
    fn encode(&self, out: &mut Writer) {
        out.array(2);
        self.version.encode(out);
        out.array(2 * self.records.len() as u64);
        for (name, bytes) in &self.records {
            out.text(name);
            out.bytes(bytes);
        }
    }
}

impl Decode for Snapshot {
    fn decode(input: &mut Reader<'_>) -> Self {
        input.array(2);
        let version = Version::decode(input);
        let mut records = BTreeMap::new();
        for _ in 0..input.any_array() / 2 {
            let name = String::decode(input);
            // Names are in order, each once; a reader that failed gives empty ones only.
            if records
                .last_key_value()
                .is_some_and(|(last, _)| *last >= name)
            {
                input.fail();
                break;
            }
            records.insert(name, Bytes::decode(input));
        }
        Self { version, records }
    }
}

impl Folder {
    /// Opens or makes a folder and reads its records.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Record>), StateError> {
        make(path).map_err(StateError::io(path))?;
        let lock = lock(path)?;
        let records = snapshot(path)?.unwrap_or_default();
        let list = listed(&records);
        let folder = Self {
            path: path.to_owned(),
            records,
            _lock: lock,
        };
        Ok((folder, list))
    }

    /// Drops all records, durably.
    pub(super) fn clear(&mut self) -> Result<(), StateError> {
        self.write(BTreeMap::new())
    }

    /// Makes a batch durable. When it fails, nothing has changed.
    pub(crate) fn apply(&mut self, batch: Batch) -> Result<(), StateError> {
        let mut records = self.records.clone();
        for record in batch.puts {
            records.insert(record.name, record.bytes.into());
        }
        for name in &batch.deletes {
            records.remove(name);
        }
        self.write(records)
    }

    fn write(&mut self, records: BTreeMap<String, Bytes>) -> Result<(), StateError> {
        let snapshot = Snapshot {
            version: Version,
            records,
        };
        replace(&self.path, RECORDS, &encode(&snapshot))?;
        self.records = snapshot.records;
        Ok(())
    }
}

/// The records of a folder that may be in use; none if it has none.
pub(super) fn records(path: &Path) -> Result<Option<Vec<Record>>, StateError> {
    Ok(snapshot(path)?.as_ref().map(listed))
}

fn snapshot(path: &Path) -> Result<Option<BTreeMap<String, Bytes>>, StateError> {
    let file = path.join(RECORDS);
    let Some(bytes) = read(&file)? else {
        return Ok(None);
    };
    match decode::<Snapshot>(&bytes, LARGEST) {
        Ok(snapshot) => Ok(Some(snapshot.records)),
        Err(_) => Err(StateError::Damaged { path: file }),
    }
}

fn listed(records: &BTreeMap<String, Bytes>) -> Vec<Record> {
    let list = records.iter().map(|(name, bytes)| Record {
        name: name.clone(),
        bytes: bytes.to_vec(),
    });
    list.collect()
}

/// The content of a file, if it exists.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::io(path)(error)),
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(StateError::io(path))?;
    Ok(Some(bytes))
}

/// Puts a file with new content in the place of the old one, durably and all or nothing.
pub(super) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), StateError> {
    let (new, file) = (folder.join(format!("{name}.new")), folder.join(name));
    write_new(&new, bytes).map_err(StateError::io(&new))?;
    std::fs::rename(&new, &file).map_err(StateError::io(&file))?;
    sync_folder(folder).map_err(StateError::io(folder))
}

/// The rename must not be able to overtake the content, so that is on the disk first.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows can neither open a folder as a file nor has it need to.
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Two writers would each undo what the other one wrote.
fn lock(path: &Path) -> Result<File, StateError> {
    let name = path.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name)
        .map_err(StateError::io(&name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(StateError::io(&name)(error)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    fn record(name: &str, bytes: &[u8]) -> Record {
        Record {
            name: name.into(),
            bytes: bytes.to_vec(),
        }
    }

    fn batch(puts: Vec<Record>, deletes: &[&str]) -> Batch {
        Batch {
            id: 1,
            puts,
            deletes: deletes.iter().map(|&name| name.into()).collect(),
        }
    }

    #[test]
    fn batches_put_replace_and_delete() {
        let place = tempfile::tempdir().unwrap();
        let (mut folder, none) = Folder::open(place.path()).unwrap();
        assert!(none.is_empty());
        let puts = vec![record("a", b"1"), record("b", b"2")];
        folder.apply(batch(puts, &[])).unwrap();
        let puts = vec![record("b", b"3"), record("c", b"4")];
        folder.apply(batch(puts, &["a"])).unwrap();
        drop(folder);
        let (_, records) = Folder::open(place.path()).unwrap();
        assert_eq!(records, [record("b", b"3"), record("c", b"4")]);
    }

    #[test]
    fn what_was_written_but_not_renamed_never_happened() {
        let place = tempfile::tempdir().unwrap();
        let (mut folder, _) = Folder::open(place.path()).unwrap();
        folder.apply(batch(vec![record("a", b"old")], &[])).unwrap();
        drop(folder);
        // As far as a process gets that dies before the rename.
        let records = BTreeMap::from([("a".to_owned(), Bytes::from(b"new".to_vec()))]);
        let version = Version;
        let snapshot = encode(&Snapshot { version, records });
        for length in [0, 1, snapshot.len() / 2, snapshot.len()] {
            let new = place.path().join("records.new");
            write_new(&new, snapshot.get(..length).unwrap()).unwrap();
            let (_, records) = Folder::open(place.path()).unwrap();
            assert_eq!(records, [record("a", b"old")]);
        }
        let (mut folder, _) = Folder::open(place.path()).unwrap();
        folder.apply(batch(vec![record("b", b"")], &["a"])).unwrap();
        drop(folder);
        let (_, records) = Folder::open(place.path()).unwrap();
        assert_eq!(records, [record("b", b"")]);
    }

    #[test]
    fn a_batch_that_fails_changes_nothing() {
        let place = tempfile::tempdir().unwrap();
        let (mut folder, _) = Folder::open(place.path()).unwrap();
        folder.apply(batch(vec![record("a", b"old")], &[])).unwrap();
        let obstacle = place.path().join("records.new");
        std::fs::create_dir(&obstacle).unwrap();
        let error = folder.apply(batch(vec![record("a", b"new")], &[]));
        assert_eq!(error.unwrap_err().code(), "state-io");
        std::fs::remove_dir(&obstacle).unwrap();
        folder.apply(batch(vec![record("b", b"")], &[])).unwrap();
        drop(folder);
        let (_, records) = Folder::open(place.path()).unwrap();
        assert_eq!(records, [record("a", b"old"), record("b", b"")]);
    }

    #[test]
    fn a_damaged_file_is_said_to_be_so() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join(RECORDS), [0xff]).unwrap();
        let error = Folder::open(place.path()).unwrap_err();
        assert_eq!(error.code(), "state-damaged");
    }

    #[test]
    fn the_folder_is_for_its_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("device");
        let (mut folder, _) = Folder::open(&place).unwrap();
        folder.apply(batch(Vec::new(), &[])).unwrap();
        #[cfg(unix)]
        for (path, expected) in [(place.clone(), 0o700), (place.join(RECORDS), 0o600)] {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, expected);
        }
    }

    /// Runs itself as another process, which writes until it is killed.
    #[test]
    fn what_was_acknowledged_survives_a_kill() {
        const WRITE_TO: &str = "SOTTOVOCE_TEST_WRITE_TO";
        if let Some(place) = std::env::var_os(WRITE_TO) {
            let (mut folder, _) = Folder::open(Path::new(&place)).unwrap();
            for number in 0_u64..1_000_000 {
                let bytes = number.to_be_bytes().repeat(1000);
                let puts = vec![record("a", &bytes), record("b", &bytes)];
                folder.apply(batch(puts, &[])).unwrap();
                eprintln!("{number}");
            }
        }
        let place = tempfile::tempdir().unwrap();
        for round in 0..8 {
            let mut writer = Command::new(std::env::current_exe().unwrap())
                .args(["what_was_acknowledged_survives_a_kill", "--nocapture"])
                .env(WRITE_TO, place.path())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(writer.stderr.take().unwrap()).lines();
            let mut numbers = lines.filter_map(|line| line.unwrap().parse::<u64>().ok());
            numbers.find(|number| *number >= 10 + round).unwrap();
            writer.kill().unwrap();
            writer.wait().unwrap();
            let acknowledged = numbers.last().unwrap_or(10 + round);
            let (_, records) = Folder::open(place.path()).unwrap();
            let [a, b] = records.as_slice() else {
                unreachable!("two records");
            };
            assert_eq!(a.bytes, b.bytes);
            let (first, _) = a.bytes.split_first_chunk().unwrap();
            assert!(u64::from_be_bytes(*first) >= acknowledged);
        }
    }
}
