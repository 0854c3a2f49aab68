//! A whole conversation, from the visitor's first words to its end, with every secret that there is.

use serde_json::{Value, json};
use sottovoce::account::{Account, Level, RootStatement};
use sottovoce::contact::*;
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::crypto::{Hash, Secret};
use sottovoce::message::*;
use sottovoce::wire::frame::Entry;
use sottovoce::wire::log::{Seen, log_next, log_start};
use sottovoce::wire::*;

use crate::account::{self as objects, administrator, by};
use crate::scene::*;
use crate::{bytes, bytes_n, list, text};

const EVERYONE: [(&str, Person); 4] = [
    ("visitor", VISITOR),
    ("Ada", ADA),
    ("Bruno", BRUNO),
    ("Sofia", SOFIA),
];

pub fn in_suite_1() -> Value {
    make(Suite::X25519)
}

pub fn in_suite_2() -> Value {
    make(Suite::XWing)
}

/// What has been said, and who says what next.
struct Talk {
    contact: Contact,
    entries: Vec<Value>,
    log: Vec<Hash>,
    chains: Vec<(DeviceId, u64, Hash)>,
}

fn make(suite: Suite) -> Value {
    let contact = Contact::unborn(suite);
    let account = contact.account.id();
    let id = ContactId::new([9; 16]);
    let mut talk = Talk {
        contact,
        entries: Vec::new(),
        log: vec![log_start(&account, &id)],
        chains: Vec::new(),
    };
    let plan = talk.contact.creation(VISITOR);
    talk.commit(plan);
    talk.say(VISITOR, Audience::All, kind::TEXT, b"Good morning!");
    talk.say(
        VISITOR,
        Audience::All,
        kind::TEXT,
        "Is the blue one still there? \u{1f41f}".as_bytes(),
    );
    let plan = talk.contact.claim(ADA).history(0);
    talk.commit(plan);
    talk.say(ADA, Audience::All, kind::TEXT, b"Let me see.");
    let read = Receipt { read: 5 }.to_body();
    talk.say(VISITOR, Audience::All, kind::RECEIPT, &read);
    talk.say(ADA, Audience::Staff, kind::NOTE, b"She was here last week.");
    let mut plan = talk
        .contact
        .plan(ADA, Reason::Transfer)
        .with(BRUNO)
        .history(0);
    plan.staff_history = true;
    talk.commit(plan);
    let plan = talk.contact.claim(BRUNO).history(0);
    talk.commit(plan);
    talk.say(BRUNO, Audience::All, kind::TEXT, b"Bruno here: it is.");
    let plan = talk.contact.plan(BRUNO, Reason::Invite).with(SOFIA);
    talk.commit(plan);
    talk.say(VISITOR, Audience::All, kind::TEXT, b"Thank you both.");
    let plan = talk.contact.plan(BRUNO, Reason::Remove).without(SOFIA);
    talk.commit(plan);
    let plan = talk
        .contact
        .plan(VISITOR, Reason::Rekey)
        .with_key(&VISITOR.published(suite));
    talk.commit(plan);
    talk.say(VISITOR, Audience::All, kind::TEXT, b"Goodbye.");
    let plan = talk.contact.plan(BRUNO, Reason::Close);
    talk.commit(plan);
    talk.finish(suite)
}

impl Talk {
    fn commit(&mut self, mut plan: Plan) {
        plan.core.seen = self.seen();
        self.contact.take(plan);
        let epoch = self.contact.commits.len() - 1;
        let commit = &self.contact.commits[epoch];
        let secrets = &self.contact.secrets[epoch];
        let transcript = commit.transcript();
        let secret = |secret: &Option<EpochSecret>| {
            secret.as_ref().map(|it| hex::encode(it.secret().expose()))
        };
        let key = |secret: &Option<EpochSecret>| {
            let key = secret.as_ref().map(|it| it.key(&transcript));
            key.map(|key| hex::encode(key.secret().expose()))
        };
        let entry = Entry::Commit(commit.to_bytes().into());
        let described = json!({
            "reason": format!("{:?}", commit.core().reason).to_lowercase(),
            "epoch": epoch,
            "commit": hex::encode(&*commit.to_bytes()),
            "core": hex::encode(encode(commit.core())),
            "seals": hex::encode(encode(commit.seals())),
            "core hash": hex::encode(commit.core_hash().as_array()),
            "transcript": hex::encode(transcript.as_array()),
            "epoch secret": secret(&secrets.all),
            "staff secret": secret(&secrets.staff),
            "epoch key": key(&secrets.all),
            "staff epoch key": key(&secrets.staff),
        });
        self.append(&entry, described);
    }

