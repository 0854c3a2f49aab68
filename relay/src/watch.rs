//! Whether the relay should be sent anybody: it looks at its database all the time.

use std::time::Duration;

use sottovoce_server::Readiness;
use tokio_util::sync::CancellationToken;

use crate::store::Database;
use sottovoce_server::clock;

/// How often.
const EVERY: Duration = Duration::from_secs(2);
/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches until the relay has ended.
pub(crate) async fn run(database: Database, readiness: Readiness, shutdown: CancellationToken) {
    loop {
        look(&database, &readiness).await;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Looks once.
pub(crate) async fn look(database: &Database, readiness: &Readiness) {
    let obstacle = match tokio::time::timeout(PATIENCE, database.probe(clock::now())).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.code()),
        Err(_) => Some(database.why_silent(EVERY).await),
    };
    if readiness.set(obstacle) {
        match obstacle {
            None => tracing::info!("the relay is ready"),
            Some(code) => tracing::error!(code, "the relay is not ready"),
        }
    }
}
