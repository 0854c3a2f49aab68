//! The REST API of a relay that runs.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod account;
mod bans;
mod contacts;
mod endings;
mod integrator;
mod plans;
mod retention;
#[path = "../scene/mod.rs"]
mod scene;
mod tokens;
mod webhooks;
