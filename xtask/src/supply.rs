//! `cargo xtask deny`: licences, sources and known faults of what Sottovoce is built from, by `deny.toml`.

use crate::failure::{Outcome, only};
use crate::workspace::Workspace;
use crate::{process, setup};

/// What can be judged from the lock file alone.
const CHECKS: [&str; 3] = ["licenses", "sources", "bans"];

/// Checks the lock file; then, if the database of advisories can be had, that nothing in it is known to be faulty.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    let tools = setup::cargo_deny(workspace)?;
    let deny = || {
        let mut command = workspace.command(tools.join("cargo-deny"));
        command.args(["--locked", "--log-level", "error"]);
        command
    };
    process::run(deny().arg("check").args(CHECKS))?;
    let fetched = deny().args(["fetch", "db"]).status();
    if !fetched.is_ok_and(|status| status.success()) {
        println!(
            "advisories: not looked at, since their database (github.com/rustsec/advisory-db) cannot be fetched from here"
        );
        return Ok(());
    }
    process::run(deny().args(["check", "--disable-fetch", "advisories"]))
}
