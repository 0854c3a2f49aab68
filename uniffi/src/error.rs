//! What goes wrong in a call. What goes wrong later is an event.

use sottovoce::wire::DecodeError;
use sottovoce_client::tls::TlsError;
use sottovoce_client::{StartError, Stopped};

/// A call failed.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum ClientError {
    /// For a reason with a stable code, the same in every language.
    #[error("{reason} ({code})")]
    Failed {
        /// The code. SPEC 11.
        code: String,
        /// What a developer may want to know.
        reason: String,
    },
}

impl ClientError {
    fn new(code: &str, error: &dyn std::error::Error) -> Self {
        Self::Failed {
            code: code.to_owned(),
            reason: error.to_string(),
        }
    }
}

impl From<StartError> for ClientError {
    fn from(error: StartError) -> Self {
        Self::new(error.code(), &error)
    }
}

impl From<TlsError> for ClientError {
    fn from(error: TlsError) -> Self {
        Self::new(error.code(), &error)
    }
}

impl From<Stopped> for ClientError {
    fn from(error: Stopped) -> Self {
        Self::new(error.code(), &error)
    }
}

impl From<DecodeError> for ClientError {
    fn from(error: DecodeError) -> Self {
        Self::new(error.code(), &error)
    }
}
