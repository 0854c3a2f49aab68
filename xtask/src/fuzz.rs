//! `cargo xtask fuzz`: libFuzzer over every decoder and over a client, from the vectors on.

use std::fs;

use crate::failure::{During, Outcome};
use crate::process;
use crate::workspace::Workspace;

const MANIFEST: &str = "fuzz/Cargo.toml";
const TARGETS: &str = "fuzz/targets";
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// What cargo-fuzz compiles with, but for the sanitizer: the core has no unsafe code, and so this works
/// with the project's own compiler.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1 \
     -Cdebug-assertions";

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let (minutes, names) = match arguments {
        [flag, minutes, names @ ..] if flag == "--minutes" => {
            (minutes.parse::<u64>().during("reading --minutes")?, names)
        }
        names => (1, names),
    };
    let mut targets = Vec::new();
    for entry in fs::read_dir(workspace.path(TARGETS)).during(format!("reading {TARGETS}"))? {
        let path = entry.during(format!("reading {TARGETS}"))?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if names.is_empty() || names.iter().any(|wanted| *wanted == *name) {
            targets.push(name.into_owned());
        }
    }
    targets.sort();
    if let Some(unknown) = names.iter().find(|name| !targets.contains(*name)) {
        return Err(format!("there is no target `{unknown}` in {TARGETS}").into());
    }
    process::run(
        workspace
            .cargo()
            .args(["build", "--release", "--locked", "--target", TRIPLE])
            .args(["--manifest-path", MANIFEST])
            .env("RUSTFLAGS", FLAGS),
    )?;
    let seeds = workspace.built("fuzz/seeds");
    fs::create_dir_all(&seeds).during("making a folder for seeds")?;
    process::run(
        workspace
            .cargo()
            .args(["test", "--quiet", "--locked", "--package", "sottovoce"])
            .args(["--test", "corpora"])
            .env("SOTTOVOCE_SEEDS", &seeds),
    )?;
    let mut found = Vec::new();
    for name in targets {
        println!("== {name}");
        // What it comes upon is kept beside the seeds, what harms it among the inputs that tests repeat.
        let (work, kept) = (
            workspace.built(&format!("fuzz/{name}")),
            workspace.path(&format!("fuzz/corpus/{name}")),
        );
        fs::create_dir_all(&work).during("making a folder for a corpus")?;
        fs::create_dir_all(&kept).during("making a folder for a corpus")?;
        let program = workspace.built(&format!("{TRIPLE}/release/{name}"));
        let mut command = workspace.command(program);
        command
            .args([&work, &seeds])
            .arg(format!("-max_total_time={}", minutes.saturating_mul(60)))
            .arg(format!("-artifact_prefix={}/", kept.display()))
            .args(["-max_len=16384", "-timeout=20", "-rss_limit_mb=4096"])
            .args(["-print_final_stats=1", "-verbosity=0"]);
        if process::run(&mut command).is_err() {
            found.push(name);
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        let names = found.join(", ");
        Err(format!("inputs that harm {names} are in fuzz/corpus").into())
    }
}
