//! When a server should end, and how fast.

/// How fast a server should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// SIGTERM: in order, spread over time.
    Orderly,
    /// SIGINT (Ctrl-C): somebody waits at a terminal.
    Hurried,
}

impl From<()> for Haste {
    /// Who does not say is in no hurry.
    fn from((): ()) -> Self {
        Self::Orderly
    }
}

/// Resolves at the first SIGTERM or SIGINT (Ctrl-C). May be asked again for the next one.
pub async fn signal() -> Haste {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = terminate.recv() => Haste::Orderly,
                _ = tokio::signal::ctrl_c() => Haste::Hurried,
            };
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    Haste::Hurried
}
