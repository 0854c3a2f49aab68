//! Installs what the other commands need: with `apt-get` on Debian as root, otherwise it says what
//! is missing. Cargo's tools go to a cache folder outside of the clone, npm's into `node_modules`.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::failure::{During, Failure, Outcome, only};
use crate::process;
use crate::workspace::Workspace;

const NATS_SERVER: &str = "2.15.2";
const GECKODRIVER: &str = "0.37.1";
const WASM_PACK: &str = "0.15.1";
const VERIFPAL: &str = "1.6.7";
const CARGO_DENY: &str = "0.20.2";
const NODE: u32 = 20;
const JAVA: u32 = 17;
/// Verifies Ed25519 signatures in the Python tests.
const CRYPTOGRAPHY: &str = "50.0.2";
const SCHEMATHESIS: &str = "4.32.5";
const POSTGRES: u32 = 15;

/// One language of each script that the tests write, as fontconfig names it; the last is emoji.
const SCRIPTS: [&str; 12] = [
    "en", "ar", "he", "hi", "th", "el", "ru", "ka", "ja", "zh-cn", "ko", "und-zsye",
];

/// What a command cannot do without.
pub(crate) struct Need {
    what: &'static str,
    packages: &'static [&'static str],
    is_met: fn() -> bool,
}

/// Builds the wasm and the pages.
const NODE_JS: Need = Need {
    what: "Node.js 20 or newer, with npm",
    packages: &["nodejs", "npm"],
    is_met: || major("node", "--version") >= Some(NODE) && process::find("npm").is_some(),
};

/// Compiles C, for SQLite and TLS.
const COMPILER: Need = Need {
    what: "a C compiler",
    packages: &["build-essential"],
    is_met: || process::find("cc").is_some(),
};

/// Opens the pages.
const CHROMIUM: Need = Need {
    what: "Chromium",
    packages: &["chromium"],
    is_met: || process::find("chromium").is_some(),
};

/// Lets `wasm-pack` drive it.
const CHROMEDRIVER: Need = Need {
    what: "ChromeDriver",
    packages: &["chromium-driver"],
    is_met: || process::find("chromedriver").is_some(),
};

/// Opens the same pages; `geckodriver` drives it.
const FIREFOX: Need = Need {
    what: "Firefox",
    packages: &["firefox-esr"],
    is_met: || firefox().is_some(),
};

/// Opens them as Safari's relative does.
const WEBKIT: Need = Need {
    what: "WebKitGTK with MiniBrowser and its WebDriver (Debian and its relatives have it)",
    packages: &["webkit2gtk-driver", "libwebkit2gtk-4.1-0"],
    is_met: || process::find("WebKitWebDriver").is_some() && mini_browser().is_some(),
};

/// A screen for it that nobody sees.
const XVFB: Need = Need {
    what: "Xvfb",
    packages: &["xvfb"],
    is_met: || process::find("Xvfb").is_some(),
};

/// Show what the tests write.
const FONTS: Need = Need {
    what: "fonts for Latin, Arabic, Hebrew, Devanagari, Thai, Greek, Cyrillic, Georgian, \
           Japanese, Chinese, Korean and emoji",
    packages: &[
        "fontconfig",
        "fonts-noto-core",
        "fonts-noto-cjk",
        "fonts-noto-color-emoji",
    ],
    is_met: has_fonts,
};

/// Runs the Kotlin tests.
const JDK: Need = Need {
    what: "a JDK, 17 or newer",
    packages: &["default-jdk-headless"],
    is_met: || major("javac", "-version") >= Some(JAVA),
};

/// Builds them.
const MAVEN: Need = Need {
    what: "Maven",
    packages: &["maven"],
    is_met: || process::find("mvn").is_some(),
};

/// Runs the tests of what integrators use in Python.
const PYTHON: Need = Need {
    what: "Python 3.9 or newer, with venv",
    packages: &["python3", "python3-venv"],
    is_met: has_python,
};

