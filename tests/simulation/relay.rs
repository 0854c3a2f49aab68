//! A relay in memory: it does what SPEC section 8 says and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use sottovoce::account::{
    Account, ArchiveKey, Credential, EnrolmentRequest, Pin, SealKey, TeamKey, TeamSeals,
};
use sottovoce::contact::{Commit, Log};
use sottovoce::message::{Envelope, Notebook};
use sottovoce::wire::frame::*;
use sottovoce::wire::{AccountId, Bytes, ContactId, ContentId, DeviceId, Signed, decode, limits};

#[path = "lookup.rs"]
mod lookup;
#[path = "roster.rs"]
mod roster;

/// Which connection a frame is for.
pub type Peer = usize;

pub struct Contact {
    pub log: Log,
    pub entries: Vec<Bytes>,
    past_teams: Vec<String>,
    waiting_since: Option<sottovoce::wire::Time>,
    appends: BTreeMap<ContentId, u64>,
    followers: BTreeSet<Peer>,
}

/// A key manager, as the relay reaches it.
pub type Answers = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

pub struct Relay {
    pub account: Account,
    pub contacts: BTreeMap<ContactId, Contact>,
    credentials: Vec<Signed<Credential>>,
    seal_keys: Vec<Signed<SealKey>>,
    team_keys: Vec<(Signed<TeamKey>, DeviceId)>,
    team_seals: Vec<TeamSeals>,
    peers: BTreeMap<Peer, Option<DeviceId>>,
    pub out: Vec<(Peer, RelayFrame)>,
    now: sottovoce::wire::Time,
    /// The only suite whose team keys visitors are told of, if not all.
    pub only: Option<sottovoce::wire::Suite>,
    /// Everything that was published.
    pub published: Vec<Object>,
    /// Keys of the key manager that it has to give.
    pub archive_keys: Vec<Signed<ArchiveKey>>,
    /// What requests to the key manager are sealed to.
    pub request_keys: Vec<Object>,
    /// What the key manager says to a request; nothing if it is not reached.
    pub asked: Option<Answers>,
    /// Why appends are refused, if they are.
    pub refuses: Option<&'static str>,
    /// What devices said of themselves since they connected.
    pub available: BTreeMap<DeviceId, bool>,
    /// The newest notebook of each team, with its number, by its author's word.
    pub notebooks: BTreeMap<String, (u64, Signed<Notebook>)>,
    /// Devices that ask to be let in.
    pub enrolments: BTreeMap<DeviceId, Object>,
}

impl Relay {
    pub fn new(id: AccountId) -> Self {
        Self {
            account: Account::new(Pin::account(id)),
            contacts: BTreeMap::new(),
            credentials: Vec::new(),
            seal_keys: Vec::new(),
            team_keys: Vec::new(),
            team_seals: Vec::new(),
            peers: BTreeMap::new(),
            out: Vec::new(),
            now: sottovoce::wire::Time::default(),
            only: None,
            published: Vec::new(),
            archive_keys: Vec::new(),
            request_keys: Vec::new(),
            asked: None,
            refuses: None,
            available: BTreeMap::new(),
            notebooks: BTreeMap::new(),
            enrolments: BTreeMap::new(),
        }
    }

    /// Tells everyone who is connected of an account object.
    pub fn announce(&mut self, object: Object) {
        for (peer, device) in self.peers.clone() {
            if device.is_some() {
                let objects = vec![object.clone()];
                self.send(peer, RelayFrame::Announce { objects });
            }
        }
    }

    /// Puts an entry into a log, whatever it is, and passes it on.
    pub fn insert(&mut self, contact: ContactId, entry: Bytes) {
        let known = self.contacts.get_mut(&contact).unwrap();
        known.entries.push(entry.clone());
        let head = known.entries.len() as u64;
        for follower in known.followers.clone() {
            let frame = RelayFrame::Entries {
                contact,
                first: head,
                entries: vec![entry.clone()],
                head,
            };
            self.send(follower, frame);
        }
    }

