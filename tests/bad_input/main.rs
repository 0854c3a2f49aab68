//! Whatever arrives, from whomever: a typed error with a stable code, no change of state, never
//! a panic. DESIGN 8, invariant 7.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code
)]

mod clients;
mod decoders;
mod mutation;
#[path = "../simulation/relay.rs"]
mod relay;
#[path = "../simulation/world.rs"]
mod world;
