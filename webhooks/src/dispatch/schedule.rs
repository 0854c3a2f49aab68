//! When a failed attempt is followed by the next.

use std::time::Duration;

/// Seconds between an attempt and the next: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
const DELAYS: [u64; 9] = [
    5,
    5 * 60,
    30 * 60,
    2 * 60 * 60,
    5 * 60 * 60,
    10 * 60 * 60,
    14 * 60 * 60,
    20 * 60 * 60,
    24 * 60 * 60,
];

/// Longest wait that an endpoint may ask for.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Milliseconds to the next attempt, after `tries` earlier ones and one that failed just now; `None`
/// after the last. Up to a tenth is added at random, so that what failed together is not tried
/// together. `retry_after` is what the endpoint asked for: it is not called earlier.
pub(super) fn delay(tries: u32, retry_after: Option<Duration>) -> Option<u64> {
    let index = usize::try_from(tries).ok()?;
    let planned = DELAYS.get(index)?.saturating_mul(1000);
    let asked = retry_after.unwrap_or_default().min(LONGEST).as_millis();
    let delay = planned.max(u64::try_from(asked).unwrap_or(u64::MAX));
    Some(delay.saturating_add(jitter(delay / 10)))
}

/// From 0 to `most`. Without randomness there is none.
fn jitter(most: u64) -> u64 {
    let random = getrandom::u64().unwrap_or_default();
    random
        .checked_rem(most.saturating_add(1))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{DELAYS, delay};
    use std::time::Duration;

    #[test]
    fn nine_retries_follow_at_growing_distances_with_at_most_a_tenth_more() {
        for (tries, seconds) in DELAYS.iter().enumerate() {
            let tries = u32::try_from(tries).unwrap_or_default();
            let delay = delay(tries, None).unwrap_or_default();
            assert!(
                (seconds * 1000..=seconds * 1100).contains(&delay),
                "{delay}"
            );
        }
        assert_eq!(delay(9, None), None);
        assert_eq!(delay(u32::MAX, None), None);
    }

    #[test]
    fn an_endpoint_may_ask_for_a_later_retry_but_not_for_an_earlier_or_a_much_later_one() {
        let minute = delay(0, Some(Duration::from_secs(60))).unwrap_or_default();
        assert!((60_000..=66_000).contains(&minute), "{minute}");
        let early = delay(1, Some(Duration::from_secs(1))).unwrap_or_default();
        assert!((300_000..=330_000).contains(&early), "{early}");
        let week = delay(0, Some(Duration::from_secs(7 * 86_400))).unwrap_or_default();
        assert!((86_400_000..=95_040_000).contains(&week), "{week}");
        assert_eq!(delay(9, Some(Duration::from_secs(60))), None);
    }
}
