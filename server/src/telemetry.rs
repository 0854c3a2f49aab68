//! Traces for an OpenTelemetry collector, by the standard environment variables
//! (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`,
//! `OTEL_TRACES_SAMPLER` …). Off unless an endpoint is set.
//!
//! The protocol is OTLP over HTTP with protobuf, and like everything else it is unencrypted on
//! loopback only. Spans hold what logs may hold: ids and codes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::logs;
use crate::outgoing::{self, OutgoingError};

/// How long a collector may take for one request.
const PATIENCE: Duration = Duration::from_secs(10);

/// The variables that say where the collector is, the more precise one first.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
/// The variables that say how it is spoken to.
const PROTOCOLS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];

/// Traces cannot be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The endpoint is no URL that could be used.
    #[error("{variable} is not the URL of a collector")]
    Endpoint {
        /// The environment variable.
        variable: &'static str,
    },
    /// The collector is elsewhere and would be spoken to in clear.
    #[error("{variable} must be an https URL, or one on a loopback address")]
    Insecure {
        /// The environment variable.
        variable: &'static str,
    },
    /// Only `http/protobuf` is spoken.
    #[error("{variable} must be http/protobuf")]
    Protocol {
        /// The environment variable.
        variable: &'static str,
    },
    /// TLS cannot be set up.
    #[error("TLS for the collector cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The exporter refuses its settings.
    #[error("traces cannot be exported: {0}")]
    Exporter(#[from] ExporterBuildError),
}

impl TelemetryError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Endpoint { .. } => "telemetry-endpoint",
            Self::Insecure { .. } => "telemetry-insecure",
            Self::Protocol { .. } => "telemetry-protocol",
            Self::Tls(_) => "telemetry-tls",
            Self::Exporter(_) => "telemetry-exporter",
        }
    }
}

/// Logs and, if the environment wants them, traces.
#[must_use = "what has not been sent when the process ends is lost unless `end` is called"]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Starts logging, and sending traces if the environment says where to. `service` is the
    /// service's name unless the environment has another. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`TelemetryError`]; logging has started all the same.
    pub fn start(service: &'static str) -> Result<Self, TelemetryError> {
        let provider = match provider(service) {
            Ok(provider) => provider,
            Err(error) => {
                logs::start();
                return Err(error);
            }
        };
        let traces = provider.as_ref().map(|provider| {
            // Whose spans: not those of libraries, which know other things.
            let own = Targets::new().with_target("sottovoce", LevelFilter::INFO);
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer(service))
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(own)
        });
        let _ = tracing_subscriber::registry()
            .with(logs::layer())
            .with(traces)
            .try_init();
        Ok(Self(provider))
    }

    /// Sends what has not been sent yet.
    pub async fn end(self) {
        if let Some(provider) = self.0 {
            let ended =
                tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(PATIENCE));
            if let Ok(Err(error)) = ended.await {
                tracing::warn!(%error, "the last traces could not be sent");
            }
        }
    }
}

fn provider(service: &'static str) -> Result<Option<SdkTracerProvider>, TelemetryError> {
    let set = |name: &&'static str| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.map(|value| (*name, value))
    };
    let is_disabled = set(&"OTEL_SDK_DISABLED").is_some_and(|(_, value)| value == "true");
    let Some((variable, endpoint)) = ENDPOINTS.iter().find_map(set).filter(|_| !is_disabled) else {
        return Ok(None);
    };
    check_endpoint(variable, &endpoint)?;
    if let Some((variable, protocol)) = PROTOCOLS.iter().find_map(set)
        && protocol != "http/protobuf"
    {
        return Err(TelemetryError::Protocol { variable });
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_http_client(OnRuntime::new()?)
        .build()?;
    let resource = if set(&"OTEL_SERVICE_NAME").is_some() {
        Resource::builder().build()
    } else {
        Resource::builder().with_service_name(service).build()
    };
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build();
    Ok(Some(provider))
}

fn check_endpoint(variable: &'static str, endpoint: &str) -> Result<(), TelemetryError> {
    match outgoing::check(endpoint) {
        Ok(_) => Ok(()),
        Err(OutgoingError::Insecure) => Err(TelemetryError::Insecure { variable }),
        Err(_) => Err(TelemetryError::Endpoint { variable }),
    }
}

/// The exporter calls from a thread of its own, but hyper needs the runtime.
#[derive(Debug)]
struct OnRuntime {
    runtime: Handle,
    client: Arc<HyperClient<HttpsConnector<HttpConnector>>>,
}

impl OnRuntime {
    fn new() -> Result<Self, TelemetryError> {
        let connector = outgoing::connector()?;
        Ok(Self {
            runtime: Handle::current(),
            client: Arc::new(HyperClient::new(connector, PATIENCE, None)),
        })
    }
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = Arc::clone(&self.client);
        let sending = self
            .runtime
            .spawn(async move { client.send_bytes(request).await });
        sending.await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collectors_elsewhere_are_spoken_to_over_tls_only() {
        let code = |endpoint| {
            check_endpoint("X", endpoint)
                .err()
                .map(|error| error.code())
        };
        for good in [
            "https://collector.example.com",
            "http://127.0.0.1:4318",
            "http://[::1]:4318/v1/traces",
            "http://localhost:4318",
        ] {
            assert_eq!(code(good), None, "{good}");
        }
        for open in ["http://192.0.2.1:4318", "http://collector:4318"] {
            assert_eq!(code(open), Some("telemetry-insecure"), "{open}");
        }
        for strange in ["collector", "ftp://127.0.0.1", "", "http://"] {
            assert_eq!(code(strange), Some("telemetry-endpoint"), "{strange}");
        }
    }
}
