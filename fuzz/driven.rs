//! What each fuzz target does with bytes. Nothing may panic; what is read has to be the one encoding of
//! what it says. The same functions run natively over the vectors and the kept corpora (`tests/corpora.rs`).

use std::sync::OnceLock;

use serde_json::Value;
use sottovoce::account::*;
use sottovoce::archive::*;
use sottovoce::client::*;
use sottovoce::contact::{Commit, Log};
use sottovoce::crypto::{Random, Secret};
use sottovoce::message::{Envelope, Ephemeral, Notebook};
use sottovoce::wire::codec::{Decode, Encode};
use sottovoce::wire::frame::*;
use sottovoce::wire::*;

/// What a target does with bytes.
pub type Target = fn(&[u8]);

/// The names of the targets, as of the programs that run them.
pub const TARGETS: [(&str, Target); 11] = [
    ("client_frame", client_frame),
    ("relay_frame", relay_frame),
    ("entry", entry),
    ("commit", commit),
    ("envelope", envelope),
    ("ephemeral", ephemeral),
    ("object", object),
    ("key_manager", key_manager),
    ("identity", identity),
    ("log", log),
    ("client", client),
];

fn structure<T: Decode + Encode>(data: &[u8], limit: usize) {
    if let Ok(value) = decode::<T>(data, limit) {
        assert_eq!(encode(&value), data);
    }
}

pub fn client_frame(data: &[u8]) {
    structure::<ClientFrame>(data, limits::FRAME);
}

pub fn relay_frame(data: &[u8]) {
    structure::<RelayFrame>(data, limits::FRAME);
}

pub fn entry(data: &[u8]) {
    structure::<Entry>(data, limits::ENTRY);
    structure::<Object>(data, limits::OBJECT);
}

pub fn commit(data: &[u8]) {
    if let Ok(commit) = Commit::parse(data) {
        assert_eq!(commit.to_bytes(), data);
    }
}

pub fn envelope(data: &[u8]) {
    if let Ok(envelope) = Envelope::parse(data) {
        assert_eq!(&*envelope.to_bytes(), data);
        let _ = envelope.verify_signature();
        let _ = envelope.open(&Secret::new([0x33; 32]));
    }
}

pub fn ephemeral(data: &[u8]) {
    if let Ok(event) = Ephemeral::parse(data) {
        assert_eq!(&*event.to_bytes(), data);
        let _ = event.verify_signature();
        let _ = event.open(&Secret::new([0x33; 32]));
    }
}

/// Signed objects, each also as an account takes it.
pub fn object(data: &[u8]) {
    fn signed<T: SignedKind>(data: &[u8]) -> Option<Signed<T>> {
        let signed = Signed::<T>::from_bytes(data).ok()?;
        assert_eq!(&*signed.to_bytes(), data);
        if let Ok(value) = signed.parse() {
            let again = encode(&value);
            assert_eq!(
                decode::<T>(&again, limits::OBJECT).map(|it| encode(&it)),
                Ok(again)
            );
        }
        Some(signed)
    }
    let mut account = account();
    if let Some(root) = signed(data) {
        let _ = account.learn_root(&root);
    }
    if let Some(policy) = signed(data) {
        let _ = account.learn_policy(&policy);
    }
    if let Some(renewal) = signed(data) {
        let _ = account.learn_renewal(&renewal);
    }
    let Ok((policy, _)) = account.policy(NOW) else {
        return;
    };
    if let Some(credential) = signed(data) {
        let _ = account.credential(&credential, policy, NOW);
    }
    if let Some(key) = signed(data) {
        let _ = account.seal_key(&key, NOW);
    }
    if let Some(key) = signed(data) {
        let _ = account.team_key(&key, None, policy, NOW);
    }
    if let Some(key) = signed(data) {
        let _ = account.archive_key(&key, NOW);
    }
    signed::<EnrolmentRequest>(data);
    signed::<Authentication>(data);
    signed::<ApiTokenRequest>(data);
    signed::<Tombstone>(data);
    signed::<AuditEntry>(data);
    signed::<Notebook>(data);
    structure::<TeamSeals>(data, limits::OBJECT);
}

pub fn key_manager(data: &[u8]) {
    structure::<Parcel>(data, limits::FRAME);
    structure::<Grant>(data, limits::FRAME);
    structure::<KeyRequest>(data, limits::FRAME);
    structure::<KeyAnswer>(data, limits::FRAME);
}