    /// Forgets a contact and tells whoever followed it.
    pub fn erase(&mut self, contact: ContactId) {
        let known = self.contacts.remove(&contact).unwrap();
        for follower in known.followers {
            let id = RefusedId::Contact(contact);
            let code = "erased".into();
            self.send(follower, RelayFrame::Refused { id, code });
        }
    }

    /// The newest team key record of all.
    pub fn newest_team_key(&self) -> &Signed<TeamKey> {
        let (record, _) = self.team_keys.last().expect("a team key");
        record
    }

    /// The newest credential of a device.
    pub fn credential_of(&self, device: &DeviceId) -> Option<&Signed<Credential>> {
        let is_its = |it: &&Signed<Credential>| it.parse().unwrap().device == *device;
        self.credentials.iter().rfind(is_its)
    }

    /// Keeps a credential in place of the device's last one.
    pub fn add_credential(&mut self, credential: Signed<Credential>) {
        let device = credential.parse().unwrap().device;
        self.credentials
            .retain(|known| known.parse().unwrap().device != device);
        self.credentials.push(credential);
    }

    pub fn set_time(&mut self, now: sottovoce::wire::Time) {
        self.now = now;
    }

    pub fn connect(&mut self, peer: Peer) {
        self.peers.insert(peer, None);
        let nonce = Nonce::new([7; 32]);
        self.out.push((peer, RelayFrame::Challenge { nonce }));
    }

    pub fn disconnect(&mut self, peer: Peer) {
        self.peers.remove(&peer);
        for contact in self.contacts.values_mut() {
            contact.followers.remove(&peer);
        }
    }

    fn send(&mut self, peer: Peer, frame: RelayFrame) {
        self.out.push((peer, frame));
    }

