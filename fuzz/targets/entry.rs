//! See `entry` in `driven.rs`.
#![no_main]
#![allow(dead_code)]

#[path = "../driven.rs"]
mod driven;

libfuzzer_sys::fuzz_target!(|data: &[u8]| driven::entry(data));
