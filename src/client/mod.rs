//! SPEC 9: the engine. A state machine that a host feeds and whose wishes it carries out.

mod about;
#[cfg(feature = "staff")]
mod administration;
mod codes;
mod command;
mod context;
mod conversation;
#[cfg(feature = "staff")]
mod desk;
mod directory;
#[cfg(feature = "staff")]
mod enrolment;
mod envelopes;
mod ephemerals;
mod epochs;
mod event;
mod inbox;
mod incoming;
#[cfg(feature = "staff")]
mod key_manager;
mod keys;
mod learning;
mod link;
#[cfg(feature = "staff")]
mod notebooks;
mod outputs;
mod plan;
#[cfg(feature = "staff")]
mod probe;
mod proposals;
mod reader;
mod receipts;
mod records;
#[cfg(feature = "staff")]
mod requester;
mod sending;
mod settings;
mod system;
mod timeline;
mod waiting;

use crate::table::Table;

pub use command::{Command, Target};
pub use event::*;
pub use reader::{ReadError, Reading, read_entry};
#[cfg(feature = "staff")]
pub use requester::{Requester, requester};
pub use settings::*;

use self::context::Context;
pub(crate) use self::context::STAFF;
use self::conversation::Conversation;
use self::keys::Keys;
use self::proposals::Wish;
use self::records::{AccountRecord, ContactRecord, DeviceRecord, DeviceRecordRef, Sealer};
use crate::account::Account;
use crate::crypto::random::NoRandomness;
use crate::crypto::sign::SigningKey;
use crate::crypto::{Random, Secret};
use crate::wire::frame::{ClientFrame, ContactSummary, Nonce, Query};
use crate::wire::{ContactId, DeviceId, Time};

/// What a client is told before it starts.
#[derive(Debug)]
pub struct Config {
    /// The account and whatever the embed snippet pins.
    pub pin: crate::account::Pin,
    /// Host and port that the host dials, as in the HTTP `Host` header.
    pub host: String,
    /// Who this is.
    pub kind: Kind,
    /// Seals every record. Losing it is a normal fresh start.
    pub storage_key: Secret<32>,
    /// The store's generation; records of another one do not open.
    pub generation: u64,
}

/// Who a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A visitor, with fresh keys for one contact.
    Visitor,
    /// Staff: a device with a credential, or one that asks for it.
    #[cfg(feature = "staff")]
    Staff {
        /// The name in the enrolment request.
        name: String,
        /// An administrator's invitation code, if there is one.
        invitation: Option<String>,
    },
}

/// Something happened in the host's world.
#[derive(Debug)]
pub enum Input {
    /// The person or program wants something.
    Command(Command),
    /// The relay's WebSocket message, at most 1 MiB.
    Frame(Vec<u8>),
    /// The WebSocket is open.
    Connected,
    /// It is closed.
    Disconnected,
    /// A batch is durable.
    Stored(u64),
    /// A batch could not be kept.
    StoreFailed(u64),
    /// The time that was asked for has come, or any other.
    Tick,
}

/// Something that the host does. Carry outputs out in their order.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this WebSocket message.
    Transmit(Vec<u8>),
    /// Make this durable, all or nothing, then answer with [`Input::Stored`].
    Store(Batch),
    /// Show it.
    Event(Box<Event>),
    /// Call [`Input::Tick`] at this time; replaces the one before.
    WakeAt(Time),
}

/// Records that become durable together.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// Names the batch in the answer.
    pub id: u64,
    /// Records to write, each replacing that of its name.
    pub puts: Vec<Record>,
    /// Names of records to delete.
    pub deletes: Vec<String>,
}

/// A named record, sealed by the core. Hosts keep names and bytes, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name: ASCII, at most 64 bytes.
    pub name: String,
    /// Its sealed bytes.
    pub bytes: Vec<u8>,
}

/// The client of one device: see the module's documentation.
#[derive(Debug)]
pub struct Client {
    cx: Context,
    sealer: Sealer,
    conversations: Table<ContactId, Conversation>,
    inbox: Table<ContactId, ContactSummary>,
    account_view: Option<AccountView>,
    #[cfg(feature = "staff")]
    settings: Option<administration::Shown>,
    /// What the relay asks for before it lets a visitor in: the nonce, the bits, what was tried.
    work: Option<(Nonce, u64, u64)>,
    rounds: waiting::Rounds,
}

