//! Programs that are measured: started with their output in a file, killed when dropped, looked
//! at from outside.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use sottovoce::wire::AccountId;
use tokio::process::{Child, Command};

use crate::{LoadError, Outcome};

/// How long a program may take to get ready.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked.
const PACE: Duration = Duration::from_millis(5);

/// A running program.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a program whose output goes to `<folder>/<name>.log`.
    ///
    /// # Errors
    /// [`LoadError::Io`].
    pub fn start(name: &str, mut command: Command, folder: &Path) -> Outcome<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// Waits for a line of its output and returns what `pick` makes of it.
    ///
    /// # Errors
    /// [`LoadError::Program`]: it ends, or says nothing of the kind.
    pub async fn says<T>(&mut self, pick: impl Fn(&str) -> Option<T>) -> Outcome<T> {
        let start = Instant::now();
        loop {
            let said = fs::read_to_string(&self.log)?;
            if let Some(found) = said.lines().find_map(&pick) {
                return Ok(found);
            }
            if start.elapsed() > PATIENCE || self.child.try_wait()?.is_some() {
                let name = self.name.clone();
                return Err(LoadError::Program { name, said });
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Kills it: no destructor, no flush, no goodbye.
    ///
    /// # Errors
    /// [`LoadError::Io`]: it is not ours to kill.
    pub async fn kill(&mut self) -> Outcome {
        Ok(self.child.kill().await?)
    }

    /// Memory that it has now, in bytes.
    ///
    /// # Errors
    /// [`LoadError`]: it is gone, or this is no Linux.
    pub fn memory(&self) -> Outcome<u64> {
        let pid = self.child.id().ok_or(LoadError::Ended)?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
            .and_then(|number| number.trim().parse::<u64>().ok());
        let resident = resident.ok_or_else(|| LoadError::Unexpected("/proc".to_owned()))?;
        Ok(resident * 1024)
    }
}

/// Certificate and key in PEM files.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A relay that runs.
#[derive(Debug)]
pub struct Relay {
    /// The process.
    pub program: Program,
    /// Where it listens.
    pub address: SocketAddr,
}

/// How to start a relay.
#[derive(Clone, Debug)]
pub struct RelayPlan {
    /// The program.
    pub binary: PathBuf,
    /// What the log is called.
    pub name: String,
    /// Where the log and everything else goes.
    pub folder: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Path or URL.
    pub database: String,
    /// Whom it serves.
    pub account: AccountId,
    /// TLS, if it should.
    pub tls: Option<CertificateFiles>,
    /// The NATS server through which nodes hear of each other, if not through the database.
    pub nats: Option<SocketAddr>,
}

impl RelayPlan {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn start(&self) -> Outcome<Relay> {
        let mut command = Command::new(&self.binary);
        command
            .arg(self.listen.to_string())
            .arg(&self.database)
            .arg(self.account.to_string())
            .env("RUST_LOG", "warn");
        if let Some(files) = &self.tls {
            command.arg("--tls").arg(&files.certificate).arg(&files.key);
        }
        if let Some(address) = self.nats {
            command.arg("--nats").arg(format!("nats://{address}"));
        }
        let mut program = Program::start(&self.name, command, &self.folder)?;
        let address = program.says(|line| line.parse().ok()).await?;
        Ok(Relay { program, address })
    }
}

/// Any loopback port.
pub fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A loopback port that nobody uses at the moment.
///
/// # Errors
/// [`LoadError::Io`].
pub fn free_port() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind(anywhere())?.local_addr()?)
}

/// One busy loop at the lowest priority: it keeps a core from sleeping and takes next to nothing
/// from whoever works.
///
/// # Errors
/// [`LoadError`]: it cannot be started.
pub fn busy_loop(folder: &Path) -> Outcome<Program> {
    let mut command = Command::new("nice");
    command.args(["-n", "19", "sh", "-c", "while :; do :; done"]);
    Program::start("busy", command, folder)
}

/// Lets this process, and those that it starts, hold as many files as the system allows.
///
/// # Errors
/// [`LoadError::Io`].
pub fn raise_file_limit() -> Outcome<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit).map_err(std::io::Error::from)?;
    Ok(maximum.unwrap_or(u64::MAX))
}
