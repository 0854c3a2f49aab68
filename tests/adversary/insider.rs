//! Somebody who has everything that a participant's device keeps, and says what no client says.

use std::collections::BTreeMap;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};
use sottovoce::contact::*;
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Hash, Random, Secret, aead, kdf};
use sottovoce::message::*;
use sottovoce::wire::frame::{Entry, Object, ObjectKind};
use sottovoce::wire::*;

use crate::forge::Forged;
use crate::world::{Node, World};

/// What was taken from a device: SPEC 9.4 says how it is kept.
pub struct Insider {
    pub signer: SigningKey,
    pub contact: ContactId,
    /// By epoch: the secret for everyone, and that for staff.
    pub secrets: BTreeMap<u64, [Option<EpochSecret>; 2]>,
    /// Private halves of published, team and contact keys.
    pub keys: Vec<SealPrivateKey>,
    random: Random,
}

impl Insider {
    pub fn of(world: &World, node: usize, contact: ContactId) -> Self {
        let node = &world.nodes[node];
        let mut insider = Self {
            signer: SigningKey::from_seed(&Secret::new([0; 32])),
            contact,
            secrets: BTreeMap::new(),
            keys: Vec::new(),
            random: Random::seeded(0xbad),
        };
        insider.read_device(&record(node, "device"));
        let name = format!("contact.{contact}");
        if node.storage.contains_key(&name) {
            insider.read_contact(&record(node, &name));
        }
        insider
    }

    /// `DeviceRecord`: seed, seal keys, team keys.
    fn read_device(&mut self, bytes: &[u8]) {
        let mut input = Decoder::new(bytes);
        input.array().unwrap();
        self.signer = SigningKey::from_seed(&secret(&mut input));
        for _ in 0..input.array().unwrap().unwrap() {
            let fields = input.array().unwrap().unwrap();
            let suite = suite(&mut input);
            input.skip().unwrap();
            let seed = secret(&mut input);
            self.keys.push(SealPrivateKey::from_seed(suite, seed));
            (3..fields).for_each(|_| input.skip().unwrap());
        }
        for _ in 0..input.array().unwrap().unwrap() {
            let fields = input.array().unwrap().unwrap();
            input.skip().unwrap();
            let suite = suite(&mut input);
            input.skip().unwrap();
            let seed = secret(&mut input);
            self.keys.push(SealPrivateKey::from_seed(suite, seed));
            (4..fields).for_each(|_| input.skip().unwrap());
        }
    }

    /// `ContactRecord`: keys, secrets.
    fn read_contact(&mut self, bytes: &[u8]) {
        let mut input = Decoder::new(bytes);
        input.array().unwrap();
        for _ in 0..input.array().unwrap().unwrap() {
            input.array().unwrap();
            let suite = suite(&mut input);
            let seed = secret(&mut input);
            self.keys.push(SealPrivateKey::from_seed(suite, seed));
        }
        for _ in 0..input.array().unwrap().unwrap() {
            input.array().unwrap();
            let epoch = input.u64().unwrap();
            let secrets = [(); 2].map(|()| {
                if input.datatype().unwrap() == Type::Null {
                    input.null().unwrap();
                    return None;
                }
                Some(EpochSecret::new(secret(&mut input)))
            });
            self.secrets.insert(epoch, secrets);
        }
    }

    pub fn device(&self) -> DeviceId {
        self.signer.public()
    }

    /// What the device can open of a commit, with any of its keys.
    pub fn opens(&self, commit: &Commit) -> bool {
        let find = |id: &Hash| self.keys.iter().find(|key| key.public().id() == *id);
        EpochSecret::open(Strand::All, commit, find).is_some_and(|opened| opened.is_ok())
    }

    pub fn key_of(&self, world: &World, epoch: u64) -> Option<EpochKey> {
        let commit = &commits(world, &self.contact)[usize::try_from(epoch).unwrap()];
        let [all, _] = self.secrets.get(&epoch)?;
        Some(all.as_ref()?.key(&commit.transcript()))
    }

    /// A commit that follows the log's last and changes nothing.
    pub fn core(&self, world: &World, reason: Reason) -> Core {
        let log = &world.relay.contacts[&self.contact].log;
        let (policy, hash) = world.relay.account.policy(world.now).unwrap();
        let number = policy.number;
        Core {
            version: Version,
            suite: log.suite(),
            account: world.account,
            contact: self.contact,
            level: log.level(),
            epoch: log.epoch() + 1,
            previous: *log.transcript(),
            time: world.now,
            committer: self.device(),
            reason,
            policy: PolicyRef { number, hash },
            roster: log.roster().clone(),
            archive: log.archive_key().map(|(_, id)| *id),
            seen: None,
            commitment: None,
            history: None,
            back_link: None,
            staff: None,
            new_key: None,
            setup: None,
        }
    }

    /// Seals, tags and signs it as a client does, with keys that the log has not shown.
    pub fn build(&mut self, world: &World, core: Core, new: New) -> Commit {
        let log = &world.relay.contacts[&self.contact].log;
        let before = log.epoch();
        let mut fresh = || EpochSecret::generate(&mut self.random).unwrap();
        let (secret, for_staff) = (fresh(), fresh());
        let [previous, previous_staff] = match self.secrets.get(&before) {
            Some([all, staff]) => [all.as_ref(), staff.as_ref()],
            None => [None, None],
        };
        let key = self.key_of(world, before);
        let seals = core.reason != Reason::Close;
        let with_history = core.history.is_some();
        let draft = Draft {
            secret: seals.then_some(&secret),
            staff_secret: (seals && new.by_staff).then_some(&for_staff),
            previous_key: key.as_ref(),
            previous_secret: previous,
            previous_staff_secret: previous_staff.filter(|_| with_history),
            evidence: new.evidence,
            core,
        };
        let find = |id: &Hash| {
            let shown = new.keys.iter().find(|key| key.id() == *id);
            shown.or_else(|| log.key(id))
        };
        build(draft, find, &self.signer).unwrap()
    }

