//! `cargo xtask bench`: the core's speed on this machine, or that of a relay.

use crate::failure::{Outcome, only};
use crate::workspace::Workspace;
use crate::{load, process};

/// Runs `benches/core.rs`, or loads a relay; `--json` adds one object as the last line.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    if let Some((what, rest)) = arguments.split_first()
        && what == "relay"
    {
        return load::bench(workspace, rest);
    }
    only(arguments, &["--json"])?;
    process::run(
        workspace
            .cargo()
            .args(["bench", "--quiet", "--locked", "--package", "sottovoce"])
            .args(["--bench", "core", "--"])
            .args(arguments),
    )
}
