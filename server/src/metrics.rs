//! `/metrics` in Prometheus' text format, on a listener of its own. It is private: a loopback
//! address, or wherever else the operator says so, then over TLS as everything is.
//!
//! Labels are codes and kinds, never ids or addresses of people.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

pub use prometheus_client;

/// What Prometheus' own client libraries say.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds, in seconds, of the buckets for how long something took: half a millisecond to half
/// a minute.
pub const SECONDS: [f64; 15] = [
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// A registry whose metrics begin with `sottovoce_`, with the process' memory already in it.
pub fn registry() -> Registry {
    let mut registry = Registry::with_prefix("sottovoce");
    registry.register_collector(Box::new(Memory));
    registry
}

/// A router with `GET /metrics`.
pub fn routes(registry: Arc<Registry>) -> Router {
    Router::new().route("/metrics", get(move || async move { answer(&registry) }))
}

fn answer(registry: &Registry) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, registry) {
        Ok(()) => ([(CONTENT_TYPE, TEXT)], text).into_response(),
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The memory that the process occupies, where the system says so in `/proc`.
#[derive(Debug)]
struct Memory;

impl Collector for Memory {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let Some(bytes) = resident() else {
            return Ok(());
        };
        let gauge = ConstGauge::new(bytes);
        let help = "Resident memory of the process, in bytes";
        let metric = encoder.encode_descriptor(
            "process_resident_memory_bytes",
            help,
            None,
            prometheus_client::metrics::MetricType::Gauge,
        )?;
        gauge.encode(metric)
    }
}

/// `VmRSS` in bytes.
fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}
