//! The system's clock, in the protocol's unit.

use std::time::{SystemTime, UNIX_EPOCH};

use sottovoce::wire::Time;

/// Now.
pub fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
