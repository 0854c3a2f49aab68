//! Sottovoce: cli.

fn main() {}