    pub fn receive(&mut self, peer: Peer, bytes: &[u8]) {
        let frame: ClientFrame = decode(bytes, limits::FRAME).expect("clients send frames");
        let Some(known) = self.peers.get(&peer).copied() else {
            return;
        };
        if let ClientFrame::Authenticate { proof } = frame {
            let signed = Signed::<Authentication>::from_bytes(&proof).unwrap();
            let authentication = signed.parse().unwrap();
            signed.verify_by(&authentication.device).unwrap();
            self.peers.insert(peer, Some(authentication.device));
            self.available.insert(authentication.device, true);
            let mut objects = self.account.objects();
            objects.extend(
                self.credentials
                    .iter()
                    .filter(|c| c.parse().unwrap().device == authentication.device)
                    .map(|c| Object::new(ObjectKind::Credential, c.to_bytes())),
            );
            self.send(peer, RelayFrame::Welcome { objects });
            self.tell_contacts(peer, authentication.device, None);
            return;
        }
        let device = known.expect("authenticated");
        match frame {
            ClientFrame::Publish { id, object } => self.publish(peer, id, &object),
            ClientFrame::Ask { id, request } => {
                let answer = self.asked.as_mut().map(|answers| answers(&request));
                let frame = match answer {
                    Some(answer) => RelayFrame::Answered {
                        id,
                        answer: answer.into(),
                    },
                    None => RelayFrame::Refused {
                        id: RefusedId::Request(id),
                        code: "unavailable".into(),
                    },
                };
                self.send(peer, frame);
            }
            // These it asks the key manager for, which is away.
            ClientFrame::Lookup {
                id,
                query: Query::RequestKeys,
            } if self.asked.is_none() => {
                let id = RefusedId::Request(id);
                let code = "unavailable".into();
                self.send(peer, RelayFrame::Refused { id, code });
            }
            ClientFrame::Lookup { id, query } => self.look_up(peer, id, &query, device),
            ClientFrame::Append { id, contact, .. } if self.refuses.is_some() => {
                let code = self.refuses.unwrap_or_default().to_owned();
                let id = RefusedId::Append(id, contact);
                self.send(peer, RelayFrame::Refused { id, code });
            }
            ClientFrame::Append { id, contact, entry } => {
                self.append(peer, id, contact, entry, device);
            }
            ClientFrame::AppendBoth {
                contact,
                first,
                second,
            } => self.append_both(peer, contact, first, second, device),
            ClientFrame::Resume { contact, after } => match self.contacts.get_mut(&contact) {
                None => {
                    let id = RefusedId::Contact(contact);
                    let code = "unknown-contact".into();
                    self.send(peer, RelayFrame::Refused { id, code });
                }
                Some(known) => {
                    known.followers.insert(peer);
                    let after = after as usize;
                    let head = known.entries.len() as u64;
                    let all: Vec<_> = known.entries.iter().skip(after).cloned().collect();
                    let mut first = after as u64 + 1;
                    if all.is_empty() {
                        let entries = Vec::new();
                        self.send(
                            peer,
                            RelayFrame::Entries {
                                contact,
                                first,
                                entries,
                                head,
                            },
                        );
                    }
                    for chunk in all.chunks(5) {
                        let entries = chunk.to_vec();
                        let frame = RelayFrame::Entries {
                            contact,
                            first,
                            entries,
                            head,
                        };
                        self.send(peer, frame);
                        first += chunk.len() as u64;
                    }
                }
            },
            ClientFrame::Leave { contact } => {
                if let Some(contact) = self.contacts.get_mut(&contact) {
                    contact.followers.remove(&peer);
                }
            }
            ClientFrame::Ephemeral { contact, event } => {
                let followers = self.contacts[&contact].followers.clone();
                for follower in followers.into_iter().filter(|other| *other != peer) {
                    let event = event.clone();
                    self.send(follower, RelayFrame::Ephemeral { contact, event });
                }
            }
            ClientFrame::Presence { available } => {
                self.available.insert(device, available);
            }
            ClientFrame::Authenticate { .. }
            | ClientFrame::Solve { .. }
            | ClientFrame::Ban { .. }
            | ClientFrame::Push { .. } => {}
        }
    }