/// Tokens of three issuers, one of each algorithm.
pub fn identity(data: &[u8]) {
    let Ok(token) = core::str::from_utf8(data) else {
        return;
    };
    let issuer = |algorithm: &str, length| Issuer {
        issuer: "https://login.example".into(),
        algorithm: algorithm.into(),
        public_key: vec![4; length].into(),
    };
    let issuers = [
        issuer("EdDSA", 32),
        issuer("ES256", 65),
        issuer("RS256", 270),
    ];
    let device = DeviceId::new([7; 32]);
    let account = AccountId::new([1; 32]);
    let _ = verify_identity(token, &issuers, account, device, NOW);
}

/// Commits in a contact that waits.
pub fn log(data: &[u8]) {
    let account = account();
    let Ok(commit) = Commit::parse(data) else {
        return;
    };
    let _ = Log::create(&account, &commit);
    let first = bytes(&vectors()["entries"][0]["commit"]);
    let first = Commit::parse(&first).expect("a commit");
    let (mut log, _) = Log::create(&account, &first).expect("a contact");
    let epoch = log.epoch();
    if log.apply(&account, &commit).is_err() {
        assert_eq!(log.epoch(), epoch);
    }
}

/// When everything in the vectors was made.
const NOW: Time = Time::from_millis(1_700_000_000_000);

fn vectors() -> &'static Value {
    static VECTORS: OnceLock<Value> = OnceLock::new();
    VECTORS.get_or_init(|| {
        let text = include_str!("../tests/vectors/conversation-1.json");
        serde_json::from_str(text).expect("vectors")
    })
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("bytes")).expect("bytes")
}

fn account_objects() -> [Object; 2] {
    [(ObjectKind::Root, "root"), (ObjectKind::Policy, "policy")]
        .map(|(kind, name)| Object::new(kind, bytes(&vectors()[name]).into()))
}

fn account() -> Account {
    let mut account = Account::new(Pin::account(account_id()));
    let [root, policy] = account_objects();
    let root = Signed::from_bytes(&root.bytes).expect("a root statement");
    account.learn_root(&root).expect("a root statement");
    let policy = Signed::from_bytes(&policy.bytes).expect("a policy");
    account.learn_policy(&policy).expect("a policy");
    account
}

fn account_id() -> AccountId {
    let id = bytes(&vectors()["account"]);
    AccountId::new(id.try_into().expect("32 bytes"))
}

/// A visitor with an open contact among whatever inputs the bytes make.
pub fn client(data: &[u8]) {
    let mut driven = Driven::start();
    let mut data = data;
    for _ in 0..64 {
        let [what, length, rest @ ..] = data else {
            return;
        };
        let length = (usize::from(*length) * 8).min(rest.len());
        let (now, later) = rest.split_at(length);
        data = later;
        driven.does(*what, now);
    }
}

struct Driven {
    client: Client,
    now: Time,
    contact: Option<ContactId>,
    position: u64,
    records: Vec<Record>,
    restarts: u64,
}

impl Driven {
    fn open(records: &[Record], restarts: u64, now: Time) -> Result<Client, OpenError> {
        let config = Config {
            pin: Pin::account(account_id()),
            host: "relay.example".into(),
            kind: Kind::Visitor,
            storage_key: Secret::new([5; 32]),
            generation: 0,
        };
        Client::open(config, records, Random::seeded(restarts), now)
    }

    fn start() -> Self {
        let mut driven = Self {
            client: Self::open(&[], 1, NOW).expect("a client"),
            now: NOW,
            contact: None,
            position: 0,
            records: Vec::new(),
            restarts: 1,
        };
        driven.connect();
        let entry_point = "shop".to_owned();
        let (identity, details) = (None, Vec::new());
        driven.input(Input::Command(Command::Start {
            entry_point,
            identity,
            details,
        }));
        driven
    }

    fn connect(&mut self) {
        self.input(Input::Connected);
        let nonce = Nonce::new([1; 32]);
        self.frame(&RelayFrame::Challenge { nonce });
        let objects = account_objects().to_vec();
        self.frame(&RelayFrame::Welcome { objects });
    }

    fn frame(&mut self, frame: &RelayFrame) {
        self.input(Input::Frame(encode(frame)));
    }

