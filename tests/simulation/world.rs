//! Clients, their storage, and a network that delays, cuts, repeats and swaps.

use std::collections::{BTreeMap, VecDeque};

use sottovoce::account::*;
use sottovoce::client::*;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Random, Secret};
use sottovoce::wire::frame::{Object, ObjectKind, RelayFrame};
use sottovoce::wire::*;

#[path = "node.rs"]
mod node;

pub use node::Node;

use crate::relay::Relay;

/// A fixed beginning: 2026-01-01.
pub const START: Time = Time::from_millis(1_767_225_600_000);

pub struct World {
    pub now: Time,
    pub relay: Relay,
    pub nodes: Vec<Node>,
    pub administrator: SigningKey,
    root: SigningKey,
    statement: RootStatement,
    pub account: AccountId,
    random: Random,
    seed: u64,
    /// How unkind the network is, in thousandths per step.
    pub cut: u32,
    pub repeat: u32,
    pub swap: u32,
    pub crash: u32,
    /// What a dishonest relay makes of a frame to a peer.
    pub tamper: Option<Tamper>,
    /// Nodes that do not connect again by themselves.
    pub offline: Vec<usize>,
    pub policy: Policy,
    /// Seconds of some clock, for who measures how long the relay takes.
    pub clock: Option<fn() -> f64>,
    /// What of them the relay has taken.
    pub relay_seconds: f64,
}

/// Turns a frame to a peer into what the peer gets instead.
pub type Tamper = Box<dyn FnMut(usize, RelayFrame) -> Vec<RelayFrame>>;

impl World {
    pub fn new(seed: u64) -> Self {
        Self::with_policy(seed, |_| {})
    }

    pub fn with_policy(seed: u64, change: impl FnOnce(&mut Policy)) -> Self {
        Self::with(seed, |_| {}, change)
    }

    /// A world whose entry point has this level.
    pub fn at_level(seed: u64, level: Level) -> Self {
        let plan = match level {
            Level::Transport => Plan::Plus,
            Level::Storage | Level::E2ee => Plan::Enterprise,
        };
        let lowest = |root: &mut RootStatement| root.lowest_level = level;
        Self::with(seed, lowest, |policy| {
            policy.plan = plan;
            policy.entry_points[0].level = level;
        })
    }

    pub fn with(
        seed: u64,
        change_root: impl FnOnce(&mut RootStatement),
        change: impl FnOnce(&mut Policy),
    ) -> Self {
        let mut random = Random::seeded(seed);
        let root = SigningKey::generate(&mut random).unwrap();
        let administrator = SigningKey::generate(&mut random).unwrap();
        let account = account_id(&root.public());
        let mut relay = Relay::new(account);
        let mut statement = RootStatement {
            version: Version,
            suite: Suite::X25519,
            account,
            number: 1,
            root: root.public(),
            issued: START,
            administrators: vec![administrator.public()],
            policy_threshold: 1,
            credential_threshold: 1,
            key_manager: None,
            lowest_level: Level::E2ee,
        };
        change_root(&mut statement);
        relay
            .account
            .learn_root(&Signed::sign(&statement, &[&root]))
            .unwrap();
        let mut policy = policy(account);
        change(&mut policy);
        relay
            .account
            .learn_policy(&Signed::sign(&policy, &[&administrator]))
            .unwrap();
        Self {
            now: START,
            relay,
            nodes: Vec::new(),
            administrator,
            root,
            statement,
            account,
            random,
            seed,
            cut: 0,
            repeat: 0,
            swap: 0,
            crash: 0,
            tamper: None,
            offline: Vec::new(),
            policy,
            clock: None,
            relay_seconds: 0.0,
        }
    }

    /// Administrators put a newer policy in force and the relay tells everyone.
    pub fn publish_policy(&mut self, change: impl FnOnce(&mut Policy)) {
        self.policy.number += 1;
        change(&mut self.policy);
        let signed = Signed::sign(&self.policy, &[&self.administrator]);
        self.relay.account.learn_policy(&signed).unwrap();
        let object = Object::new(ObjectKind::Policy, signed.to_bytes());
        self.relay.announce(object);
        self.collect();
    }

