//! What browsers load: the wasm, the npm package, the pages.

use crate::failure::{During, Outcome, only};
use crate::workspace::Workspace;
use crate::{process, setup};

/// WebAssembly features that every current browser has and that rustc uses by itself.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// What to do for size. The compiler has inlined what pays, and flat code in which control flow
/// is found anew leaves fewer copies between locals.
const SMALLER: [&str; 7] = [
    "--one-caller-inline-max-function-size=0",
    "--always-inline-max-function-size=0",
    "--flexible-inline-max-function-size=0",
    "--flatten",
    "--rereloop",
    "-Oz",
    "-Oz",
];

/// `cargo xtask build`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    setup::programs(setup::TO_BUILD)?;
    wasm(workspace)?;
    pages(workspace)
}

/// Builds the core as `pkg/dist/wasm/sottovoce_bg.wasm` with its glue and types.
pub(crate) fn wasm(workspace: &Workspace) -> Outcome {
    setup::rust_target(workspace)?;
    setup::npm(workspace)?;
    let tools = setup::wasm_bindgen(workspace)?;
    // The manifest says `rlib` only: with a cdylib beside it cargo would turn link-time
    // optimisation off for every other user of the crate.
    process::run(workspace.cargo().args([
        "rustc",
        "--quiet",
        "--locked",
        "--package",
        "sottovoce",
        "--lib",
        "--crate-type",
        "cdylib",
        "--profile",
        "wasm",
        "--target",
        "wasm32-unknown-unknown",
    ]))?;
    let dist = workspace.path("pkg/dist/wasm");
    std::fs::create_dir_all(&dist).during("making pkg/dist/wasm")?;
    process::run(
        workspace
            .command(tools.join("wasm-bindgen"))
            // Whoever calls `init` says where the wasm is; a default would make bundlers copy it.
            .args(["--target", "web", "--omit-default-module-path"])
            .args(["--out-name", "sottovoce", "--out-dir"])
            .arg(&dist)
            .arg(workspace.built("wasm32-unknown-unknown/wasm/sottovoce.wasm")),
    )?;
    let wasm = dist.join("sottovoce_bg.wasm");
    process::run(
        workspace
            .command(workspace.path("node_modules/.bin/wasm-opt"))
            .args(SMALLER)
            .args(FEATURES)
            .arg("--output")
            .arg(&wasm)
            .arg(&wasm),
    )
}

/// Builds the npm package and the pages around the wasm.
pub(crate) fn pages(workspace: &Workspace) -> Outcome {
    process::run(workspace.command("npm").args(["run", "--silent", "build"]))
}
