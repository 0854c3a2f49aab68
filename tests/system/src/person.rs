//! A running client, and all that it has shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::time::Duration;

use sottovoce::account::Pin;
use sottovoce::archive::Outcome;
use sottovoce::client::{
    AccountView, Command, ConnectionState, ContactView, Event, InboxEntry, Item, ItemBody, Kind,
    MessageState, TeamMember,
};
use sottovoce::wire::{AccountId, ContactId, DeviceId};
use sottovoce_client::{Handle, HostConfig, StateStore, StorageKey, start};
use tokio::sync::{mpsc, watch};

use crate::{ENTRY_POINT, no_roots, text};

/// Longer than anything takes that happens at all, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody with a client.
#[derive(Debug)]
pub struct Person {
    /// Commands it.
    pub handle: Handle,
    shown: watch::Receiver<Shown>,
}

/// What a client has shown, as a person would see it now.
#[derive(Clone, Default)]
pub struct Shown {
    /// The last state of the connection.
    pub connection: Option<ConnectionState>,
    /// The last view of the account.
    pub account: Option<AccountView>,
    /// The contact that was started here.
    pub started: Option<ContactId>,
    /// The last view of each contact.
    pub contacts: BTreeMap<ContactId, ContactView>,
    /// What waits.
    pub inbox: Vec<InboxEntry>,
    /// The members of the team that was last looked up.
    pub team: Vec<TeamMember>,
    /// The texts and label names of the notebook that was read last.
    pub notebook: Vec<String>,
    /// Own texts that were ever shown as durable at the relay.
    pub acknowledged: BTreeSet<String>,
    /// How often somebody was shown to be typing.
    pub typing: u64,
    /// The codes of alarms, in their order.
    pub alarms: Vec<&'static str>,
    /// The codes of failures, in their order.
    pub failures: Vec<&'static str>,
    /// What the key manager said, in its order.
    pub released: Vec<(Outcome, String)>,
    items: BTreeMap<(ContactId, String), Item>,
}

/// A line of a transcript: its position, its author, its words.
pub type Line = (u64, DeviceId, String);

impl Person {
    /// Starts a client that keeps its state in a folder, or nowhere.
    pub async fn start(url: &str, account: AccountId, kind: Kind, folder: Option<&Path>) -> Self {
        let state = folder.map_or(StateStore::Memory, |path| StateStore::Folder {
            path: path.to_owned(),
            key: StorageKey::Plain,
        });
        let (handle, events) = start(HostConfig {
            url: url.to_owned(),
            pin: Pin::account(account),
            kind,
            state,
            tls: no_roots(),
        })
        .await
        .unwrap();
        let (sender, shown) = watch::channel(Shown::default());
        tokio::spawn(watch_events(events, sender));
        Self { handle, shown }
    }

    /// Starts a visitor.
    pub async fn visitor(url: &str, account: AccountId, folder: Option<&Path>) -> Self {
        Self::start(url, account, Kind::Visitor, folder).await
    }

    /// Starts an agent.
    pub async fn agent(url: &str, account: AccountId, name: &str, folder: Option<&Path>) -> Self {
        let kind = Kind::Staff {
            name: name.into(),
            invitation: None,
        };
        Self::start(url, account, kind, folder).await
    }

    /// What is shown now.
    pub fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// Waits until something is shown.
    ///
    /// # Panics
    /// When it is not shown in time: with what is shown instead.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&Shown) -> Option<T>) -> T {
        let mut shown = self.shown.clone();
        let found = async {
            loop {
                if let Some(found) = look(&shown.borrow_and_update()) {
                    return found;
                }
                shown.changed().await.expect("the client runs");
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(found) => found,
            Err(_) => panic!("{what} is not shown: {:#?}", self.shown()),
        }
    }

    /// Waits for the connection.
    pub async fn online(&self) {
        let online =
            |shown: &Shown| (shown.connection == Some(ConnectionState::Online)).then_some(());
        self.until("a connection", online).await;
    }

    /// Gives a command.
    pub async fn command(&self, command: Command) {
        self.handle.command(command).await.unwrap();
    }

    /// Says something.
    pub async fn say(&self, contact: ContactId, words: &str) {
        self.command(text(contact, words)).await;
    }

    /// As a visitor, starts a contact.
    pub async fn begin(&self, identity: Option<String>) -> ContactId {
        let entry_point = ENTRY_POINT.into();
        self.command(Command::Start {
            entry_point,
            identity,
            details: Vec::new(),
        })
        .await;
        self.until("a started contact", |shown| shown.started).await
    }

    /// As an agent, opens a contact that waits.
    pub async fn opens(&self, contact: ContactId) {
        let waits = |shown: &Shown| {
            let mut inbox = shown.inbox.iter();
            inbox.find(|entry| entry.contact == contact).map(|_| ())
        };
        self.until("the contact in the inbox", waits).await;
        self.command(Command::Open { contact }).await;
    }

