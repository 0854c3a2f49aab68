//! How much work anonymous devices are asked for: none while few of them come, and the more the
//! more come.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use sottovoce::wire::work;

use crate::throttle::Limits;

/// The least work that is worth asking for, in bits.
const LEAST: u32 = 10;

/// How many anonymous devices came lately.
#[derive(Debug)]
pub(crate) struct Load {
    per_second: f64,
    most: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Arrivals beyond the rate.
    excess: f64,
    since: Instant,
}

impl Load {
    /// Nobody came yet.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            per_second: f64::from(limits.visitors.max(1)),
            most: u32::from(limits.work).min(work::MOST_BITS),
            state: Mutex::new(State {
                excess: 0.0,
                since: Instant::now(),
            }),
        }
    }

    /// An anonymous device comes. How many bits of work it is asked for; 0 for none.
    pub(crate) fn arrive(&self) -> u32 {
        self.arrive_at(Instant::now())
    }

    fn arrive_at(&self, now: Instant) -> u32 {
        // No code panics while it holds the lock.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = now.saturating_duration_since(state.since).as_secs_f64();
        state.since = now;
        state.excess = (state.excess - seconds * self.per_second).max(0.0) + 1.0;
        // Every doubling of the excess doubles the work twice.
        let mut bits = LEAST;
        let mut step = self.per_second * 10.0;
        if state.excess <= step || self.most == 0 {
            return 0;
        }
        while state.excess > step * 2.0 && bits < self.most {
            bits += 2;
            step *= 2.0;
        }
        bits.min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn load(work: u8) -> Load {
        Load::new(&Limits {
            visitors: 10,
            work,
            ..Limits::default()
        })
    }

    #[test]
    fn work_grows_with_the_crowd_is_bounded_and_ends_with_it() {
        let load = load(16);
        let now = Instant::now();
        let asked: Vec<_> = (0..2_000).map(|_| load.arrive_at(now)).collect();
        assert!(asked.iter().take(100).all(|bits| *bits == 0));
        assert!(asked.is_sorted(), "{asked:?}");
        assert_eq!(asked.get(101), Some(&LEAST));
        assert_eq!(asked.last(), Some(&16));
        assert_eq!(load.arrive_at(now + Duration::from_secs(200)), 0);
    }

    #[test]
    fn no_work_is_asked_for_where_none_is_wanted_and_never_too_much() {
        let now = Instant::now();
        let none = load(0);
        assert!((0..5_000).all(|_| none.arrive_at(now) == 0));
        let all = load(u8::MAX);
        let most = (0..100_000).map(|_| all.arrive_at(now)).max();
        assert_eq!(most, Some(work::MOST_BITS));
    }
}
