//! SPEC's notation (1.1), put into CDDL: arrays of named fields, numbers with names, choices.

use std::fmt::Write;

const HEAD: &str = "\
; The structures of docs/SPEC.md in CDDL (RFC 8610), made from that page by `cargo xtask vectors`.
; CDDL says nothing of the deterministic encoding, lengths in bytes of whole objects and the order
; of lists, which the page does.

";

/// All rules of a page, in its order: scalars (1.2), then structures and choices.
pub(crate) fn cddl(page: &str) -> String {
    let mut out = HEAD.to_owned();
    for (name, rule) in scalars(page) {
        writeln!(out, "{name} = {rule}").unwrap();
    }
    for line in choices(page) {
        writeln!(out, "\n{line}").unwrap();
    }
    out
}

/// The table of 1.2: what a field without a type is.
fn scalars(page: &str) -> Vec<(String, String)> {
    let (_, table) = page.split_once("### 1.2 Scalars").unwrap();
    let (table, _) = table.split_once("### 1.3").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| "));
    let mut rules = Vec::new();
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [names, kind, ..] = cells.as_slice() else {
            continue;
        };
        if *names == "name" || names.starts_with("--") {
            continue;
        }
        for name in names.split(',').map(str::trim) {
            let rule = match name {
                "version" => "0".to_owned(),
                "suite" => "1 / 2".to_owned(),
                _ => of_type(kind),
            };
            if !name.contains(" of ") {
                rules.push((name.replace(' ', "-"), rule));
            }
        }
    }
    rules
}

/// Structures `Name = […]` and choices `Name: 0 first, …`, wherever they stand on the page.
fn choices(page: &str) -> Vec<String> {
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rules = Vec::new();
    let words = page.match_indices(' ').map(|(place, _)| place + 1);
    let mut end = 0;
    for place in words {
        if place < end {
            continue;
        }
        let rest = &page[place..];
        let name_end = rest.find(|it: char| !it.is_ascii_alphanumeric());
        let name = &rest[..name_end.unwrap_or(0)];
        if !name.starts_with(|first: char| first.is_ascii_uppercase()) {
            continue;
        }
        let after = &rest[name.len()..];
        if let Some(list) = after.strip_prefix(" = [") {
            let (fields, length) = inside(list);
            rules.push(format!("{name} = {}", array(&fields)));
            end = place + name.len() + 4 + length;
        } else if let Some(list) = after.strip_prefix(": ")
            && list.starts_with(|first: char| first.is_ascii_digit())
        {
            let (rule, length) = choice(list);
            rules.push(format!("{name} = {rule}"));
            end = place + name.len() + 2 + length;
        }
    }
    rules
}

/// `0 first, 1 second` or `0 first [fields], …`, and how long it is.
fn choice(list: &str) -> (String, usize) {
    let (mut simple, mut with_fields) = (Vec::new(), Vec::new());
    let mut place = 0;
    loop {
        let rest = &list[place..];
        let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap();
        let number = &rest[..digits];
        let word = &rest[digits + 1..];
        let end = word
            .find(|it: char| !it.is_ascii_alphanumeric() && it != '-')
            .unwrap_or(word.len());
        let name = &word[..end];
        place += digits + 1 + end;
        if let Some(fields) = list[place..].strip_prefix(" [") {
            let (fields, length) = inside(fields);
            with_fields.push(format!("[{number}, {}] ; {name}", array(&fields)));
            place += 2 + length;
        } else {
            simple.push(format!("{name}: {number}"));
        }
        let next = list[place..].strip_prefix(", ");
        if !next.is_some_and(|it| it.starts_with(|first: char| first.is_ascii_digit())) {
            break;
        }
        place += 2;
    }
    let rule = if with_fields.is_empty() {
        format!("&({})", simple.join(", "))
    } else {
        format!("\n    {}", with_fields.join("\n  / "))
    };
    (rule, place)
}

/// What stands up to the bracket that closes, and how long that is with it.
fn inside(list: &str) -> (String, usize) {
    let mut depth = 0;
    for (place, character) in list.char_indices() {
        match character {
            '[' => depth += 1,
            ']' if depth == 0 => return (list[..place].to_owned(), place + 1),
            ']' => depth -= 1,
            _ => {}
        }
    }
    panic!("a list without end: {list:.40}")
}

/// `a: type, b` as `[a: type, b: b]`.
fn array(fields: &str) -> String {
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for character in fields.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(character);
    }
    let fields = parts.iter().map(|part| part.trim());
    let fields = fields.filter(|part| !part.is_empty()).map(|part| {
        let (name, kind) = part.split_once(':').unwrap_or((part, part));
        format!(
            "{}: {}",
            name.trim().replace(' ', "-"),
            of_type(kind.trim())
        )
    });
    format!("[{}]", fields.collect::<Vec<_>>().join(", "))
}

fn of_type(kind: &str) -> String {
    if let Some(kind) = kind.strip_suffix(" / null") {
        return format!("{} / null", of_type(kind));
    }
    if let Some(item) = kind.strip_prefix("[* ").and_then(|it| it.strip_suffix(']')) {
        return format!("[* {}]", of_type(item));
    }
    if let Some(length) = kind.strip_prefix("bytes ") {
        return format!("bstr .size {length}");
    }
    match kind {
        "bytes" => "bstr".to_owned(),
        "number" => "uint".to_owned(),
        "text" => "tstr".to_owned(),
        "boolean" => "bool".to_owned(),
        name => name.replace(' ', "-"),
    }
}
