//! The glue between pages and wasm, made small. Both load, and compress, as files of their own, so
//! a name that both know is paid twice, and wasm-bindgen's are long and end in hashes.

use std::fs;
use std::path::Path;

use crate::failure::{During, Outcome};
use crate::process;
use crate::workspace::Workspace;

/// The files of the glue, and what stands there before the name of an export.
const FILES: [(&str, &str); 3] = [
    ("sottovoce.js", "wasm."),
    ("sottovoce.d.ts", "readonly "),
    ("sottovoce_bg.wasm.d.ts", "export const "),
];

/// Follows in the glue what `wasm-opt --minify-imports-and-exports-and-modules` said.
pub(crate) fn rename(folder: &Path, said: &str) -> Outcome {
    for (file, before_export) in FILES {
        let path = folder.join(file);
        let reading = || format!("reading {}", path.display());
        let mut text = fs::read_to_string(&path).during(reading())?;
        for line in said.lines() {
            text = renamed(&text, line, before_export);
        }
        // Whoever compiles for ES2022 has no such symbol, and `free` does the same.
        text = text.replace("    [Symbol.dispose](): void;\n", "");
        fs::write(&path, text).during(format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// Takes comments, long names and what the package does not use out of the script, whose types stand
/// in a file of their own.
pub(crate) fn minify(workspace: &Workspace, folder: &Path) -> Outcome {
    let script = folder.join("sottovoce.js");
    let used = folder.join("used.js");
    fs::write(
        &used,
        "export { default, Client } from \"./sottovoce.js\";\n",
    )
    .during(format!("writing {}", used.display()))?;
    process::read(
        workspace
            .command(workspace.path("node_modules/.bin/rolldown"))
            .args(["--minify", "--file"])
            .arg(&script)
            .arg(&used),
    )?;
    fs::remove_file(&used).during(format!("removing {}", used.display()))
}

/// One line of what was said: `["module", "import", "a"],` or `["export", "a"],`. All modules
/// become `a`.
fn renamed(text: &str, line: &str, before_export: &str) -> String {
    let names: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
    match names.as_slice() {
        [module, import, short] => replaced(
            &text.replace(&format!("\"{module}\""), "\"a\""),
            import,
            short,
        ),
        [export, short] => replaced(
            text,
            &format!("{before_export}{export}"),
            &format!("{before_export}{short}"),
        ),
        _ => text.to_owned(),
    }
}

/// Replaces a name where it ends, not where another begins with it.
fn replaced(text: &str, name: &str, by: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(name) {
        out.push_str(before);
        let goes_on = |next: char| next.is_alphanumeric() || next == '_' || next == '$';
        out.push_str(if after.starts_with(goes_on) { name } else { by });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::renamed;

    #[test]
    fn imports_and_exports_are_renamed_and_nothing_else() {
        let glue = "\"./core.js\": { __wbg_new_1: f }; wasm.open(wasm.open2); open";
        let glue = renamed(glue, r#"  ["./core.js", "__wbg_new_1", "b"],"#, "wasm.");
        let glue = renamed(&glue, r#"  ["open", "C"],"#, "wasm.");
        assert_eq!(renamed(&glue, r#""exports": ["#, "wasm."), glue);
        assert_eq!(glue, "\"a\": { b: f }; wasm.C(wasm.open2); open");
    }
}
