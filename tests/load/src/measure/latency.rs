//! How long a message is on its way at a given rate, counted from the moment that it was due, so
//! that whoever falls behind cannot hide it. For a relay: from one connection through the disk to
//! a second that follows the contact. For an echo server: there and back.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use sottovoce::wire::frame::{ClientFrame, RelayFrame};
use sottovoce_test_scene::Business;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::tungstenite::Message;

use super::throughput;
use crate::link::{Link, Socket, Target, unexpected};
use crate::supply::Conversation;
use crate::{LoadError, Outcome};

/// Until the first message is due.
const LEAD: Duration = Duration::from_millis(200);
/// Messages at the beginning that do not count.
const WARM_UP: Duration = Duration::from_millis(300);
/// How long the last message may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    /// Half of the messages took at most so long.
    pub p50: Duration,
    /// 99 of 100 took at most so long.
    pub p99: Duration,
}

impl Latency {
    /// Of what every message took.
    pub fn of(mut taken: Vec<Duration>) -> Self {
        taken.sort_unstable();
        let at = |percent: usize| {
            let index = (taken.len() * percent / 100).min(taken.len().saturating_sub(1));
            taken.get(index).copied().unwrap_or_default()
        };
        Self {
            p50: at(50),
            p99: at(99),
        }
    }
}

/// When each message is due: all writers in turn, at one steady rate.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    start: Instant,
    /// Messages per second of all writers together.
    rate: f64,
    writers: u32,
    each: u32,
}

impl Schedule {
    /// Begins soon.
    pub fn new(rate: f64, writers: usize, time: Duration) -> Self {
        let writers = u32::try_from(writers).unwrap_or(u32::MAX).max(1);
        // Small and positive.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let each = (rate * (WARM_UP + time).as_secs_f64() / f64::from(writers)) as u32;
        Self {
            start: Instant::now() + LEAD,
            rate,
            writers,
            each: each.max(1),
        }
    }

    fn due(&self, writer: u32, index: u32) -> Instant {
        let number = f64::from(index) * f64::from(self.writers) + f64::from(writer);
        self.start + Duration::from_secs_f64(number / self.rate)
    }

    fn counts(&self, due: Instant) -> bool {
        due.duration_since(self.start) >= WARM_UP
    }

    /// What a message took that is here now; none while it does not count.
    fn taken(&self, writer: u32, index: u32) -> Option<Duration> {
        let due = self.due(writer, index);
        self.counts(due).then(|| due.elapsed())
    }

    /// A thread that tells every writer when its turn is: timers of the runtime are too coarse.
    fn pace(self) -> (Vec<mpsc::UnboundedReceiver<()>>, thread::JoinHandle<()>) {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..self.writers).map(|_| mpsc::unbounded_channel()).unzip();
        let pacer = thread::spawn(move || {
            for index in 0..self.each {
                for (writer, sender) in (0..).zip(&senders) {
                    let wait = self
                        .due(writer, index)
                        .saturating_duration_since(Instant::now());
                    if !wait.is_zero() {
                        thread::sleep(wait);
                    }
                    // One that ended early says why itself.
                    let _ = sender.send(());
                }
            }
        });
        (receivers, pacer)
    }
}

/// Delivery through a relay whose visitors are new.
///
/// # Errors
/// [`LoadError`]: of connections, or the relay lets something wait for half a minute.
pub async fn relay(
    target: &Target,
    business: &Arc<Business>,
    conversations: &[Arc<Conversation>],
    rate: f64,
    time: Duration,
) -> Outcome<Latency> {
    let visitors = throughput::visitors(target, business, conversations).await?;
    let mut followers = Vec::new();
    for conversation in conversations {
        let mut link = Link::connect(target, business, &conversation.visitor).await?;
        let (contact, after) = (conversation.contact, 0);
        link.send(&ClientFrame::Resume { contact, after }).await?;
        link.wait_for(|frame| matches!(frame, RelayFrame::Entries { .. }).then_some(()))
            .await?;
        followers.push(link);
    }
    let schedule = Schedule::new(rate, conversations.len(), time);
    let (turns, pacer) = schedule.pace();
    let mut writing = JoinSet::new();
    for ((visitor, turns), conversation) in visitors.into_iter().zip(turns).zip(conversations) {
        let conversation = Arc::clone(conversation);
        writing.spawn(write(visitor.into_link(), turns, conversation));
    }
    let followers = (0..)
        .zip(followers)
        .map(|(writer, link)| tokio::spawn(follow(link, schedule, writer)));
    let taken = all(followers.collect()).await?;
    while let Some(ended) = writing.join_next().await {
        ended.map_err(|_| LoadError::Ended)??;
    }
    pacer.join().map_err(|_| LoadError::Ended)?;
    Ok(taken)
}

