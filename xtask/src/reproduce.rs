//! `cargo xtask reproduce`: builds the last commit in two folders, and compares every file of the package and the pages byte
//! by byte. Whoever builds the commit that a package names has to get what it holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{During, Outcome, only};
use crate::process;
use crate::workspace::Workspace;

/// Names of different lengths: what remembers where it was built differs.
const PLACES: [&str; 2] = ["one", "another place"];

/// What is compared.
const BUILT: [&str; 2] = ["pkg/dist", "www/dist"];

/// What the package says of itself.
const HASHES: &str = "pkg/dist/integrity.json";

/// Builds twice and compares.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    let root = std::env::temp_dir().join(format!("sottovoce-reproduce-{}", std::process::id()));
    let compared = build_both(workspace, &root);
    fs::remove_dir_all(&root).during("removing the two folders")?;
    compared
}

fn build_both(workspace: &Workspace, root: &Path) -> Outcome {
    let mut builds = Vec::new();
    for place in PLACES {
        let clone = root.join(place);
        process::run(
            workspace
                .command("git")
                .args(["clone", "--quiet", "--no-hardlinks", "."])
                .arg(&clone),
        )?;
        println!("building in {}", clone.display());
        process::run(
            workspace
                .command("cargo")
                .args(["xtask", "build"])
                .current_dir(&clone)
                .env("CARGO_TARGET_DIR", clone.join("target")),
        )?;
        let mut files = BTreeMap::new();
        for built in BUILT {
            collect(&clone, &clone.join(built), &mut files)?;
        }
        builds.push(files);
        // Two target folders at once would be gigabytes.
        fs::remove_dir_all(clone.join("target")).during("removing what was built")?;
    }
    let [one, other] = builds.as_slice() else {
        return Err("there were not two builds".into());
    };
    let names = one.keys().chain(other.keys());
    let mut different: Vec<_> = names
        .filter(|name| one.get(*name) != other.get(*name))
        .collect();
    different.dedup();
    for name in &different {
        println!("differs: {}", name.display());
    }
    if !different.is_empty() {
        return Err("the two builds differ".into());
    }
    println!("{} files are the same in both", one.len());
    if let Some(hashes) = one.get(Path::new(HASHES)) {
        print!("{}", String::from_utf8_lossy(hashes));
    }
    Ok(())
}

/// Reads all files below a folder, by their path in the clone.
fn collect(clone: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Outcome {
    for entry in fs::read_dir(folder).during(folder.display())? {
        let path = entry.during(folder.display())?.path();
        if path.is_dir() {
            collect(clone, &path, files)?;
        } else {
            let name = path.strip_prefix(clone).during(path.display())?.to_owned();
            files.insert(name, fs::read(&path).during(path.display())?);
        }
    }
    Ok(())
}
