//! When a server should end, and how fast.

use tokio_util::sync::CancellationToken;

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

/// Serves until the first signal, and then until what is under way has ended.
pub async fn serve_until_signal<F>(serve: impl FnOnce(CancellationToken) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(stop.clone()));
    signal().await;
    stop.cancel();
    // It ends by itself. One that panicked has said so.
    let _ = serving.await;
}
