//! `cargo xtask promises`: each promise of the threat model names tests, and they are there; in a run of
//! all tests they have also run and passed.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, PoisonError};

use crate::failure::{During, Outcome, only};
use crate::workspace::Workspace;

const PAGE: &str = "docs/THREAT_MODEL.md";

/// Names of the tests that passed in this process, as cargo's runner prints them.
static PASSED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A test that the page names.
#[derive(Debug, PartialEq, Eq)]
struct Link<'a> {
    name: &'a str,
    /// From the root of the project.
    file: &'a str,
}

/// Takes note of what passed.
pub(crate) fn passed(output: &str) {
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    passed.extend(output.lines().filter_map(passed_test).map(str::to_owned));
}

/// `test dishonest::a_rewritten_entry_is_not_believed ... ok`
fn passed_test(line: &str) -> Option<&str> {
    let path = line.trim().strip_prefix("test ")?.strip_suffix(" ... ok")?;
    path.rsplit("::").next()
}

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    only(arguments, &[])?;
    check(workspace)
}

/// Every section of promises has tests; every link leads to one.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    let page = fs::read_to_string(workspace.path(PAGE)).during(format!("reading {PAGE}"))?;
    let passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut wrong = Vec::new();
    let (mut promises, mut tests) = (0, 0);
    for promise in sections(&page) {
        promises += 1;
        let links = links(promise);
        if links.is_empty() {
            wrong.push(format!(
                "no test: {}",
                promise.lines().next().unwrap_or_default()
            ));
        }
        for Link { name, file } in links {
            tests += 1;
            let text = fs::read_to_string(workspace.path(file)).unwrap_or_default();
            if !text.contains(&format!("fn {name}(")) {
                wrong.push(format!("{file} has no test {name}"));
            } else if !passed.is_empty() && !passed.contains(name) {
                wrong.push(format!("{name} of {file} has not run and passed"));
            }
        }
    }
    if promises == 0 {
        return Err(format!("{PAGE} promises nothing").into());
    }
    for words in &wrong {
        println!("{words}");
    }
    let ran = if passed.is_empty() { "there" } else { "passed" };
    println!(
        "{promises} promises, {tests} links to tests, {} wrong; the others are {ran}",
        wrong.len()
    );
    if wrong.is_empty() {
        Ok(())
    } else {
        Err("promises without their tests".into())
    }
}

/// What stands below each heading `### P…`.
fn sections(page: &str) -> impl Iterator<Item = &str> {
    page.split("\n#")
        .filter_map(|part| part.strip_prefix("## P"))
}

/// Links such as ``[`name`](../tests/file.rs)``.
fn links(text: &str) -> Vec<Link<'_>> {
    let parts = text.split("[`").skip(1);
    parts
        .filter_map(|part| {
            let (name, rest) = part.split_once("`](../")?;
            let (file, _) = rest.split_once(')')?;
            Some(Link { name, file })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Link, links, passed_test, sections};

    #[test]
    fn links_below_promises_are_found() {
        let page = "# Page\n\n## Promises\n\n### P1. One\n[`a_b`](../tests/a.rs), [`c`](../b/c.rs)\n\n### P2. Two\n\n## End\n[`d`](../d.rs)\n";
        let found: Vec<_> = sections(page).map(links).collect();
        let link = |name, file| Link { name, file };
        let first = vec![link("a_b", "tests/a.rs"), link("c", "b/c.rs")];
        assert_eq!(found, [first, Vec::new()]);
    }

    #[test]
    fn only_tests_that_passed_count() {
        assert_eq!(passed_test("test a::b::c ... ok"), Some("c"));
        assert_eq!(passed_test("test c ... FAILED"), None);
        assert_eq!(passed_test("test result: ok. 1 passed"), None);
    }
}
