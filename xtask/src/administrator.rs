//! Makes whoever is let in by one of the demo's invitations an administrator of its account, so that its
//! console has the security settings.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::failure::{During, Outcome};

/// How often the inviter's output is looked at.
const PAUSE: Duration = Duration::from_millis(300);

/// What it takes to name an administrator.
pub(crate) struct Appointment {
    /// Where the inviter says whom it let in.
    pub(crate) log: PathBuf,
    pub(crate) sottovoce: PathBuf,
    pub(crate) account_dir: String,
    pub(crate) origin: String,
}

impl Appointment {
    /// Watches the inviter for as long as this program runs.
    pub(crate) fn watch(self) {
        thread::spawn(move || {
            let mut done = BTreeSet::new();
            loop {
                for device in let_in(&self.log) {
                    if !done.contains(&device) {
                        match self.appoint(&device) {
                            Ok(()) => {}
                            Err(failure) => println!("  no administrator was named: {failure}"),
                        }
                        done.insert(device);
                    }
                }
                thread::sleep(PAUSE);
            }
        });
    }

    fn appoint(&self, beginning: &str) -> Outcome {
        let at = ["--dir", &self.account_dir, "--relay", &self.origin];
        let listed = self.said(&[&["agent", "list"], &at[..]].concat())?;
        let device = listed
            .lines()
            .filter_map(|line| line.split(' ').next())
            .find(|device| device.starts_with(beginning))
            .ok_or("the device is not known")?;
        // Its rules may have been changed in a console.
        self.said(&[&["policy", "fetch"], &at[..]].concat())?;
        let add = ["account", "administrator", "add", device];
        self.said(&[&add[..], &at[..2]].concat())?;
        self.said(&[&["policy", "publish"], &at[..]].concat())?;
        Ok(())
    }

    /// Runs a command; its warnings are not for whoever looks at the demo.
    fn said(&self, arguments: &[&str]) -> Outcome<String> {
        let mut command = Command::new(&self.sottovoce);
        command.args(arguments).stdin(Stdio::null());
        let output = command.output().during("naming an administrator")?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().into())
        }
    }
}

/// The beginnings of the ids of devices that an inviter let in, as it says them.
fn let_in(log: &Path) -> Vec<String> {
    let said = fs::read_to_string(log).unwrap_or_default();
    let device = |line: &str| {
        let (_, rest) = line.strip_prefix("approved ")?.split_once(", device ")?;
        Some(rest.split(',').next()?.to_owned())
    };
    said.lines().filter_map(device).collect()
}