    fn say(&mut self, by: Person, audience: Audience, kind: &str, body: &[u8]) {
        let log = self.contact.log();
        let (account, contact) = (*log.account(), *log.contact());
        let device = by.device();
        let known = self
            .chains
            .iter()
            .position(|(known, _, _)| *known == device);
        let (sequence, previous) = match known {
            Some(place) => {
                let (_, sequence, hash) = self.chains.remove(place);
                (sequence + 1, hash)
            }
            None => (0, Envelope::first_previous(&account, &contact, &device)),
        };
        let number = u8::try_from(self.entries.len()).unwrap();
        let epoch = usize::try_from(log.epoch()).unwrap();
        let secrets = &self.contact.secrets[epoch];
        let secret = match audience {
            Audience::All => secrets.all.as_ref(),
            Audience::Staff => secrets.staff.as_ref(),
        };
        let key = secret.unwrap().key(log.transcript());
        let header = Header {
            version: Version,
            suite: log.suite(),
            account,
            contact,
            epoch: log.epoch(),
            transcript: *log.transcript(),
            device,
            sequence,
            salt: Salt::new([number; 16]),
            previous,
            seen: self.seen(),
            audience,
        };
        let content = Content {
            id: ContentId::new([number + 100; 16]),
            kind: kind.to_owned(),
            sent: log.time(),
            reply_to: None,
            body: body.to_vec().into(),
        };
        let envelope = Envelope::seal(SealParams {
            header,
            epoch_key: key.secret(),
            content: &content,
            signing_key: &by.signer(),
        })
        .unwrap();
        self.chains.push((device, sequence, envelope.hash()));
        let described = json!({
            "kind": kind,
            "envelope": hex::encode(&*envelope.to_bytes()),
            "header": hex::encode(encode(envelope.header())),
            "content": hex::encode(encode(&content)),
            "key": hex::encode(key.secret().expose()),
            "hash": hex::encode(envelope.hash().as_array()),
        });
        self.append(&Entry::Envelope(envelope.to_bytes()), described);
    }

    fn append(&mut self, entry: &Entry, mut described: Value) {
        let bytes = encode(entry);
        let position = self.log.len() as u64;
        let hash = log_next(self.log.last().unwrap(), position, &bytes);
        self.log.push(hash);
        described["position"] = json!(position);
        described["entry"] = json!(hex::encode(&bytes));
        described["log"] = json!(hex::encode(hash.as_array()));
        self.entries.push(described);
    }

    fn seen(&self) -> Option<Seen> {
        let position = self.log.len() as u64 - 1;
        let hash = *self.log.last()?;
        (position > 0).then_some(Seen { position, hash })
    }

    fn finish(self, suite: Suite) -> Value {
        let people = EVERYONE.map(|(name, person)| {
            json!({
                "name": name,
                "device seed": hex::encode(person.signer().seed().expose()),
                "published seed": hex::encode(person.published(suite).seed().expose()),
                "own seed": hex::encode(person.own(suite).seed().expose()),
            })
        });
        let statement = RootStatement {
            lowest_level: Level::Transport,
            ..objects::root_statement()
        };
        let root = by(&statement, &[&objects::root()]);
        let policy = by(&self.contact.policy, &[&administrator(1)]);
        json!({
            "about": "SPEC 4, 5: each entry as it stands in the log, with the secrets behind it",
            "suite": suite.number(),
            "account": hex::encode(self.contact.account.id().as_array()),
            "contact": hex::encode([9; 16]),
            "log start": hex::encode(self.log[0].as_array()),
            "root": hex::encode(&*root.to_bytes()),
            "policy": hex::encode(&*policy.to_bytes()),
            "people": people,
            "team seed": hex::encode(team_private(suite, "support").seed().expose()),
            "entries": self.entries,
        })
    }
}

