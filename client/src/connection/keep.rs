//! A connection that comes back whenever it is lost.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use sottovoce::wire::AccountId;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::{Address, Signal, carry, dial};

/// A connection that lived so long was a good one: the next is dialled soon.
const GOOD: Duration = Duration::from_secs(10);

/// Connects again and again until nobody receives `signals` any more.
pub(crate) async fn keep(
    address: Address,
    account: AccountId,
    tls: Arc<ClientConfig>,
    signals: mpsc::Sender<Signal>,
) {
    let mut backoff = Backoff::new();
    loop {
        match dial(&address, account, &tls).await {
            Ok(socket) => {
                let opened = Instant::now();
                let (outgoing, queue) = mpsc::unbounded_channel();
                if signals.send(Signal::Connected(outgoing)).await.is_err() {
                    return;
                }
                carry(socket, queue, &signals).await;
                if signals.send(Signal::Disconnected).await.is_err() {
                    return;
                }
                if opened.elapsed() >= GOOD {
                    backoff = Backoff::new();
                }
            }
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "the relay was not reached");
                let refused = Signal::Refused(error.code());
                if error.is_refusal() && signals.send(refused).await.is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(backoff.next()).await;
    }
}
