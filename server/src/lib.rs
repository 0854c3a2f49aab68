//! What every Sottovoce server process shares: configuration in layers, a listener that keeps the
//! TLS rule, logs that hold nothing confidential, traces, metrics, health checks, problem
//! documents, API tokens, small databases, the file of erasures, and an orderly end.

pub mod bearer;
pub mod clock;
pub mod config;
pub mod database;
pub mod drain;
pub mod health;
pub mod listen;
pub mod logs;
pub mod metrics;
pub mod outgoing;
pub mod problem;
pub mod read_limit;
pub mod shutdown;
pub mod telemetry;
mod tls;
pub mod tombstones;

pub use drain::Drain;
pub use health::Readiness;
pub use listen::{Listen, Listener, serve};
pub use telemetry::Telemetry;
pub use tls::{TlsError, TlsFiles};
