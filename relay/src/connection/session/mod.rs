//! A session with an authenticated device. One task reads, answers and forwards, so a peer that
//! does not read is not read from either; what piles up for it meanwhile is bounded.

mod append;
mod follow;
mod request;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use sottovoce::account::AccountError;
use sottovoce::wire::frame::{ClientFrame, ContactSummary, NewEntry, RefusedId, RelayFrame};
use sottovoce::wire::{ContactId, DeviceId, limits};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval};

use super::followed::Followed;
use super::{End, Wire};
use crate::account::{AccountHub, Standing};
use crate::fanout::{Event, SubscriberId, Topic};
use crate::presence::Status;
use crate::refusal::Refusal;
use crate::relay::Shared;
use crate::throttle::Bucket;
use sottovoce_server::clock;

/// How often the peer is asked whether it lives.
const PING: Duration = Duration::from_secs(25);
/// A peer that was silent for so long is dead.
const SILENCE: Duration = Duration::from_secs(60);
/// One-time keys that one connection is given: a visitor starts one contact.
const PREKEYS: usize = 2;
/// Appends of one connection that wait for their answer.
const IN_FLIGHT: usize = 64;

type Answer = BoxFuture<'static, Result<Vec<RelayFrame>, Refusal>>;

/// Runs a session to its end.
pub(super) async fn run(
    shared: &Arc<Shared>,
    account: Arc<AccountHub>,
    device: DeviceId,
    address: IpAddr,
    wire: &mut Wire,
) -> End {
    let (subscriber, events) = shared.fanout.connect();
    let rates = shared.throttle.limits();
    let bucket = |rate: u32, burst: f64| Bucket::new(f64::from(rate), f64::from(rate) * burst);
    let mut session = Session {
        shared,
        wire,
        device,
        address,
        subscriber,
        standing: Standing::default(),
        available: true,
        followed: HashMap::new(),
        behind: VecDeque::new(),
        in_flight: FuturesUnordered::new(),
        publications: bucket(rates.publications, 50.0),
        ephemerals: bucket(rates.ephemerals, 5.0),
        prekeys: 0,
        account,
    };
    let end = match session.run(events).await {
        Ok(()) => End::Gone,
        Err(end) => end,
    };
    shared.fanout.disconnect(subscriber);
    let device = (session.account.id(), device);
    if let Some(hint) = shared.presence.remove(device, subscriber) {
        shared.hints.publish(hint);
    }
    end
}

struct Session<'a> {
    shared: &'a Arc<Shared>,
    wire: &'a mut Wire,
    account: Arc<AccountHub>,
    device: DeviceId,
    address: IpAddr,
    subscriber: SubscriberId,
    standing: Standing,
    /// Whether new contacts are welcome at the device.
    available: bool,
    followed: HashMap<ContactId, Followed>,
    /// Contacts that have something to be sent from the store, each once.
    behind: VecDeque<ContactId>,
    in_flight: FuturesUnordered<Answer>,
    publications: Bucket,
    ephemerals: Bucket,
    /// One-time keys that this connection was given.
    prekeys: usize,
}

