//! Why a command stops: a sentence for whoever sits at the terminal.

use std::fmt;

/// What every step answers.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// The reason that a command stops.
#[derive(Debug)]
pub(crate) enum Failure {
    /// To be printed.
    Because(String),
    /// Already on the screen.
    Told,
}

impl Failure {
    /// Whether the person has read the reason already.
    pub(crate) const fn is_told(&self) -> bool {
        matches!(self, Self::Told)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Because(reason) => f.write_str(reason),
            Self::Told => f.write_str("see above"),
        }
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Because(reason)
    }
}

impl From<&str> for Failure {
    fn from(reason: &str) -> Self {
        Self::Because(reason.to_owned())
    }
}

/// Adds what was being done to an error of the standard library.
pub(crate) trait During<T> {
    fn during(self, what: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: fmt::Display> During<T> for Result<T, E> {
    fn during(self, what: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| Failure::Because(format!("{what}: {error}")))
    }
}

/// Refuses arguments that a command does not know.
pub(crate) fn only(arguments: &[String], known: &[&str]) -> Outcome {
    match arguments.iter().find(|a| !known.contains(&a.as_str())) {
        Some(unknown) => {
            Err(format!("unknown argument `{unknown}`; see `cargo xtask help`").into())
        }
        None => Ok(()),
    }
}