/// Writes a message at each turn, acknowledged or not, and reads what is answered.
async fn write(
    mut link: Link,
    mut turns: mpsc::UnboundedReceiver<()>,
    conversation: Arc<Conversation>,
) -> Outcome {
    // The first is the commit, which was taken.
    let mut messages = conversation.messages.iter().skip(1);
    loop {
        tokio::select! {
            turn = turns.recv() => match turn {
                Some(()) => {
                    let message = messages.next();
                    let message = message.ok_or(LoadError::TimedOut("more than there is to say"))?;
                    link.send_encoded(message.frame.clone()).await?;
                }
                None => return Ok(()),
            },
            frame = link.receive() => {
                if let refused @ RelayFrame::Refused { .. } = frame? {
                    return Err(unexpected(&refused));
                }
            }
        }
    }
}

async fn follow(mut link: Link, schedule: Schedule, writer: u32) -> Outcome<Vec<Duration>> {
    let mut taken = Vec::new();
    // The commit is at position 1.
    let mut next = 2_u64;
    while next < u64::from(schedule.each) + 2 {
        let frame = tokio::time::timeout(PATIENCE, link.receive())
            .await
            .map_err(|_| LoadError::TimedOut("a delivery"))??;
        let RelayFrame::Entries { first, entries, .. } = frame else {
            continue;
        };
        if first != next {
            let said = format!("position {first} instead of {next}");
            return Err(LoadError::Unexpected(said));
        }
        for _ in entries {
            let index = u32::try_from(next - 2).unwrap_or(u32::MAX);
            taken.extend(schedule.taken(writer, index));
            next += 1;
        }
    }
    Ok(taken)
}

/// There and back through a server that does nothing else.
///
/// # Errors
/// [`LoadError`]: of connections, or the server lets something wait for half a minute.
pub async fn echo(
    target: &Target,
    message: &Message,
    writers: usize,
    rate: f64,
    time: Duration,
) -> Outcome<Latency> {
    let mut sockets = Vec::new();
    for _ in 0..writers {
        sockets.push(target.open("/").await?);
    }
    let schedule = Schedule::new(rate, writers, time);
    let (turns, pacer) = schedule.pace();
    let running = (0..)
        .zip(sockets.into_iter().zip(turns))
        .map(|(writer, (socket, turns))| {
            tokio::spawn(bounce(socket, turns, message.clone(), schedule, writer))
        });
    let taken = all(running.collect()).await?;
    pacer.join().map_err(|_| LoadError::Ended)?;
    Ok(taken)
}

async fn bounce(
    mut socket: Socket,
    mut turns: mpsc::UnboundedReceiver<()>,
    message: Message,
    schedule: Schedule,
    writer: u32,
) -> Outcome<Vec<Duration>> {
    let mut taken = Vec::new();
    let mut index = 0;
    while index < schedule.each {
        tokio::select! {
            Some(()) = turns.recv() => socket.send(message.clone()).await?,
            answer = tokio::time::timeout(PATIENCE, socket.next()) => {
                let answer = answer.map_err(|_| LoadError::TimedOut("an echo"))?;
                answer.ok_or(LoadError::Ended)??;
                taken.extend(schedule.taken(writer, index));
                index += 1;
            }
        }
    }
    Ok(taken)
}

async fn all(running: Vec<JoinHandle<Outcome<Vec<Duration>>>>) -> Outcome<Latency> {
    let mut taken = Vec::new();
    for task in running {
        taken.append(&mut task.await.map_err(|_| LoadError::Ended)??);
    }
    Ok(Latency::of(taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_all_messages() {
        let taken = (1..=1000).rev().map(Duration::from_millis).collect();
        let latency = Latency::of(taken);
        assert_eq!(latency.p50, Duration::from_millis(501));
        assert_eq!(latency.p99, Duration::from_millis(991));
    }

    #[test]
    fn a_message_that_was_late_to_leave_took_longer() {
        let mut schedule = Schedule::new(1000.0, 2, Duration::from_secs(1));
        schedule.start = Instant::now() - Duration::from_secs(2);
        // The 401st of the second writer was due after 0.801 s.
        let taken = schedule.taken(1, 400);
        assert!(taken >= Some(Duration::from_millis(1199)), "{taken:?}");
        assert_eq!(schedule.taken(0, 1), None, "the warm-up does not count");
    }
}