impl Session<'_> {
    async fn run(&mut self, mut events: mpsc::Receiver<Event>) -> Result<(), End> {
        let account = self.account.id();
        self.subscribe(Topic::Everyone(account));
        self.subscribe(Topic::Device(account, self.device));
        self.tell_presence();
        let objects = self.account.book().await.welcome(&self.device);
        self.wire.send(&RelayFrame::Welcome { objects }).await?;
        // Boxed, here and below: what waits for the next frame needs no room for what one can ask.
        Box::pin(self.update_standing()).await?;

        let mut ping = interval(PING);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                // Events first: their queue is bounded, and who lets it fill is cut.
                biased;
                event = events.recv() => match event {
                    Some(event) => Box::pin(self.event(event)).await?,
                    None => return Err(Refusal::TooSlow.into()),
                },
                Some(answers) = self.in_flight.next() => {
                    for answer in answers? {
                        self.wire.send(&answer).await?;
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE {
                        return Ok(());
                    }
                    self.check_ban()?;
                    self.wire.ping().await?;
                    Box::pin(self.see_to_keys()).await?;
                }
                frame = self.wire.receive(), if self.in_flight.len() < IN_FLIGHT => {
                    heard = Instant::now();
                    if let Some(frame) = frame? {
                        Box::pin(self.frame(frame)).await?;
                    }
                }
                () = std::future::ready(()), if !self.behind.is_empty() => {
                    Box::pin(self.catch_up()).await?;
                }
            }
        }
    }

    async fn frame(&mut self, frame: ClientFrame) -> Result<(), End> {
        self.check_ban()?;
        match frame {
            ClientFrame::Authenticate { .. } | ClientFrame::Solve { .. } => {
                Err(Refusal::Unexpected.into())
            }
            ClientFrame::Publish { id, object } => {
                let done = self.publish(&object).await;
                self.answer(id, done).await
            }
            ClientFrame::Lookup { id, query } => self.look_up(id, &query).await,
            ClientFrame::Append { id, contact, entry } => {
                self.append(contact, vec![NewEntry { id, entry }]).await
            }
            ClientFrame::AppendBoth {
                contact,
                first,
                second,
            } => self.append(contact, vec![first, second]).await,
            ClientFrame::Resume { contact, after } => self.resume(contact, after).await,
            ClientFrame::Leave { contact } => {
                self.leave(&contact);
                Ok(())
            }
            ClientFrame::Ephemeral { contact, event } => {
                self.ephemeral(contact, event);
                Ok(())
            }
            ClientFrame::Ban {
                id,
                contact,
                device,
                period,
            } => {
                let done = self.ban(contact, device, period).await;
                self.answer(id, done).await
            }
            ClientFrame::Push { id, target } => {
                let done = self.set_push_target(target).await;
                self.answer(id, done).await
            }
            ClientFrame::Ask { id, request } => {
                self.ask_key_manager(id, request);
                Ok(())
            }
            ClientFrame::Presence { available } => {
                self.available = available;
                self.tell_presence();
                Ok(())
            }
        }
    }

    /// Visitors may be banned at any time, by anybody's node.
    fn check_ban(&self) -> Result<(), End> {
        let bans = &self.shared.bans;
        if !self.standing.belongs() && bans.holds(self.account.id(), self.device, self.address) {
            return Err(Refusal::Banned.into());
        }
        Ok(())
    }

    fn tell_presence(&self) {
        let device = (self.account.id(), self.device);
        let status = Status {
            available: self.available,
            belongs: self.standing.belongs(),
        };
        if let Some(hint) = self.shared.presence.set(device, self.subscriber, status) {
            self.shared.hints.publish(hint);
        }
    }

    /// Finds out what the device is now, and what concerns it from now on.
    async fn update_standing(&mut self) -> Result<(), End> {
        let book = self.account.book().await;
        let now = book.standing(&self.device, clock::now());
        drop(book);
        if now.is_revoked {
            return Err(AccountError::Revoked.into());
        }
        let account = self.account.id();
        let before = std::mem::replace(&mut self.standing, now.clone());
        if now.belongs() != before.belongs() {
            self.tell_presence();
        }
        if now.is_administrator {
            self.subscribe(Topic::Administrators(account));
        }
        for team in before.teams().iter().filter(|team| !now.is_in(team)) {
            let topic = Topic::Team(account, team.clone());
            self.shared.fanout.unsubscribe(self.subscriber, &topic);
        }
        for team in now.teams() {
            self.subscribe(Topic::Team(account, team.clone()));
        }
        if now.belongs() && (!before.belongs() || before.teams() != now.teams()) {
            let store = &self.shared.store;
            let contacts = store
                .contacts_of(&account, &self.device, now.teams())
                .await?;
            let frames = snapshot(contacts);
            for frame in frames {
                self.wire.send(&frame).await?;
            }
        }
        self.see_to_keys().await
    }

    fn subscribe(&self, topic: Topic) {
        self.shared.fanout.subscribe(self.subscriber, topic);
    }
}

/// The snapshot of contacts, in as many frames as it takes.
fn snapshot(contacts: Vec<ContactSummary>) -> Vec<RelayFrame> {
    /// A summary has a roster, earlier teams and an entry point's name, all limited.
    const LARGEST: usize = limits::ROSTER * (2 * limits::NAME + 40) + limits::NAME + 200;
    let per_frame = (limits::FRAME / LARGEST).max(1);
    let mut frames: Vec<_> = contacts
        .chunks(per_frame)
        .zip(0..)
        .map(|(contacts, index)| RelayFrame::Contacts {
            all: index == 0,
            contacts: contacts.to_vec(),
        })
        .collect();
    if frames.is_empty() {
        frames.push(RelayFrame::Contacts {
            all: true,
            contacts: Vec::new(),
        });
    }
    frames
}

fn refused(id: RefusedId, refusal: &Refusal) -> RelayFrame {
    RelayFrame::Refused {
        id,
        code: refusal.code().to_owned(),
    }
}