    /// As an agent, opens a contact that waits, and takes it.
    pub async fn take(&self, contact: ContactId) {
        let claimable = |shown: &Shown| {
            let view = shown.contacts.get(&contact)?;
            // Not on the way there: who held it before may have handed it on.
            (view.can_claim && view.caught_up).then_some(())
        };
        self.opens(contact).await;
        self.until("a contact to claim", claimable).await;
        self.command(Command::Claim { contact }).await;
        let own = self.handle.device();
        self.until("the own claim", |shown| {
            let view = shown.contacts.get(&contact)?;
            let mut participants = view.participants.iter();
            let joined = participants.any(|one| one.author.device == own && !one.pending);
            (joined && !view.can_claim).then_some(())
        })
        .await;
    }

    /// Waits until somebody else's words are shown.
    pub async fn hears(&self, contact: ContactId, words: &str) {
        let heard = |shown: &Shown| {
            let mut items = shown.items_of(contact);
            items
                .find(|item| words_of(item) == Some(words) && !is_own(item))
                .map(|_| ())
        };
        let start: String = words.chars().take(60).collect();
        self.until(&start, heard).await;
    }

    /// Asks the key manager for a contact's secrets, and waits for what it says.
    pub async fn asks_for(&self, contact: ContactId, reason: &str) -> (Outcome, String) {
        let before = self.shown().released.len();
        let (purpose, reason) = ("transcript".into(), reason.into());
        self.command(Command::Release {
            contact,
            purpose,
            reason,
        })
        .await;
        let said = |shown: &Shown| shown.released.get(before).cloned();
        self.until("an answer of the key manager", said).await
    }

    /// Stops the client; its state is in its folder then.
    pub async fn stop(self) {
        self.handle.stop().await;
    }
}

impl Shown {
    /// A contact's items, in no particular order.
    pub fn items_of(&self, contact: ContactId) -> impl Iterator<Item = &Item> {
        let items = self.items.iter();
        items
            .filter(move |((of, _), _)| *of == contact)
            .map(|(_, item)| item)
    }

    /// The texts and notes of a contact that have a position, in its order.
    pub fn transcript(&self, contact: ContactId) -> Vec<Line> {
        let line = |item: &Item| {
            let device = item.author.as_ref()?.device;
            Some((item.position?, device, words_of(item)?.to_owned()))
        };
        let mut lines: Vec<Line> = self.items_of(contact).filter_map(line).collect();
        lines.sort();
        lines
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Connection(state) => self.connection = Some(state),
            Event::Account(view) => self.account = Some(view),
            Event::Started { contact } => self.started = Some(contact),
            Event::Contact(view) => {
                self.contacts.insert(view.contact, view);
            }
            Event::Item { contact, item } => {
                if let (true, Some(words)) = (is_acknowledged(&item), words_of(&item)) {
                    self.acknowledged.insert(words.to_owned());
                }
                self.items.insert((contact, item.key.clone()), item);
            }
            Event::ItemRemoved { contact, key } => {
                self.items.remove(&(contact, key));
            }
            Event::Typing { .. } => self.typing += 1,
            Event::Inbox(inbox) => self.inbox = inbox,
            Event::Team { members, .. } => self.team = members,
            Event::Notebook {
                replies, labels, ..
            } => {
                let texts = replies.into_iter().map(|reply| reply.text);
                self.notebook = texts.chain(labels).collect();
            }
            Event::Alarm { code, .. } => self.alarms.push(code),
            Event::Failed { code, .. } => self.failures.push(code),
            Event::Released { outcome, code, .. } => self.released.push((outcome, code)),
            _ => {}
        }
    }
}

/// What helps to understand why a test failed; everything would be too much.
impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unsent = self.items.values().filter(|item| item.position.is_none());
        f.debug_struct("Shown")
            .field("connection", &self.connection)
            .field("contacts", &self.contacts.values().collect::<Vec<_>>())
            .field("inbox", &self.inbox)
            .field("items", &self.items.len())
            .field("of them unsent", &unsent.count())
            .field("alarms", &self.alarms)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

async fn watch_events(mut events: mpsc::Receiver<Event>, shown: watch::Sender<Shown>) {
    while let Some(event) = events.recv().await {
        shown.send_modify(|shown| shown.take(event));
    }
}

/// What an item says in words.
pub fn words_of(item: &Item) -> Option<&str> {
    match &item.body {
        ItemBody::Text { text, .. } | ItemBody::Note { text, .. } => Some(text),
        _ => None,
    }
}

fn is_own(item: &Item) -> bool {
    item.author.as_ref().is_some_and(|author| author.own)
}

fn is_acknowledged(item: &Item) -> bool {
    matches!(
        item.state,
        MessageState::Sent | MessageState::Delivered | MessageState::Read
    )
}
