//! `cargo xtask bench core`: the core's speed natively and as wasm in Node.js, and in the same run what other libraries
//! of the field do: `OpenMLS` and vodozemac natively, Olm and Wire's core-crypto as wasm.

use std::collections::BTreeMap;

use super::figures;
use crate::failure::{During, Outcome, only};
use crate::workspace::Workspace;
use crate::{browser, process, setup};

/// Each ratio: its name, ours, theirs.
const RATIOS: &[(&str, &str, &str)] = &[
    (
        "setup_native_vs_openmls",
        "native.contacts_1_per_second",
        "native.openmls_contacts_per_second",
    ),
    (
        "setup_wasm_vs_wire",
        "wasm.contacts_1_per_second",
        "wasm.wire_contacts_per_second",
    ),
    (
        "message_native_vs_megolm",
        "native.messages_1_per_second",
        "native.megolm_messages_per_second",
    ),
    (
        "message_wasm_vs_megolm",
        "wasm.messages_1_per_second",
        "wasm.megolm_messages_per_second",
    ),
];

/// Measures; `--json` adds one object as the last line.
pub(super) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &["--json"])?;
    let mut all = BTreeMap::new();
    let mut learn = |place: &str, said: &str| {
        for (name, value) in numbers(said) {
            all.insert(format!("{place}.{name}"), value);
        }
    };
    learn("native", &native(workspace)?);
    learn("native", &peers(workspace)?);
    let module = wasm(workspace)?;
    let mut node = workspace.command("node");
    node.arg(workspace.path("benches/core.mjs")).arg(module);
    learn("wasm", &figures(node.arg("--json"))?);
    learn("wasm", &peers_as_wasm(workspace)?);
    for (name, ours, theirs) in RATIOS {
        if let (Some(ours), Some(theirs)) = (all.get(*ours), all.get(*theirs)) {
            let ratio = ours / theirs;
            println!("{name}: {ratio:.2}");
            all.insert((*name).to_owned(), ratio);
        }
    }
    if !arguments.is_empty() {
        let fields: Vec<_> = all
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value:.2}"))
            .collect();
        println!("{{{}}}", fields.join(","));
    }
    Ok(())
}

fn native(workspace: &Workspace) -> Outcome<String> {
    figures(
        workspace
            .cargo()
            .args(["bench", "--quiet", "--locked", "--package", "sottovoce"])
            .args(["--bench", "core", "--", "--json"]),
    )
}

/// A workspace of its own, so that none of it belongs to what Sottovoce is built from.
fn peers(workspace: &Workspace) -> Outcome<String> {
    let manifest = workspace.path("benches/peers/Cargo.toml");
    let folder = workspace.built("peers");
    let mut cargo = workspace.cargo();
    cargo
        .args(["run", "--quiet", "--locked", "--release", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(folder);
    figures(&mut cargo)
}

fn peers_as_wasm(workspace: &Workspace) -> Outcome<String> {
    let folder = workspace.built("peers").join("npm");
    std::fs::create_dir_all(&folder).during("making the peers' folder")?;
    for name in ["package.json", "package-lock.json"] {
        let from = workspace.path("benches/peers").join(name);
        std::fs::copy(from, folder.join(name)).during("copying what the peers are")?;
    }
    process::run(
        workspace
            .command("npm")
            .args([
                "ci",
                "--no-audit",
                "--no-fund",
                "--silent",
                "--ignore-scripts",
            ])
            .current_dir(&folder),
    )?;
    let mut node = workspace.command("node");
    node.arg(workspace.path("benches/peers/peers.mjs"))
        .arg(folder);
    figures(&mut node)
}

/// The numbers of an object of one level.
fn numbers(object: &str) -> Vec<(String, f64)> {
    object
        .trim()
        .trim_matches(['{', '}'])
        .split(',')
        .filter_map(|field| {
            let (name, value) = field.split_once(':')?;
            let value = value.trim().parse().ok()?;
            Some((name.trim().trim_matches('"').to_owned(), value))
        })
        .collect()
}

/// Builds the bench as browsers would get it; returns the path of a module for Node.js.
fn wasm(workspace: &Workspace) -> Outcome<String> {
    setup::rust_target(workspace)?;
    let tools = setup::wasm_bindgen(workspace)?;
    let told = process::read(
        workspace
            .cargo()
            .args(["rustc", "--quiet", "--locked", "--package", "sottovoce"])
            .args(["--bench", "core", "--profile", "wasm"])
            .args(["--target", "wasm32-unknown-unknown"])
            .arg("--message-format=json-render-diagnostics")
            .args(browser::LINKED),
    )?;
    let program = told
        .lines()
        .filter_map(|line| line.split_once("\"executable\":\"")?.1.split('"').next())
        .find(|path| path.ends_with(".wasm"))
        .ok_or("cargo named no wasm")?;
    let folder = workspace.built("bench");
    process::run(
        workspace
            .command(tools.join("wasm-bindgen"))
            .args([
                "--target",
                "experimental-nodejs-module",
                "--no-typescript",
                "--out-name",
                "core",
            ])
            .arg("--out-dir")
            .arg(&folder)
            .arg(program),
    )?;
    Ok(folder.join("core.js").to_string_lossy().into_owned())
}
