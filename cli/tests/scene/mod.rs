//! The real binary in a folder of its own, and programs that talk through pipes.

#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than anything takes that happens at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary with arguments, and nothing of this environment that would change what it does.
pub fn sottovoce<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sottovoce"));
    command.args(arguments).env_remove("SOTTOVOCE_PASSPHRASE");
    command
}

/// A folder in which everything happens.
pub struct Scene {
    pub folder: TempDir,
    /// What commands find in their environment beside what is there.
    pub environment: Vec<(&'static str, String)>,
}

impl Scene {
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            environment: Vec::new(),
        }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs a command line to its end with nothing to read.
    pub fn run(&self, line: &[&str]) -> Output {
        sottovoce(line)
            .current_dir(self.folder.path())
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What a command says that must succeed.
    pub fn said(&self, line: &[&str]) -> String {
        let output = self.run(line);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line:?} failed: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command complains of that must fail, and that it says so with its exit status.
    pub fn complained(&self, line: &[&str]) -> String {
        let output = self.run(line);
        assert!(!output.status.success(), "{line:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Starts a command line that goes on.
    pub fn start(&self, name: &'static str, line: &[&str]) -> Program {
        Program::start(name, self, line)
    }
}

/// An account, its relay, and the policy published.
pub struct Business {
    pub scene: Scene,
    pub account: String,
    pub url: String,
    pub relay: Program,
}

impl Business {
    pub fn open() -> Self {
        let scene = Scene::new();
        let said = scene.said(&["account", "create", "--dir", "account", "--plain-keys"]);
        let account = value(&said, "account=");
        let (relay, url) = relay(&scene, &account, "127.0.0.1:0");
        let business = Self {
            scene,
            account,
            url,
            relay,
        };
        business.said(&["policy", "publish"]);
        business
    }

    /// A command of the administrator that must succeed.
    pub fn said(&self, line: &[&str]) -> String {
        self.scene.said(&self.administrator(line))
    }

    /// The same for one that must fail.
    pub fn complained(&self, line: &[&str]) -> String {
        self.scene.complained(&self.administrator(line))
    }

    /// A command line with the account's folder and the relay.
    pub fn administrator<'a>(&'a self, line: &[&'a str]) -> Vec<&'a str> {
        let mut line = line.to_vec();
        line.extend(["--dir", "account", "--relay", &self.url]);
        line
    }

    /// An agent's chat, let in by an invitation.
    pub fn agent(&self, name: &'static str, team: &str) -> Program {
        let invite = ["agent", "invite", "--name", name, "--team", team];
        let mut invite = self.scene.start("invite", &self.administrator(&invite));
        let code = value(&invite.expect("invite="), "invite=");
        let mut chat = self.agent_again(name, &["--invite", &code]);
        chat.expect(&format!("* you are {name} (agent) of {team}"));
        invite.succeeds();
        chat
    }

    /// An agent's chat, in the state folder of that name.
    pub fn agent_again(&self, name: &'static str, more: &[&str]) -> Program {
        let mut line = vec!["chat", "agent", "--relay", &self.url];
        line.extend(["--account", &self.account, "--state", name]);
        line.extend(["--name", name, "--plain-keys"]);
        line.extend(more);
        self.scene.start(name, &line)
    }

    /// A visitor's chat.
    pub fn visitor(&self, more: &[&str]) -> Program {
        let mut line = vec!["chat", "visitor", "--relay", &self.url];
        line.extend(["--account", &self.account, "--entry-point", "shop"]);
        line.extend(more);
        self.scene.start("visitor", &line)
    }
}

/// Starts a relay and learns where it is.
pub fn relay(scene: &Scene, account: &str, listen: &str) -> (Program, String) {
    let mut relay = scene.start(
        "relay",
        &[
            "relay",
            "--listen",
            listen,
            "--database",
            "relay.db",
            "--account",
            account,
        ],
    );
    let url = value(&relay.expect("listening on "), "listening on ");
    (relay, url)
}

/// What follows `key` at the beginning of a line.
pub fn value(said: &str, key: &str) -> String {
    let value = said.lines().find_map(|line| line.strip_prefix(key));
    value
        .unwrap_or_else(|| panic!("no {key} in {said}"))
        .to_owned()
}

/// A running program; it ends with this.
pub struct Program {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Program {
    fn start(name: &'static str, scene: &Scene, line: &[&str]) -> Self {
        let mut child = sottovoce(line)
            .current_dir(scene.folder.path())
            .envs(scene.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let out = child.stdout.take().unwrap();
        let errors = child.stderr.take().unwrap();
        let both: [Box<dyn Read + Send>; 2] = [Box::new(out), Box::new(errors)];
        for output in both {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Self {
            name,
            input: child.stdin.take(),
            child,
            lines,
            said: Vec::new(),
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    /// Waits for a line that begins like this, among those not yet looked at.
    pub fn expect(&mut self, beginning: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.starts_with(beginning) {
                        return line;
                    }
                }
                Err(reason) => panic!(
                    "{} did not say {beginning:?} ({}); it said:\n{}",
                    self.name,
                    match reason {
                        RecvTimeoutError::Timeout => "it is still running",
                        RecvTimeoutError::Disconnected => "it has ended",
                    },
                    self.said.join("\n")
                ),
            }
        }
    }

    /// Everything that was looked at so far.
    pub fn said(&self) -> &[String] {
        &self.said
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Closes its input and waits for its end.
    pub fn ends(&mut self) -> std::process::ExitStatus {
        drop(self.input.take());
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "{} does not end", self.name);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// It ends well.
    pub fn succeeds(&mut self) {
        let status = self.ends();
        let rest: Vec<_> = self.lines.iter().collect();
        assert!(
            status.success(),
            "{} failed: {}\n{}",
            self.name,
            self.said.join("\n"),
            rest.join("\n")
        );
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request to the REST API, and the whole answer.
pub fn ask(address: &str, method: &str, path: &str, token: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
