//! Where things are: the clone, the cache of tools, the build folder.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{During, Outcome};

/// The clone that the command works on.
pub(crate) struct Workspace {
    root: PathBuf,
    cache: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the clone, and a cache folder outside of it.
    pub(crate) fn locate() -> Outcome<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .parent()
            .ok_or("xtask has no folder above it")?
            .to_path_buf();
        let cache = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
            .ok_or("neither XDG_CACHE_HOME nor HOME is set")?
            .join("sottovoce");
        // CI starts from a fresh clone each time; what it built before is worth keeping.
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => root.join(target),
            None if in_ci() => cache.join("target"),
            None => root.join("target"),
        };
        Ok(Self {
            root,
            cache,
            target,
        })
    }

    /// Something in the clone.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Something that cargo built.
    pub(crate) fn built(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// The folder of a tool of one version, shared by all clones.
    pub(crate) fn tool(&self, name: &str, version: &str) -> PathBuf {
        self.cache.join("tools").join(format!("{name}-{version}"))
    }

    /// The clone's lock file.
    pub(crate) fn lock(&self) -> Outcome<String> {
        std::fs::read_to_string(self.path("Cargo.lock")).during("reading Cargo.lock")
    }

    /// A program to be run at the top of the clone, without standard input.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .stdin(Stdio::null());
        if in_ci() {
            // What nobody edits is not compiled in pieces: that would take twice the room.
            command.env("CARGO_INCREMENTAL", "0");
            command.env("npm_config_cache", self.cache.join("npm"));
        }
        // `cargo run` describes this program to its children; build scripts that look at such
        // variables would take every second build for a new one.
        for (name, _) in env::vars_os() {
            if describes_this_program(&name) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Cargo, the one that runs this program.
    pub(crate) fn cargo(&self) -> Command {
        self.command(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
    }
}

/// Whether nobody watches.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

fn describes_this_program(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || name.starts_with("CARGO_BIN_")
            || matches!(
                name,
                "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR"
            )
    })
}
