//! A relay as a process: to be killed at any moment, and searched in all that it holds.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sottovoce::wire::AccountId;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A relay with its database and its logs in a folder of its own.
#[derive(Debug)]
pub struct RelayProcess {
    program: PathBuf,
    level: &'static str,
    account: AccountId,
    folder: TempDir,
    database: String,
    address: SocketAddr,
    child: Child,
}

impl RelayProcess {
    /// Starts a relay that logs what it logs everywhere.
    pub async fn start(program: &str, account: AccountId) -> Self {
        Self::start_logging("info", program, account).await
    }

    /// Starts a relay that logs from some level upwards.
    pub async fn start_logging(level: &'static str, program: &str, account: AccountId) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join(DATABASE).display().to_string();
        Self::start_on(level, program, account, folder, database).await
    }

    /// Starts a relay on a database that others may use as well.
    pub async fn start_shared(program: &str, account: AccountId, database: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_on("info", program, account, folder, database.to_owned()).await
    }

    async fn start_on(
        level: &'static str,
        program: &str,
        account: AccountId,
        folder: TempDir,
        database: String,
    ) -> Self {
        let program = PathBuf::from(program);
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let path = folder.path();
        let (child, address) = spawn(&program, level, anywhere, path, &database, account).await;
        Self {
            program,
            level,
            account,
            folder,
            database,
            address,
            child,
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The same for other protocols.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it with no chance to write, say or tidy anything.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again where it was.
    pub async fn restart(&mut self) {
        let path = self.folder.path();
        let (child, address) = spawn(
            &self.program,
            self.level,
            self.address,
            path,
            &self.database,
            self.account,
        )
        .await;
        self.child = child;
        assert_eq!(address, self.address);
    }

    /// Lets it end in order.
    pub async fn end(&mut self) {
        let pid = self.child.id().unwrap().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(told.unwrap().success());
        assert!(self.child.wait().await.unwrap().success());
    }

    /// The database: its files are the ones whose names begin so.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join(DATABASE)
    }

    /// What is at a place now.
    ///
    /// # Panics
    /// When the file is not there.
    pub fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(file)).unwrap()
    }

    /// All its files: database, write-ahead log and its index, logs.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let name = |entry: io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect()
    }

    /// Its memory, region by region: everything that it can read itself.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> impl Iterator<Item = Vec<u8>> {
        use std::os::unix::fs::FileExt;

        let pid = self.child.id().unwrap();
        let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let ranges: Vec<(u64, u64)> = maps.lines().filter_map(readable).collect();
        ranges.into_iter().filter_map(move |(start, end)| {
            let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
            // A region may be gone by now, and guard pages cannot be read at all.
            memory.read_exact_at(&mut bytes, start).ok()?;
            Some(bytes)
        })
    }
}

/// The database's file.
pub const DATABASE: &str = "relay.db";
/// Its write-ahead log.
pub const WRITE_AHEAD_LOG: &str = "relay.db-wal";
/// What the relay wrote to standard error: its logs.
pub const LOGS: &str = "stderr";

async fn spawn(
    program: &Path,
    level: &str,
    listen: SocketAddr,
    folder: &Path,
    database: &str,
    account: AccountId,
) -> (Child, SocketAddr) {
    let logs = File::options()
        .create(true)
        .append(true)
        .open(folder.join(LOGS));
    let mut child = Command::new(program)
        .arg(listen.to_string())
        .arg(database)
        .arg(account.to_string())
        .env("RUST_LOG", level)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(logs.unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).await.unwrap();
    (child, line.trim().parse().unwrap())
}

/// `start-end rwxp …` of a region that can be read; the kernel's own cannot.
#[cfg(target_os = "linux")]
fn readable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    if !rest.starts_with('r') || rest.ends_with("[vvar]") || rest.ends_with("[vsyscall]") {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let number = |hex| u64::from_str_radix(hex, 16).ok();
    Some((number(start)?, number(end)?))
}