    /// The root names a device among the administrators.
    pub fn appoint(&mut self, index: usize) {
        self.statement.number += 1;
        let device = self.nodes[index].device();
        self.statement.administrators.push(device);
        self.statement.administrators.sort_unstable();
        let signed = Signed::sign(&self.statement, &[&self.root]);
        self.relay.account.learn_root(&signed).unwrap();
        let object = Object::new(ObjectKind::Root, signed.to_bytes());
        self.relay.announce(object);
        self.collect();
    }

    /// A renewer extends the policy in force by seven days.
    pub fn renew_policy(&mut self, renewer: &SigningKey) {
        let policy = Signed::sign(&self.policy, &[&self.administrator]).hash();
        let renewal = Renewal {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            policy,
            issued: self.now,
            expires: self.now.plus_seconds(7 * limits::DAY),
        };
        let signed = Signed::sign(&renewal, &[renewer]);
        self.relay.account.learn_renewal(&signed).unwrap();
        let object = Object::new(ObjectKind::Renewal, signed.to_bytes());
        self.relay.announce(object);
        self.collect();
    }

    /// Another process with a copy of a node's records and key.
    pub fn copy_of(&mut self, index: usize) -> usize {
        let copy = self.nodes.len();
        let original = &self.nodes[index];
        let (name, kind) = (original.name, original.kind.clone());
        let (storage, key) = (original.storage.clone(), original.key);
        let started = original.started;
        self.nodes.push(Node::new(name, kind, key));
        self.nodes[copy].storage = storage;
        self.nodes[copy].started = started;
        self.open(copy);
        self.resume_open_contacts(copy);
        copy
    }

    /// The process dies and its storage is that of an earlier time.
    pub fn restore(&mut self, index: usize, storage: BTreeMap<String, Vec<u8>>) {
        self.disconnect(index);
        self.nodes[index].storage = storage;
        self.kill(index);
    }

    /// A visitor; returns its index.
    pub fn visitor(&mut self) -> usize {
        self.node("visitor", Kind::Visitor)
    }

    /// A device that asks for a credential.
    pub fn stranger(&mut self, name: &'static str) -> usize {
        let kind = Kind::Staff {
            name: name.into(),
            invitation: None,
        };
        self.node(name, kind)
    }

    /// A device with a credential.
    pub fn staff(&mut self, name: &'static str, role: Role) -> usize {
        let index = self.stranger(name);
        let teams = match role {
            Role::Vault | Role::Auditor => Vec::new(),
            _ => self.policy.teams.iter().map(|it| it.id.clone()).collect(),
        };
        self.admit(index, role, teams);
        index
    }

    /// Gives a device a credential, in place of the one that it has.
    pub fn admit(&mut self, index: usize, role: Role, teams: Vec<String>) {
        let name = self.nodes[index].name;
        let device = self.nodes[index].client.as_ref().unwrap().device();
        let credential = Credential {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            device,
            subject: name.to_lowercase(),
            name: name.into(),
            role,
            via: Via::Device,
            teams,
            issued: START,
            expires: START.plus_seconds(30 * limits::DAY),
        };
        let signed = Signed::sign(&credential, &[&self.administrator]);
        self.relay.add_credential(signed);
    }

    fn node(&mut self, name: &'static str, kind: Kind) -> usize {
        let index = self.nodes.len();
        self.nodes.push(Node::new(name, kind, [index as u8; 32]));
        self.open(index);
        index
    }

