//! `cargo xtask screenshots`: the widget in every state and width, as pictures to be looked at.

use crate::failure::{Outcome, only};
use crate::workspace::Workspace;
use crate::{browser, process, programs, setup};

/// Builds what the pictures show, then takes them.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    setup::everything(workspace)?;
    programs::build(workspace)?;
    browser::wasm(workspace)?;
    browser::pages(workspace)?;
    let script = "tests/browser/screenshots.mjs";
    process::run(&mut programs::tester(
        workspace,
        "node",
        &[script, "target/screenshots"],
    )?)
}
