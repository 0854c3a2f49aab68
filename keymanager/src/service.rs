//! Judges requests, answers them, and writes down each one.

use std::collections::HashMap;
use std::path::PathBuf;

use sottovoce::account::{Account, AccountError, Credential, Pin, Role, Tombstone};
use sottovoce::archive::{
    ArchiveKey, ArchiveSecret, AuditEntry, AuditHead, ContactState, Grant, KeyAnswer, KeyKind,
    KeyRequest, Operation, Outcome, Parcel,
};
use sottovoce::crypto::Random;
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::crypto::sign::{PublicKey, SigningKey};
use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::{
    AccountId, Bytes, ContactId, DeviceId, Signed, Suite, Time, Version, decode, limits,
};
use sqlx::AnyConnection;
use tokio::sync::Mutex;

use crate::master::{Master, MasterError};
use crate::rules::{RoleName, Rules};
use crate::store::{self, Prekey, Store, StoreError};
use crate::tombstones::{Tombstones, TombstonesError};

/// How far a request's time may be from the own clock, in milliseconds.
const FRESH: u64 = 5 * 60 * 1000;
/// How long requests are sealed to one key, in seconds; it opens for as long again.
const REQUEST_KEY: u64 = limits::DAY;
/// How long a contact's key is sealed to, in seconds.
const CONTACT_KEY: u64 = 90 * limits::DAY;
/// How long keys that were issued ahead are sealed to, in seconds.
const PREKEY: u64 = 14 * limits::DAY;
/// Most one-time keys of one request.
const PREKEYS: u64 = 64;
/// Most audit entries of one answer.
const AUDIT_ENTRIES: i64 = 128;
/// Devices whose requests are counted at the same time.
const COUNTED: usize = 10_000;

