//! The device that is on the rosters: it follows every contact that it is on, and stores what it sees.
//!
//! After a restart open contacts are read again from their beginning, and contacts that were closed
//! meanwhile are read to their end; what is stored already is not written again. A contact whose key
//! cannot be had is not held in memory: it is read again once it can.

mod followed;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sottovoce::account::Level;
use sottovoce::client::{Command, ConnectionState, Event, InboxEntry};
use sottovoce::wire::codec::from_base64url;
use sottovoce::wire::{ContactId, Time};
use sottovoce_client::Handle;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::keys::{KeyError, Keys};
use crate::reading::ReadError;
use crate::seal::DataKey;
use crate::status::Status;
use crate::store::{Change, Store, StoreError};
use followed::{Followed, Prepared};

/// How often is looked for what became due.
const EVERY: Duration = Duration::from_millis(250);
/// Events that are taken in before something is written.
const AT_ONCE: usize = 512;
/// Closed contacts that are read at once.
const LATE_AT_ONCE: usize = 8;
/// How long a closed contact is quiet before it is left: its signatures are verified meanwhile.
const QUIET: Duration = Duration::from_secs(2);
/// How long a closed contact may say nothing before another has its turn.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the database may take.
const DATABASE: Duration = Duration::from_secs(10);

/// What the participant works with.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) keys: Arc<Keys>,
    pub(crate) status: Arc<Status>,
    /// Contacts that were erased meanwhile.
    pub(crate) erased: mpsc::Receiver<ContactId>,
    /// Rung when records were stored that others are to be told of.
    pub(crate) news: Arc<Notify>,
    /// Told of contacts whose key the key manager has erased.
    pub(crate) gone: mpsc::Sender<ContactId>,
}

/// A key that was asked for.
type Asked = (ContactId, Result<Arc<DataKey>, KeyError>);

pub(crate) struct Participant {
    parts: Parts,
    handle: Handle,
    events: mpsc::Receiver<Event>,
    followed: HashMap<ContactId, Followed>,
    /// Of these nothing more is to be stored.
    finished: HashSet<ContactId>,
    /// Closed contacts that are still to be read.
    late: BTreeSet<ContactId>,
    asked: mpsc::Receiver<Asked>,
    asking: mpsc::Sender<Asked>,
    /// When the database is tried again.
    not_before: Option<Instant>,
}

impl Participant {
    pub(crate) async fn new(
        parts: Parts,
        handle: Handle,
        events: mpsc::Receiver<Event>,
    ) -> Result<Self, StoreError> {
        let finished = parts.store.finished().await?;
        let (asking, asked) = mpsc::channel(64);
        parts.status.set_relay(Some("relay-offline".to_owned()));
        Ok(Self {
            parts,
            handle,
            events,
            followed: HashMap::new(),
            finished,
            late: BTreeSet::new(),
            asked,
            asking,
            not_before: None,
        })
    }