/// Runs private servers for the tests; the system's own is left alone.
const POSTGRESQL: Need = Need {
    what: "PostgreSQL 15 or newer",
    packages: &["postgresql"],
    is_met: has_postgresql,
};

/// Compiles the NATS server: Debian's is too old to synchronise every message.
const GO: Need = Need {
    what: "Go, 1.21 or newer",
    packages: &["golang-go"],
    is_met: || process::find("go").is_some(),
};

/// Is measured beside the relay; started privately, the system's own is left alone.
const REDIS: Need = Need {
    what: "redis-server",
    packages: &["redis-server"],
    is_met: || process::find("redis-server").is_some(),
};

/// Carries hints between the tests' relays.
const NATS: Need = Need {
    what: "nats-server",
    packages: &["nats-server"],
    is_met: || process::find("nats-server").is_some(),
};

/// Stands in for a hardware token; the tests make tokens of their own.
const SOFTHSM: Need = Need {
    what: "SoftHSM 2",
    packages: &["softhsm2"],
    is_met: || process::find("softhsm2-util").is_some(),
};

/// For building the wasm and the pages.
pub(crate) const TO_BUILD: &[Need] = &[COMPILER, NODE_JS];
/// For driving the pages as well.
pub(crate) const TO_BROWSE: &[Need] = &[COMPILER, NODE_JS, CHROMIUM, FONTS];
/// For kills under load.
pub(crate) const TO_CRASH: &[Need] = &[COMPILER, POSTGRESQL];
/// For kills of a NATS server as well.
pub(crate) const TO_COMPILE_NATS: &[Need] = &[GO];
/// For measuring a relay beside its peers.
pub(crate) const TO_COMPARE: &[Need] = &[COMPILER, POSTGRESQL, REDIS, GO];
/// For all tests.
pub(crate) const TO_TEST: &[Need] = &[
    COMPILER,
    NODE_JS,
    CHROMIUM,
    CHROMEDRIVER,
    FIREFOX,
    WEBKIT,
    XVFB,
    FONTS,
    JDK,
    MAVEN,
    POSTGRESQL,
    NATS,
    PYTHON,
    SOFTHSM,
];

/// `cargo xtask setup`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    everything(workspace)?;
    println!("everything is there");
    Ok(())
}

/// Installs all that any command needs.
pub(crate) fn everything(workspace: &Workspace) -> Outcome {
    programs(TO_TEST)?;
    rust_target(workspace)?;
    wasm_bindgen(workspace)?;
    wasm_pack(workspace)?;
    geckodriver(workspace)?;
    python(workspace)?;
    schemathesis(workspace)?;
    npm(workspace)
}

/// Makes sure that these programs are there.
pub(crate) fn programs(needs: &[Need]) -> Outcome {
    let missing = || needs.iter().filter(|need| !(need.is_met)());
    let packages: Vec<&str> = missing().flat_map(|need| need.packages).copied().collect();
    if packages.is_empty() {
        return Ok(());
    }
    if process::find("apt-get").is_some() && is_root() {
        println!("installing {}", packages.join(" "));
        apt(&["update", "-q"])?;
        let mut install = vec!["install", "-q", "-y", "--no-install-recommends"];
        install.extend(&packages);
        apt(&install)?;
    }
    let still: Vec<&str> = missing().map(|need| need.what).collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(Failure::Because(format!(
        "missing: {}. Install it and try again; on Debian: sudo apt-get install {}",
        still.join("; "),
        packages.join(" ")
    )))
}

/// Makes sure that the pinned toolchain can compile for browsers, the standard library as well.
pub(crate) fn rust_target(workspace: &Workspace) -> Outcome {
    let library = process::read(workspace.command("rustc").args(["--print", "sysroot"]))?;
    let library = Path::new(library.trim()).join("lib/rustlib");
    if library.join("wasm32-unknown-unknown").is_dir() && library.join("src/rust/library").is_dir()
    {
        return Ok(());
    }
    process::run(workspace.command("rustup").args(["toolchain", "install"]))
}

