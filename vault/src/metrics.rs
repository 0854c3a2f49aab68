//! What the vault counts, for Prometheus. Labels are codes, never ids.

use std::sync::Arc;

use sottovoce_server::metrics::prometheus_client::collector::Collector;
use sottovoce_server::metrics::prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use sottovoce_server::metrics::prometheus_client::metrics::MetricType;
use sottovoce_server::metrics::prometheus_client::metrics::counter::ConstCounter;
use sottovoce_server::metrics::prometheus_client::metrics::gauge::ConstGauge;
use sottovoce_server::metrics::prometheus_client::registry::Registry;

use crate::keys::Keys;
use crate::status::Status;

#[derive(Debug)]
struct Figures {
    status: Arc<Status>,
    keys: Arc<Keys>,
}

/// A registry with the vault's figures.
pub(crate) fn registry(status: &Arc<Status>, keys: &Arc<Keys>) -> Registry {
    let mut registry = sottovoce_server::metrics::registry();
    registry.register_collector(Box::new(Figures {
        status: Arc::clone(status),
        keys: Arc::clone(keys),
    }));
    registry
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let mut counter = |name: &str, help: &str, value: u64| {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(metric)
        };
        let help = "Records that were stored since the start";
        counter("vault_records", help, self.status.records())?;
        let help = "Alarms since the start";
        counter("vault_alarms", help, self.status.alarms())?;
        let mut gauge = |name: &str, help: &str, value: u64| {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            ConstGauge::new(value).encode(metric)
        };
        let help = "Contacts that are followed";
        gauge("vault_followed_contacts", help, self.status.followed())?;
        let trouble = u64::from(self.keys.trouble().is_some());
        let help = "Whether no data key can be had";
        gauge("vault_key_manager_trouble", help, trouble)?;
        let name = "vault_waiting_contacts";
        let help = "Contacts of which something cannot be stored, by the code of the reason";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (code, count) in self.status.waiting() {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let label = [("code", code)];
            let metric = metric.encode_family(&label)?;
            ConstGauge::new(count).encode(metric)?;
        }
        Ok(())
    }
}
