//! What every Sottovoce server process shares: a listener that keeps the TLS rule, logs that
//! hold nothing confidential, a health check, problem documents, and an orderly end.

pub mod health;
pub mod listen;
pub mod logs;
pub mod problem;
pub mod shutdown;
mod tls;

pub use listen::{Listen, Listener, serve};
pub use tls::{TlsError, TlsFiles};
