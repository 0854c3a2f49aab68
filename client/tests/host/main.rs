//! The native host as its users meet it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub
)]

mod conversation;
mod scene;
mod state;
mod tls;