/// A client cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The operating system gave no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Records do not open under this storage key and generation, or are not whole.
    #[error("the stored state cannot be read")]
    State,
}

impl OpenError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoRandomness(_) => "no-randomness",
            Self::State => "state-unreadable",
        }
    }
}

impl Client {
    /// Starts from stored records, or afresh when there are none.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        config: Config,
        records: &[Record],
        mut random: Random,
        now: Time,
    ) -> Result<Self, OpenError> {
        let sealer = Sealer::new(config.storage_key, config.generation);
        let find = |name: &str| records.iter().find(|record| record.name == name);
        let device: Option<DeviceRecord> = find(records::DEVICE)
            .map(|record| sealer.open(record))
            .transpose()?;
        if device.is_none() && !records.is_empty() {
            return Err(OpenError::State);
        }
        let fresh = device.is_none();
        let signer = match &device {
            Some(device) => SigningKey::from_seed(&device.seed),
            None => SigningKey::generate(&mut random)?,
        };
        let account = Account::new(config.pin);
        let cx = Context::new(config.kind, config.host, account, random, signer);
        let mut client = Self {
            cx,
            sealer,
            conversations: Table::default(),
            inbox: Table::default(),
            account_view: None,
            #[cfg(feature = "staff")]
            settings: None,
            work: None,
            rounds: waiting::Rounds::default(),
        };
        if let Some(record) = find(records::ACCOUNT) {
            let account: AccountRecord = client.sealer.open(record)?;
            client.learn(now, &account.objects);
        }
        #[cfg(feature = "staff")]
        if let Some(record) = find(records::DESK) {
            client.cx.desk.record = client.sealer.open(record)?;
        }
        if let Some(device) = device {
            client.cx.keys = Keys::restore(device.seal_keys, device.team_keys);
            client.cx.keys.audit = device.audit;
            if let Some(bytes) = device.credential {
                client.take_credential(now, &bytes);
            }
        }
        client.cx.outputs.nothing_changed();
        for record in records {
            if let Some(id) = records::contact_of(&record.name) {
                let record = client.sealer.open(record)?;
                let conversation = Conversation::new(&client.cx, id, record);
                client.conversations.insert(id, conversation);
            }
        }
        for record in records {
            if let Some((contact, _)) = records::message_of(&record.name) {
                let outgoing = client.sealer.open(record)?;
                let all = &mut client.conversations;
                let conversation = Conversation::of(all, &client.cx, contact);
                conversation.restore(outgoing);
            }
        }
        for conversation in client.conversations.values_mut() {
            conversation.following = conversation.record.closed.is_none();
            // Not joined yet: nobody may look at it any more.
            conversation.unwatched = client.cx.is_staff() && conversation.record.keys.is_empty();
            conversation.expire_secrets(&mut client.cx, now);
            conversation.show_outbox(&mut client.cx);
        }
        if fresh {
            client.cx.outputs.dirty(records::DEVICE);
        }
        client.show_account(now);
        #[cfg(feature = "staff")]
        client.show_notebooks();
        Ok(client)
    }

    /// The own device.
    pub fn device(&self) -> DeviceId {
        self.cx.device()
    }

    /// The contacts that this device has state of.
    pub fn contacts(&self) -> impl Iterator<Item = &ContactId> {
        self.conversations.keys()
    }

    /// Takes one input in. Its consequences come out of [`poll`](Self::poll).
    pub fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::Command(command) => self.command(now, command),
            Input::Frame(bytes) => self.frame(now, &bytes),
            Input::Connected => self.connected(),
            Input::Disconnected => self.disconnected(),
            Input::Stored(batch) => {
                if self.cx.outputs.stored(batch) {
                    self.cx.event(Event::Storage { working: true });
                }
            }
            Input::StoreFailed(batch) => {
                if self.cx.outputs.store_failed(batch, now) {
                    self.cx.event(Event::Storage { working: false });
                }
            }
            Input::Tick => self.tick(now),
        }
    }

    /// The next thing to do, until there is none.
    pub fn poll(&mut self, now: Time) -> Option<Output> {
        let Self {
            cx,
            sealer,
            conversations,
            ..
        } = self;
        let Context {
            outputs,
            random,
            account,
            signer,
            keys,
            credential,
            #[cfg(feature = "staff")]
            desk,
            ..
        } = cx;
        outputs.poll(now, |name| {
            if name == records::DEVICE {
                let record = DeviceRecordRef {
                    seed: signer.seed(),
                    seal_keys: &keys.seal_keys,
                    team_keys: &keys.team_keys,
                    credential: credential.as_ref().map(|own| own.signed.to_bytes()),
                    audit: &keys.audit,
                };
                return sealer.seal(random, name, &record).map(Some);
            }
            #[cfg(feature = "staff")]
            if name == records::DESK {
                return sealer.seal(random, name, &desk.record).map(Some);
            }
            if name == records::ACCOUNT {
                let record = AccountRecord {
                    objects: account.objects(),
                };
                return sealer.seal(random, name, &record).map(Some);
            }
            if let Some((contact, id)) = records::message_of(name) {
                let outbox = conversations.get(&contact).map(|it| it.outbox.iter());
                return outbox
                    .and_then(|mut outbox| outbox.find(|outgoing| outgoing.id == id))
                    .map(|outgoing| sealer.seal(random, name, outgoing))
                    .transpose();
            }
            records::contact_of(name)
                .and_then(|id| conversations.get(&id))
                .map(|conversation| sealer.seal(random, name, &conversation.record))
                .transpose()
        })
    }

    fn command(&mut self, now: Time, command: Command) {
        let contact = match &command {
            Command::Start { .. } => return self.start(now, command),
            Command::LookUpTeam { team } if STAFF => {
                if !self.cx.look_up(Query::TeamMembers(team.clone())) {
                    self.show_team(team);
                }
                return;
            }
            #[cfg(feature = "staff")]
            Command::Presence {
                available,
                capacity,
            } => return self.choose_presence(now, *available, *capacity),
            #[cfg(feature = "staff")]
            Command::KeepReply { .. } | Command::KeepLabel { .. } => {
                return self.keep(now, command);
            }
            Command::Ban {
                contact,
                device,
                period,
            } if STAFF => {
                let id = self.cx.next_request();
                return self.cx.outputs.transmit(ClientFrame::Ban {
                    id,
                    contact: *contact,
                    device: *device,
                    period: *period,
                });
            }
            #[cfg(feature = "staff")]
            Command::Release {
                contact,
                purpose,
                reason,
            } => {
                let all = &mut self.conversations;
                let conversation = Conversation::of(all, &self.cx, *contact);
                if !conversation.caught_up {
                    conversation.follow(&mut self.cx);
                }
                conversation.watch(&mut self.cx);
                let wanted = key_manager::Wanted::Release {
                    contact: *contact,
                    purpose: purpose.clone(),
                    reason: reason.clone(),
                };
                return self.want_of_key_manager(now, wanted);
            }
            #[cfg(feature = "staff")]
            Command::ChangePolicy { settings } => return self.change_policy(now, settings),
            #[cfg(feature = "staff")]
            Command::Approve { request, approval } => {
                return self.approve(now, request, approval.clone());
            }
            #[cfg(feature = "staff")]
            Command::LookUpDevices => return self.look_up_devices(),
            #[cfg(feature = "staff")]
            Command::RequestToken {
                name,
                scopes,
                expires,
            } => return self.request_token(now, name.clone(), scopes, *expires),
            #[cfg(feature = "staff")]
            Command::TestKeyManager => return self.test_key_manager(now),
            #[cfg(feature = "staff")]
            Command::ReadAudit { after } => return self.read_audit(now, *after),
            Command::Push { target } => {
                let id = self.cx.next_request();
                let target = target.clone();
                return self.cx.outputs.transmit(ClientFrame::Push { id, target });
            }
            Command::Open { contact } => {
                let all = &mut self.conversations;
                let conversation = Conversation::of(all, &self.cx, *contact);
                conversation.follow(&mut self.cx);
                conversation.unwatched = false;
                return conversation.show_again(&mut self.cx);
            }
            Command::Leave { contact }
            | Command::Send { contact, .. }
            | Command::Note { contact, .. }
            | Command::Describe { contact, .. }
            | Command::Label { contact, .. }
            | Command::Retry { contact, .. }
            | Command::Discard { contact, .. }
            | Command::Typing { contact }
            | Command::Attend { contact }
            | Command::Read { contact, .. }
            | Command::Claim { contact }
            | Command::Transfer { contact, .. }
            | Command::Invite { contact, .. }
            | Command::Remove { contact, .. }
            | Command::Rekey { contact }
            | Command::Close { contact } => *contact,
            _ => return self.cx.failed(None, "role-not-allowed"),
        };
        let Some(conversation) = self.conversations.get_mut(&contact) else {
            return self.cx.failed(Some(contact), "unknown-contact");
        };
        let cx = &mut self.cx;
        conversation.watch(cx);
        match command {
            Command::Send {
                kind,
                body,
                reply_to,
                id,
                ..
            } => conversation.send(cx, now, id, kind, body, reply_to),
            Command::Note { text, .. } => {
                if STAFF && cx.role().is_staff() {
                    let kind = crate::message::kind::NOTE.to_owned();
                    conversation.queue(cx, now, kind, text.into_bytes(), None, true);
                } else {
                    cx.failed(Some(contact), "role-not-allowed");
                }
            }
            Command::Describe { details, .. } => conversation.describe(cx, now, details),
            Command::Label { labels, .. } if STAFF => conversation.label(cx, now, labels),
            Command::Retry { id, .. } => conversation.retry(cx, now, id),
            Command::Discard { id, .. } => conversation.discard(cx, id),
            Command::Typing { .. } => conversation.typing(cx, now),
            Command::Attend { .. } if STAFF => conversation.attend(cx, now),
            Command::Read { position, .. } => conversation.mark_read(cx, now, position),
            Command::Claim { .. } if STAFF => conversation.want(cx, now, Wish::Claim),
            Command::Transfer {
                to, history, note, ..
            } if STAFF => conversation.want(cx, now, Wish::Transfer { to, history, note }),
            Command::Invite {
                device, history, ..
            } if STAFF => conversation.want(cx, now, Wish::Invite { device, history }),
            Command::Remove { target, .. } if STAFF => {
                conversation.want(cx, now, Wish::Remove { target });
            }
            Command::Rekey { .. } => conversation.want(cx, now, Wish::Rekey),
            Command::Close { .. } => conversation.want(cx, now, Wish::Close),
            Command::Leave { .. } => {
                conversation.following = false;
                if cx.online {
                    cx.outputs.transmit(ClientFrame::Leave { contact });
                }
                if conversation.record.is_empty() && conversation.outbox.is_empty() {
                    self.conversations.remove(&contact);
                } else {
                    conversation.forget_log(cx);
                }
            }
            _ => cx.failed(Some(contact), "role-not-allowed"),
        }
    }

    /// A visitor's client serves one contact: its device key is this contact's alone.
    fn start(&mut self, now: Time, command: Command) {
        let Command::Start {
            entry_point,
            identity,
            details,
        } = command
        else {
            return;
        };
        if self.cx.kind == Kind::Visitor && !self.conversations.is_empty() {
            return self.cx.failed(None, "already-started");
        }
        let Ok(id) = self.cx.random.bytes().map(ContactId::new) else {
            return self.cx.failed(None, "no-randomness");
        };
        let mut conversation = Conversation::new(&self.cx, id, ContactRecord::default());
        self.cx.event(Event::Started { contact: id });
        let level = self.cx.level_of(&entry_point, now);
        conversation.want(&mut self.cx, now, Wish::Start { entry_point, level });
        if let Some(token) = identity {
            let kind = crate::message::kind::IDENTITY.to_owned();
            conversation.queue(&mut self.cx, now, kind, token.into_bytes(), None, false);
        }
        if !details.is_empty() {
            conversation.describe(&mut self.cx, now, details);
        }
        conversation.dirty(&mut self.cx);
        self.conversations.insert(id, conversation);
    }

    fn tick(&mut self, now: Time) {
        self.cx.outputs.forget_wake();
        self.work(now);
        if self.cx.keys.check_at.is_some_and(|at| at <= now) {
            self.look_after_keys(now);
        }
        self.cx.make_team_keys(now);
        self.reseal_waiting(now);
        if let Some(at) = self.cx.keys.check_at {
            self.cx.outputs.wake_at(at);
        }
        for conversation in self.conversations.values_mut() {
            conversation.tick(&mut self.cx, now);
        }
        self.notice_answers(now);
        #[cfg(feature = "staff")]
        self.write_notebooks(now);
        #[cfg(feature = "staff")]
        self.look_after_archives(now);
        self.show_account(now);
    }

    fn show_account(&mut self, now: Time) {
        let Some(view) = self.cx.account_view(now) else {
            return;
        };
        if self.account_view.as_ref() != Some(&view) {
            self.account_view = Some(view.clone());
            self.cx.event(Event::Account(view));
        }
        #[cfg(feature = "staff")]
        self.show_settings();
    }
}
