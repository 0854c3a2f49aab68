//! `docs/sottovoce.cddl` is SPEC's structures in CDDL (RFC 8610), and the bytes of `tests/vectors` are
//! what it describes. `cargo xtask vectors` writes it.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod described;
mod notation;

use std::path::Path;

const FILE: &str = "docs/sottovoce.cddl";

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_cddl_is_that_of_the_spec() {
    let made = notation::cddl(&file("docs/SPEC.md"));
    if std::env::var_os("SOTTOVOCE_VECTORS").is_some_and(|wish| wish == "write") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        return std::fs::write(path, made).unwrap();
    }
    assert!(
        made == file(FILE),
        "{FILE} is not what SPEC.md says: `cargo xtask vectors` writes it"
    );
}