    fn publish(&mut self, peer: Peer, id: u64, object: &Object) {
        self.published.push(object.clone());
        match object.kind {
            ObjectKind::SealKey => {
                let signed = Signed::from_bytes(&object.bytes).unwrap();
                if !self.seal_keys.contains(&signed) {
                    self.seal_keys.push(signed);
                }
            }
            ObjectKind::TeamKey => {
                let signed = Signed::<TeamKey>::from_bytes(&object.bytes).unwrap();
                let record = signed.parse().unwrap();
                let taken = self.team_keys.iter().any(|(known, _)| {
                    let known = known.parse().unwrap();
                    known.team == record.team
                        && known.suite == record.suite
                        && known.generation >= record.generation
                });
                if taken {
                    let code = "generation-taken".into();
                    let id = RefusedId::Request(id);
                    return self.send(peer, RelayFrame::Refused { id, code });
                }
                let signer = *signed.signers().next().unwrap();
                self.team_keys.push((signed, signer));
                for (other, device) in self.peers.clone() {
                    if other != peer && device.is_some() {
                        let objects = vec![object.clone()];
                        self.send(other, RelayFrame::Announce { objects });
                    }
                }
            }
            ObjectKind::TeamSeals => {
                let seals: TeamSeals = decode(&object.bytes, limits::OBJECT).unwrap();
                let record = self
                    .team_keys
                    .iter()
                    .find(|(record, _)| record.hash() == seals.record)
                    .map(|(record, _)| Object::new(ObjectKind::TeamKey, record.to_bytes()));
                for (other, device) in self.peers.clone() {
                    let mut own = seals.clone();
                    own.seals.retain(|seal| Some(seal.holder) == device);
                    if other != peer && !own.seals.is_empty() {
                        let bytes = sottovoce::wire::encode(&own).into();
                        let own = Object::new(ObjectKind::TeamSeals, bytes);
                        let objects = record.clone().into_iter().chain([own]).collect();
                        self.send(other, RelayFrame::Announce { objects });
                    }
                }
                self.team_seals.push(seals);
            }
            ObjectKind::Policy => {
                let signed = Signed::from_bytes(&object.bytes).unwrap();
                let refused = self.refuses.map(str::to_owned);
                let learnt = self.account.learn_policy(&signed);
                if let Some(code) = refused.or(learnt.err().map(|it| it.code().to_owned())) {
                    let id = RefusedId::Request(id);
                    return self.send(peer, RelayFrame::Refused { id, code });
                }
                self.announce(object.clone());
            }
            ObjectKind::Credential => {
                let signed = Signed::<Credential>::from_bytes(&object.bytes).unwrap();
                let device = signed.parse().unwrap().device;
                self.enrolments.remove(&device);
                self.credentials
                    .retain(|known| known.parse().unwrap().device != device);
                self.credentials.push(signed);
                self.announce(object.clone());
            }
            ObjectKind::Enrolment => {
                let signed = Signed::<EnrolmentRequest>::from_bytes(&object.bytes).unwrap();
                let device = signed.parse().unwrap().device;
                self.enrolments.insert(device, object.clone());
                self.announce(object.clone());
            }
            ObjectKind::Notebook => {
                let signed = Signed::<Notebook>::from_bytes(&object.bytes).unwrap();
                let notebook = signed.parse().unwrap();
                let known = self.notebooks.get(&notebook.team);
                let fits = known.is_none_or(|(number, known)| {
                    notebook.number > number + 1
                        || notebook.number == number + 1 && notebook.previous == Some(known.hash())
                });
                if !fits {
                    let code = "conflict".into();
                    let id = RefusedId::Request(id);
                    return self.send(peer, RelayFrame::Refused { id, code });
                }
                let entry = (notebook.number, signed);
                self.notebooks.insert(notebook.team.clone(), entry);
                for (other, device) in self.peers.clone() {
                    if device.is_some() {
                        let objects = self.notebook(&notebook.team);
                        self.send(other, RelayFrame::Announce { objects });
                    }
                }
            }
            _ => {}
        }
        self.send(peer, RelayFrame::Published { id });
    }

    fn append(
        &mut self,
        peer: Peer,
        id: ContentId,
        contact: ContactId,
        entry: Bytes,
        device: DeviceId,
    ) {
        if let Some(position) = self
            .contacts
            .get(&contact)
            .and_then(|known| known.appends.get(&id))
        {
            let position = *position;
            let frame = RelayFrame::Appended {
                id,
                contact,
                position,
            };
            return self.send(peer, frame);
        }
        if let Err(code) = self.judge(contact, &entry, device) {
            let code = code.into();
            let id = RefusedId::Append(id, contact);
            return self.send(peer, RelayFrame::Refused { id, code });
        }
        let known = self.contacts.get_mut(&contact).unwrap();
        known.note();
        known.entries.push(entry.clone());
        let position = known.entries.len() as u64;
        known.appends.insert(id, position);
        let followers = known.followers.clone();
        for follower in followers {
            let frame = RelayFrame::Entries {
                contact,
                first: position,
                entries: vec![entry.clone()],
                head: position,
            };
            self.send(follower, frame);
        }
        self.cut_off(contact);
        let frame = RelayFrame::Appended {
            id,
            contact,
            position,
        };
        self.send(peer, frame);
        for (other, device) in self.peers.clone() {
            if let Some(device) = device {
                self.tell_contacts(other, device, Some(contact));
            }
        }
    }

