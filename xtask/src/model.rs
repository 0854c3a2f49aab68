//! `cargo xtask model`: has Verifpal look for attacks on every model in `docs/model`, and holds what it finds against what the
//! model says that it must.

use std::fs;
use std::path::PathBuf;

use crate::failure::{During, Outcome, only};
use crate::workspace::Workspace;
use crate::{process, setup};

/// What stands before the verdicts that a model must have: `c` or `a` and 1 or 0 for each query, confidentiality or
/// authentication, broken or not.
const EXPECTED: &str = "// Expected: ";

/// Checks all models.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    let verifpal = setup::verifpal(workspace)?.join("verifpal");
    let mut different = 0;
    for path in models(workspace)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path).during(path.display())?;
        let expected = text
            .lines()
            .find_map(|line| line.strip_prefix(EXPECTED))
            .ok_or_else(|| format!("{name} does not say what is expected"))?;
        let said = process::read(
            workspace
                .command(&verifpal)
                .arg("verify")
                .arg(&path)
                .arg("--result-code"),
        )?;
        let found = said.lines().last().unwrap_or_default().trim();
        if found == expected.trim() {
            println!("{name}: {found}, as expected");
        } else {
            println!("{name}: {found}, but {expected} was expected");
            different += 1;
        }
    }
    if different > 0 {
        return Err(format!("{different} models are not what they say").into());
    }
    Ok(())
}

fn models(workspace: &Workspace) -> Outcome<Vec<PathBuf>> {
    let folder = workspace.path("docs/model");
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).during(folder.display())? {
        let path = entry.during(folder.display())?.path();
        if path.extension().is_some_and(|it| it == "vp") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
