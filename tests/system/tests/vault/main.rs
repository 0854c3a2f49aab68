//! A vault beside a relay and a key manager, each a process of its own: what it stores, who can read
//! it, and what becomes of it when something fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod faults;
mod levels;
mod older;
mod scene;
mod webhooks;
