//! What a relay tells its operators in numbers. Labels are codes; no number is about one person.

use std::fmt;
use std::sync::Arc;

use sottovoce_server::metrics::SECONDS;
use sottovoce_server::metrics::prometheus_client::collector::Collector;
use sottovoce_server::metrics::prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use sottovoce_server::metrics::prometheus_client::metrics::MetricType;
use sottovoce_server::metrics::prometheus_client::metrics::counter::{ConstCounter, Counter};
use sottovoce_server::metrics::prometheus_client::metrics::family::Family;
use sottovoce_server::metrics::prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use sottovoce_server::metrics::prometheus_client::metrics::histogram::Histogram;
use sottovoce_server::metrics::prometheus_client::registry::Registry;
use tokio::sync::mpsc::WeakSender;

use crate::sequencer::{Counters, Job};

/// What connections count as they go.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Connections now.
    pub(crate) connections: Gauge,
    /// Connections that were accepted.
    pub(crate) accepted: Counter,
    /// What was refused, by its code.
    pub(crate) refusals: Family<Code, Counter>,
    /// From the arrival of an entry to its delivery to a connected device.
    pub(crate) delivery: Histogram,
}

/// `code`, and the code.
pub(crate) type Code = [(&'static str, String); 1];

impl Metrics {
    /// Registers everything that a relay counts.
    pub(crate) fn register(
        registry: &mut Registry,
        counters: Arc<Counters>,
        queues: Vec<WeakSender<Job>>,
    ) -> Self {
        let metrics = Self {
            connections: Gauge::default(),
            accepted: Counter::default(),
            refusals: Family::default(),
            delivery: Histogram::new(SECONDS),
        };
        registry.register(
            "connections",
            "Open connections",
            metrics.connections.clone(),
        );
        let help = "Connections that were accepted";
        registry.register("connections_accepted", help, metrics.accepted.clone());
        let help = "Frames and connections that were refused, by code";
        registry.register("refusals", help, metrics.refusals.clone());
        let help = "From the arrival of an entry to its delivery to a connected device, in seconds";
        registry.register("delivery_seconds", help, metrics.delivery.clone());
        registry.register_collector(Box::new(Log { counters, queues }));
        metrics
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, code: &str) {
        let code = [("code", code.to_owned())];
        self.refusals.get_or_create(&code).inc();
    }
}

/// What the sequencer counts itself.
#[derive(Debug)]
struct Log {
    counters: Arc<Counters>,
    queues: Vec<WeakSender<Job>>,
}

impl Collector for Log {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let counts = [
            (
                "appends",
                "Entries that were appended",
                self.counters.appended(),
            ),
            (
                "transactions",
                "Durable transactions of appends",
                self.counters.transactions(),
            ),
        ];
        for (name, help, count) in counts {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count).encode(metric)?;
        }
        let waiting: usize = self
            .queues
            .iter()
            .filter_map(WeakSender::upgrade)
            .map(|queue| queue.max_capacity() - queue.capacity())
            .sum();
        let help = "Appends that wait to be written";
        let metric = encoder.encode_descriptor("queue_depth", help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(waiting).unwrap_or(i64::MAX)).encode(metric)
    }
}