/// Makes sure that `wasm-bindgen` of the locked version is there, and returns its folder.
pub(crate) fn wasm_bindgen(workspace: &Workspace) -> Outcome<std::path::PathBuf> {
    let lock = workspace.lock()?;
    let version = locked(&lock, "wasm-bindgen").ok_or("Cargo.lock names no wasm-bindgen")?;
    cargo_tool(workspace, "wasm-bindgen-cli", "wasm-bindgen", version)
}

/// Makes sure that `wasm-pack` is there, and returns its folder.
pub(crate) fn wasm_pack(workspace: &Workspace) -> Outcome<std::path::PathBuf> {
    cargo_tool(workspace, "wasm-pack", "wasm-pack", WASM_PACK)
}

/// Makes sure that `geckodriver` is there, and returns its folder.
pub(crate) fn geckodriver(workspace: &Workspace) -> Outcome<std::path::PathBuf> {
    cargo_tool(workspace, "geckodriver", "geckodriver", GECKODRIVER)
}

/// Firefox, by the names that systems give it.
pub(crate) fn firefox() -> Option<std::path::PathBuf> {
    process::find("firefox-esr").or_else(|| process::find("firefox"))
}

/// The browser that comes with `WebKitGTK`, which keeps it out of the `PATH`.
pub(crate) fn mini_browser() -> Option<std::path::PathBuf> {
    let libraries = fs::read_dir("/usr/lib").into_iter().flatten();
    let multiarch = libraries
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("webkit2gtk-4.1/MiniBrowser"));
    [
        "/usr/libexec/webkit2gtk-4.1/MiniBrowser",
        "/usr/lib/webkit2gtk-4.1/MiniBrowser",
    ]
    .into_iter()
    .map(std::path::PathBuf::from)
    .chain(multiarch)
    .find(|path| path.is_file())
}

/// Makes sure that `cargo-deny` is there, and returns its folder.
pub(crate) fn cargo_deny(workspace: &Workspace) -> Outcome<std::path::PathBuf> {
    cargo_tool(workspace, "cargo-deny", "cargo-deny", CARGO_DENY)
}

/// Makes sure that Verifpal is there, and returns its folder.
pub(crate) fn verifpal(workspace: &Workspace) -> Outcome<std::path::PathBuf> {
    cargo_tool(workspace, "verifpal", "verifpal", VERIFPAL)
}

/// A Python with the packages that the tests need, in a folder of its own.
pub(crate) fn python(workspace: &Workspace) -> Outcome<std::path::PathBuf> {
    let root = python_with(workspace, "cryptography", CRYPTOGRAPHY)?;
    Ok(root.join("bin/python3"))
}

/// Schemathesis, which holds an API against its description, in a folder of its own.
pub(crate) fn schemathesis(workspace: &Workspace) -> Outcome<std::path::PathBuf> {
    let root = python_with(workspace, "schemathesis", SCHEMATHESIS)?;
    Ok(root.join("bin/st"))
}

