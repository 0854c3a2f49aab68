//! Whole-protocol tests: real clients over a simulated relay, network and clock. Seeded, so that
//! each failure can be seen again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod about;
mod administration;
mod archive;
mod chaos;
mod contents;
mod conversation;
mod desk;
mod dishonest;
mod greeting;
mod history;
mod levels;
mod manager;
mod notebook;
mod policy;
mod relay;
mod rollback;
mod storage;
mod teams;
mod world;
