//! A session with an authenticated device. One task reads, answers and forwards, so a peer that
//! does not read is not read from either; what piles up for it meanwhile is bounded.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use sottovoce::account::AccountError;
use sottovoce::wire::frame::{
    BanPeriod, ClientFrame, ContactSummary, NewEntry, Object, PushTarget, Query, RefusedId,
    RelayFrame,
};
use sottovoce::wire::{Bytes, ContactId, DecodeError, DeviceId, limits};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval};
use tracing::Instrument;
use tracing::field::Empty;

use super::followed::Followed;
use super::{End, Wire};
use crate::account::{AccountHub, Standing};
use crate::clock;
use crate::contact::{ReadEntry, is_ephemeral_of};
use crate::fanout::{Event, SubscriberId, Topic};
use crate::hints::Hint;
use crate::presence::Status;
use crate::refusal::Refusal;
use crate::relay::Shared;
use crate::sequencer::{Append, Job};
use crate::store::Gone;
use crate::throttle::Bucket;

/// How often the peer is asked whether it lives.
const PING: Duration = Duration::from_secs(25);
/// A peer that was silent for so long is dead.
const SILENCE: Duration = Duration::from_secs(60);
/// Appends of one connection that wait for their answer.
const IN_FLIGHT: usize = 64;
/// Contacts that one connection follows.
const FOLLOWED: usize = 4096;

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
}

