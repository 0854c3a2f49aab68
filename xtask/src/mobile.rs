//! The bindings for Kotlin and Swift.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::path::PathBuf;
use std::process::Command;

use crate::failure::Outcome;
use crate::workspace::Workspace;
use crate::{process, programs};

/// Maven, told where the programs are that its tests need.
pub(crate) fn maven(workspace: &Workspace) -> Outcome<Command> {
    programs::build(workspace)?;
    let (library, bindgen) = build(workspace)?;
    let mut maven = workspace.command("mvn");
    maven.args(["--batch-mode", "--file", "uniffi/kotlin"]);
    for (name, path) in [
        ("library", library),
        ("bindgen", bindgen),
        ("binary", programs::sottovoce(workspace)),
    ] {
        let path = path
            .to_str()
            .ok_or("the build folder's path is not UTF-8")?;
        maven.arg(format!("-Dsottovoce.{name}={path}"));
    }
    Ok(maven)
}

/// Writes the Swift side, and has a C compiler read the header that it stands on. Its Swift is
/// compiled on Apple's systems only.
pub(crate) fn swift(workspace: &Workspace) -> Outcome {
    let (library, bindgen) = build(workspace)?;
    let folder = workspace.built("swift");
    process::run(
        workspace
            .command(bindgen)
            .args(["generate", "--language", "swift", "--no-format"])
            .arg("--out-dir")
            .arg(&folder)
            .arg(library),
    )?;
    process::run(
        workspace
            .command("cc")
            // Only Clang knows these words.
            .args([
                "-fsyntax-only",
                "-Wall",
                "-Werror",
                "-D_Nonnull=",
                "-D_Nullable=",
                "-include",
            ])
            .arg(folder.join("SottovoceFFI.h"))
            .args(["-x", "c", "/dev/null"]),
    )?;
    if folder.join("Sottovoce.swift").is_file() {
        Ok(())
    } else {
        Err("no Sottovoce.swift was written".into())
    }
}

/// Builds the native library, and the program that writes the other side of it.
fn build(workspace: &Workspace) -> Outcome<(PathBuf, PathBuf)> {
    process::run(workspace.cargo().args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        "sottovoce-uniffi",
        "--features",
        "bindgen",
    ]))?;
    let built = workspace.built("debug");
    Ok((
        built.join(format!("{DLL_PREFIX}sottovoce_uniffi{DLL_SUFFIX}")),
        built.join(format!("uniffi-bindgen{EXE_SUFFIX}")),
    ))
}
