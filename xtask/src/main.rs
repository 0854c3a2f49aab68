//! `cargo xtask`: every developer command. CI runs these and nothing else.

mod administrator;
mod api;
mod arrangement;
mod bench;
mod browser;
mod children;
mod demo;
mod failure;
mod fuzz;
mod glue;
mod lint;
mod load;
mod mobile;
mod model;
mod process;
mod programs;
mod promises;
mod reproduce;
mod screenshots;
mod setup;
mod size;
mod supply;
mod tally;
mod test;
mod vectors;
mod workspace;

use std::process::ExitCode;

use failure::Outcome;
use workspace::Workspace;

const HELP: &str = "\
cargo xtask <command>

  demo [--data DIR]   build everything, start it on this machine and print the addresses
  demo --check        the same on free ports, driven by headless browsers; screenshots in target/demo
       --level L      both at level transport, storage or e2ee (the default); the vault and the key
                      manager that it needs run as well: --keys internal|external, --archive none|external
  test [STAGE ...]    install what is missing, check and test everything, or only the stages named
  lint                formatting, clippy for the host and the browser, type checks
  size [--json] [--check]
                      bytes that a browser loads: raw, gzip, brotli; --check fails above the bar
  bench core [--json] speed of the core on this machine, natively and as wasm, beside other libraries
  bench web [--json]  how long the widget keeps a slow phone busy
  bench relay [--quick] [--json]
                      a relay under load, beside NATS JetStream and Redis Streams
  bench keys [--json] what a key manager answers, how long an archived transcript takes, what encryption costs a vault
  crash [--rounds N] [--store sqlite|postgres] [--nodes N] [--nats]
        [--away SECONDS] [--seed N] [--report FILE]
                      kills under load; every acknowledged message must be there, once, in order
  model               Verifpal looks for attacks on the models in docs/model; each must be as it says
  deny                licences, sources and known faults of what this is built from
  promises            whether the threat model's promises have the tests that it names
  reproduce           builds the last commit in two folders and compares what browsers load, byte by byte
  screenshots         the widget in every state and width, in target/screenshots
  vectors [--check]   write tests/vectors/*.json from fixed inputs and docs/sottovoce.cddl from SPEC, or compare
  fuzz [--minutes N] [TARGET ...]
                      every decoder and a client among arbitrary bytes, a minute or N for each; what harms one is kept
  build               the wasm, the npm package and the pages
  setup               install what is missing, nothing else
  help                this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                eprintln!("error: {failure}");
            }
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Outcome {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    if matches!(command, "help" | "--help" | "-h") {
        print!("{HELP}");
        return Ok(());
    }
    let run: fn(&Workspace, &[String]) -> Outcome = match command {
        "demo" => demo::run,
        "test" => test::run,
        "lint" => lint::run,
        "build" => browser::run,
        "size" => size::run,
        "bench" => bench::run,
        "crash" => load::crash,
        "model" => model::run,
        "deny" => supply::run,
        "promises" => promises::run,
        "reproduce" => reproduce::run,
        "screenshots" => screenshots::run,
        "setup" => setup::run,
        "vectors" => vectors::run,
        "fuzz" => fuzz::run,
        unknown => {
            eprint!("{HELP}");
            return Err(format!("there is no command `{unknown}`").into());
        }
    };
    run(&Workspace::locate()?, rest)
}
