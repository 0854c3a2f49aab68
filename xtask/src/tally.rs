//! Counting tests from what the runners print.

use std::ops::AddAssign;

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Tally {
    /// Sums the closing lines of all the runners whose output this is. A skipped test counts as
    /// failed: nothing here may be skipped.
    pub(crate) fn of(output: &str) -> Self {
        let mut sum = Self::default();
        for line in output.lines() {
            let line = without_colours(line);
            let line = line.trim();
            sum += cargo(line)
                .or_else(|| node(line))
                .or_else(|| maven(line))
                .or_else(|| plain(line))
                .unwrap_or_default();
        }
        sum
    }
}

/// `test result: ok. 12 passed; 0 failed; 0 ignored; …`: cargo's runner and wasm-bindgen's.
fn cargo(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?;
    Some(Tally {
        passed: before(counts, " passed")?,
        failed: before(counts, " failed")? + before(counts, " ignored")?,
    })
}

/// `# pass 3` or `ℹ pass 3`, the same with `fail`, `cancelled`, `skipped`, `todo`: Node's runner.
fn node(line: &str) -> Option<Tally> {
    let line = line
        .strip_prefix("# ")
        .or_else(|| line.strip_prefix("ℹ "))?;
    let (word, count) = line.split_once(' ')?;
    let count = count.parse().ok()?;
    match word {
        "pass" => Some(Tally {
            passed: count,
            failed: 0,
        }),
        "fail" | "cancelled" | "skipped" | "todo" => Some(Tally {
            passed: 0,
            failed: count,
        }),
        _ => None,
    }
}

/// `Tests run: 2, Failures: 0, Errors: 0, Skipped: 0`: Maven's sum, which follows the same line
/// with a time for each class.
fn maven(line: &str) -> Option<Tally> {
    let (_, counts) = line.split_once("Tests run: ")?;
    if counts.contains("Time elapsed") {
        return None;
    }
    let mut counts = counts
        .split(", ")
        .map(|field| field.rsplit(' ').next().and_then(|n| n.parse::<u32>().ok()));
    let run = counts.next()??;
    let failed = counts.sum::<Option<u32>>()?;
    Some(Tally {
        passed: run.checked_sub(failed)?,
        failed,
    })
}

/// `9 passed, 0 failed`: our own.
fn plain(line: &str) -> Option<Tally> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some(Tally {
        passed: passed.parse().ok()?,
        failed: failed.parse().ok()?,
    })
}

fn before(text: &str, word: &str) -> Option<u32> {
    text.split_once(word)?.0.rsplit(' ').next()?.parse().ok()
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' {
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(passed: u32, failed: u32) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn cargo_s_lines_are_summed_and_ignored_tests_count_as_failed() {
        let output = "running 2 tests\ntest a ... ok\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 10 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(Tally::of(output), tally(12, 3));
    }

    #[test]
    fn node_s_lines_are_read_with_and_without_colours() {
        assert_eq!(
            Tally::of("# tests 4\n# pass 3\n# fail 1\n# skipped 0\n"),
            tally(3, 1)
        );
        assert_eq!(
            Tally::of("\u{1b}[34mℹ pass 5\u{1b}[39m\n\u{1b}[34mℹ fail 0\u{1b}[39m\n"),
            tally(5, 0)
        );
    }

    #[test]
    fn maven_s_sum_is_read_once() {
        let output = "[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1 s\n\
            [INFO] Results:\n[WARNING] Tests run: 3, Failures: 1, Errors: 0, Skipped: 1\n";
        assert_eq!(Tally::of(output), tally(1, 2));
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(Tally::of("3 passed\nfailed\n# a comment\n"), tally(0, 0));
        assert_eq!(Tally::of("9 passed, 1 failed"), tally(9, 1));
    }
}
