//! What browsers load: the wasm, the npm package, the pages.

use std::path::Path;

use crate::failure::{During, Outcome, only};
use crate::workspace::Workspace;
use crate::{glue, process, setup};

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

/// The standard library is compiled along, for size and so that what panics stops where it is:
/// nothing in it formats messages or names places in the sources then. The pinned toolchain can
/// do that, but calls it unstable.
const WITH_STD: [&str; 9] = [
    "-Zbuild-std=std,panic_abort",
    "-Zbuild-std-features=optimize_for_size",
    "-Zpanic-immediate-abort",
    "--config",
    "profile.wasm.panic='immediate-abort'",
    "--config",
    "target.wasm32-unknown-unknown.rustflags=['-Zlocation-detail=none']",
    "--target",
    "wasm32-unknown-unknown",
];

/// What LLVM does where everything is linked, and only there: done to each crate before, it makes the
/// whole larger. An address is counted up once, not once for each field behind it; nothing is
/// computed in advance, or on both sides of a branch, to save the branch; and what inlining saves by
/// a call less is counted as what a call takes here.
pub(crate) const LINKED: [&str; 5] = [
    "--",
    "-Cllvm-args=-disable-lsr",
    "-Cllvm-args=-enable-pre=false",
    "-Cllvm-args=-two-entry-phi-node-folding-threshold=1",
    "-Cllvm-args=-inline-call-penalty=45",
];

/// What to do for size. The compiler has inlined what pays, and flat code in which control flow
/// is found anew leaves fewer copies between locals. A value that is kept for a second use costs more
/// than it saves, once compressed. The lowest kilobyte is the last one of the stack, so that an
/// address there, where these passes may trap, is the stack's end anyway.
const SMALLER: [&str; 13] = [
    "--low-memory-unused",
    "--one-caller-inline-max-function-size=0",
    "--always-inline-max-function-size=0",
    "--flexible-inline-max-function-size=0",
    "--skip-pass=local-cse",
    "-Oz",
    "--flatten",
    "--rereloop",
    "-Oz",
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

/// Who a build of the core is for, by the name of its folder in `pkg/dist/wasm`, and the features of
/// the crate that it has.
const BUILDS: [(&str, &[&str]); 2] = [("visitor", &["--no-default-features"]), ("staff", &[])];

/// Builds the core for visitors and for staff as `pkg/dist/wasm/*/sottovoce_bg.wasm`, each with its glue
/// and types.
pub(crate) fn wasm(workspace: &Workspace) -> Outcome {
    setup::rust_target(workspace)?;
    setup::npm(workspace)?;
    let tools = setup::wasm_bindgen(workspace)?;
    // Nothing of an earlier build, by whatever name, gets into the package.
    let all = workspace.path("pkg/dist/wasm");
    if all.exists() {
        std::fs::remove_dir_all(&all).during(format!("removing {}", all.display()))?;
    }
    for (name, features) in BUILDS {
        core(workspace, &tools, name, features)?;
    }
    Ok(())
}

fn core(workspace: &Workspace, tools: &Path, name: &str, features: &[&str]) -> Outcome {
    // The manifest says `rlib` only: with a cdylib beside it cargo would turn link-time
    // optimisation off for every other user of the crate.
    process::run(
        workspace
            .cargo()
            .args(["rustc", "--quiet", "--locked", "--package", "sottovoce"])
            .args(["--lib", "--crate-type", "cdylib", "--profile", "wasm"])
            .args(features)
            .args(WITH_STD)
            .args(LINKED)
            .env("RUSTC_BOOTSTRAP", "1"),
    )?;
    let dist = workspace.path("pkg/dist/wasm").join(name);
    std::fs::create_dir_all(&dist).during(format!("making {}", dist.display()))?;
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
    let names = process::read(
        workspace
            .command(workspace.path("node_modules/.bin/wasm-opt"))
            .args(SMALLER)
            .arg("--minify-imports-and-exports-and-modules")
            .args(FEATURES)
            .arg("--output")
            .arg(&wasm)
            .arg(&wasm),
    )?;
    glue::rename(&dist, &names)?;
    glue::minify(workspace, &dist)
}

/// Builds the npm package and the pages around the wasm.
pub(crate) fn pages(workspace: &Workspace) -> Outcome {
    process::run(workspace.command("npm").args(["run", "--silent", "build"]))
}