/// Everything that somebody with all private keys reads, and a relay without any.
pub fn read(file: &Value) {
    let mut account = Account::new(objects::pin());
    account
        .learn_root(&Signed::from_bytes(&bytes(file, "root")).unwrap())
        .unwrap();
    account
        .learn_policy(&Signed::from_bytes(&bytes(file, "policy")).unwrap())
        .unwrap();
    assert_eq!(account.id(), AccountId::new(bytes_n(file, "account")));
    let suite = Suite::ALL[usize::from(file["suite"] == 2)];
    let contact = ContactId::new(bytes_n(file, "contact"));
    let mut hash = log_start(&account.id(), &contact);
    assert_eq!(hash, Hash::new(bytes_n(file, "log start")));
    let mut reader = Reader {
        keys: private_keys(file, suite),
        account,
        log: None,
        known: Vec::new(),
    };
    let entries = list(file, "entries");
    for (position, entry) in (1..).zip(entries) {
        let encoded = bytes(entry, "entry");
        hash = log_next(&hash, position, &encoded);
        assert_eq!(hash, Hash::new(bytes_n(entry, "log")));
        match decode::<Entry>(&encoded, limits::ENTRY).unwrap() {
            Entry::Commit(commit) => reader.commit(&Commit::parse(&commit).unwrap(), entry),
            Entry::Envelope(envelope) => {
                reader.envelope(&Envelope::parse(&envelope).unwrap(), entry);
            }
        }
    }
    assert!(reader.log.unwrap().is_closed());
    assert_eq!(reader.known.len(), 8);
}

fn private_keys(file: &Value, suite: Suite) -> Vec<SealPrivateKey> {
    let people = list(file, "people").iter();
    let seeds = people.flat_map(|it| ["published seed", "own seed"].map(|name| bytes_n(it, name)));
    let seeds = seeds.chain([bytes_n(file, "team seed")]);
    seeds
        .map(|seed| SealPrivateKey::from_seed(suite, Secret::new(seed)))
        .collect()
}

struct Reader {
    account: Account,
    keys: Vec<SealPrivateKey>,
    log: Option<Log>,
    /// Secrets and keys of each epoch, for everyone and for staff.
    known: Vec<[Option<(EpochSecret, EpochKey)>; 2]>,
}

impl Reader {
    fn commit(&mut self, commit: &Commit, entry: &Value) {
        assert_eq!(encode(commit.core()), bytes(entry, "core"));
        assert_eq!(encode(commit.seals()), bytes(entry, "seals"));
        assert_eq!(
            commit.core_hash().as_array().to_vec(),
            bytes(entry, "core hash")
        );
        let transcript = commit.transcript();
        assert_eq!(transcript.as_array().to_vec(), bytes(entry, "transcript"));
        match &mut self.log {
            Some(log) => drop(log.apply(&self.account, commit).unwrap()),
            None => self.log = Some(Log::create(&self.account, commit).unwrap().0),
        }
        if let Some([Some((_, key)), _]) = self.known.last() {
            commit.verify_tag(key).unwrap();
        }
        let names = [
            (Strand::All, "epoch secret", "epoch key"),
            (Strand::Staff, "staff secret", "staff epoch key"),
        ];
        let opened = names.map(|(strand, secret, key)| {
            let find = |id: &Hash| self.keys.iter().find(|key| key.public().id() == *id);
            let Some(opened) = EpochSecret::open(strand, commit, find) else {
                assert!(entry[secret].is_null());
                return None;
            };
            let opened = opened.unwrap();
            assert_eq!(opened.secret().expose().to_vec(), bytes(entry, secret));
            let log = self.log.as_ref().unwrap();
            opened
                .check_seals(strand, commit, |id| log.key(id))
                .unwrap();
            let derived = opened.key(&transcript);
            assert_eq!(derived.secret().expose().to_vec(), bytes(entry, key));
            self.walk(strand, commit, &opened);
            Some((opened, derived))
        });
        self.known.push(opened);
    }

    /// The back-link leads to the secret of the last epoch that had one.
    fn walk(&self, strand: Strand, commit: &Commit, secret: &EpochSecret) {
        let place = usize::from(strand == Strand::Staff);
        let mut before = self.known.iter().rev();
        let before = before.find_map(|known| known[place].as_ref());
        if let Some(previous) = secret.previous(strand, commit.core()) {
            assert_eq!(Some(&previous.unwrap()), before.map(|(secret, _)| secret));
        }
    }

    fn envelope(&self, envelope: &Envelope, entry: &Value) {
        envelope.verify_signature().unwrap();
        let header = envelope.header();
        assert_eq!(encode(header), bytes(entry, "header"));
        assert_eq!(envelope.hash().as_array().to_vec(), bytes(entry, "hash"));
        let place = usize::from(header.audience == Audience::Staff);
        let known = self.known.last().unwrap()[place].as_ref();
        let key = known.unwrap().1.secret();
        assert_eq!(key.expose().to_vec(), bytes(entry, "key"));
        let content = envelope.open(key).unwrap();
        assert_eq!(encode(&content), bytes(entry, "content"));
        assert_eq!(content.kind, text(entry, "kind"));
    }
}
