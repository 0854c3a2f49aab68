//! `cargo xtask vectors`: the protocol's vectors and its CDDL, written from fixed inputs and from the spec.

use crate::failure::{Outcome, only};
use crate::process;
use crate::workspace::Workspace;

/// Files that the protocol's own tests make and compare.
const TESTS: [&str; 2] = ["vectors", "cddl"];

/// Writes `tests/vectors/*.json` and `docs/sottovoce.cddl`, or compares them with `--check`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &["--check"])?;
    if arguments.is_empty() {
        let mut cargo = workspace.cargo();
        cargo.args(["test", "--quiet", "--locked", "--package", "sottovoce"]);
        for test in TESTS {
            cargo.args(["--test", test]);
        }
        // What makes the files, and nothing that reads them as they were before.
        cargo.arg("the_files_are").arg("--").arg("the_cddl_is");
        process::run(cargo.env("SOTTOVOCE_VECTORS", "write"))?;
    }
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--quiet", "--locked", "--package", "sottovoce"]);
    for test in TESTS {
        cargo.args(["--test", test]);
    }
    process::run(&mut cargo)
}
