//! The system's clock, and times as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sottovoce::wire::Time;
pub(crate) use sottovoce_server::clock::now;

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
