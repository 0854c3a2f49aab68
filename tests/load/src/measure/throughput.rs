//! Durable messages per second: each writer has one message in flight and waits for its
//! acknowledgement.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sottovoce::wire::frame::RelayFrame;
use sottovoce_test_scene::Business;
use tokio::task::JoinSet;

use crate::link::{Link, Target, unexpected};
use crate::supply::Conversation;
use crate::{LoadError, Outcome};

/// What writers do before anything is counted.
const WARM_UP: Duration = Duration::from_millis(300);
/// How often it is looked whether a writer has nothing left to write.
const LOOK: Duration = Duration::from_millis(10);

/// Somebody who writes one message and waits for its acknowledgement.
pub trait Writer: Send + 'static {
    /// Writes the next one; false when there is none.
    fn write(&mut self) -> impl Future<Output = Outcome<bool>> + Send;
}

/// Lets everybody write for some time, or until the first has written all, and returns how many
/// messages were acknowledged per second.
///
/// # Errors
/// [`LoadError`]: the first that a writer has.
pub async fn closed_loop<W: Writer>(writers: Vec<W>, time: Duration) -> Outcome<f64> {
    let acknowledged = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let mut running = JoinSet::new();
    for mut writer in writers {
        let (acknowledged, stop) = (Arc::clone(&acknowledged), Arc::clone(&stop));
        running.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                if !writer.write().await? {
                    stop.store(true, Ordering::Relaxed);
                    break;
                }
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, LoadError>(())
        });
    }
    tokio::time::sleep(WARM_UP).await;
    let before = acknowledged.load(Ordering::Relaxed);
    let start = Instant::now();
    while start.elapsed() < time && !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
    }
    let counted = acknowledged.load(Ordering::Relaxed) - before;
    let taken = start.elapsed();
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = running.join_next().await {
        ended.map_err(|_| LoadError::Ended)??;
    }
    // Exact up to 2^52 messages.
    #[allow(clippy::cast_precision_loss)]
    let counted = counted as f64;
    Ok(counted / taken.as_secs_f64())
}

/// A visitor who writes to a relay.
pub struct Visitor {
    link: Link,
    conversation: Arc<Conversation>,
    written: usize,
}

impl Visitor {
    /// Connects and begins the contact.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn begin(
        target: &Target,
        business: &Arc<Business>,
        conversation: &Arc<Conversation>,
    ) -> Outcome<Self> {
        let link = Link::connect(target, business, &conversation.visitor).await?;
        let conversation = Arc::clone(conversation);
        let mut visitor = Self {
            link,
            conversation,
            written: 0,
        };
        visitor.write().await?;
        Ok(visitor)
    }

    /// The connection, for what else is to be done with it.
    pub fn into_link(self) -> Link {
        self.link
    }
}

impl Writer for Visitor {
    async fn write(&mut self) -> Outcome<bool> {
        let Some(message) = self.conversation.messages.get(self.written) else {
            return Ok(false);
        };
        self.link.send_encoded(message.frame.clone()).await?;
        let position = loop {
            match self.link.receive().await? {
                RelayFrame::Appended { id, position, .. } if id == message.id => break position,
                refused @ RelayFrame::Refused { .. } => return Err(unexpected(&refused)),
                _ => {}
            }
        };
        self.written += 1;
        if usize::try_from(position) != Ok(self.written) {
            let said = format!("position {position} instead of {}", self.written);
            return Err(LoadError::Unexpected(said));
        }
        Ok(true)
    }
}

/// All visitors of a run, connected, their contacts begun.
///
/// # Errors
/// [`LoadError`].
pub async fn visitors(
    target: &Target,
    business: &Arc<Business>,
    conversations: &[Arc<Conversation>],
) -> Outcome<Vec<Visitor>> {
    let begun = conversations
        .iter()
        .map(|conversation| Visitor::begin(target, business, conversation));
    futures_util::future::try_join_all(begun).await
}