impl Session<'_> {
    async fn run(&mut self, mut events: mpsc::Receiver<Event>) -> Result<(), End> {
        let account = self.account.id();
        self.subscribe(Topic::Everyone(account));
        self.subscribe(Topic::Device(account, self.device));
        self.tell_presence();
        let objects = self.account.book().await.welcome(&self.device);
        self.wire.send(&RelayFrame::Welcome { objects }).await?;
        self.update_standing().await?;

        let mut ping = interval(PING);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                // Events first: their queue is bounded, and who lets it fill is cut.
                biased;
                event = events.recv() => match event {
                    Some(event) => self.event(event).await?,
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
                }
                frame = self.wire.receive(), if self.in_flight.len() < IN_FLIGHT => {
                    heard = Instant::now();
                    if let Some(frame) = frame? {
                        self.frame(frame).await?;
                    }
                }
                () = std::future::ready(()), if !self.behind.is_empty() => {
                    self.catch_up().await?;
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
            ClientFrame::Presence { available } => {
                self.available = available;
                self.tell_presence();
                Ok(())
            }
        }
    }

    async fn answer(&mut self, id: u64, done: Result<(), Refusal>) -> Result<(), End> {
        let answer = match done {
            Ok(()) => RelayFrame::Published { id },
            Err(refusal) => refused(RefusedId::Request(id), &refusal),
        };
        self.wire.send(&answer).await
    }

    /// Visitors may be banned at any time, by anybody's node.
    fn check_ban(&self) -> Result<(), End> {
        let bans = &self.shared.bans;
        if !self.standing.belongs() && bans.holds(self.account.id(), self.device, self.address) {
            return Err(Refusal::Banned.into());
        }
        Ok(())
    }

    /// Staff who may read a contact now keep away a visitor who is on it.
    async fn ban(
        &mut self,
        contact: ContactId,
        device: DeviceId,
        period: BanPeriod,
    ) -> Result<(), Refusal> {
        if !self.standing.belongs() {
            return Err(Refusal::NotAllowed);
        }
        let account = self.account.id();
        let store = &self.shared.store;
        let teams = self.standing.teams();
        let access = store
            .access(&account, &contact, &self.device, teams)
            .await?
            .filter(|access| access.until.is_none())
            .ok_or(Refusal::UnknownContact)?;
        if !access.summary.devices.contains(&device) {
            return Err(Refusal::NotOnRoster);
        }
        let book = self.account.book().await;
        if book.standing(&device, clock::now()).belongs() {
            return Err(Refusal::NotAllowed);
        }
        drop(book);
        let bans = &self.shared.bans;
        bans.ban(account, device, period, self.device).await?;
        tracing::info!(%contact, "a visitor was banned");
        Ok(())
    }

    async fn set_push_target(&mut self, target: Option<PushTarget>) -> Result<(), Refusal> {
        if !self.publications.take() {
            return Err(Refusal::Throttled);
        }
        if let Some(target) = &target {
            if target.token.len() > limits::PUSH_TOKEN {
                return Err(DecodeError::TooLarge {
                    limit: limits::PUSH_TOKEN,
                }
                .into());
            }
            if !self.shared.pushes {
                return Err(Refusal::NotAllowed);
            }
        }
        let account = self.account.id();
        let store = &self.shared.store;
        store
            .set_push_target(&account, &self.device, target.as_ref())
            .await?;
        Ok(())
    }

    /// Signatures are checked before anything is known about who publishes, so this is limited.
    async fn publish(&mut self, object: &Object) -> Result<(), Refusal> {
        if !self.publications.take() {
            return Err(Refusal::Throttled);
        }
        self.account
            .publish(object, &self.device, clock::now())
            .await
    }

    async fn look_up(&mut self, id: u64, query: &Query) -> Result<(), End> {
        let found = self
            .account
            .book()
            .await
            .look_up(query, &self.device, clock::now());
        let pages = match found {
            Ok(found) => found.pages(),
            Err(refusal) => {
                let answer = refused(RefusedId::Request(id), &refusal);
                return self.wire.send(&answer).await;
            }
        };
        let account = self.account.id();
        let now = std::time::Instant::now();
        let last = pages.len() - 1;
        for (index, page) in pages.into_iter().enumerate() {
            let frame = RelayFrame::Found {
                id,
                available: self.shared.presence.available(account, &page.devices, now),
                objects: page.objects,
                more: index < last,
            };
            self.wire.send(&frame).await?;
        }
        Ok(())
    }

    /// Appends all entries or none; each is answered by its id.
    async fn append(&mut self, contact: ContactId, entries: Vec<NewEntry>) -> Result<(), End> {
        let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
        let bytes = entries.iter().map(|entry| entry.entry.len()).sum();
        let account = self.account.id();
        let may_append = self.shared.throttle.may_append(account, contact, bytes);
        let appends: Result<Vec<_>, Refusal> = entries
            .into_iter()
            .map(|NewEntry { id, entry: bytes }| {
                if !may_append {
                    return Err(Refusal::Throttled);
                }
                let entry = ReadEntry::read(&bytes)?;
                Ok(Append { id, bytes, entry })
            })
            .collect();
        let appends = match appends {
            Ok(appends) => appends,
            Err(refusal) => {
                for id in ids {
                    let answer = refused(RefusedId::Append(id, contact), &refusal);
                    self.wire.send(&answer).await?;
                }
                return Ok(());
            }
        };
        let (answer, answered) = oneshot::channel();
        let job = Job {
            account: Arc::clone(&self.account),
            device: self.device,
            address: self.address,
            contact,
            received: std::time::Instant::now(),
            appends,
            answer,
        };
        self.shared.sequencer.send(job).await?;
        let span = tracing::info_span!("append", %contact, entries = ids.len(), code = Empty);
        let answers = async move {
            let outcome = answered.await.unwrap_or(Err(Refusal::Unavailable));
            if let Err(refusal) = &outcome {
                tracing::Span::current().record("code", refusal.code());
            }
            match outcome {
                Ok(positions) => Ok(ids
                    .into_iter()
                    .zip(positions)
                    .map(|(id, position)| RelayFrame::Appended {
                        id,
                        contact,
                        position,
                    })
                    .collect()),
                // Nobody knows whether it is durable. When the connection ends with that, the
                // client keeps it, and appends the same again when it is back.
                Err(Refusal::Unavailable) => Err(Refusal::Unavailable),
                Err(refusal) => Ok(ids
                    .into_iter()
                    .map(|id| refused(RefusedId::Append(id, contact), &refusal))
                    .collect()),
            }
        };
        self.in_flight.push(Box::pin(answers.instrument(span)));
        Ok(())
    }

    async fn resume(&mut self, contact: ContactId, after: u64) -> Result<(), End> {
        let account = self.account.id();
        if self.followed.len() >= FOLLOWED && !self.followed.contains_key(&contact) {
            let answer = refused(RefusedId::Contact(contact), &Refusal::Throttled);
            return self.wire.send(&answer).await;
        }
        // Subscribed before the head is read: an entry that is newer than the head arrives.
        self.subscribe(Topic::Contact(account, contact));
        let store = &self.shared.store;
        let teams = self.standing.teams();
        match store.access(&account, &contact, &self.device, teams).await {
            Ok(Some(access)) if !access.dropped => {
                let followed = Followed::resume(&access, after, &self.device);
                self.followed.insert(contact, followed);
                self.fall_behind(contact);
                Ok(())
            }
            Ok(_) => self.tell_gone(contact).await,
            Err(error) => {
                self.leave(&contact);
                let answer = refused(RefusedId::Contact(contact), &error.into());
                self.wire.send(&answer).await
            }
        }
    }

    /// A contact has no entries to give: says why.
    async fn tell_gone(&mut self, contact: ContactId) -> Result<(), End> {
        self.leave(&contact);
        let account = self.account.id();
        let refusal = match self.shared.store.gone(&account, &contact).await {
            Ok(Some(Gone::Dropped)) => Refusal::Dropped,
            Ok(Some(Gone::Erased(_))) => Refusal::Erased,
            Ok(None) => Refusal::UnknownContact,
            Err(error) => error.into(),
        };
        let answer = refused(RefusedId::Contact(contact), &refusal);
        self.wire.send(&answer).await
    }

    fn leave(&mut self, contact: &ContactId) {
        self.followed.remove(contact);
        self.behind.retain(|known| known != contact);
        let topic = Topic::Contact(self.account.id(), *contact);
        self.shared.fanout.unsubscribe(self.subscriber, &topic);
    }

    /// Sends one chunk of one contact from the store.
    async fn catch_up(&mut self) -> Result<(), End> {
        let Some(contact) = self.behind.pop_front() else {
            return Ok(());
        };
        let Some(followed) = self.followed.get_mut(&contact) else {
            return Ok(());
        };
        if !followed.is_behind() {
            return Ok(());
        }
        let entries = if followed.sent < followed.head {
            let account = self.account.id();
            let store = &self.shared.store;
            store
                .entries(&account, &contact, followed.sent, followed.head)
                .await?
        } else {
            Vec::new()
        };
        // Erased, or dropped, since it was resumed.
        let behind = followed.sent < followed.head;
        if behind && (entries.is_empty() || entries.iter().any(Vec::is_empty)) {
            return self.tell_gone(contact).await;
        }
        let first = followed.sent + 1;
        followed.answered = true;
        followed.sent += u64::try_from(entries.len()).unwrap_or(0);
        if followed.is_behind() {
            self.behind.push_back(contact);
        }
        let frame = RelayFrame::Entries {
            contact,
            first,
            entries: entries.into_iter().map(Bytes::from).collect(),
            head: followed.head,
        };
        self.wire.send(&frame).await
    }

    /// Only participants may, and not too often. Never answered, so what is too much is dropped.
    fn ephemeral(&mut self, contact: ContactId, event: Bytes) {
        let participates = self
            .followed
            .get(&contact)
            .is_some_and(|followed| followed.is_participant && !followed.ended);
        let account = self.account.id();
        if !participates
            || !self.ephemerals.take()
            || !is_ephemeral_of(&event, &account, &contact, &self.device)
        {
            return;
        }
        self.shared.hints.publish(Hint::Ephemeral {
            key: (account, contact),
            from: self.device,
            event: event.clone(),
        });
        let topic = Topic::Contact(account, contact);
        let event = Event::ephemeral(contact, self.device, event);
        self.shared.fanout.publish(&[topic], &event);
    }

    async fn event(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Objects(objects) => {
                let objects = objects.to_vec();
                self.wire.send(&RelayFrame::Announce { objects }).await?;
                self.update_standing().await
            }
            Event::Contact(summary) => {
                if !self.standing.belongs() {
                    return Ok(());
                }
                let frame = RelayFrame::Contacts {
                    all: false,
                    contacts: vec![(*summary).clone()],
                };
                self.wire.send(&frame).await
            }
            Event::Entry(appended) => {
                let contact = appended.summary.contact;
                let teams = self.standing.teams();
                let Some(followed) = self.followed.get_mut(&contact) else {
                    return Ok(());
                };
                let position = appended.position;
                if !followed.advance(position, &appended.summary, &self.device, teams) {
                    return Ok(());
                }
                if !followed.answered || position != followed.sent + 1 {
                    // Not its turn yet: the store has it.
                    self.fall_behind(contact);
                    return Ok(());
                }
                followed.sent = position;
                let frame = RelayFrame::Entries {
                    contact,
                    first: position,
                    entries: vec![appended.entry.clone()],
                    head: position,
                };
                self.wire.send(&frame).await?;
                let seconds = appended.received.elapsed().as_secs_f64();
                self.shared.metrics.delivery.observe(seconds);
                Ok(())
            }
            Event::Gone(gone) => {
                let contact = gone.contact;
                let follows = self.followed.contains_key(&contact);
                self.leave(&contact);
                // Staff may have it in their list as well.
                if !follows && !self.standing.belongs() {
                    return Ok(());
                }
                let answer = refused(RefusedId::Contact(contact), &gone.refusal);
                self.wire.send(&answer).await
            }
            Event::Advanced(summary) => self.advanced(&summary).await,
            Event::Ephemeral(fleeting) => {
                let contact = fleeting.contact;
                let follows = self
                    .followed
                    .get(&contact)
                    .is_some_and(|followed| !followed.ended);
                if fleeting.from == self.device || !follows {
                    return Ok(());
                }
                let event = fleeting.event.clone();
                let frame = RelayFrame::Ephemeral { contact, event };
                self.wire.send(&frame).await
            }
        }
    }

    /// A contact is further than what this node has written to it.
    async fn advanced(&mut self, summary: &ContactSummary) -> Result<(), End> {
        let contact = summary.contact;
        let teams = self.standing.teams();
        let Some(followed) = self.followed.get_mut(&contact) else {
            return Ok(());
        };
        if followed.ended || summary.head <= followed.head {
            return Ok(());
        }
        if !followed.advance(summary.head, summary, &self.device, teams) {
            return Ok(());
        }
        if followed.ended {
            // The device was removed somewhere on the way: only the store knows where.
            let store = &self.shared.store;
            let account = self.account.id();
            let access = store.access(&account, &contact, &self.device, teams);
            match access.await? {
                Some(access) => followed.end_at(&access),
                None => return self.tell_gone(contact).await,
            }
        }
        self.fall_behind(contact);
        Ok(())
    }

    /// Something is to be sent from the store.
    fn fall_behind(&mut self, contact: ContactId) {
        if !self.behind.contains(&contact) {
            self.behind.push_back(contact);
        }
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
        Ok(())
    }

    fn subscribe(&self, topic: Topic) {
        self.shared.fanout.subscribe(self.subscriber, topic);
    }
}

/// The snapshot of contacts, in as many frames as it takes.
fn snapshot(contacts: Vec<ContactSummary>) -> Vec<RelayFrame> {
    /// A summary has a roster and an entry point's name, both limited.
    const LARGEST: usize = limits::ROSTER * (limits::NAME + 40) + limits::NAME + 100;
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