    /// Both or neither: the log is what it was if the second is refused.
    fn append_both(
        &mut self,
        peer: Peer,
        contact: ContactId,
        first: NewEntry,
        second: NewEntry,
        device: DeviceId,
    ) {
        let before = self.contacts.get(&contact).map(|known| known.log.clone());
        let known = |relay: &Self, id| {
            let contact = relay.contacts.get(&contact);
            contact.is_some_and(|contact| contact.appends.contains_key(id))
        };
        if !known(self, &first.id) {
            let judged = self
                .judge(contact, &first.entry, device)
                .and_then(|()| self.judge(contact, &second.entry, device));
            if let Some(log) = before {
                self.contacts.get_mut(&contact).unwrap().log = log;
            }
            if let Err(code) = judged {
                for id in [first.id, second.id] {
                    let code = code.into();
                    let id = RefusedId::Append(id, contact);
                    self.send(peer, RelayFrame::Refused { id, code });
                }
                return;
            }
        }
        self.append(peer, first.id, contact, first.entry, device);
        self.append(peer, second.id, contact, second.entry, device);
    }

    fn judge(
        &mut self,
        contact: ContactId,
        entry: &[u8],
        device: DeviceId,
    ) -> Result<(), &'static str> {
        match decode::<Entry>(entry, limits::ENTRY).map_err(|error| error.code())? {
            Entry::Commit(bytes) => {
                let commit = Commit::parse(&bytes).map_err(|error| error.code())?;
                match self.contacts.get_mut(&contact) {
                    Some(known) if commit.core().epoch <= known.log.epoch() => {
                        Err(if known.log.is_closed() {
                            "closed"
                        } else {
                            "epoch-taken"
                        })
                    }
                    Some(known) => known
                        .log
                        .apply(&self.account, &commit)
                        .map(drop)
                        .map_err(|error| error.code()),
                    None => {
                        let (log, _) =
                            Log::create(&self.account, &commit).map_err(|error| error.code())?;
                        self.contacts.insert(
                            contact,
                            Contact {
                                log,
                                entries: Vec::new(),
                                past_teams: Vec::new(),
                                waiting_since: None,
                                appends: BTreeMap::new(),
                                followers: BTreeSet::new(),
                            },
                        );
                        Ok(())
                    }
                }
            }
            Entry::Envelope(bytes) => {
                let envelope = Envelope::parse(&bytes).map_err(|error| error.code())?;
                let known = self.contacts.get(&contact).ok_or("unknown-contact")?;
                let header = envelope.header();
                if known.log.is_closed() {
                    return Err("closed");
                }
                if header.epoch != known.log.epoch() {
                    return Err("stale-epoch");
                }
                if header.device != device || known.log.roster().member(&device).is_none() {
                    return Err("not-yours");
                }
                Ok(())
            }
        }
    }

    /// Tells staff of one contact, or of all.
    fn tell_contacts(&mut self, peer: Peer, device: DeviceId, only: Option<ContactId>) {
        let teams = self
            .credentials
            .iter()
            .map(|credential| credential.parse().unwrap())
            .find(|credential| credential.device == device)
            .map(|credential| credential.teams);
        if teams.is_none() {
            return;
        }
        let contacts = self
            .contacts
            .iter()
            .filter(|(id, _)| only.is_none_or(|only| only == **id))
            .map(|(id, known)| ContactSummary {
                contact: *id,
                entry_point: known.log.entry_point().to_owned(),
                created: known.log.created(),
                head: known.entries.len() as u64,
                epoch: known.log.epoch(),
                teams: known
                    .log
                    .roster()
                    .teams
                    .iter()
                    .map(|team| team.team.clone())
                    .collect(),
                devices: known
                    .log
                    .roster()
                    .members
                    .iter()
                    .map(|member| member.device)
                    .collect(),
                closed: known.log.is_closed(),
                past_teams: known.past_teams.clone(),
                responsible: known.log.responsible().copied(),
                waiting_since: known.waiting_since,
            })
            .collect();
        self.send(
            peer,
            RelayFrame::Contacts {
                all: only.is_none(),
                contacts,
            },
        );
    }
}
