//! Structured logs, one JSON object per line on standard error.
//!
//! What is logged is up to each server, and the rule for all of them is: ids and counts only. No
//! text, no tokens, no keys, no network addresses of people.

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Starts logging. `RUST_LOG` chooses what is logged; `info` without it. A second call does nothing.
pub fn start() {
    let _ = tracing_subscriber::registry().with(layer()).try_init();
}

/// Writes the logs.
pub(crate) fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(filter)
}
