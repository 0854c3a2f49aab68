//! A reconnect storm: a relay comes back, and everybody who was connected comes at once, each
//! with something to catch up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use sottovoce::wire::frame::{ClientFrame, RelayFrame};
use sottovoce_test_scene::Business;
use tokio::task::JoinSet;

use super::throughput::{Visitor, Writer};
use crate::check;
use crate::link::{Link, Target};
use crate::supply::{self, Conversation};
use crate::{LoadError, Outcome};

/// Contacts that begin at the same time.
const TOGETHER: usize = 128;
/// Contacts that are made in one go.
const PORTION: usize = 500;
/// What each has written, and has to catch up.
const WRITTEN: usize = 4;
/// A client whose connection fails tries again after so long.
const PAUSE: Duration = Duration::from_millis(500);
/// A storm that lasts longer never ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// Lets visitors begin contacts, write, and go.
///
/// # Errors
/// [`LoadError`].
pub async fn prepare(
    target: &Target,
    business: &Arc<Business>,
    number: usize,
) -> Outcome<Vec<Arc<Conversation>>> {
    let mut all = Vec::with_capacity(number);
    while all.len() < number {
        let portion = PORTION.min(number - all.len());
        let made = supply::conversations(business, portion, WRITTEN);
        all.extend(made.iter().cloned());
        let writing = made.iter().map(|conversation| {
            let (target, business) = (target.clone(), Arc::clone(business));
            let conversation = Arc::clone(conversation);
            async move {
                let mut visitor = Visitor::begin(&target, &business, &conversation).await?;
                while visitor.write().await? {}
                visitor.into_link().close().await;
                Ok::<_, LoadError>(())
            }
        });
        let mut writing = stream::iter(writing).buffer_unordered(TOGETHER);
        while let Some(written) = writing.next().await {
            written?;
        }
    }
    Ok(all)
}

/// Connects everybody at once; returns how long it took until the last had everything.
///
/// # Errors
/// [`LoadError`]: something that was acknowledged is not there, or the storm does not end.
pub async fn storm(
    target: &Target,
    business: &Arc<Business>,
    conversations: &[Arc<Conversation>],
) -> Outcome<Duration> {
    let start = Instant::now();
    let mut running = JoinSet::new();
    for conversation in conversations {
        let (target, business) = (target.clone(), Arc::clone(business));
        let conversation = Arc::clone(conversation);
        running.spawn(async move {
            loop {
                // A real client waits and dials again.
                if let Ok(link) = catch_up(&target, &business, &conversation).await? {
                    return Ok::<_, LoadError>(link);
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
    // Nobody leaves before the last has everything.
    let mut links = Vec::with_capacity(conversations.len());
    let ending = async {
        while let Some(ended) = running.join_next().await {
            links.push(ended.map_err(|_| LoadError::Ended)??);
        }
        Ok::<_, LoadError>(())
    };
    tokio::time::timeout(PATIENCE, ending)
        .await
        .map_err(|_| LoadError::TimedOut("a storm"))??;
    Ok(start.elapsed())
}

/// Connects and reads all but the first entry, which it has. An inner error is one to try again
/// after.
async fn catch_up(
    target: &Target,
    business: &Arc<Business>,
    conversation: &Conversation,
) -> Outcome<Outcome<Link>> {
    let connecting = async {
        let mut link = Link::connect(target, business, &conversation.visitor).await?;
        let (contact, after) = (conversation.contact, 1);
        link.send(&ClientFrame::Resume { contact, after }).await?;
        let mut read = Vec::new();
        while read.len() < WRITTEN {
            if let RelayFrame::Entries { entries, .. } = link.receive().await? {
                read.extend(entries);
            }
        }
        Ok::<_, LoadError>((link, read))
    };
    match connecting.await {
        Ok((link, read)) => {
            let written: Vec<_> = conversation.messages.iter().skip(1).collect();
            check::same(&written, &read)?;
            Ok(Ok(link))
        }
        Err(error) => Ok(Err(error)),
    }
}