    /// Starts a client from what its storage holds.
    fn open(&mut self, index: usize) {
        let (account, now, seed) = (self.account, self.now, self.seed);
        let node = &mut self.nodes[index];
        let records: Vec<_> = node
            .storage
            .iter()
            .map(|(name, bytes)| Record {
                name: name.clone(),
                bytes: bytes.clone(),
            })
            .collect();
        let config = Config {
            pin: Pin::account(account),
            host: "relay.example".into(),
            kind: node.kind.clone(),
            storage_key: Secret::new(node.key),
            generation: 0,
        };
        node.restarts += 1;
        let seed = seed
            .wrapping_mul(1_000_003)
            .wrapping_add((index as u64) << 32 | node.restarts);
        let client = Client::open(config, &records, Random::seeded(seed), now).unwrap();
        node.client = Some(client);
        self.pump(index);
    }

    /// The process dies: everything but its storage is lost.
    pub fn kill(&mut self, index: usize) {
        self.disconnect(index);
        let node = &mut self.nodes[index];
        node.client = None;
        node.stores.clear();
        node.items.clear();
        node.view = None;
        node.wake = None;
        self.open(index);
        self.resume_open_contacts(index);
    }

    fn resume_open_contacts(&mut self, index: usize) {
        let contacts: Vec<_> = {
            let client = self.nodes[index].client.as_ref().unwrap();
            client.contacts().copied().collect()
        };
        for contact in contacts {
            self.command(index, Command::Open { contact });
        }
    }

    pub fn connect(&mut self, index: usize) {
        if !self.nodes[index].connected {
            self.nodes[index].connected = true;
            self.input(index, Input::Connected);
            self.relay.connect(index);
            self.collect();
        }
    }

    pub fn disconnect(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if node.connected {
            node.connected = false;
            node.to_relay.clear();
            node.to_client.clear();
            self.relay.disconnect(index);
            self.relay.out.retain(|(peer, _)| *peer != index);
            self.input(index, Input::Disconnected);
        }
    }

    pub fn command(&mut self, index: usize, command: Command) {
        self.input(index, Input::Command(command));
    }

    pub fn say(&mut self, index: usize, text: &str) {
        let contact = self.contact_of(index);
        self.command(
            index,
            Command::Send {
                contact,
                kind: "text".into(),
                body: text.into(),
                reply_to: None,
                id: None,
            },
        );
    }

    pub fn contact_of(&self, index: usize) -> ContactId {
        let node = &self.nodes[index];
        node.started
            .or_else(|| node.view.as_ref().map(|view| view.contact))
            .expect("a contact")
    }

    pub fn input(&mut self, index: usize, input: Input) {
        let now = self.now;
        if let Some(client) = &mut self.nodes[index].client {
            client.handle(now, input);
        }
        self.pump(index);
    }

    /// Carries a client's outputs out.
    fn pump(&mut self, index: usize) {
        loop {
            let now = self.now;
            let Some(output) = self.nodes[index]
                .client
                .as_mut()
                .and_then(|client| client.poll(now))
            else {
                return;
            };
            match output {
                Output::Transmit(frame) => {
                    let delay = self.delay();
                    let node = &mut self.nodes[index];
                    let last = node.to_relay.back().map_or(now, |(at, _)| *at);
                    let at = now.plus_millis(delay).max(last);
                    if node.connected {
                        node.to_relay.push_back((at, frame));
                    }
                }
                Output::Store(batch) => {
                    let node = &mut self.nodes[index];
                    if node.store_fails {
                        let client = node.client.as_mut().unwrap();
                        client.handle(now, Input::StoreFailed(batch.id));
                    } else if node.store_delay == 0 {
                        let id = batch.id;
                        node.keep(batch);
                        let client = node.client.as_mut().unwrap();
                        client.handle(now, Input::Stored(id));
                    } else {
                        let due = now.plus_millis(node.store_delay);
                        node.stores.push_back((due, batch));
                    }
                }
                Output::Event(event) => self.nodes[index].show(*event),
                Output::WakeAt(at) => self.nodes[index].wake = Some(at),
            }
        }
    }