/// A folder with a Python that has a package.
fn python_with(workspace: &Workspace, package: &str, version: &str) -> Outcome<std::path::PathBuf> {
    let root = workspace.tool(&format!("python-{package}"), version);
    let python = root.join("bin/python3");
    // Written last: what was cut short is made again.
    let complete = root.join("complete");
    if !complete.is_file() {
        println!("installing {package} {version} for Python");
        process::run(
            workspace
                .command("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&root),
        )?;
        process::run(
            workspace
                .command(&python)
                .args(["-m", "pip", "install", "--quiet"])
                .args(["--disable-pip-version-check", "--only-binary=:all:"])
                .arg(format!("{package}=={version}")),
        )?;
        fs::write(&complete, []).during("finishing the Python folder")?;
    }
    Ok(root)
}

/// Makes sure that `nats-server` is there, from the Go module proxy, and returns it.
pub(crate) fn nats_server(workspace: &Workspace) -> Outcome<std::path::PathBuf> {
    let root = workspace.tool("nats-server", NATS_SERVER);
    let program = root.join("bin").join("nats-server");
    if !program.is_file() {
        println!("installing nats-server {NATS_SERVER}");
        let build = root.join("build");
        process::run(
            workspace
                .command("go")
                .arg("install")
                .arg(format!("github.com/nats-io/nats-server/v2@v{NATS_SERVER}"))
                .env("GOBIN", root.join("bin"))
                .env("GOPATH", &build)
                // Or nothing of it could be removed.
                .env("GOFLAGS", "-modcacherw"),
        )?;
        fs::remove_dir_all(&build).during("removing the tool's build folder")?;
    }
    Ok(program)
}

/// Makes sure that `node_modules` is what the lock file says.
pub(crate) fn npm(workspace: &Workspace) -> Outcome {
    let modified = |path: &str| {
        fs::metadata(workspace.path(path))
            .and_then(|data| data.modified())
            .ok()
    };
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_some() && installed >= modified("package-lock.json") {
        return Ok(());
    }
    process::run(
        workspace
            .command("npm")
            .args(["ci", "--no-audit", "--no-fund"]),
    )
}

fn cargo_tool(
    workspace: &Workspace,
    package: &str,
    binary: &str,
    version: &str,
) -> Outcome<std::path::PathBuf> {
    let root = workspace.tool(package, version);
    let folder = root.join("bin");
    if !folder.join(binary).is_file() {
        println!("installing {package} {version}");
        let build = root.join("build");
        process::run(
            workspace
                .cargo()
                .args(["install", "--locked", "--quiet", package, "--version"])
                .arg(format!("={version}"))
                .arg("--root")
                .arg(&root)
                .env("CARGO_TARGET_DIR", &build),
        )?;
        fs::remove_dir_all(&build).during("removing the tool's build folder")?;
    }
    Ok(folder)
}

/// The version of a package in a lock file.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let mut lines = lock.lines();
    let name = format!("name = \"{package}\"");
    lines.find(|line| **line == *name)?;
    lines
        .next()?
        .strip_prefix("version = \"")?
        .strip_suffix('"')
}

fn apt(arguments: &[&str]) -> Outcome {
    process::run(
        Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // In this runlevel Debian starts no service that it has just installed.
            .env("RUNLEVEL", "1")
            .stdin(std::process::Stdio::null()),
    )
}

fn is_root() -> bool {
    process::read(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Debian keeps the server's programs out of the `PATH`.
fn has_postgresql() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .max();
    newest.or_else(|| major("postgres", "--version")) >= Some(POSTGRES)
}

fn has_fonts() -> bool {
    process::find("fc-list").is_some()
        && SCRIPTS.iter().all(|script| {
            process::read(Command::new("fc-list").arg(format!(":lang={script}")))
                .is_ok_and(|fonts| !fonts.trim().is_empty())
        })
}

fn has_python() -> bool {
    process::find("python3").is_some()
        && process::read(Command::new("python3").args([
            "-c",
            "import ensurepip, sys, venv; print(sys.version_info >= (3, 9))",
        ]))
        .is_ok_and(|said| said.trim() == "True")
}

/// The first number in what a program says of its version.
fn major(program: &str, argument: &str) -> Option<u32> {
    process::find(program)?;
    let said = process::read(Command::new(program).arg(argument)).ok()?;
    said.split(|c: char| !c.is_ascii_digit())
        .find(|digits| !digits.is_empty())?
        .parse()
        .ok()
}

/// The `PATH` with more folders before it.
pub(crate) fn path_with(folders: &[std::path::PathBuf]) -> Outcome<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(folders.iter().cloned().chain(env::split_paths(&path)))
        .during("adding the tools to PATH")
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn a_locked_version_is_that_of_the_package_with_exactly_this_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
            [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.9\"\n";
        assert_eq!(locked(lock, "wasm-bindgen"), Some("0.2.9"));
        assert_eq!(locked(lock, "wasm"), None);
    }
}
