//! Formatting, clippy, type checks: a warning is an error.

use crate::failure::{Outcome, only};
use crate::workspace::Workspace;
use crate::{browser, process, setup};

/// `cargo xtask lint`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    setup::programs(setup::TO_BUILD)?;
    check(workspace)
}

/// All of it. The type checks read the types that come out of the wasm build.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    process::run(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    clippy(workspace, &["--workspace", "--all-targets"])?;
    setup::rust_target(workspace)?;
    clippy(
        workspace,
        &[
            "--package",
            "sottovoce",
            "--lib",
            "--tests",
            "--target",
            "wasm32-unknown-unknown",
        ],
    )?;
    browser::wasm(workspace)?;
    // The pages are checked against the package's own declarations, which its build writes.
    process::run(workspace.command("npm").args([
        "run",
        "--silent",
        "build",
        "--workspace",
        "pkg",
    ]))?;
    process::run(workspace.command("npm").args(["run", "--silent", "check"]))
}

fn clippy(workspace: &Workspace, what: &[&str]) -> Outcome {
    process::run(
        workspace
            .cargo()
            .args(["clippy", "--quiet", "--locked"])
            .args(what)
            .args(["--", "--deny", "warnings"]),
    )
}
