//! `cargo xtask bench`: the core's speed on this machine.

use crate::failure::{Outcome, only};
use crate::process;
use crate::workspace::Workspace;

/// Runs `benches/core.rs`; `--json` adds one object as the last line.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &["--json"])?;
    process::run(
        workspace
            .cargo()
            .args(["bench", "--quiet", "--locked", "--package", "sottovoce"])
            .args(["--bench", "core", "--"])
            .args(arguments),
    )
}
