//! What was fuzzed stays fuzzed: the vectors and every input that is kept run through each fuzz target.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]
#![cfg(not(target_arch = "wasm32"))]

#[path = "../fuzz/driven.rs"]
mod driven;
#[path = "../fuzz/seeds.rs"]
mod seeds;

use std::path::Path;

#[test]
fn vectors_and_kept_inputs_do_no_harm_to_any_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = seeds::seeds(&root.join("tests/vectors"));
    assert!(seeds.len() > 150);
    // Where `cargo xtask fuzz` begins.
    if let Some(folder) = std::env::var_os("SOTTOVOCE_SEEDS") {
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(Path::new(&folder).join(format!("{number:04}")), seed).unwrap();
        }
    }
    let mut kept = 0;
    for (name, target) in driven::TARGETS {
        for seed in &seeds {
            target(seed);
        }
        let folder = root.join("fuzz/corpus").join(name);
        for file in std::fs::read_dir(folder).into_iter().flatten() {
            kept += 1;
            target(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }
    println!("{} seeds, {kept} kept inputs", seeds.len());
}
