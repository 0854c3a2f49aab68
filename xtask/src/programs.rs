//! The programs that the demo and the whole-system tests start.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::Outcome;
use crate::process;
use crate::workspace::Workspace;

/// Builds the binary `sottovoce`.
pub(crate) fn build(workspace: &Workspace) -> Outcome {
    process::run(workspace.cargo().args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        "sottovoce-cli",
    ]))
}

/// The binary `sottovoce`.
pub(crate) fn sottovoce(workspace: &Workspace) -> PathBuf {
    workspace
        .built("debug")
        .join(format!("sottovoce{}", std::env::consts::EXE_SUFFIX))
}

/// A test runner that is told where the programs are: `SOTTOVOCE` is the binary, `CHROMIUM` the
/// browser.
pub(crate) fn tester(workspace: &Workspace, program: &str, arguments: &[&str]) -> Outcome<Command> {
    let chromium = process::find("chromium").ok_or("chromium is not on the PATH")?;
    let mut command = workspace.command(program);
    command
        .args(arguments)
        .env("SOTTOVOCE", sottovoce(workspace))
        .env("CHROMIUM", chromium);
    Ok(command)
}
