//! Load on a relay and faults under it: `cargo xtask bench relay` and `cargo xtask crash`. Both run
//! `sottovoce-load`, built in release as what it loads.

use std::process::Command;

use crate::failure::{Outcome, only};
use crate::workspace::Workspace;
use crate::{process, setup};

/// `cargo xtask bench relay [--quick] [--json]`.
pub(crate) fn bench(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &["--quick", "--json"])?;
    setup::programs(setup::TO_COMPARE)?;
    let nats = setup::nats_server(workspace)?;
    let redis = process::find("redis-server").ok_or("redis-server is not on the PATH")?;
    process::run(
        generator(workspace, "bench")?
            .arg("--nats-server")
            .arg(nats)
            .arg("--redis-server")
            .arg(redis)
            .args(arguments),
    )
}

/// `cargo xtask crash [--rounds N] [--store sqlite|postgres] [--nodes N] [--nats] [--away SECONDS] [--seed N]
/// [--report FILE]`.
pub(crate) fn crash(workspace: &Workspace, arguments: &[String]) -> Outcome {
    setup::programs(setup::TO_CRASH)?;
    let (nats, rest): (Vec<_>, Vec<_>) = arguments.iter().partition(|text| *text == "--nats");
    let mut generator = generator(workspace, "crash")?;
    if !nats.is_empty() {
        setup::programs(setup::TO_COMPILE_NATS)?;
        generator
            .arg("--nats-server")
            .arg(setup::nats_server(workspace)?);
    }
    process::run(generator.args(rest))
}

/// The generator, told where the relay is.
fn generator(workspace: &Workspace, command: &str) -> Outcome<Command> {
    process::run(workspace.cargo().args([
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        "sottovoce-load",
    ]))?;
    let program = |name: &str| {
        workspace
            .built("release")
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    };
    let mut generator = workspace.command(program("sottovoce-load"));
    generator
        .arg(command)
        .arg("--relay")
        .arg(program("relay-under-load"));
    Ok(generator)
}
