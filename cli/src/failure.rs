//! Why a command stops: a sentence for whoever sits at the terminal, and a stable code.

use std::fmt;
use std::path::Path;

use sottovoce::account::{AccountError, ApprovalError, SettingError};
use sottovoce::crypto::random::NoRandomness;
use sottovoce_client::StartError;
use sottovoce_client::admin::AdminError;
use sottovoce_client::api::ApiError;
use sottovoce_relay::{BackupError, RelayError};
use sottovoce_server::config::ConfigError;
use sottovoce_server::telemetry::TelemetryError;

use crate::text::printable;
use crate::words;

/// What every step answers.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// The reason that a command stops.
#[derive(Debug)]
pub(crate) struct Failure {
    code: String,
    words: String,
    help: Option<&'static str>,
}

impl Failure {
    /// A reason with its stable code.
    pub(crate) fn new(code: impl Into<String>, words: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            words: words.into(),
            help: None,
        }
    }

    /// Adds what the person can do instead.
    pub(crate) fn with_help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }

    /// What the operating system said about a file.
    pub(crate) fn file(code: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::new(code, format!("{}: {error}", path.display()))
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.words, self.code)?;
        match self.help {
            Some(help) => write!(f, "\n\n{help}"),
            None => Ok(()),
        }
    }
}

impl From<NoRandomness> for Failure {
    fn from(error: NoRandomness) -> Self {
        Self::new("no-randomness", error.to_string())
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<SettingError> for Failure {
    fn from(error: SettingError) -> Self {
        Self::new(error.code(), printable(&error.to_string()))
    }
}

impl From<ApprovalError> for Failure {
    fn from(error: ApprovalError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<RelayError> for Failure {
    fn from(error: RelayError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let failure = Self::new(error.code(), error.to_string());
        match error.code() {
            "database-unsupported" => {
                failure.with_help("PostgreSQL is backed up with pg_dump; see docs/OPERATIONS.md")
            }
            _ => failure,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<TelemetryError> for Failure {
    fn from(error: TelemetryError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        match &error {
            AdminError::Refused { code } => {
                let code = words::shown(code);
                Self::new(code, format!("the relay refused: {}", words::of(code)))
            }
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match &error {
            ApiError::Refused { code } => {
                let code = words::shown(code);
                Self::new(code, format!("the relay refused: {}", words::of(code)))
            }
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
