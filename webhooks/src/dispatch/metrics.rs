//! What a dispatcher tells its operators in numbers. Labels are codes; no number is about one
//! endpoint.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::AttemptError;

/// Upper bounds of the histogram's buckets, in seconds: to the longest time that an attempt may take.
const SECONDS: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0, 30.0];

/// `outcome`: `delivered`, or the code of what was wrong.
type Outcome = [(&'static str, &'static str); 1];

/// What a dispatcher counts as it goes. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    attempts: Family<Outcome, Counter>,
    seconds: Histogram,
    pub(super) in_flight: Gauge,
    pub(super) dropped: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            attempts: Family::default(),
            seconds: Histogram::new(SECONDS),
            in_flight: Gauge::default(),
            dropped: Counter::default(),
        }
    }
}

impl Metrics {
    /// Makes the numbers part of what `registry` shows.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Calls of webhook endpoints, by outcome";
        registry.register("webhook_attempts", help, self.attempts.clone());
        let help = "How long a call of a webhook endpoint took, in seconds";
        registry.register("webhook_attempt_seconds", help, self.seconds.clone());
        let help = "Calls of webhook endpoints that are under way";
        registry.register("webhooks_in_flight", help, self.in_flight.clone());
        let help = "Events that an endpoint is not told of, because too much waits for it";
        registry.register("webhook_events_dropped", help, self.dropped.clone());
    }

    /// Counts an attempt that took so many milliseconds.
    pub(super) fn attempted(&self, error: Option<AttemptError>, millis: u64) {
        let outcome = [("outcome", error.map_or("delivered", AttemptError::code))];
        self.attempts.get_or_create(&outcome).inc();
        let seconds = std::time::Duration::from_millis(millis).as_secs_f64();
        self.seconds.observe(seconds);
    }
}
