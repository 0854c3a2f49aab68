//! A private PostgreSQL for tests, in a temporary folder and on a Unix socket there: nothing
//! listens on the network, and nothing of the system's own server is touched.
//!
//! A shell stands between the test and the server. It waits at a pipe that ends with the test's
//! process, however that ends, and then stops the server and removes the folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Only names the socket: nothing listens there unless a test asks for it.
const PORT: u16 = 5432;
/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps the server, and takes one word: how to end it. No word means for ever.
const KEEPER: &str = r#"
folder=$1; shift
"$@" & server=$!
read -r word
case $word in
    stop) kill -INT $server;;
    kill) kill -KILL $server;;
    *) kill -QUIT $server;;
esac
wait $server
[ -n "$word" ] || rm -rf "$folder"
"#;

/// The URL of a new, empty database in this process's own server, which the first call starts.
///
/// # Panics
/// When PostgreSQL is not installed or does not start.
pub fn database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    // No test pulls the plug of the machine.
    SERVER
        .get_or_init(|| Server::start(&["fsync=off"]))
        .database()
}

/// A server that a test can stop and start.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    keeper: Mutex<Option<Child>>,
    databases: AtomicU32,
}

impl Server {
    /// Makes a server and starts it, with settings such as `max_connections=200`.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start(settings: &[&str]) -> Self {
        Self::start_at(PORT, settings)
    }

    /// The same, where the settings choose another port and perhaps an address for it.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start_at(port: u16, settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sottovoce-postgres-")
            .tempdir()
            .unwrap()
            .keep();
        hand_over(&folder);
        let server = Self {
            folder,
            port,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            keeper: Mutex::new(None),
            databases: AtomicU32::new(0),
        };
        let made = command(&program("initdb"))
            .args(["--username=postgres", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C", "--pgdata"])
            .arg(server.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        server.resume();
        server
    }

    /// The URL of a new, empty database.
    ///
    /// # Panics
    /// When the server does not make one.
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.run("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of a database that is there.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost:{}/{database}?host={}",
            self.port,
            self.folder.display()
        )
    }

    /// Runs a statement, as the administrator.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, database: &str, statement: &str) -> String {
        let done = self.psql(database, statement);
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// Ends the server in order: who is connected is cut.
    pub fn stop(&self) {
        self.end("stop");
    }

    /// Kills the server as a crash would.
    pub fn kill(&self) {
        self.end("kill");
    }

    /// Makes the server stand still, as on a machine that hangs: it is there, takes connections and
    /// answers nobody.
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets a server that stands still go on.
    ///
    /// # Panics
    /// When it does not run.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Sends a signal to the server and its processes.
    fn signal(&self, signal: &str) {
        let about = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let server = about.lines().next().unwrap().to_owned();
        let send = |process: &str| {
            let sent = Command::new("kill").args([signal, process]).status();
            sent.unwrap().success()
        };
        // The one that makes others first, so that none is missed.
        assert!(send(&server));
        let children = format!("/proc/{server}/task/{server}/children");
        for child in std::fs::read_to_string(children)
            .unwrap()
            .split_ascii_whitespace()
        {
            // One that has just ended is none.
            let _ = send(child);
        }
    }

    /// Starts the server again.
    ///
    /// # Panics
    /// When it does not start.
    pub fn resume(&self) {
        let since = Instant::now();
        loop {
            let mut keeper = self.spawn();
            while keeper.try_wait().unwrap().is_none() {
                if self.psql("postgres", "SELECT 1").status.success() {
                    *self.keeper() = Some(keeper);
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
                if since.elapsed() > PATIENCE || !self.is_starting() {
                    break;
                }
            }
            // What a killed server leaves behind ends soon, and is in the way until then.
            say(&mut keeper, "kill");
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(
                since.elapsed() < PATIENCE,
                "PostgreSQL does not start: {log}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn spawn(&self) -> Child {
        let log = File::create(self.folder.join("log")).unwrap();
        let mut keeper = command(Path::new("/bin/sh"));
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(&self.folder)
            .arg(program("postgres"))
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(&self.folder)
            .args(["-c", "listen_addresses=", "-c", "max_connections=200"]);
        for setting in &self.settings {
            keeper.args(["-c", setting]);
        }
        keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            // What is meant for the test, such as Ctrl-C, reaches the server through the pipe.
            .process_group(0)
            .spawn()
            .unwrap()
    }

    /// Whether the server has not given up: it keeps this file while it runs.
    fn is_starting(&self) -> bool {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        !log.contains("FATAL:  lock file") && !log.contains("FATAL:  pre-existing shared memory")
    }

    fn psql(&self, database: &str, statement: &str) -> std::process::Output {
        Command::new(program("psql"))
            .arg(self.url(database))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                statement,
            ])
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn end(&self, word: &str) {
        if let Some(mut keeper) = self.keeper().take() {
            say(&mut keeper, word);
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn keeper(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that stands still would not hear that it is to end.
        if self.keeper().is_some() && self.data().join("postmaster.pid").exists() {
            self.thaw();
        }
        if let Some(mut keeper) = self.keeper().take() {
            say(&mut keeper, "");
        } else {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Tells a keeper how to end, and waits until it has.
fn say(keeper: &mut Child, word: &str) {
    if let Some(mut pipe) = keeper.stdin.take() {
        let _ = writeln!(pipe, "{word}");
    }
    let _ = keeper.wait();
}

/// PostgreSQL refuses to run as root.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = servant() {
        command.uid(user).gid(group);
    }
    command
}

/// Whom to run the server as: nobody else, unless this is root.
fn servant() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| {
        let said = Command::new("id").args(arguments).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        said.trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    let user = id(&["-u", "postgres"]).expect("PostgreSQL's packages make a user for it");
    Some((user, id(&["-g", "postgres"]).unwrap_or(user)))
}

/// Gives a folder, and what is in it, to whom the server runs as.
///
/// # Panics
/// When that is not allowed.
pub fn hand_over(folder: &Path) {
    if let Some((user, group)) = servant() {
        let inside = std::fs::read_dir(folder).unwrap();
        let inside = inside.map(|entry| entry.unwrap().path());
        for path in inside.chain([folder.to_owned()]) {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }
}

/// One of PostgreSQL's programs: Debian's newest, or whatever is in the `PATH`.
pub fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let newest = versions
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .max();
    match newest {
        Some(version) => PathBuf::from(format!("/usr/lib/postgresql/{version}/bin/{name}")),
        None => PathBuf::from(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_is_there_after_a_stop_and_after_a_kill() {
        let server = Server::start(&[]);
        let _first = server.database();
        server.run("test_0", "CREATE TABLE kept (number INTEGER)");
        for number in 0..2 {
            server.run("test_0", &format!("INSERT INTO kept VALUES ({number})"));
            if number == 0 {
                server.stop();
            } else {
                server.kill();
            }
            assert!(!server.psql("test_0", "SELECT 1").status.success());
            server.resume();
        }
        assert_eq!(
            server.run("test_0", "SELECT count(*) FROM kept").trim(),
            "2"
        );
        let folder = server.folder.clone();
        drop(server);
        assert!(!folder.exists());
    }
}
