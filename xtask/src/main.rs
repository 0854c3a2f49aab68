//! Sottovoce: xtask.

fn main() {}
