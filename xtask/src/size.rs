//! `cargo xtask size`: what a browser has to load, file by file as a server compresses it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{During, Outcome, only};
use crate::workspace::Workspace;
use crate::{browser, process, setup};

/// What shall not be larger than so many bytes of brotli.
const BARS: [(&str, u64); 5] = [
    ("core", 90 * 1024),
    ("staff", 124 * 1024),
    ("launcher", 8 * 1024),
    ("widget", 125 * 1024),
    ("console", 165_000),
];

/// How the names of files begin that a console loads only when somebody opens them.
const SHEETS: [&str; 6] = [
    "forms-", "palette-", "help-", "search-", "replies-", "sheet-",
];

/// What loads together.
struct Part {
    key: &'static str,
    what: &'static str,
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, Default)]
struct Size {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// Builds, then measures. `--json` adds one object as the last line, `--check` fails above the bar.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &["--json", "--check"])?;
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    setup::programs(setup::TO_BUILD)?;
    browser::wasm(workspace)?;
    browser::pages(workspace)?;
    let sizes = print(workspace)?;
    if has("--json") {
        let fields: Vec<String> = sizes
            .iter()
            .map(|(key, size)| format!("\"{key}_brotli\":{}", size.brotli))
            .collect();
        println!("{{{}}}", fields.join(","));
    }
    if has("--check") { hold(&sizes) } else { Ok(()) }
}

/// Measures what is built and fails above the bar.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    hold(&print(workspace)?)
}

fn hold(sizes: &[(&'static str, Size)]) -> Outcome {
    for (bar, most) in BARS {
        let measured = sizes.iter().find(|(key, _)| *key == bar);
        let (_, size) = measured.ok_or("something was not measured")?;
        if size.brotli > most {
            let found = size.brotli;
            return Err(format!("{bar}: {found} bytes of brotli, the most is {most}").into());
        }
    }
    Ok(())
}

fn print(workspace: &Workspace) -> Outcome<Vec<(&'static str, Size)>> {
    println!("{:<34}{:>10}{:>10}{:>10}", "", "raw", "gzip", "brotli");
    let mut sizes = Vec::new();
    for part in parts(workspace)? {
        let size = measure(workspace, &part.files)?;
        println!(
            "{:<34}{:>10}{:>10}{:>10}",
            part.what, size.raw, size.gzip, size.brotli
        );
        sizes.push((part.key, size));
    }
    Ok(sizes)
}

fn parts(workspace: &Workspace) -> Outcome<Vec<Part>> {
    let core = |who: &str| {
        let folder = workspace.path("pkg/dist/wasm").join(who);
        vec![
            folder.join("sottovoce_bg.wasm"),
            folder.join("sottovoce.js"),
        ]
    };
    let widget = workspace.path("www/dist/widget");
    let console = workspace.path("www/dist/console");
    Ok(vec![
        Part {
            key: "core",
            what: "core for visitors: wasm and glue",
            files: core("visitor"),
        },
        Part {
            key: "staff",
            what: "core for staff: wasm and glue",
            files: core("staff"),
        },
        Part {
            key: "launcher",
            what: "launcher",
            files: vec![widget.join("loader.js")],
        },
        Part {
            key: "widget",
            what: "opened widget, all that it loads",
            files: named(&widget, &["language-"], false)?,
        },
        Part {
            key: "languages",
            what: "its languages but English, all three",
            files: named(&widget, &["language-"], true)?,
        },
        Part {
            key: "console",
            what: "console, all that it loads at first",
            files: named(&console, &[&["settings-"], &SHEETS[..]].concat(), false)?,
        },
        Part {
            key: "settings",
            what: "console, security settings besides",
            files: named(&console, &["settings-"], true)?,
        },
        Part {
            key: "sheets",
            what: "console, palette, search and more",
            files: named(&console, &SHEETS, true)?,
        },
    ])
}

/// What a page loads whose name begins so, which is what it loads only when it is asked for, or the rest.
fn named(folder: &Path, starts: &[&str], those: bool) -> Outcome<Vec<PathBuf>> {
    let mut files = loaded(folder)?;
    files.retain(|file| {
        let name = file.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| starts.iter().any(|start| name.starts_with(start))) == those
    });
    Ok(files)
}

/// Pages, scripts, styles and wasm in a folder and below.
fn loaded(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let reading = || format!("reading {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).during(reading())? {
        let path = entry.during(reading())?.path();
        if path.is_dir() {
            files.extend(loaded(&path)?);
        } else if path.extension().is_some_and(|kind| {
            ["html", "js", "css", "wasm"]
                .iter()
                .any(|known| kind == *known)
        }) {
            files.push(path);
        }
    }
    Ok(files)
}

fn measure(workspace: &Workspace, files: &[PathBuf]) -> Outcome<Size> {
    let sizes = process::read(
        workspace
            .command("node")
            .arg(workspace.path("xtask/src/compressed.mjs"))
            .args(files),
    )?;
    let mut sum = Size::default();
    for line in sizes.lines() {
        let mut numbers = line.split(' ').map(str::parse::<u64>);
        let mut next = || numbers.next().and_then(Result::ok).ok_or("no number");
        sum.raw += next()?;
        sum.gzip += next()?;
        sum.brotli += next()?;
    }
    Ok(sum)
}
