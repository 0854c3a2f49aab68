//! Programs that run beside this one and end with it.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{During, Outcome};

/// Starts the program it is given and ends it as soon as its own standard input closes. So the
/// program ends with us, however we end: by ourselves, by Ctrl-C or killed.
const KEEPER: &str = "exec 3<&0; \"$@\" </dev/null 3<&- & program=$!; \
    { cat <&3 >/dev/null; kill $program 2>/dev/null; } & wait $program";

/// How long a program may take to say what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running program. Dropping it ends it.
pub(crate) struct Running {
    name: &'static str,
    keeper: Child,
    log: PathBuf,
}

impl Running {
    /// Starts a program whose output goes to `<folder>/<name>.log`.
    pub(crate) fn start(name: &'static str, program: &Command, folder: &Path) -> Outcome<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).during(format!("creating {}", log.display()))?;
        let errors = output.try_clone().during("sharing the log")?;
        let mut command = Command::new("sh");
        command
            .args(["-c", KEEPER, "sh"])
            .arg(program.get_program())
            .args(program.get_args())
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors);
        if let Some(folder) = program.get_current_dir() {
            command.current_dir(folder);
        }
        for (key, value) in program.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        let keeper = command.spawn().during(format!("starting the {name}"))?;
        Ok(Self { name, keeper, log })
    }

    /// Waits for a line of the program's output and returns what `pick` makes of it.
    pub(crate) fn says<T>(&self, pick: impl Fn(&str) -> Option<T>) -> Outcome<T> {
        let start = Instant::now();
        loop {
            let said = fs::read_to_string(&self.log).during("reading a log")?;
            if let Some(found) = said.lines().find_map(&pick) {
                return Ok(found);
            }
            if start.elapsed() > PATIENCE {
                return Err(
                    format!("the {} did not get ready; it said:\n{said}", self.name).into(),
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until a server accepts connections.
    pub(crate) fn answers(&self, address: SocketAddr) -> Outcome {
        let start = Instant::now();
        while TcpStream::connect_timeout(&address, PATIENCE).is_err() {
            if start.elapsed() > PATIENCE {
                let said = fs::read_to_string(&self.log).unwrap_or_default();
                return Err(format!("the {} does not answer; it said:\n{said}", self.name).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Waits until the program ends, which it is not meant to do.
    pub(crate) fn wait(mut self) -> Outcome {
        // Waiting for a child closes its standard input, which would end the program.
        let _open = self.keeper.stdin.take();
        let status = self.keeper.wait().during("waiting")?;
        Err(format!("the {} ended ({status})", self.name).into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing is left to do about one that does not end.
        let _ = self.keeper.wait();
    }
}