    /// Hands an input in and carries outputs out, as an honest relay would, for as long as there are
    /// any: there must be an end.
    fn input(&mut self, input: Input) {
        self.client.handle(self.now, input);
        let mut answers = Vec::new();
        for _ in 0..10_000 {
            match self.client.poll(self.now) {
                None => {
                    for answer in answers {
                        self.client.handle(self.now, Input::Frame(encode(&answer)));
                    }
                    return;
                }
                Some(Output::Store(batch)) => {
                    let id = batch.id;
                    self.records.retain(|known| {
                        let is_new = batch.puts.iter().any(|put| put.name == known.name);
                        !is_new && !batch.deletes.contains(&known.name)
                    });
                    self.records.extend(batch.puts);
                    self.client.handle(self.now, Input::Stored(id));
                }
                Some(Output::Transmit(bytes)) => {
                    let frame = decode(&bytes, limits::FRAME).expect("clients send frames");
                    self.answer(frame, &mut answers);
                }
                Some(Output::Event(event)) => {
                    if let Event::Started { contact } = *event {
                        self.contact = Some(contact);
                    }
                }
                Some(Output::WakeAt(_)) => {}
            }
        }
        panic!("outputs without end");
    }

    fn answer(&mut self, frame: ClientFrame, answers: &mut Vec<RelayFrame>) {
        match frame {
            ClientFrame::Lookup { id, .. } => answers.push(RelayFrame::Found {
                id,
                objects: team_key(),
                available: Vec::new(),
                more: false,
            }),
            ClientFrame::Append { id, contact, entry } => {
                self.position += 1;
                let position = self.position;
                answers.push(RelayFrame::Appended {
                    id,
                    contact,
                    position,
                });
                answers.push(RelayFrame::Entries {
                    contact,
                    first: position,
                    entries: vec![entry],
                    head: position,
                });
            }
            _ => {}
        }
    }

    fn does(&mut self, what: u8, bytes: &[u8]) {
        let contact = self.contact.unwrap_or(ContactId::new([0; 16]));
        let text = || String::from_utf8_lossy(bytes).into_owned();
        match what % 12 {
            0 => self.input(Input::Frame(bytes.to_vec())),
            // An entry of the relay's choice, as the next.
            1..=3 => {
                self.position += 1;
                let first = self.position;
                let entries = vec![bytes.to_vec().into()];
                self.frame(&RelayFrame::Entries {
                    contact,
                    first,
                    entries,
                    head: first,
                });
            }
            4 => {
                let step = |sum: u64, byte: &u8| sum.wrapping_mul(3).wrapping_add((*byte).into());
                let seconds = bytes.iter().fold(0, step);
                self.now = self.now.plus_seconds(seconds % (3 * limits::DAY));
                self.input(Input::Tick);
            }
            5 => self.input(Input::Command(Command::Send {
                contact,
                kind: "text".into(),
                body: bytes.to_vec(),
                reply_to: None,
                id: None,
            })),
            6 => self.input(Input::Command(Command::Rekey { contact })),
            7 => self.input(Input::Command(Command::Close { contact })),
            8 => {
                self.input(Input::Disconnected);
                self.connect();
            }
            9 => self.frame(&RelayFrame::Refused {
                id: RefusedId::Contact(contact),
                code: text(),
            }),
            10 => self.frame(&RelayFrame::Ephemeral {
                contact,
                event: bytes.to_vec().into(),
            }),
            // The process dies; its records are as they were, or not quite.
            _ => {
                self.restarts += 1;
                let mut records = self.records.clone();
                if let (Some(record), [place, change, ..]) = (records.first_mut(), bytes) {
                    let place = usize::from(*place) % record.bytes.len().max(1);
                    if let Some(byte) = record.bytes.get_mut(place) {
                        *byte ^= *change;
                    }
                }
                let opened = Self::open(&records, self.restarts, self.now)
                    .or_else(|_| Self::open(&self.records, self.restarts, self.now));
                self.client = opened.expect("the own records open");
                self.connect();
            }
        }
    }
}

/// What the first commit of the vectors brings along: the team's key.
fn team_key() -> Vec<Object> {
    let first = bytes(&vectors()["entries"][0]["commit"]);
    let commit = Commit::parse(&first).expect("a commit");
    commit.evidence().to_vec()
}
