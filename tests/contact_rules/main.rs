//! SPEC 4: which commits count. Each test is one row of the table of who may commit what, or one
//! way to commit what nobody may, in both suites; whatever is refused leaves the log as it was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub
)]

#[path = "../account_refusals/scene.rs"]
#[allow(dead_code)]
mod account;
mod claim;
mod close;
mod codes;
mod create;
mod evidence;
mod forge;
mod members;
mod order;
mod scene;
mod secrets;
mod shape;
mod transfer;
