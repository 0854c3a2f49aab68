//! The measurements.

pub mod disk;
pub mod idle;
pub mod latency;
pub mod storm;
pub mod throughput;
