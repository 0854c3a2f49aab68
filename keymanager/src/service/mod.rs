//! Judges requests, answers them, and writes down each one.

mod archive;
mod grant;
mod judge;
mod older;

use std::collections::HashMap;
use std::path::PathBuf;

use sottovoce::account::{ArchiveKey, KeyKind, Tombstone};
use sottovoce::archive::{
    ArchiveSecret, AuditEntry, AuditHead, KeyAnswer, KeyRequest, Operation, Outcome,
};
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::{PublicKey, SigningKey};
use sottovoce::wire::{
    AccountId, Bytes, ContactId, DeviceId, Signed, Suite, Time, Version, limits,
};
use sqlx::AnyConnection;
use tokio::sync::Mutex;

use crate::master::{Master, MasterError};
pub use older::{OlderCall, contact_of};

use crate::rules::Rules;
use crate::store::{self, Store, StoreError};
use sottovoce_server::tombstones::{Tombstones, TombstonesError};

/// How long requests are sealed to one key, in seconds; it opens for as long again.
const REQUEST_KEY: u64 = limits::DAY;
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

/// Who asks for what, as the audit log has it.
#[derive(Debug)]
struct Asker {
    device: DeviceId,
    operation: &'static str,
    contact: Option<ContactId>,
}

impl Asker {
    fn of(request: &KeyRequest) -> Self {
        Self {
            device: request.device,
            operation: request.operation.name(),
            contact: request.operation.contact().copied(),
        }
    }
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
        wrap_anew(&mut transaction, &parts.master).await?;
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
            Ok(()) => self.perform(connection, &judged, now).await?,
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
            .write_down(connection, &Asker::of(&judged.request), &answer)
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
        asker: &Asker,
        answer: &KeyAnswer,
    ) -> Result<AuditHead, StoreError> {
        let entry = AuditEntry {
            version: Version,
            suite: Suite::X25519,
            account: answer.account,
            number: answer.audit.number + 1,
            previous: answer.audit.hash,
            time: answer.time,
            device: asker.device,
            operation: asker.operation.to_owned(),
            contact: asker.contact,
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

/// Wraps what other generations of the master key wrapped under the newest: once all is, the older
/// ones can go, and with them every copy of the database from their time.
async fn wrap_anew(connection: &mut AnyConnection, master: &Master) -> Result<(), ServiceError> {
    loop {
        let old = store::wrapped_otherwise(connection, master.newest()).await?;
        if old.is_empty() {
            return Ok(());
        }
        for old in old {
            let new = master.wrap_anew(&old.bound_to(), &old.secret)?;
            store::replace(connection, old, &new).await?;
        }
    }
}
