//! The system's clock, and times as people read them.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sottovoce::wire::Time;

/// The time now.
pub(crate) fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Date and time of day in the person's time zone: `2026-03-01 14:05`.
pub(crate) fn date(time: Time) -> String {
    written(time, "%Y-%m-%d %H:%M")
}

fn written(time: Time, format: &str) -> String {
    i64::try_from(time.millis())
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .map(|stamp| stamp.to_zoned(TimeZone::system()))
        .map_or_else(
            || "at an impossible time".to_owned(),
            |zoned| zoned.strftime(format).to_string(),
        )
}
