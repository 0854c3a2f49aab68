//! Formatting, clippy, type checks: a warning is an error. And the line that keeps the relay thin.

use std::process::Stdio;

use crate::failure::{During, Outcome, only};
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
    clippy(
        workspace,
        &["--package", "sottovoce", "--lib", "--no-default-features"],
    )?;
    thin(workspace)?;
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

/// Everything on the relay's list of what it must not do is refused: a name that changed in the
/// core would otherwise leave the list without anybody noticing.
fn thin(workspace: &Workspace) -> Outcome {
    let list = std::fs::read_to_string(workspace.path("relay/clippy.toml"))
        .during("reading relay/clippy.toml")?;
    let banned: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_once("path = \"")?.1.split('"').next())
        .collect();
    let mut planted = workspace.cargo();
    planted
        .args(["clippy", "--quiet", "--locked", "--lib"])
        .args(["--package", "sottovoce-relay"])
        .args(["--", "--cfg", "planted_violations"])
        .stdout(Stdio::null());
    let output = planted.output().during(process::named(&planted))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let missed: Vec<&str> = banned
        .iter()
        .filter(|path| !said.contains(&format!("disallowed method `{path}`")))
        .filter(|path| !said.contains(&format!("disallowed type `{path}`")))
        .copied()
        .collect();
    if output.status.success() || banned.is_empty() || !missed.is_empty() {
        return Err(format!(
            "clippy did not refuse what relay/src/planted.rs does: {}\n{said}",
            missed.join(", ")
        )
        .into());
    }
    println!(
        "the relay is thin: clippy refuses {} planted uses",
        banned.len()
    );
    Ok(())
}
