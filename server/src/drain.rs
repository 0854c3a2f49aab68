//! An end that is spread over time, so that not all clients come back at one moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The turns in which connections are told to go. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Drain(Arc<State>);

#[derive(Debug)]
struct State {
    begun: CancellationToken,
    hurried: CancellationToken,
    window: Duration,
    turns: AtomicU32,
}

impl Drain {
    /// Turns that will be spread over `window`.
    pub fn over(window: Duration) -> Self {
        Self(Arc::new(State {
            begun: CancellationToken::new(),
            hurried: CancellationToken::new(),
            window,
            turns: AtomicU32::new(0),
        }))
    }

    /// Over how long the turns are spread.
    pub fn window(&self) -> Duration {
        self.0.window
    }

    /// The end begins.
    pub fn begin(&self) {
        self.0.begun.cancel();
    }

    /// There is no time for turns any more.
    pub fn hurry(&self) {
        self.begin();
        self.0.hurried.cancel();
    }

    /// Whether the end has begun.
    pub fn has_begun(&self) -> bool {
        self.0.begun.is_cancelled()
    }

    /// Waits for the end to begin, then for a turn within the window.
    pub async fn turn(&self) {
        self.0.begun.cancelled().await;
        let number = self.0.turns.fetch_add(1, Ordering::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(self.0.window.mul_f64(share(number))) => {}
            () = self.0.hurried.cancelled() => {}
        }
    }
}

/// Multiples of the golden ratio, modulo 1: however many there are, they are spread evenly.
fn share(number: u32) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    (f64::from(number) * GOLDEN).fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_turns_there_are_no_tenth_of_the_window_has_far_more_than_a_tenth() {
        for many in [10, 100, 1_000, 10_000] {
            let mut tenths = [0_u32; 10];
            for number in 0..many {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let tenth = (share(number) * 10.0) as usize;
                if let Some(count) = tenths.get_mut(tenth) {
                    *count += 1;
                }
            }
            assert!(
                tenths.iter().all(|count| *count <= many / 10 + 2),
                "{tenths:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_goes_before_the_end_begins_and_everybody_within_the_window() {
        let drain = Drain::over(Duration::from_secs(10));
        let turns: Vec<_> = (0..50)
            .map(|_| {
                let drain = drain.clone();
                tokio::spawn(async move { drain.turn().await })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(turns.iter().all(|turn| !turn.is_finished()));
        drain.begin();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let gone = turns.iter().filter(|turn| turn.is_finished()).count();
        assert!((20..=30).contains(&gone), "{gone}");
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(turns.iter().all(tokio::task::JoinHandle::is_finished));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hurry_ends_the_waiting() {
        let drain = Drain::over(Duration::from_secs(3_600));
        drain.hurry();
        for _ in 0..50 {
            drain.turn().await;
        }
    }
}
