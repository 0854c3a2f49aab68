//! Those who write and those who follow, while what they are connected to dies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::{ClientFrame, RefusedId, RelayFrame};
use sottovoce::wire::{Bytes, ContactId};
use sottovoce_test_scene::{Business, Person};
use tokio::task::JoinHandle;

use crate::check::Followed;
use crate::link::{Link, Target};
use crate::supply::Conversation;
use crate::{LoadError, Outcome};

/// How long an answer may take before the connection counts as dead.
const PATIENCE: Duration = Duration::from_secs(10);
/// Before the next try.
const PAUSE: Duration = Duration::from_millis(10);

/// What a pair has done so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    acknowledged: AtomicUsize,
    /// How often the writer was told that the relay is unavailable.
    told: AtomicUsize,
    stop: AtomicBool,
    /// Whether the last acknowledgement has come.
    is_written: AtomicBool,
    /// Whether one of the two ended with an error.
    pub(super) failed: AtomicBool,
}

impl Progress {
    /// How many messages are acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// How often the writer was told that the relay is unavailable.
    pub(super) fn told(&self) -> usize {
        self.told.load(Ordering::SeqCst)
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// One who writes, and one who follows on another node.
pub(super) struct Pair {
    pub(super) progress: Arc<Progress>,
    conversation: Arc<Conversation>,
    writing: JoinHandle<Outcome<(Vec<u64>, usize)>>,
    following: JoinHandle<Outcome<Vec<Bytes>>>,
}

/// What a pair did.
pub(super) struct Written {
    pub(super) conversation: Arc<Conversation>,
    /// The position of each acknowledged message.
    pub(super) acknowledged: Vec<u64>,
    /// Messages that were sent more than once.
    pub(super) repeated: usize,
    /// What came to the follower, live or caught up, in the order in which it came.
    pub(super) followed: Vec<Bytes>,
}

impl Pair {
    pub(super) fn start(
        business: &Arc<Business>,
        conversation: Arc<Conversation>,
        nodes: Vec<SocketAddr>,
        home: usize,
        away: Duration,
    ) -> Self {
        let progress = Arc::new(Progress::default());
        let person = |home| Connected {
            business: Arc::clone(business),
            conversation: Arc::clone(&conversation),
            progress: Arc::clone(&progress),
            nodes: nodes.clone(),
            home,
            patience: PATIENCE * 3 + away,
        };
        let noted = Arc::clone(&progress);
        let (writer, follower) = (person(home), person(home + 1));
        let writing = tokio::spawn(async move {
            let written = writer.write().await;
            noted.is_written.store(true, Ordering::SeqCst);
            noted.failed.fetch_or(written.is_err(), Ordering::Relaxed);
            written
        });
        let noted = Arc::clone(&progress);
        let following = tokio::spawn(async move {
            let followed = follower.follow().await;
            noted.failed.fetch_or(followed.is_err(), Ordering::Relaxed);
            followed
        });
        Self {
            progress,
            conversation,
            writing,
            following,
        }
    }

    /// Lets what is on its way be acknowledged and arrive.
    pub(super) async fn stop(self) -> Outcome<Written> {
        self.progress.stop.store(true, Ordering::SeqCst);
        let (acknowledged, repeated) = self.writing.await.map_err(|_| LoadError::Ended)??;
        let followed = self.following.await.map_err(|_| LoadError::Ended)??;
        Ok(Written {
            conversation: self.conversation,
            acknowledged,
            repeated,
            followed,
        })
    }
}

/// Somebody who always finds a node that answers.
struct Connected {
    business: Arc<Business>,
    conversation: Arc<Conversation>,
    progress: Arc<Progress>,
    nodes: Vec<SocketAddr>,
    home: usize,
    /// How long there may be no node that answers: as long as the only one is away, and a while.
    patience: Duration,
}

impl Connected {
    /// A connection with the own node, or with the next that answers.
    async fn connect(&self) -> Outcome<Link> {
        let connecting = async {
            for node in self.nodes.iter().cycle().skip(self.home % self.nodes.len()) {
                let target = Target::plain(*node);
                let visitor = &self.conversation.visitor;
                if let Ok(link) = Link::connect(&target, &self.business, visitor).await {
                    return Ok(link);
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(LoadError::Ended)
        };
        tokio::time::timeout(self.patience, connecting)
            .await
            .map_err(|_| LoadError::TimedOut("a connection"))?
    }

    /// Writes until told to stop, each message again under its id until it is acknowledged.
    async fn write(&self) -> Outcome<(Vec<u64>, usize)> {
        let mut positions = Vec::new();
        let mut repeated = 0;
        let mut sent = 0;
        loop {
            let mut link = self.connect().await?;
            loop {
                let message = self.conversation.messages.get(positions.len());
                let Some(message) = message.filter(|_| !self.progress.is_over()) else {
                    return Ok((positions, repeated));
                };
                if sent > positions.len() {
                    repeated += 1;
                }
                sent = positions.len() + 1;
                let answering = async {
                    link.send_encoded(message.frame.clone()).await?;
                    loop {
                        match link.receive().await? {
                            RelayFrame::Appended { id, position, .. } if id == message.id => {
                                return Ok(position);
                            }
                            RelayFrame::Refused { code, .. } => {
                                return Err(LoadError::Refused(code));
                            }
                            _ => {}
                        }
                    }
                };
                match tokio::time::timeout(PATIENCE, answering).await {
                    Ok(Ok(position)) => {
                        positions.push(position);
                        self.progress.acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                    // The database is away for a moment.
                    Ok(Err(LoadError::Refused(code))) if code == "unavailable" => {
                        self.progress.told.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(PAUSE).await;
                    }
                    Ok(Err(LoadError::Refused(code))) if code != "going-away" => {
                        return Err(LoadError::Refused(code));
                    }
                    Ok(Err(_)) | Err(_) => break,
                }
            }
        }
    }

    /// Follows until everything that was acknowledged is there.
    async fn follow(&self) -> Outcome<Vec<Bytes>> {
        let mut followed = Followed::new(self.conversation.contact);
        while self.progress.acknowledged() == 0 {
            if self.progress.is_written.load(Ordering::SeqCst) {
                return Ok(followed.log);
            }
            tokio::time::sleep(PAUSE).await;
        }
        loop {
            let mut link = self.connect().await?;
            loop {
                match self.next(&mut link, &mut followed).await {
                    Ok(true) => return Ok(followed.log),
                    Ok(false) => {}
                    Err(LoadError::Fault(fault)) => return Err(fault.into()),
                    Err(LoadError::TimedOut(what)) => return Err(LoadError::TimedOut(what)),
                    Err(_) => break,
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Reads one connection to its end, or until nothing more is to come.
    async fn next(&self, link: &mut Link, followed: &mut Followed) -> Outcome<bool> {
        let contact = followed.contact;
        let after = followed.position();
        link.send(&ClientFrame::Resume { contact, after }).await?;
        let mut waited = Duration::ZERO;
        loop {
            let is_written = self.progress.is_written.load(Ordering::SeqCst);
            if is_written && followed.log.len() >= self.progress.acknowledged() {
                return Ok(true);
            }
            let Ok(frame) = tokio::time::timeout(PAUSE, link.receive()).await else {
                waited += PAUSE;
                if is_written && waited > PATIENCE * 2 {
                    return Err(LoadError::TimedOut("a delivery"));
                }
                continue;
            };
            match frame? {
                RelayFrame::Entries {
                    contact: of,
                    first,
                    entries,
                    ..
                } if of == contact => {
                    // Nothing new may be said with no entries at all.
                    if !entries.is_empty() {
                        waited = Duration::ZERO;
                        followed.take(first, entries)?;
                    }
                }
                RelayFrame::Refused {
                    id: RefusedId::Contact(of),
                    code,
                } if of == contact => return Err(LoadError::Refused(code)),
                _ => {}
            }
        }
    }
}

/// Everything of a contact, read through a new connection.
pub(super) async fn read(
    address: SocketAddr,
    business: &Arc<Business>,
    visitor: &Person,
    contact: ContactId,
) -> Outcome<Vec<Bytes>> {
    let mut link = Link::connect(&Target::plain(address), business, visitor).await?;
    let mut followed = Followed::new(contact);
    link.send(&ClientFrame::Resume { contact, after: 0 })
        .await?;
    loop {
        let (first, entries, head) = link
            .wait_for(|frame| match frame {
                RelayFrame::Entries {
                    contact: of,
                    first,
                    entries,
                    head,
                } if of == contact => Some(Ok((first, entries, head))),
                RelayFrame::Refused { code, .. } => Some(Err(LoadError::Refused(code))),
                _ => None,
            })
            .await??;
        followed.take(first, entries)?;
        if followed.position() >= head {
            link.close().await;
            return Ok(followed.log);
        }
    }
}

/// The same person once more.
pub(super) fn same(person: &Person) -> Person {
    Person {
        key: SigningKey::from_seed(&person.key.seed()),
        seal_key: person.seal_key.duplicate(),
    }
}
