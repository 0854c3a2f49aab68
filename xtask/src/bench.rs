//! `cargo xtask bench`: the core's speed on this machine, natively and as wasm in Node.js; how long
//! the widget keeps a slow phone busy; a relay under load; key managers, archives, and what encryption costs a vault.

use std::process::Command;

use crate::failure::{Outcome, only};
use crate::workspace::Workspace;
use crate::{browser, load, process, programs};

mod core;

/// Runs `benches/core.rs` both ways beside other libraries, the widget in a slowed browser, a relay under load,
/// or a key manager; `--json` adds one object as the last line.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    match arguments.split_first() {
        Some((what, rest)) if what == "web" => web(workspace, rest),
        Some((what, rest)) if what == "relay" => load::bench(workspace, rest),
        Some((what, rest)) if what == "keys" => keys(workspace, rest),
        Some((what, rest)) if what == "core" => core::run(workspace, rest),
        _ => core::run(workspace, arguments),
    }
}

fn web(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &["--json"])?;
    programs::build(workspace)?;
    browser::wasm(workspace)?;
    browser::pages(workspace)?;
    let script = ["tests/browser/figures.mjs"];
    process::run(programs::tester(workspace, "node", &script)?.args(arguments))
}

/// What a key manager answers, how long an archived transcript takes, and what encryption at level
/// `storage` costs the vault.
fn keys(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &["--json"])?;
    let manager = figures(
        workspace
            .cargo()
            .args(["run", "--quiet", "--locked", "--release"])
            .args(["--package", "sottovoce-keys-bench", "--", "--json"]),
    )?;
    let vault = figures(
        workspace
            .cargo()
            .args(["bench", "--quiet", "--locked"])
            .args(["--package", "sottovoce-vault"])
            .args(["--bench", "ingest", "--", "--json"]),
    )?;
    if !arguments.is_empty() {
        // Both are objects of one level.
        let manager = manager.trim_end_matches('}');
        println!("{manager},{}", vault.trim_start_matches('{'));
    }
    Ok(())
}

/// Shows what a program says, but for its last line, which it returns.
fn figures(command: &mut Command) -> Outcome<String> {
    let said = process::read(command)?;
    let mut lines: Vec<_> = said.lines().collect();
    let last = lines.pop().ok_or("the bench said nothing")?;
    for line in lines {
        println!("{line}");
    }
    Ok(last.to_owned())
}
