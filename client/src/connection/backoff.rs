//! How long to wait before dialling again.

use std::time::Duration;

use sottovoce::crypto::Random;

const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// Doubles from a quarter of a second to half a minute.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) const fn new() -> Self {
        Self(SHORTEST)
    }

    /// Between half of the present wait and all of it, so that the clients of a relay that was
    /// away do not come back at the same moment.
    pub(super) fn next(&mut self) -> Duration {
        let half = self.0 / 2;
        self.0 = (self.0 * 2).min(LONGEST);
        let fraction = Random::os().bytes().map_or(u16::MAX, u16::from_be_bytes);
        half + half.mul_f64(f64::from(fraction) / f64::from(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_vary() {
        let mut backoff = Backoff::new();
        let mut full = SHORTEST;
        for _ in 0..12 {
            let wait = backoff.next();
            assert!(wait >= full / 2 && wait <= full, "{wait:?} of {full:?}");
            full = (full * 2).min(LONGEST);
        }
        assert_eq!(full, LONGEST);
    }
}