    /// Moves frames that the relay has produced onto the wires.
    pub fn collect(&mut self) {
        let mut out = core::mem::take(&mut self.relay.out);
        if let Some(tamper) = &mut self.tamper {
            out = out
                .into_iter()
                .flat_map(|(peer, frame)| {
                    let frames = tamper(peer, frame);
                    frames.into_iter().map(move |frame| (peer, frame))
                })
                .collect();
        }
        for (peer, frame) in out {
            let delay = self.delay();
            let now = self.now;
            let bytes = encode(&frame);
            let is_entries = matches!(frame, RelayFrame::Entries { .. });
            let again = is_entries && self.chance(self.repeat);
            let swap = is_entries && self.chance(self.swap);
            let node = &mut self.nodes[peer];
            let last = node.to_client.back().map_or(now, |(at, _)| *at);
            let at = now.plus_millis(delay).max(last);
            node.to_client.push_back((at, bytes.clone()));
            if again {
                node.to_client.push_back((at, bytes));
            }
            let length = node.to_client.len();
            if swap && length > 3 {
                node.to_client.swap(length - 1, length - 2);
            }
        }
    }

    /// Lets time pass until nothing is on its way, at most `seconds`.
    pub fn run(&mut self, seconds: u64) {
        let end = self.now.plus_seconds(seconds);
        while self.now < end {
            self.step();
        }
    }

    /// Ten milliseconds.
    pub fn step(&mut self) {
        self.now = self.now.plus_millis(10);
        let now = self.now;
        self.relay.set_time(now);
        for index in 0..self.nodes.len() {
            if self.chance(self.cut) {
                self.disconnect(index);
            }
            if self.chance(self.crash) {
                self.kill(index);
            }
            if !self.nodes[index].connected && !self.offline.contains(&index) && self.chance(100) {
                self.connect(index);
            }
            while let Some(batch) = due(&mut self.nodes[index].stores, now) {
                let id = batch.id;
                self.nodes[index].keep(batch);
                self.input(index, Input::Stored(id));
            }
            while let Some(frame) = due(&mut self.nodes[index].to_relay, now) {
                let clock = self.clock.unwrap_or(|| 0.0);
                let begun = clock();
                self.relay.receive(index, &frame);
                self.collect();
                self.relay_seconds += clock() - begun;
            }
            while let Some(frame) = due(&mut self.nodes[index].to_client, now) {
                self.input(index, Input::Frame(frame));
            }
            if self.nodes[index].wake.is_some_and(|at| at <= now) {
                self.nodes[index].wake = None;
                self.input(index, Input::Tick);
            }
        }
    }

    fn delay(&mut self) -> u64 {
        u64::from(self.random.bytes::<1>().unwrap()[0]) / 4
    }

    pub fn chance(&mut self, per_thousand: u32) -> bool {
        if per_thousand == 0 {
            return false;
        }
        u32::from(u16::from_be_bytes(self.random.bytes().unwrap())) % 1000 < per_thousand
    }
}

fn due<T>(queue: &mut VecDeque<(Time, T)>, now: Time) -> Option<T> {
    queue
        .front()
        .is_some_and(|(at, _)| *at <= now)
        .then(|| queue.pop_front().unwrap().1)
}

/// An end-to-end encrypted entry point `shop`, answered by team `support`.
pub fn policy(account: AccountId) -> Policy {
    Policy {
        version: Version,
        suite: Suite::X25519,
        account,
        number: 1,
        previous: None,
        issued: START,
        expires: START.plus_seconds(7 * limits::DAY),
        plan: Plan::Enterprise,
        entry_points: vec![EntryPoint {
            id: "shop".into(),
            name: "ACME".into(),
            level: Level::E2ee,
            teams: vec!["support".into()],
            bot_claims: false,
            bot_transfers: false,
        }],
        teams: vec![Team {
            id: "support".into(),
            name: "Support".into(),
            lowest_generation: 0,
        }],
        archive: Archive::None,
        key_manager_url: None,
        lowest_suite: Suite::XWing,
        roles: vec![Role::Supervisor, Role::Bot],
        revocations: Vec::new(),
        issuers: Vec::new(),
        renewers: Vec::new(),
        retention: Retention::default(),
        last_resort: false,
        fallback_link: None,
        limits: Limits::default(),
    }
}