    /// Follows and stores until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => self.take_in(event).await,
                    None => break,
                },
                Some((contact, key)) = self.asked.recv() => self.answered(contact, key).await,
                Some(contact) = self.parts.erased.recv() => self.erased(contact).await,
                _ = tick.tick() => self.look_after().await,
                () = shutdown.cancelled() => break,
            }
            self.parts.status.set_followed(self.followed.len());
            self.store().await;
        }
        self.handle.stop().await;
    }

    /// Takes an event in, and those that wait behind it.
    async fn take_in(&mut self, event: Event) {
        let mut event = Some(event);
        for _ in 0..AT_ONCE {
            let Some(one) = event else { return };
            let is_full = self.event(one).await;
            if is_full {
                return;
            }
            event = self.events.try_recv().ok();
        }
        if let Some(last) = event {
            self.event(last).await;
        }
    }

    /// Takes an event in; whether it is time to write.
    async fn event(&mut self, event: Event) -> bool {
        match event {
            Event::Connection(state) => self.connection(state),
            Event::Unapproved { .. } => {
                self.parts.status.set_relay(Some("unapproved".to_owned()));
                tracing::warn!("the device is not approved yet");
            }
            Event::Inbox(entries) => self.inbox(&entries).await,
            Event::Contact(view) => {
                let contact = view.contact;
                if let Some(followed) = self.follow(contact) {
                    followed.see(view);
                }
            }
            Event::Item { contact, item } => {
                if let Some(followed) = self.follow(contact) {
                    followed.take(&item);
                    return followed.is_full();
                }
            }
            Event::ItemRemoved { contact, key } => {
                if let (Some(followed), Some(position)) = (self.follow(contact), position_of(&key))
                {
                    followed.remove(position);
                }
            }
            Event::Failed { contact, code } => self.failed(contact, code).await,
            Event::Alarm { contact, code, .. } => {
                self.parts.status.alarm();
                let contact = contact.map(|contact| contact.to_string());
                tracing::warn!(contact, code, "alarm");
            }
            _ => {}
        }
        false
    }

    fn connection(&mut self, state: ConnectionState) {
        let obstacle = match state {
            ConnectionState::Online => None,
            ConnectionState::Refused(code) => {
                tracing::error!(code, "the relay refuses the vault");
                Some("relay-refused".to_owned())
            }
            _ => Some("relay-offline".to_owned()),
        };
        self.parts.status.set_relay(obstacle);
    }

    /// The contact, unless nothing more of it is to be stored.
    fn follow(&mut self, contact: ContactId) -> Option<&mut Followed> {
        if self.finished.contains(&contact) {
            return None;
        }
        let new = || Followed::new(false);
        Some(self.followed.entry(contact).or_insert_with(new))
    }

    /// Contacts that were closed while nobody looked are read to their end; those that were erased here
    /// are left.
    async fn inbox(&mut self, entries: &[InboxEntry]) {
        for entry in entries.iter().filter(|entry| entry.mine) {
            let contact = entry.contact;
            let is_finished = self.finished.contains(&contact);
            if entry.closed && !is_finished && !self.followed.contains_key(&contact) {
                self.late.insert(contact);
            }
        }
    }

    /// Something could not be done. The relay has nothing more of a contact: what is stored stays.
    async fn failed(&mut self, contact: Option<ContactId>, code: &'static str) {
        let Some(contact) = contact else {
            tracing::warn!(code, "the vault's device could not do something");
            if code == "certificate-refused" {
                self.parts.status.set_relay(Some(code.to_owned()));
            }
            return;
        };
        if matches!(code, "expired" | "erased" | "unknown-contact") {
            tracing::warn!(%contact, code, "the relay has no more of a contact");
            self.followed.remove(&contact);
            self.late.remove(&contact);
            self.parts.status.set_waiting(contact, None);
        }
    }

    /// A contact was erased here.
    async fn erased(&mut self, contact: ContactId) {
        self.finished.insert(contact);
        self.late.remove(&contact);
        self.parts.status.set_waiting(contact, None);
        if self.followed.remove(&contact).is_some() {
            self.command(Command::Leave { contact }).await;
        }
    }

    /// A key came, or did not.
    async fn answered(&mut self, contact: ContactId, key: Result<Arc<DataKey>, KeyError>) {
        let Some(followed) = self.followed.get_mut(&contact) else {
            return;
        };
        followed.asking = false;
        match key {
            Ok(_) => {
                followed.allow();
                self.parts.status.set_waiting(contact, None);
            }
            Err(error) => {
                followed.refuse();
                let code = error.code();
                if self.parts.status.waits_for(&contact) != Some(code) {
                    tracing::warn!(%contact, code, "a contact waits for its key");
                }
                self.parts.status.set_waiting(contact, Some(code));
                if error == KeyError::Erased {
                    // What is stored of it will never open again.
                    let _ = self.parts.gone.send(contact).await;
                }
            }
        }
    }

    /// What is due: contacts to be read again, to be left, to be opened.
    async fn look_after(&mut self) {
        let mut again = Vec::new();
        let mut ended = Vec::new();
        let mut stuck = Vec::new();
        let now = Instant::now();
        for (contact, followed) in &self.followed {
            let is_free = !followed.asking && followed.not_before.is_none_or(|at| at <= now);
            if followed.missed && is_free && self.not_before.is_none() {
                again.push(*contact);
            } else if followed.is_at_its_end() && followed.last.elapsed() > QUIET {
                ended.push(*contact);
            } else if followed.is_late && followed.last.elapsed() > PATIENCE {
                stuck.push(*contact);
            }
        }
        for contact in again {
            self.read_again(contact).await;
        }
        self.end(&ended).await;
        for contact in stuck {
            self.followed.remove(&contact);
            self.late.insert(contact);
            self.command(Command::Leave { contact }).await;
        }
        let late = self.followed.values().filter(|followed| followed.is_late);
        let room = LATE_AT_ONCE.saturating_sub(late.count());
        for _ in 0..room {
            let Some(contact) = self.late.pop_first() else {
                break;
            };
            self.followed.insert(contact, Followed::new(true));
            self.command(Command::Open { contact }).await;
        }
    }

    /// Reads a contact again from its beginning, once its key is there.
    async fn read_again(&mut self, contact: ContactId) {
        let Some(followed) = self.followed.get_mut(&contact) else {
            return;
        };
        if followed.level() == Some(Level::Storage)
            && followed.noted.is_some()
            && self.parts.keys.kept(&contact).is_none()
        {
            return self.ask_for_key(contact);
        }
        followed.missed = false;
        followed.last = Instant::now();
        self.command(Command::Leave { contact }).await;
        self.command(Command::Open { contact }).await;
    }

    /// Notes that contacts are stored to their end, and leaves them.
    async fn end(&mut self, contacts: &[ContactId]) {
        let changes: Vec<_> = contacts
            .iter()
            .filter_map(|contact| self.ending(contact))
            .collect();
        if changes.is_empty() || !self.write(&changes).await {
            return;
        }
        for change in changes {
            let contact = change.contact;
            self.followed.remove(&contact);
            self.finished.insert(contact);
            self.parts.keys.forget(&contact);
            self.parts.status.set_waiting(contact, None);
            self.command(Command::Leave { contact }).await;
        }
    }

    fn ending(&self, contact: &ContactId) -> Option<Change> {
        let followed = self.followed.get(contact)?;
        followed.noted.as_ref()?;
        Some(Change {
            contact: *contact,
            about: None,
            records: Vec::new(),
            removed: Vec::new(),
            complete: Some(followed.closed()),
            uses_key: false,
        })
    }

    /// Stores what can be stored now.
    async fn store(&mut self) {
        let now = Instant::now();
        if self.not_before.is_some_and(|at| at > now) {
            return;
        }
        self.not_before = None;
        let due = |(contact, followed): (&ContactId, &Followed)| {
            let is_due = followed.has_news() && !followed.asking;
            is_due.then_some(*contact)
        };
        let due: Vec<_> = self.followed.iter().filter_map(due).collect();
        let mut prepared = Vec::new();
        for contact in due {
            match self.prepare(contact).await {
                Ok(Some(one)) => prepared.push(one),
                Ok(None) => {}
                Err(ReadError::Store(error)) => return self.database_failed(&error),
                Err(ReadError::Key(error)) => {
                    self.parts.keys.forget(&contact);
                    self.answered(contact, Err(error)).await;
                }
                Err(error) => tracing::error!(%contact, %error, "a contact cannot be stored"),
            }
        }
        let changes: Vec<Change> = prepared.iter().map(|one| one.change.clone()).collect();
        if changes.is_empty() {
            return;
        }
        if !self.write(&changes).await {
            // Some of it may be stored for all that: what the database says is looked at again.
            for change in &changes {
                if let Some(followed) = self.followed.get_mut(&change.contact) {
                    followed.noted = None;
                }
            }
            return;
        }
        for one in &prepared {
            self.parts.status.stored(one.change.records.len());
            if let Some(followed) = self.followed.get_mut(&one.change.contact) {
                followed.is_stored(one);
            }
        }
        if changes
            .iter()
            .any(|change| change.records.iter().any(|record| record.is_news))
        {
            self.parts.news.notify_one();
        }
    }

    async fn prepare(&mut self, contact: ContactId) -> Result<Option<Prepared>, ReadError> {
        self.note(contact).await?;
        let Some(followed) = self.followed.get_mut(&contact) else {
            return Ok(None);
        };
        let key = match followed.level() {
            Some(Level::Storage) => match self.parts.keys.kept(&contact) {
                Some(key) => Some(key),
                None => {
                    self.ask_for_key(contact);
                    return Ok(None);
                }
            },
            Some(_) => None,
            None => {
                followed.drop_held();
                return Ok(None);
            }
        };
        followed.prepare(&self.parts.store, key).await
    }

    /// Sees to it that the database knows a contact.
    async fn note(&mut self, contact: ContactId) -> Result<(), StoreError> {
        let Some(followed) = self.followed.get_mut(&contact) else {
            return Ok(());
        };
        let Some(view) = followed.view.as_ref().filter(|_| followed.noted.is_none()) else {
            return Ok(());
        };
        // At `e2ee` nobody seals to a vault, and nothing is stored whatever somebody says.
        if view.level == Level::E2ee || followed.created() == Time::default() {
            return Ok(());
        }
        let store = &self.parts.store;
        let created = followed.created();
        store
            .note(&contact, view.level, &view.entry_point, created)
            .await?;
        followed.noted = store.contact(&contact).await?;
        Ok(())
    }

    /// Asks for a contact's key, unless it was refused a moment ago.
    fn ask_for_key(&mut self, contact: ContactId) {
        let Some(followed) = self.followed.get_mut(&contact) else {
            return;
        };
        let now = Instant::now();
        if followed.not_before.is_some_and(|at| at > now) {
            return followed.drop_held();
        }
        let Some(noted) = followed.noted.clone() else {
            return;
        };
        followed.asking = true;
        let (keys, asking) = (Arc::clone(&self.parts.keys), self.asking.clone());
        tokio::spawn(async move {
            let key = keys.of(&noted).await;
            // Nobody waits for it when the vault ends.
            let _ = asking.send((contact, key)).await;
        });
    }

    /// Writes; whether that is done.
    async fn write(&mut self, changes: &[Change]) -> bool {
        let write = tokio::time::timeout(DATABASE, self.parts.store.change(changes));
        match write.await {
            Ok(Ok(())) => {
                self.parts.status.set_database(None);
                true
            }
            Ok(Err(error)) => {
                self.database_failed(&error);
                false
            }
            Err(_) => {
                self.database_failed(&StoreError::Unreadable);
                false
            }
        }
    }

    fn database_failed(&mut self, error: &StoreError) {
        if self.parts.status.set_database(Some("database-unusable")) {
            tracing::error!(%error, "nothing can be stored");
        }
        self.not_before = Some(Instant::now() + Duration::from_secs(1));
    }

    async fn command(&self, command: Command) {
        // A device that has stopped is about to be noticed.
        let _ = self.handle.command(command).await;
    }
}

/// The position that the key of an entry's item names: `e` and 8 bytes as base64url.
fn position_of(key: &str) -> Option<u64> {
    let bytes = from_base64url(key.strip_prefix('e')?)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}