/// A request could not be answered at all: the requester takes that for `unavailable`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The account is none of this key manager's.
    #[error("the account is not served here")]
    UnknownAccount,
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stored secrets cannot be used.
    #[error(transparent)]
    Master(#[from] MasterError),
    /// An erasure cannot be written down.
    #[error(transparent)]
    Tombstones(#[from] TombstonesError),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    NoRandomness,
}

/// What a key manager is made of.
#[derive(Debug)]
pub struct Parts {
    /// The accounts that it serves.
    pub accounts: Vec<AccountId>,
    /// What it signs with.
    pub identity: SigningKey,
    /// What it wraps secrets with.
    pub master: Master,
    /// Who may ask for what.
    pub rules: Rules,
    /// Its database.
    pub store: Store,
    /// Where erasures are written down beside the database.
    pub tombstones: PathBuf,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct KeyManager {
    accounts: Vec<AccountId>,
    identity: SigningKey,
    master: Master,
    rules: Rules,
    store: Store,
    /// Requests are answered one after another, as the audit log has them.
    turn: Mutex<Turn>,
}

#[derive(Debug)]
struct Turn {
    tombstones: Tombstones,
    /// What requests are sealed to: the newest first.
    request_keys: Vec<RequestKey>,
    /// How many requests each device made, of each kind, and since when.
    counts: HashMap<(DeviceId, &'static str), (Time, u32)>,
}

#[derive(Debug)]
struct RequestKey {
    suite: Suite,
    secret: ArchiveSecret,
    from: Time,
}

/// Why a request is not granted.
#[derive(Clone, Copy, Debug)]
struct No(Outcome, &'static str);

/// A request whose author is known.
struct Judged {
    request: KeyRequest,
    reply: SealPublicKey,
    role: Role,
}

impl KeyManager {
    /// Starts one. Erasures that its database does not know, because it is older, are done again.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn start(parts: Parts, now: Time) -> Result<Self, ServiceError> {
        let (tombstones, buried) =
            Tombstones::open(&parts.tombstones, &parts.identity.public()).await?;
        let mut transaction = parts.store.begin().await?;
        for (account, contact) in buried {
            store::erase(&mut transaction, &account, &contact, now).await?;
        }
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(Self {
            accounts: parts.accounts,
            identity: parts.identity,
            master: parts.master,
            rules: parts.rules,
            store: parts.store,
            turn: Mutex::new(Turn {
                tombstones,
                request_keys: Vec::new(),
                counts: HashMap::new(),
            }),
        })
    }

    /// Its identity, which root statements name.
    pub fn identity(&self) -> PublicKey {
        self.identity.public()
    }

    /// Its database.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The signed key that requests of an account are sealed to, in each suite.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn request_keys(
        &self,
        account: &AccountId,
        now: Time,
    ) -> Result<Vec<Bytes>, ServiceError> {
        self.serves(account)?;
        let mut turn = self.turn.lock().await;
        turn.renew(now)?;
        let newest = turn.request_keys.iter().take(2);
        Ok(newest
            .map(|key| {
                let life = (key.from, key.from.plus_seconds(REQUEST_KEY));
                self.record(
                    account,
                    key.suite,
                    KeyKind::Request,
                    None,
                    &key.secret,
                    life,
                )
            })
            .collect())
    }

    /// Answers a request as it was sent: an encoded [`Parcel`]. The answer is an encoded
    /// `Signed<KeyAnswer>`.
    ///
    /// # Errors
    /// [`ServiceError`]: there is no answer, and nothing has changed.
    pub async fn answer(
        &self,
        account: &AccountId,
        parcel: &[u8],
        now: Time,
    ) -> Result<Bytes, ServiceError> {
        self.serves(account)?;
        let mut turn = self.turn.lock().await;
        let mut transaction = self.store.begin().await?;
        let connection: &mut AnyConnection = &mut transaction;
        let mut answer = KeyAnswer {
            version: Version,
            suite: Suite::X25519,
            account: *account,
            request: KeyRequest::hash_of(parcel),
            outcome: Outcome::Granted,
            code: String::new(),
            payload: None,
            time: now,
            audit: store::audit_head(connection, account).await?,
        };
        let judged = match self.judge(connection, &turn, account, parcel, now).await? {
            Ok(judged) => judged,
            Err(No(outcome, code)) => {
                // Anybody can send such a thing, so none is written down.
                (answer.outcome, answer.code) = (outcome, code.to_owned());
                return Ok(Signed::sign(&answer, &[&self.identity]).to_bytes());
            }
        };
        let done = match self.allows(connection, &mut turn, &judged, now).await? {
            Ok(()) => self.perform(connection, &judged.request, now).await?,
            Err(no) => Err(no),
        };
        let grant = match done {
            Ok(grant) => Some(grant),
            Err(No(outcome, code)) => {
                (answer.outcome, answer.code) = (outcome, code.to_owned());
                None
            }
        };
        answer.audit = self
            .write_down(connection, &judged.request, &answer)
            .await?;
        let buried = match (&judged.request.operation, &grant) {
            (Operation::Erase { contact }, Some(_)) => Some(*contact),
            _ => None,
        };
        if let Some(contact) = buried {
            // First where no backup of the database can bring the contact back.
            let tombstone = Tombstone {
                version: Version,
                suite: Suite::X25519,
                account: *account,
                contact,
                entries: 0,
                time: now,
            };
            let signed = Signed::sign(&tombstone, &[&self.identity]);
            turn.tombstones.add(&signed).await?;
        }
        transaction.commit().await.map_err(StoreError::from)?;
        if let Some(grant) = grant {
            let packed = grant.pack(&judged.reply, &answer.request, &mut Random::os());
            answer.payload = Some(packed.map_err(|_| ServiceError::NoRandomness)?);
        }
        Ok(Signed::sign(&answer, &[&self.identity]).to_bytes())
    }

    fn serves(&self, account: &AccountId) -> Result<(), ServiceError> {
        if self.accounts.contains(account) {
            Ok(())
        } else {
            Err(ServiceError::UnknownAccount)
        }
    }

    /// Finds out who asks for what.
    async fn judge(
        &self,
        connection: &mut AnyConnection,
        turn: &Turn,
        account: &AccountId,
        parcel: &[u8],
        now: Time,
    ) -> Result<Result<Judged, No>, ServiceError> {
        let (signed, request) = match self.unpack(turn, account, parcel, now) {
            Ok(unpacked) => unpacked,
            Err(no) => return Ok(Err(no)),
        };
        if signed.verify_by(&request.device).is_err() {
            return Ok(Err(No(Outcome::Malformed, "bad-signature")));
        }
        let Ok(reply) = SealPublicKey::parse(request.suite, &request.reply) else {
            return Ok(Err(No(Outcome::Malformed, "malformed")));
        };
        let mut known = Account::new(Pin::account(*account));
        for object in store::objects(connection, account).await? {
            // What was believed when it was stored.
            let _ = learn(&mut known, object.kind, &object.bytes);
        }
        let before = known.objects();
        let mut credential = None;
        for object in &request.evidence {
            match object.kind {
                ObjectKind::Credential => credential = Some(&object.bytes),
                kind => match learn(&mut known, kind, &object.bytes) {
                    Ok(()) | Err(AccountError::RolledBack) => {}
                    Err(error) => return Ok(Err(No(Outcome::Denied, error.code()))),
                },
            }
        }
        let role = match self.role(&known, &request.device, credential, now) {
            Ok(role) => role,
            Err(no) => return Ok(Err(no)),
        };
        let after = known.objects();
        if before != after {
            store::put_objects(connection, account, &after).await?;
        }
        Ok(Ok(Judged {
            request,
            reply,
            role,
        }))
    }

    fn unpack(
        &self,
        turn: &Turn,
        account: &AccountId,
        parcel: &[u8],
        now: Time,
    ) -> Result<(Signed<KeyRequest>, KeyRequest), No> {
        let malformed = No(Outcome::Malformed, "malformed");
        let parcel: Parcel = decode(parcel, limits::FRAME).map_err(|_| malformed)?;
        let context = KeyRequest::context(&self.identity.public());
        let opened = turn
            .request_keys
            .iter()
            .map(|key| key.secret.private_key(account, key.suite))
            .find_map(|key: SealPrivateKey| parcel.unpack(&key, &context).ok())
            .ok_or(No(Outcome::Malformed, "undecryptable"))?;
        let signed = Signed::<KeyRequest>::from_bytes(&opened).map_err(|_| malformed)?;
        let request = signed.parse().map_err(|_| malformed)?;
        if request.account != *account {
            return Err(No(Outcome::Malformed, "foreign-account"));
        }
        if request.audience != self.identity.public() {
            return Err(No(Outcome::Denied, "wrong-audience"));
        }
        if now.millis().abs_diff(request.time.millis()) > FRESH {
            return Err(No(Outcome::Denied, "time-off"));
        }
        Ok((signed, request))
    }

    /// What the requester is, by the account's own objects.
    fn role(
        &self,
        account: &Account,
        device: &DeviceId,
        credential: Option<&Bytes>,
        now: Time,
    ) -> Result<Role, No> {
        let denied = |error: AccountError| No(Outcome::Denied, error.code());
        let root = account.root().map_err(denied)?;
        let manager = root.key_manager.as_ref();
        if manager.is_none_or(|manager| manager.identity != self.identity.public()) {
            return Err(No(Outcome::Denied, "key-manager-changed"));
        }
        let (policy, _) = account.policy(now).map_err(denied)?;
        if policy.revokes_device(device) {
            return Err(No(Outcome::Denied, "revoked"));
        }
        if root.administrators.contains(device) {
            return Ok(Role::Administrator);
        }
        let signed = credential.ok_or(No(Outcome::Denied, "missing-evidence"))?;
        let signed = Signed::<Credential>::from_bytes(signed)
            .map_err(|error| No(Outcome::Malformed, error.code()))?;
        let credential = account.credential(&signed, policy, now).map_err(denied)?;
        if credential.device != *device {
            return Err(No(Outcome::Denied, "not-signed"));
        }
        Ok(credential.role)
    }

    /// Whether the rules allow it, now and for the first time.
    async fn allows(
        &self,
        connection: &mut AnyConnection,
        turn: &mut Turn,
        judged: &Judged,
        now: Time,
    ) -> Result<Result<(), No>, ServiceError> {
        let Judged { request, role, .. } = judged;
        let forgotten = request.time.plus_millis(2 * FRESH);
        if !store::is_first(connection, &request.account, &request.id, forgotten).await? {
            return Ok(Err(No(Outcome::Denied, "replayed")));
        }
        let rule = self.rules.about(&request.operation);
        if !rule.roles.iter().any(|name: &RoleName| name.is(*role)) {
            return Ok(Err(No(Outcome::Denied, "role-not-allowed")));
        }
        if !turn.counts(
            request.device,
            request.operation.name(),
            rule.per_minute,
            now,
        ) {
            return Ok(Err(No(Outcome::Throttled, "throttled")));
        }
        Ok(Ok(()))
    }

    async fn perform(
        &self,
        connection: &mut AnyConnection,
        request: &KeyRequest,
        now: Time,
    ) -> Result<Result<Grant, No>, ServiceError> {
        let account = &request.account;
        let no = |outcome, code| Ok(Err(No(outcome, code)));
        let contact = match &request.operation {
            Operation::Prekeys { count } if *count > PREKEYS => {
                return no(Outcome::Malformed, "too-large");
            }
            Operation::Prekeys { count } => {
                let keys = self.prekeys(connection, request, *count, now).await?;
                return Ok(Ok(Grant::Keys { keys }));
            }
            Operation::Audit { after } => {
                let found = store::audit_after(connection, account, *after, AUDIT_ENTRIES).await?;
                let entries = found.into_iter().map(Bytes::from).collect();
                return Ok(Ok(Grant::Audit { entries }));
            }
            Operation::Issue { contact }
            | Operation::DataKey { contact }
            | Operation::Revoke { contact }
            | Operation::Erase { contact }
            | Operation::Status { contact } => contact,
        };
        let stored = store::contact(connection, account, contact).await?;
        let known = match (&request.operation, stored) {
            (Operation::Issue { .. }, None) => {
                let secret = self.add_contact(connection, account, contact, now).await?;
                return Ok(Ok(self.key_of(request, contact, &secret, now)));
            }
            (_, None) => return no(Outcome::Unknown, "unknown-contact"),
            (_, Some(known)) => known,
        };
        Ok(Ok(match (&request.operation, known.state) {
            (Operation::Status { .. }, state) => Grant::Status {
                state,
                created: known.created,
                releases: known.releases,
            },
            (Operation::Erase { .. }, _) => {
                store::erase(connection, account, contact, now).await?;
                Grant::Done {
                    state: ContactState::Erased,
                }
            }
            (_, ContactState::Erased | ContactState::Pending) => {
                return no(Outcome::Erased, "erased");
            }
            (Operation::Revoke { .. }, _) => {
                store::revoke(connection, account, contact).await?;
                Grant::Done {
                    state: ContactState::Revoked,
                }
            }
            (_, ContactState::Revoked) => return no(Outcome::Revoked, "revoked"),
            (operation, ContactState::Live) => {
                let wrapped = known.secret.ok_or(StoreError::Unreadable)?;
                let place = [account.as_array().as_slice(), contact.as_array()];
                let secret = ArchiveSecret::new(self.master.unwrap(&place, &wrapped)?);
                match operation {
                    Operation::DataKey { .. } => Grant::DataKey {
                        key: secret.data_key(account, contact),
                    },
                    _ => self.key_of(request, contact, &secret, now),
                }
            }
        }))
    }

    async fn add_contact(
        &self,
        connection: &mut AnyConnection,
        account: &AccountId,
        contact: &ContactId,
        now: Time,
    ) -> Result<ArchiveSecret, ServiceError> {
        let secret = fresh()?;
        let place = [account.as_array().as_slice(), contact.as_array()];
        let wrapped = self.master.wrap(&place, secret.secret())?;
        store::add_contact(connection, account, contact, &wrapped, now).await?;
        Ok(secret)
    }

    fn key_of(
        &self,
        request: &KeyRequest,
        contact: &ContactId,
        secret: &ArchiveSecret,
        now: Time,
    ) -> Grant {
        let life = (now, now.plus_seconds(CONTACT_KEY));
        let (account, suite) = (&request.account, request.suite);
        let key = self.record(
            account,
            suite,
            KeyKind::Contact,
            Some(*contact),
            secret,
            life,
        );
        Grant::Key { key }
    }

    async fn prekeys(
        &self,
        connection: &mut AnyConnection,
        request: &KeyRequest,
        count: u64,
        now: Time,
    ) -> Result<Vec<Bytes>, ServiceError> {
        let (account, suite) = (&request.account, request.suite);
        let life = (now, now.plus_seconds(PREKEY));
        let mut records = Vec::new();
        for _ in 0..count {
            let secret = fresh()?;
            let kind = KeyKind::OneTime;
            self.add_prekey(connection, account, suite, kind, &secret, life.1)
                .await?;
            records.push(self.record(account, suite, kind, None, &secret, life));
        }
        // Renewed half-way, so that whoever learns of it can use it for a while.
        let enough = now.plus_seconds(PREKEY / 2);
        let kind = KeyKind::LastResort;
        let (secret, until) = match store::last_resort(connection, account, suite, enough).await? {
            Some(key) => {
                let place = [account.as_array().as_slice(), key.id.as_array()];
                let secret = self.master.unwrap(&place, &key.secret)?;
                (ArchiveSecret::new(secret), key.until)
            }
            None => {
                let secret = fresh()?;
                self.add_prekey(connection, account, suite, kind, &secret, life.1)
                    .await?;
                (secret, life.1)
            }
        };
        records.push(self.record(account, suite, kind, None, &secret, (now, until)));
        Ok(records)
    }

    async fn add_prekey(
        &self,
        connection: &mut AnyConnection,
        account: &AccountId,
        suite: Suite,
        kind: KeyKind,
        secret: &ArchiveSecret,
        until: Time,
    ) -> Result<(), ServiceError> {
        let id = secret.private_key(account, suite).public().id();
        let place = [account.as_array().as_slice(), id.as_array()];
        let key = Prekey {
            id,
            kind,
            suite,
            secret: self.master.wrap(&place, secret.secret())?,
            until,
        };
        Ok(store::add_prekey(connection, account, &key).await?)
    }

    fn record(
        &self,
        account: &AccountId,
        suite: Suite,
        kind: KeyKind,
        contact: Option<ContactId>,
        secret: &ArchiveSecret,
        (from, until): (Time, Time),
    ) -> Bytes {
        let public = secret.private_key(account, suite).public();
        let key = ArchiveKey {
            version: Version,
            suite,
            account: *account,
            kind,
            contact,
            public_key: public.as_bytes().to_vec().into(),
            from,
            until,
        };
        Signed::sign(&key, &[&self.identity]).to_bytes()
    }

    async fn write_down(
        &self,
        connection: &mut AnyConnection,
        request: &KeyRequest,
        answer: &KeyAnswer,
    ) -> Result<AuditHead, StoreError> {
        let entry = AuditEntry {
            version: Version,
            suite: Suite::X25519,
            account: answer.account,
            number: answer.audit.number + 1,
            previous: answer.audit.hash,
            time: answer.time,
            device: request.device,
            operation: request.operation.name().to_owned(),
            contact: request.operation.contact().copied(),
            request: answer.request,
            outcome: answer.outcome,
            code: answer.code.clone(),
        };
        let signed = Signed::sign(&entry, &[&self.identity]);
        let head = AuditHead {
            number: entry.number,
            hash: Some(signed.hash()),
        };
        store::add_audit(connection, &answer.account, &head, &signed.to_bytes()).await?;
        Ok(head)
    }
}

impl Turn {
    /// Makes new request keys when the newest are a day old, and drops those that are two.
    fn renew(&mut self, now: Time) -> Result<(), ServiceError> {
        let is_old = |key: &RequestKey, days: u64| now >= key.from.plus_seconds(days * REQUEST_KEY);
        self.request_keys.retain(|key| !is_old(key, 2));
        if self.request_keys.first().is_none_or(|key| is_old(key, 1)) {
            for suite in [Suite::X25519, Suite::XWing] {
                let secret = fresh()?;
                let from = now;
                let key = RequestKey {
                    suite,
                    secret,
                    from,
                };
                self.request_keys.insert(0, key);
            }
        }
        Ok(())
    }

    /// Counts a request; whether there were not too many in this minute.
    fn counts(&mut self, device: DeviceId, what: &'static str, most: u32, now: Time) -> bool {
        const MINUTE: u64 = 60_000;
        if self.counts.len() >= COUNTED {
            self.counts
                .retain(|_, (since, _)| now.millis_since(*since) < MINUTE);
        }
        let (since, count) = self.counts.entry((device, what)).or_insert((now, 0));
        if now.millis_since(*since) >= MINUTE || now < *since {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= most
    }
}

fn fresh() -> Result<ArchiveSecret, ServiceError> {
    ArchiveSecret::generate(&mut Random::os()).map_err(|_| ServiceError::NoRandomness)
}

fn learn(account: &mut Account, kind: ObjectKind, bytes: &Bytes) -> Result<(), AccountError> {
    match kind {
        ObjectKind::Root => account.learn_root(&Signed::from_bytes(bytes)?).map(drop),
        ObjectKind::Policy => account.learn_policy(&Signed::from_bytes(bytes)?).map(drop),
        ObjectKind::Renewal => account.learn_renewal(&Signed::from_bytes(bytes)?).map(drop),
        _ => Ok(()),
    }
}
