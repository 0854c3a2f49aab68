//! `docs/SPEC.md` says what the code does: structures field by field, numbers, labels, limits,
//! codes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sottovoce::wire::limits;

/// The page, with all white space made single spaces.
fn spec() -> String {
    let text = std::fs::read_to_string(root().join("docs/SPEC.md")).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file under a folder, with its path.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, out: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, out);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                out.push((path, text));
            }
        }
    }
    let mut out = Vec::new();
    collect(&root().join(folder), &mut out);
    assert!(!out.is_empty());
    out
}

/// The bodies of a macro's uses: its first word and what is in the braces.
fn uses(name: &str) -> Vec<(PathBuf, String, String)> {
    let start = format!("\n{name}!(");
    let mut found = Vec::new();
    for (path, text) in sources("src") {
        for part in text.split(&start).skip(1) {
            let (head, rest) = part.split_once('{').unwrap();
            let body = &rest[..matching(rest)];
            found.push((path.clone(), head.trim().to_owned(), body.to_owned()));
        }
    }
    assert!(!found.is_empty(), "{name}");
    found
}

/// The index of the brace that closes what was opened before.
fn matching(text: &str) -> usize {
    let mut depth = 1;
    for (index, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    text.len()
}

fn names(list: &str) -> Vec<String> {
    list.split(',')
        .map(|name| name.trim().replace('_', "-"))
        .filter(|name| !name.is_empty())
        .collect()
}

/// `KeyManager` as `key-manager`, `E2ee` as `e2ee`, `XWing` as `x-wing`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}

/// The names of the fields in `a: type, b, c: [* x]`, and where the list's bracket closes.
fn fields(list: &str) -> (Vec<String>, usize) {
    let (mut out, mut field, mut depth, mut in_type) = (Vec::new(), String::new(), 0, false);
    for (index, character) in list.char_indices() {
        match character {
            ']' if depth == 0 => {
                if !field.trim().is_empty() {
                    out.push(field.trim().to_owned());
                }
                return (out, index);
            }
            ',' if depth == 0 => {
                out.push(core::mem::take(&mut field).trim().to_owned());
                in_type = false;
            }
            '[' => depth += 1,
            ']' => depth -= 1,
            ':' => in_type = true,
            _ if !in_type && depth == 0 => field.push(character),
            _ => {}
        }
    }
    (out, list.len())
}

#[test]
fn every_structure_stands_in_the_spec_field_by_field() {
    let spec = spec();
    for (path, name, body) in uses("array") {
        let file = path.file_stem().unwrap().to_str().unwrap();
        let name = match (name.as_str(), file) {
            ("Wire", "commit") => "Commit",
            ("Wire", "envelope") => "Envelope",
            ("Wire", "ephemeral") => "Ephemeral",
            ("Wire", "signed") => "Signed",
            (name, _) => name.split('<').next().unwrap(),
        };
        let start = format!(" {name} = [");
        let at = spec.find(&start);
        let at = at.unwrap_or_else(|| panic!("{name} is not in the spec"));
        let (stated, _) = fields(&spec[at + start.len()..]);
        assert_eq!(stated, names(&body), "{name}");
    }
}

#[test]
fn every_choice_stands_in_the_spec_with_its_numbers() {
    let spec = spec();
    for (_, name, body) in uses("number") {
        let choices: Vec<_> = body
            .split(',')
            .filter_map(|choice| choice.split_once('='))
            .map(|(name, number)| {
                let name = kebab(name.trim());
                format!("{} {}", number.trim(), name)
            })
            .collect();
        let stated = format!("{name}: {}.", choices.join(", "));
        assert!(spec.contains(&stated), "{stated}");
    }
    for (_, name, body) in uses("variants") {
        let start = format!(" {name}: ");
        let at = spec.find(&start);
        let mut rest = &spec[at.unwrap_or_else(|| panic!("{name}")) + start.len()..];
        for variant in body.split("=>").collect::<Vec<_>>().windows(2) {
            let number = variant[0].rsplit([',', '}', ')']).next().unwrap().trim();
            let text = variant[1].rsplit_once(',').map_or(variant[1], |it| it.0);
            let (title, list) = text
                .trim()
                .split_once(['{', '('])
                .unwrap_or((text.trim(), ""));
            let head = format!("{number} {} [", kebab(title.trim()));
            assert!(rest.starts_with(&head), "{name}: {head} at {:.60}", rest);
            let (stated, end) = fields(&rest[head.len()..]);
            assert_eq!(
                stated,
                names(list.trim().trim_end_matches(['}', ')', ','])),
                "{name} {title}"
            );
            rest = rest[head.len() + end + 1..].trim_start_matches([',', ' ']);
        }
    }
}

#[test]
fn every_limit_stands_in_the_spec() {
    let spec = spec();
    let limits: [(&str, u64); 24] = [
        ("BODY", limits::BODY as u64),
        ("ENTRY", limits::ENTRY as u64),
        ("FRAME", limits::FRAME as u64),
        ("OBJECT", limits::OBJECT as u64),
        ("ROSTER", limits::ROSTER as u64),
        ("NAME", limits::NAME as u64),
        ("LIVE_TOLERANCE", limits::LIVE_TOLERANCE),
        ("POLICY_LIFE", limits::POLICY_LIFE),
        ("CREDENTIAL_LIFE", limits::CREDENTIAL_LIFE),
        ("KEY_CURRENT", limits::KEY_CURRENT),
        ("KEY_LIFE", limits::KEY_LIFE),
        ("IDENTITY_TOKEN", limits::IDENTITY_TOKEN as u64),
        ("IDENTITY_LIFE", limits::IDENTITY_LIFE),
        ("PUSH_TOKEN", limits::PUSH_TOKEN as u64),
        ("DETAILS", limits::DETAILS as u64),
        ("DETAIL", limits::DETAIL as u64),
        ("LABELS", limits::LABELS as u64),
        ("LABEL", limits::LABEL as u64),
        ("NOTEBOOK", limits::NOTEBOOK as u64),
        ("REPLIES", limits::REPLIES as u64),
        ("REPLY", limits::REPLY as u64),
        ("SHORTCUT", limits::SHORTCUT as u64),
        ("KNOWN_LABELS", limits::KNOWN_LABELS as u64),
        ("DAY", limits::DAY),
    ];
    for (name, value) in limits {
        let row = format!("| `{name}` | {} |", thousands(value));
        assert!(spec.contains(&row), "{row}");
    }
    let source = std::fs::read_to_string(root().join("src/wire/limits.rs")).unwrap();
    let constants = source.matches("pub const ").count();
    assert_eq!(
        constants,
        limits.len(),
        "a limit that this test does not know"
    );
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// First cells of the rows of the tables between two headings, as the words in back quotes.
fn cells(from: &str, to: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("docs/SPEC.md")).unwrap();
    let start = text.find(from).unwrap();
    let end = text[start..].find(to).map_or(text.len(), |end| start + end);
    text[start..end]
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter_map(|line| line.split(" |").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

/// String literals of lower-case words and hyphens, each with one of its files.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|word| {
        !word.is_empty()
            && word.starts_with(|first: char| first.is_ascii_lowercase())
            && word
                .chars()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-')
    })
}

