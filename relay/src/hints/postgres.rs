//! Hints as PostgreSQL's notifications. While one is on its way, what comes meanwhile waits and
//! goes together; connections of their own keep them out of the way of appends.

use std::time::Duration;

use sottovoce::wire::codec::{from_base64url, to_base64url};
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::hint::Letter;
use super::{Heard, Hint, Hints, Node, Outbox, QUEUE};

const CHANNEL: &str = "sottovoce_hints";
/// Bytes of one letter: PostgreSQL takes less than 8,000 characters, and it travels in base64.
const LETTER: usize = 5_900;
/// How long to wait before listening again.
const RETRY: Duration = Duration::from_millis(500);

/// See the module's documentation.
#[derive(Debug)]
pub struct PostgresHints(Outbox);

impl PostgresHints {
    /// Starts to tell and to hear. It goes on until `tasks` is dropped.
    pub fn start(
        pool: &PgPool,
        node: Node,
        heard: mpsc::Sender<Heard>,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let (outbox, hints) = mpsc::channel(QUEUE);
        tasks.spawn(tell(pool.clone(), node, hints));
        tasks.spawn(listen(pool.clone(), heard));
        Self(Outbox(outbox))
    }
}

impl Hints for PostgresHints {
    fn publish(&self, hint: Hint) {
        self.0.publish(hint);
    }
}

async fn tell(pool: PgPool, node: Node, mut outbox: mpsc::Receiver<Hint>) {
    // A notification is a commit, but nothing is lost with it.
    let options = (*pool.connect_options()).clone();
    let options = options.options([("synchronous_commit", "off")]);
    let teller = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(RETRY)
        .connect_lazy_with(options);
    let mut hints = Vec::new();
    while outbox.recv_many(&mut hints, QUEUE).await > 0 {
        let letters = Letter::pack(node, std::mem::take(&mut hints), LETTER);
        let letters = letters.iter().filter(|letter| letter.len() <= LETTER);
        let letters: Vec<_> = letters.map(|letter| to_base64url(letter)).collect();
        let told = sqlx::query("SELECT pg_notify($1, letter) FROM UNNEST($2::text[]) AS letter")
            .bind(CHANNEL)
            .bind(letters)
            .execute(&teller)
            .await;
        if let Err(error) = told {
            tracing::debug!(%error, "hints were lost");
        }
    }
}

async fn listen(pool: PgPool, heard: mpsc::Sender<Heard>) {
    while !heard.is_closed() {
        if let Err(error) = hear(&pool, &heard).await {
            tracing::debug!(%error, "hints cannot be heard");
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Hears until the connection is lost.
async fn hear(pool: &PgPool, heard: &mpsc::Sender<Heard>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    let _ = heard.send(Heard::Interrupted).await;
    while let Some(notification) = listener.try_recv().await? {
        let letter = from_base64url(notification.payload());
        let letter = letter.and_then(|letter| Letter::read(&letter, LETTER));
        let Some(letter) = letter else {
            tracing::debug!("a hint cannot be read");
            continue;
        };
        for hint in letter.hints {
            let _ = heard.send(Heard::Hint(letter.node, hint)).await;
        }
    }
    Ok(())
}
