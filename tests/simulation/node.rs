//! One client with its storage and its wires, and what it has shown.

use std::collections::{BTreeMap, VecDeque};

use sottovoce::client::*;
use sottovoce::wire::*;

pub struct Node {
    pub name: &'static str,
    pub kind: Kind,
    pub client: Option<Client>,
    pub storage: BTreeMap<String, Vec<u8>>,
    pub key: [u8; 32],
    pub connected: bool,
    pub to_relay: VecDeque<(Time, Vec<u8>)>,
    pub to_client: VecDeque<(Time, Vec<u8>)>,
    /// Batches that are not durable yet: a kill loses them.
    pub stores: VecDeque<(Time, Batch)>,
    /// How long a batch takes to become durable, in milliseconds.
    pub store_delay: u64,
    /// Whether batches cannot be kept.
    pub store_fails: bool,
    pub wake: Option<Time>,
    pub restarts: u64,
    pub events: Vec<Event>,
    pub items: BTreeMap<String, Item>,
    pub view: Option<ContactView>,
    pub inbox: Vec<InboxEntry>,
    pub team: Vec<TeamMember>,
    pub started: Option<ContactId>,
    pub state: ConnectionState,
}

impl Node {
    pub fn new(name: &'static str, kind: Kind, key: [u8; 32]) -> Self {
        Self {
            name,
            kind,
            client: None,
            storage: BTreeMap::new(),
            key,
            connected: false,
            to_relay: VecDeque::new(),
            to_client: VecDeque::new(),
            stores: VecDeque::new(),
            store_delay: 0,
            store_fails: false,
            wake: None,
            restarts: 0,
            events: Vec::new(),
            items: BTreeMap::new(),
            view: None,
            inbox: Vec::new(),
            team: Vec::new(),
            started: None,
            state: ConnectionState::Offline,
        }
    }

    pub fn keep(&mut self, batch: Batch) {
        for record in batch.puts {
            self.storage.insert(record.name, record.bytes);
        }
        for name in batch.deletes {
            self.storage.remove(&name);
        }
    }

    pub fn show(&mut self, event: Event) {
        match &event {
            Event::Item { item, .. } => {
                self.items.insert(item.key.clone(), item.clone());
            }
            Event::ItemRemoved { key, .. } => {
                self.items.remove(key);
            }
            Event::Contact(view) => self.view = Some(view.clone()),
            Event::Inbox(inbox) => self.inbox.clone_from(inbox),
            Event::Team { members, .. } => self.team.clone_from(members),
            Event::Started { contact } => self.started = Some(*contact),
            Event::Connection(state) => self.state = state.clone(),
            _ => {}
        }
        self.events.push(event);
    }

    pub fn kind_is_visitor(&self) -> bool {
        self.kind == Kind::Visitor
    }

    pub fn device(&self) -> DeviceId {
        self.client.as_ref().unwrap().device()
    }

    /// Items in the order that people see them.
    pub fn transcript(&self) -> Vec<&Item> {
        let mut items: Vec<_> = self.items.values().collect();
        items.sort_by_key(|item| (item.position.unwrap_or(u64::MAX), item.time));
        items
    }

    /// Texts and notes in order.
    pub fn texts(&self) -> Vec<String> {
        self.transcript()
            .into_iter()
            .filter_map(|item| match &item.body {
                ItemBody::Text { text, .. } | ItemBody::Note { text, .. } => Some(text.clone()),
                _ => None,
            })
            .collect()
    }

    pub fn alarms(&self) -> Vec<&'static str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Alarm { code, .. } => Some(*code),
                _ => None,
            })
            .collect()
    }

    pub fn failures(&self) -> Vec<&'static str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Failed { code, .. } => Some(*code),
                _ => None,
            })
            .collect()
    }
}