#[test]
fn every_code_stands_in_the_spec_and_every_code_there_is_made_somewhere() {
    let stated = cells("## 11. Codes", "## 12");
    let mut made: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut written = BTreeSet::new();
    for (path, text) in sources("src").into_iter().chain(sources("relay/src")) {
        written.extend(literals(&text).map(str::to_owned));
        // Every error's codes that travel or are shown,
        let travels = path.starts_with(root().join("src")) || path.ends_with("refusal.rs");
        for part in text.split("fn code(").skip(1).filter(|_| travels) {
            let (_, body) = part.split_once("match").unwrap_or(("", ""));
            let body = &body[..body.find("\n    }\n").unwrap_or(body.len())];
            for code in literals(body) {
                made.insert(code.to_owned(), path.clone());
            }
        }
        // and what clients say of themselves.
        if path.starts_with(root().join("src/client")) {
            for code in literals(&text).filter(|word| word.contains('-')) {
                made.insert(code.to_owned(), path.clone());
            }
        }
    }
    assert!(made.len() > 60, "{}", made.len());
    for (code, path) in &made {
        assert!(
            stated.contains(code),
            "{code} of {} is missing",
            path.display()
        );
    }
    for code in &stated {
        assert!(written.contains(code), "nobody says {code}");
    }
}

#[test]
fn codes_of_a_relay_are_those_that_clients_pass_on() {
    let stated = cells("## 11. Codes", "made by clients only");
    let text = std::fs::read_to_string(root().join("src/client/codes.rs")).unwrap();
    let (_, list) = text.split_once("const KNOWN").unwrap();
    let (list, _) = list.split_once("];").unwrap();
    let known: Vec<_> = literals(list).collect();
    assert!(known.is_sorted());
    assert_eq!(
        known.into_iter().collect::<BTreeSet<_>>(),
        stated.iter().map(String::as_str).collect()
    );
}

#[test]
fn every_label_stands_in_the_spec_and_every_label_there_is_used() {
    let stated = cells("### 2.8 Labels", "## 3.");
    let mut used = BTreeSet::new();
    let mut written = BTreeSet::new();
    for (path, text) in sources("src") {
        written.extend(literals(&text).map(str::to_owned));
        if path.ends_with("wasm") || path.ends_with("crypto/hash.rs") {
            continue;
        }
        for call in ["hash(", "labelled(", "KIND: &'static str = ", ".sign("] {
            for part in text.split(call).skip(1) {
                let Some(label) = part.trim_start().strip_prefix('"') else {
                    continue;
                };
                used.extend(literals(label.split('"').next().unwrap()).map(str::to_owned));
            }
        }
        for (place, _) in text.match_indices("derive(") {
            let (before, part) = text.split_at(place);
            let call = &part[..part.find(';').unwrap_or(0)];
            if let Some(label) = call.split('"').nth(1)
                && !before.ends_with("#[")
            {
                used.extend(literals(label).map(str::to_owned));
            }
        }
    }
    for label in &used {
        assert!(stated.contains(label), "{label} is missing");
    }
    for label in &stated {
        assert!(written.contains(label), "nobody uses {label}");
    }
    assert!(used.len() > 20, "{used:?}");
}
