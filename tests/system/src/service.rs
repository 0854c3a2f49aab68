//! A vault or a key manager as a process of its own, with its configuration, its database and its logs in
//! a folder.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sottovoce::crypto::Random;
use sottovoce::crypto::sign::{PublicKey, SigningKey};
use sottovoce::wire::AccountId;
use sottovoce_keymanager::master::hex_of_secret;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// The file that a service stores in.
const STORE: &str = "store.db";

/// Where a service stores.
#[derive(Clone, Debug)]
pub enum Database {
    /// In this file and those beside it.
    Sqlite(PathBuf),
    /// At this URL.
    Postgres(String),
}

impl Database {
    /// A new one for a service with this folder: on PostgreSQL if `SOTTOVOCE_TEST_STORE` says `postgres`.
    pub fn new(folder: &Path) -> Self {
        match std::env::var("SOTTOVOCE_TEST_STORE").as_deref() {
            Ok("postgres") => Self::Postgres(sottovoce_test_postgres::database()),
            _ => Self::Sqlite(folder.join(STORE)),
        }
    }

    /// As a configuration names it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => file.display().to_string(),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// Bytes, as its statements write them.
    pub fn literal(&self, bytes: &[u8]) -> String {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Sqlite(_) => format!("x'{hex}'"),
            Self::Postgres(_) => format!("'\\x{hex}'::bytea"),
        }
    }

    /// Does to it what somebody does who has it.
    ///
    /// # Panics
    /// When it cannot be done.
    pub async fn change(&self, statements: &str) {
        match self {
            Self::Sqlite(file) => {
                let url = format!("sqlite://{}", file.display());
                let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
                let statements = sqlx::AssertSqlSafe(statements.to_owned());
                sqlx::raw_sql(statements).execute(&pool).await.unwrap();
                pool.close().await;
            }
            Self::Postgres(url) => {
                let psql = sottovoce_test_postgres::program("psql");
                let done = std::process::Command::new(psql)
                    .args([url, "--set", "ON_ERROR_STOP=1", "--command", statements])
                    .output();
                assert!(
                    done.as_ref().is_ok_and(|it| it.status.success()),
                    "{done:?}"
                );
            }
        }
    }

    /// Forgets everything, as if it was lost.
    async fn lose(&self) {
        match self {
            Self::Sqlite(file) => {
                for suffix in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
                }
            }
            Self::Postgres(_) => {
                self.change("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                    .await;
            }
        }
    }

    /// All bytes that are in it: files as they are, or a dump with its columns of bytes behind it.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Sqlite(file) => {
                let files = ["", "-wal"].map(|suffix| format!("{}{suffix}", file.display()));
                let files = files
                    .iter()
                    .map(|file| std::fs::read(file).unwrap_or_default());
                files.collect::<Vec<_>>().concat()
            }
            Self::Postgres(url) => {
                let pg_dump = sottovoce_test_postgres::program("pg_dump");
                let dump = std::process::Command::new(pg_dump)
                    .arg(url)
                    .output()
                    .unwrap();
                assert!(dump.status.success(), "{dump:?}");
                let text = String::from_utf8_lossy(&dump.stdout).into_owned();
                let mut bytes = dump.stdout;
                for column in text.split("\\\\x").skip(1) {
                    let hex: Vec<u8> = column.bytes().take_while(u8::is_ascii_hexdigit).collect();
                    let byte = |pair: &[u8]| {
                        u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()
                    };
                    bytes.extend(hex.as_chunks::<2>().0.iter().map(|pair| byte(pair)));
                    bytes.push(0);
                }
                bytes
            }
        }
    }
}

/// A process that reads a configuration and listens.
#[derive(Debug)]
pub struct ServiceProcess {
    program: PathBuf,
    folder: TempDir,
    database: Database,
    address: SocketAddr,
    child: Child,
}

impl ServiceProcess {
    /// Starts a program with a configuration, in a folder that is made for it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(program: &str, folder: TempDir, database: Database, config: &str) -> Self {
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        let program = PathBuf::from(program);
        let (child, address) = spawn(&program, folder.path(), None).await;
        Self {
            program,
            folder,
            database,
            address,
            child,
        }
    }

    /// What it stores in.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it with no chance to write, say or tidy anything.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again where it was.
    pub async fn restart(&mut self) {
        let (child, address) = spawn(&self.program, self.folder.path(), Some(self.address)).await;
        self.child = child;
        assert_eq!(address, self.address);
    }

    /// Changes its configuration, for when it is started again.
    ///
    /// # Panics
    /// When the file cannot be changed.
    pub fn configure(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder.path().join("config.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, change(config)).unwrap();
    }

    /// Forgets everything that it stores, as if its database was lost. It has to be down.
    pub async fn lose(&self) {
        self.database.lose().await;
    }

    /// All bytes that it keeps of what it stores.
    pub fn stored(&self) -> Vec<u8> {
        self.database.bytes()
    }

    /// What it wrote to its logs.
    pub fn logs(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    /// Asks it something over HTTP: the status and the body.
    pub async fn ask(&self, method: &str, path: &str, token: &str) -> (u16, String) {
        ask(self.address, method, path, token, "").await
    }

    /// The same with a body of JSON.
    pub async fn post(&self, path: &str, token: &str, body: &str) -> (u16, String) {
        ask(self.address, "POST", path, token, body).await
    }
}

/// Asks a server something over HTTP: the status and the body; nothing when nobody answers.
pub async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: &str,
    body: &str,
) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return (0, String::new());
    };
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.unwrap_or(0), body.to_owned())
}

async fn spawn(program: &Path, folder: &Path, at: Option<SocketAddr>) -> (Child, SocketAddr) {
    let logs = File::options()
        .create(true)
        .append(true)
        .open(folder.join("stderr"));
    let address = at.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut child = Command::new(program)
        .arg(folder.join("config.toml"))
        .env("SOTTOVOCE__LISTEN__ADDRESS", address.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(logs.unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).await.unwrap();
    let logs = || std::fs::read_to_string(folder.join("stderr")).unwrap();
    let address = line.trim().parse().unwrap_or_else(|_| panic!("{}", logs()));
    (child, address)
}

/// A new key manager's configuration for an account, and its identity.
///
/// # Panics
/// When there is no randomness.
pub fn key_manager_config(
    folder: &Path,
    account: AccountId,
    database: &Database,
) -> (String, PublicKey) {
    let identity = SigningKey::generate(&mut Random::os()).unwrap();
    let master = hex_of_secret(&Random::os().secret().unwrap());
    let path = |name: &str| folder.join(name).display().to_string();
    let config = format!(
        "accounts = [\"{account}\"]\nidentity = \"{}\"\nmaster = \"1:{}\"\ntombstones = {:?}\n[database]\nurl = {:?}\n",
        *hex_of_secret(&identity.seed()),
        *master,
        path("tombstones"),
        database.url(),
    );
    (config, identity.public())
}