    /// A rekey that is as it should be, to be spoiled.
    pub fn rekey(&mut self, world: &World) -> Commit {
        let core = self.core(world, Reason::Rekey);
        self.build(world, core, New::by_staff())
    }

    /// Makes a forged commit one that a member made: tag and signature are right.
    pub fn vouch(&self, world: &World, forged: Forged) -> Commit {
        let epoch = forged.core.epoch - 1;
        let key = self.key_of(world, epoch).unwrap();
        forged.tagged_with(&key).sign(&self.signer)
    }

    /// A text in the epoch in force, in the name of a device, signed by the own one.
    pub fn text(&mut self, world: &World, device: DeviceId, text: &str) -> Envelope {
        let log = &world.relay.contacts[&self.contact].log;
        self.text_in(world, log.epoch(), device, text)
    }

    pub fn text_in(&mut self, world: &World, epoch: u64, of: DeviceId, text: &str) -> Envelope {
        let key = match self.key_of(world, epoch) {
            Some(key) => key,
            None => EpochSecret::generate(&mut self.random)
                .unwrap()
                .key(&Hash::new([0; 32])),
        };
        let (sequence, previous) = chain(world, &self.contact, &of);
        let header = Header {
            version: Version,
            suite: world.relay.contacts[&self.contact].log.suite(),
            account: world.account,
            contact: self.contact,
            epoch,
            transcript: commits(world, &self.contact)[usize::try_from(epoch).unwrap()].transcript(),
            device: of,
            sequence,
            salt: Salt::new(self.random.bytes().unwrap()),
            previous,
            seen: None,
            audience: Audience::All,
        };
        self.seal(world, header, &key, text)
    }

    pub fn seal(&mut self, world: &World, header: Header, key: &EpochKey, text: &str) -> Envelope {
        let content = Content {
            id: ContentId::new(self.random.bytes().unwrap()),
            kind: kind::TEXT.into(),
            sent: world.now,
            reply_to: None,
            body: text.as_bytes().to_vec().into(),
        };
        Envelope::seal(SealParams {
            header,
            epoch_key: key.secret(),
            content: &content,
            signing_key: &self.signer,
        })
        .unwrap()
    }
}

/// What a commit brings along that the log has not shown.
#[derive(Default)]
pub struct New {
    pub by_staff: bool,
    pub keys: Vec<SealPublicKey>,
    pub evidence: Vec<Object>,
}

impl New {
    pub fn by_staff() -> Self {
        Self {
            by_staff: true,
            ..Self::default()
        }
    }

    pub fn key(mut self, key: &SealPublicKey) -> Self {
        self.keys.push(key.clone());
        self
    }

    pub fn object<T: SignedKind>(mut self, kind: ObjectKind, signed: &Signed<T>) -> Self {
        self.evidence.push(Object::new(kind, signed.to_bytes()));
        self
    }
}

/// The commits of a log that can be read, in order.
pub fn commits(world: &World, contact: &ContactId) -> Vec<Commit> {
    let mut found: Vec<Commit> = Vec::new();
    for bytes in &world.relay.contacts[contact].entries {
        let Ok(Entry::Commit(commit)) = decode(bytes, limits::ENTRY) else {
            continue;
        };
        let commit = Commit::parse(&commit).unwrap();
        if commit.core().epoch == found.len() as u64 {
            found.push(commit);
        }
    }
    found
}

/// A device's envelopes of a log, in order.
pub fn envelopes(world: &World, contact: &ContactId, device: &DeviceId) -> Vec<Envelope> {
    let entries = world.relay.contacts[contact].entries.iter();
    let all = entries.filter_map(|bytes| match decode(bytes, limits::ENTRY) {
        Ok(Entry::Envelope(envelope)) => Some(Envelope::parse(&envelope).unwrap()),
        _ => None,
    });
    all.filter(|envelope| envelope.header().device == *device)
        .collect()
}

/// Where a device's chain goes on.
pub fn chain(world: &World, contact: &ContactId, device: &DeviceId) -> (u64, Hash) {
    let first = Envelope::first_previous(&world.account, contact, device);
    match envelopes(world, contact, device).last() {
        Some(last) => (last.header().sequence + 1, last.hash()),
        None => (0, first),
    }
}

/// A stored record, opened with the host's storage key.
fn record(node: &Node, name: &str) -> Vec<u8> {
    let (salt, ciphertext) = node.storage[name].split_at(16);
    let head = |fields: u64| {
        let mut out = Encoder::new(Vec::new());
        out.array(fields).unwrap();
        out.str("sottovoce/0 record").unwrap();
        out.str(name).unwrap().u64(0).unwrap();
        out
    };
    let mut info = head(4);
    info.bytes(salt).unwrap();
    let key = kdf::expand(&Secret::new(node.key), &info.into_writer());
    let opened = aead::decrypt(&key, &[0; 12], &head(3).into_writer(), ciphertext);
    opened.unwrap().to_vec()
}

fn secret(input: &mut Decoder<'_>) -> Secret<32> {
    Secret::from_slice(input.bytes().unwrap()).unwrap()
}

fn suite(input: &mut Decoder<'_>) -> Suite {
    match input.u64().unwrap() {
        1 => Suite::X25519,
        _ => Suite::XWing,
    }
}
