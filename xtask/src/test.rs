//! Everything that has to hold, in stages, with one count at the end.

use std::process::Command;
use std::time::Instant;

use crate::failure::{Failure, Outcome};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{api, browser, demo, lint, mobile, process, programs, promises, setup, size};

/// One line of the summary.
struct Stage {
    name: &'static str,
    what: Kind,
}

enum Kind {
    /// It works or it does not.
    Step(fn(&Workspace) -> Outcome),
    /// It counts, and has to count something.
    Tests(fn(&Workspace) -> Outcome<Tally>),
}

const STAGES: &[Stage] = &[
    step("lint", lint::check),
    tests("rust", rust),
    step("promises", promises::check),
    tests("postgres", postgres),
    step("build", build),
    step("api", api::check),
    step("size", size::check),
    tests("wasm", wasm),
    tests("pages", pages),
    tests("browsers", browsers),
    tests("consumers", consumers),
    tests("python", python),
    tests("kotlin", kotlin),
    step("swift", mobile::swift),
    tests("demo", demo::check),
];

/// Tests of the relay whose scene may be on either database.
const ON_POSTGRES: [&str; 11] = [
    "append",
    "bans",
    "conversation",
    "handshake",
    "limits",
    "log",
    "publish",
    "push",
    "rest",
    "resume",
    "webhooks",
];

const fn step(name: &'static str, run: fn(&Workspace) -> Outcome) -> Stage {
    Stage {
        name,
        what: Kind::Step(run),
    }
}

const fn tests(name: &'static str, run: fn(&Workspace) -> Outcome<Tally>) -> Stage {
    Stage {
        name,
        what: Kind::Tests(run),
    }
}

/// `cargo xtask test`: its last line is `N passed, N failed`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments
        .iter()
        .find(|name| STAGES.iter().all(|stage| stage.name != name.as_str()))
    {
        let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
        return Err(format!("no stage `{unknown}`; there are: {}", names.join(", ")).into());
    }
    let mut sum = Tally::default();
    let mut lines = Vec::new();
    let mut perform = |name: &str, run: &dyn Fn() -> Outcome<Tally>| {
        println!("== {name}");
        let start = Instant::now();
        let (tally, word) = match run() {
            Ok(tally) if tally.failed == 0 => (tally, "ok"),
            Ok(tally) => (tally, "FAILED"),
            Err(failure) => {
                eprintln!("error: {failure}");
                (
                    Tally {
                        passed: 0,
                        failed: 1,
                    },
                    "FAILED",
                )
            }
        };
        sum += tally;
        let line = format!(
            "== {name:<9}{word:<8}{:>5} passed {:>3} failed {:>7.1} s",
            tally.passed,
            tally.failed,
            start.elapsed().as_secs_f64()
        );
        println!("{line}");
        lines.push(line);
        word == "ok"
    };
    let ready = perform("setup", &|| {
        setup::everything(workspace).map(|()| Tally::default())
    });
    if ready {
        for stage in STAGES {
            if arguments.is_empty() || arguments.iter().any(|name| name == stage.name) {
                perform(stage.name, &|| stage.run(workspace));
            }
        }
    }
    println!(
        "\n{}\n{} passed, {} failed",
        lines.join("\n"),
        sum.passed,
        sum.failed
    );
    if sum.failed == 0 {
        Ok(())
    } else {
        Err(Failure::Told)
    }
}

impl Stage {
    fn run(&self, workspace: &Workspace) -> Outcome<Tally> {
        match self.what {
            Kind::Step(run) => run(workspace).map(|()| Tally::default()),
            Kind::Tests(run) => match run(workspace)? {
                Tally {
                    passed: 0,
                    failed: 0,
                } => Err("no test ran".into()),
                tally => Ok(tally),
            },
        }
    }
}

fn rust(workspace: &Workspace) -> Outcome<Tally> {
    counted(
        workspace
            .cargo()
            .args(["test", "--locked", "--workspace", "--no-fail-fast"]),
    )
}

/// The tests of relay, vault and key manager once more, all that leave it open which database they are on.
fn postgres(workspace: &Workspace) -> Outcome<Tally> {
    let mut cargo = workspace.cargo();
    cargo
        .args(["test", "--locked", "--package", "sottovoce-relay"])
        .arg("--no-fail-fast")
        .env("SOTTOVOCE_TEST_STORE", "postgres");
    for test in ON_POSTGRES {
        cargo.args(["--test", test]);
    }
    let mut tally = counted(&mut cargo)?;
    let mut cargo = workspace.cargo();
    cargo
        .args(["test", "--locked", "--package", "sottovoce-system-tests"])
        .args(["--test", "vault", "--no-fail-fast"])
        .env("SOTTOVOCE_TEST_STORE", "postgres");
    tally += counted(&mut cargo)?;
    Ok(tally)
}

/// What the tests behind the Rust ones run: the programs and the pages.
fn build(workspace: &Workspace) -> Outcome {
    programs::build(workspace)?;
    browser::wasm(workspace)?;
    browser::pages(workspace)
}

fn wasm(workspace: &Workspace) -> Outcome<Tally> {
    let tools = [
        setup::wasm_bindgen(workspace)?,
        setup::wasm_pack(workspace)?,
    ];
    let driver = process::find("chromedriver").ok_or("chromedriver is not on the PATH")?;
    counted(
        workspace
            .command("wasm-pack")
            .args(["test", "--headless", "--chrome", "--mode", "no-install"])
            .arg("--chromedriver")
            .arg(driver)
            .args([".", "--locked", "--package", "sottovoce", "--lib"])
            .args(["--test", "vectors"])
            .env("PATH", setup::path_with(&tools)?),
    )
}

fn pages(workspace: &Workspace) -> Outcome<Tally> {
    counted(&mut programs::tester(
        workspace,
        "npm",
        &["run", "--silent", "test"],
    )?)
}

/// The conversation from end to end in Chromium, Firefox and `WebKit`.
fn browsers(workspace: &Workspace) -> Outcome<Tally> {
    let geckodriver = setup::geckodriver(workspace)?.join("geckodriver");
    let tests = "tests/browsers/conversation.test.mjs";
    let mut node = programs::tester(workspace, "node", &["--test", tests])?;
    node.env("GECKODRIVER", geckodriver)
        .env("FIREFOX", setup::firefox().ok_or("there is no Firefox")?)
        .env(
            "MINIBROWSER",
            setup::mini_browser().ok_or("there is no MiniBrowser")?,
        );
    counted(&mut node)
}

/// The packed npm package in projects of their own.
fn consumers(workspace: &Workspace) -> Outcome<Tally> {
    let tests = "tests/consumers/consumers.test.mjs";
    counted(&mut programs::tester(
        workspace,
        "node",
        &["--test", tests],
    )?)
}

fn python(workspace: &Workspace) -> Outcome<Tally> {
    let python = setup::python(workspace)?;
    let tests = workspace.path("webhooks/python/tests/test_vectors.py");
    counted(workspace.command(python).arg(tests))
}

fn kotlin(workspace: &Workspace) -> Outcome<Tally> {
    counted(mobile::maven(workspace)?.arg("test"))
}

/// Runs a test runner and counts. One that fails without a failed test has failed once.
fn counted(command: &mut Command) -> Outcome<Tally> {
    let (status, output) = process::tee(command)?;
    promises::passed(&output);
    let mut tally = Tally::of(&output);
    if !status.success() && tally.failed == 0 {
        eprintln!("`{}` failed ({status})", process::named(command));
        tally.failed = 1;
    }
    Ok(tally)
}
