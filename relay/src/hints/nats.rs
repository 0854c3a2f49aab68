//! Hints over NATS, for installations whose database has enough to do.

use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::hint::Letter;
use super::{Heard, Hint, Hints, Node, Outbox, QUEUE};

const SUBJECT: &str = "sottovoce.hints";
/// Bytes of one letter: far less than a server takes.
const LETTER: usize = 65_536;

/// NATS cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NatsError {
    /// It is no URL of a NATS server.
    #[error("not the URL of a NATS server: {0}")]
    Malformed(String),
    /// The client could not be made.
    #[error("NATS cannot be used: {0}")]
    Unusable(String),
}

fn server(url: &str) -> Result<ServerAddr, NatsError> {
    url.parse()
        .map_err(|_| NatsError::Malformed(url.to_owned()))
}

/// See the module's documentation.
#[derive(Debug)]
pub struct NatsHints(Outbox);

impl NatsHints {
    /// Whether a URL is one of a NATS server.
    ///
    /// # Errors
    /// [`NatsError::Malformed`].
    pub fn check(url: &str) -> Result<(), NatsError> {
        server(url).map(drop)
    }

    /// Starts to tell and to hear, as soon as a server answers. It goes on until `tasks` is
    /// dropped. A server on another machine must speak TLS.
    ///
    /// # Errors
    /// [`NatsError`].
    pub async fn start(
        url: &str,
        node: Node,
        heard: mpsc::Sender<Heard>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, NatsError> {
        let server = server(url)?;
        let is_local = server.host().eq_ignore_ascii_case("localhost")
            || server
                .host()
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.to_canonical().is_loopback());
        let told = heard.clone();
        let client = ConnectOptions::new()
            .name("sottovoce-relay")
            .no_echo()
            .require_tls(!is_local || server.tls_required())
            .retry_on_initial_connect()
            .event_callback(move |event| {
                let told = told.clone();
                async move {
                    if matches!(event, Event::Connected) {
                        let _ = told.try_send(Heard::Interrupted);
                    }
                }
            })
            .connect(server)
            .await
            .map_err(|error| NatsError::Unusable(error.to_string()))?;
        let (outbox, hints) = mpsc::channel(QUEUE);
        tasks.spawn(tell(client.clone(), node, hints));
        tasks.spawn(hear(client, heard));
        Ok(Self(Outbox(outbox)))
    }
}

impl Hints for NatsHints {
    fn publish(&self, hint: Hint) {
        self.0.publish(hint);
    }
}

async fn tell(client: Client, node: Node, mut outbox: mpsc::Receiver<Hint>) {
    let mut hints = Vec::new();
    while outbox.recv_many(&mut hints, QUEUE).await > 0 {
        for letter in Letter::pack(node, std::mem::take(&mut hints), LETTER) {
            if let Err(error) = client.publish(SUBJECT, letter.into()).await {
                tracing::debug!(%error, "hints were lost");
            }
        }
    }
}

async fn hear(client: Client, heard: mpsc::Sender<Heard>) {
    // Subscribing only fails for a client that has ended. It outlives every connection.
    let Ok(mut letters) = client.subscribe(SUBJECT).await else {
        return;
    };
    while let Some(message) = letters.next().await {
        let Some(letter) = Letter::read(&message.payload, LETTER) else {
            tracing::debug!("a hint cannot be read");
            continue;
        };
        for hint in letter.hints {
            let _ = heard.send(Heard::Hint(letter.node, hint)).await;
        }
    }
}
