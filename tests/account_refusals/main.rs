//! DESIGN 2: what a client refuses to believe of an account. Each test is one refusal, next to
//! the nearest thing that is believed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, unreachable_pub)]

mod credential;
mod enrolment;
mod policy;
mod renewal;
mod root;
mod scene;
mod seal_key;
mod team_key;
