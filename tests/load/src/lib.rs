//! Load on a relay, and faults under it.
//!
//! - [`supply`] makes what is written, signed and chained, before any clock starts,
//! - [`link`] is a connection with a relay that costs as little as it can,
//! - [`program`] starts what is measured and looks at it from outside,
//! - [`measure`] holds the measurements, [`peers`] what is measured beside,
//! - [`bench`] is a whole run, [`report`] what it says,
//! - [`check`] judges whether what was acknowledged is there, [`crash`] kills and lets it judge.

pub mod bench;
pub mod check;
pub mod crash;
pub mod link;
pub mod measure;
pub mod peers;
pub mod program;
pub mod report;
pub mod supply;

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The operating system says no.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A connection failed.
    #[error("a connection failed: {0}")]
    Connection(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    /// A connection ended.
    #[error("a connection ended")]
    Ended,
    /// The other side refused.
    #[error("refused: {0}")]
    Refused(String),
    /// The other side said what it should not.
    #[error("an unexpected answer: {0}")]
    Unexpected(String),
    /// A program does not do its work.
    #[error("{name} does not get ready; it said:\n{said}")]
    Program {
        /// Which.
        name: String,
        /// Its output.
        said: String,
    },
    /// What is measured did not keep what it had acknowledged.
    #[error("{0}")]
    Fault(#[from] check::Fault),
    /// Something took longer than anything takes that happens at all.
    #[error("{0} took too long")]
    TimedOut(&'static str),
}

impl From<tokio_tungstenite::tungstenite::Error> for LoadError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::Connection(Box::new(error))
    }
}

/// What every step answers.
pub type Outcome<T = ()> = Result<T, LoadError>;
