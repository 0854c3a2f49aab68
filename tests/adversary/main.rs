//! The hostile relay: it speaks the real protocol to real clients and misbehaves, alone or together
//! with somebody who took a participant's device. What honest clients show then, and that nothing
//! of it counts. `docs/evidence/adversary.md` says which test holds what.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub, dead_code)]

mod authors;
mod commits;
mod connection;
#[path = "../contact_rules/forge.rs"]
mod forge;
#[path = "../simulation/greeting.rs"]
mod greeting;
mod history;
mod insider;
mod keys;
#[path = "../simulation/manager.rs"]
mod manager;
mod managers;
mod messages;
mod policies;
#[path = "../simulation/relay.rs"]
mod relay;
mod roster;
mod rows;
mod scene;
mod state;
#[path = "../simulation/world.rs"]
mod world;
