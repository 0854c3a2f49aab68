//! Structured logs, one JSON object per line on standard error.
//!
//! What is logged is up to each server, and the rule for all of them is: ids and counts only. No
//! text, no tokens, no keys, no network addresses of people.

use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` chooses what is logged; `info` without it. A second call does nothing.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}
