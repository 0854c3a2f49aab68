//! Running other programs.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use crate::failure::{During, Outcome};

/// Runs a program whose output goes straight to the terminal.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().during(named(command))?;
    succeeded(command, status)
}

/// Runs a program and returns what it says on standard output.
pub(crate) fn read(command: &mut Command) -> Outcome<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .during(named(command))?;
    succeeded(command, output.status)?;
    String::from_utf8(output.stdout).during(named(command))
}

/// Runs a program whose output goes to the terminal, and returns all of it with its exit status.
pub(crate) fn tee(command: &mut Command) -> Outcome<(ExitStatus, String)> {
    let what = named(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .during(&what)?;
    let stderr = child.stderr.take().ok_or("standard error was not piped")?;
    let stdout = child.stdout.take().ok_or("standard output was not piped")?;
    let errors = thread::spawn(move || copy_lines(stderr, std::io::stderr()));
    let mut text = copy_lines(stdout, std::io::stdout());
    text.push_str(&errors.join().map_err(|_| "reading standard error failed")?);
    Ok((child.wait().during(&what)?, text))
}

/// Where a program is, if it is on the `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The command as a person would type it.
pub(crate) fn named(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

fn succeeded(command: &Command, status: ExitStatus) -> Outcome {
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` failed ({status})", named(command)).into())
    }
}

fn copy_lines(from: impl Read, mut to: impl Write) -> String {
    let mut text = String::new();
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(reader.read_until(b'\n', &mut line), Ok(n) if n > 0) {
        // A terminal that went away is no reason to lose the count.
        let _ = to.write_all(&line).and_then(|()| to.flush());
        text.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    text
}
