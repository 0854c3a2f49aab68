//! Data keys of contacts of level `storage`: asked of the account's key manager, or of a service of the
//! older shape where one was named, kept in memory for minutes, never stored.

mod older;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use sottovoce::account::{Account, Pin};
use sottovoce::archive::{Grant, Operation, Outcome};
use sottovoce::client::Requester;
use sottovoce::crypto::sign::PublicKey;
use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::{AccountId, ContactId, Signed};
use sottovoce_client::key_manager::{KeyManager, KeyManagerError};
use sottovoce_client::{ReadingError, SecretString, StorageKey};
use sottovoce_older_keys::Service;
use sottovoce_server::clock;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::seal::{ABOUT, DataKey, Place, open};
use crate::store::{DataKeyState, Stored, StoredContact};

/// Requests that are under way at once.
const AT_ONCE: usize = 8;
/// The first pause after the key manager could not be reached; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long what proves the device is used before it is read again: policies are renewed meanwhile.
const FRESH: Duration = Duration::from_secs(60);

/// There is no data key now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key manager is not reached, or does not answer as it must.
    #[error("the key manager cannot be used: {0}")]
    Unavailable(String),
    /// What answers is not the account's key manager.
    #[error("what answers is not the account's key manager")]
    NotTheKeyManager,
    /// The account names no key manager, or nobody says where it is.
    #[error("the account names no key manager")]
    NoKeyManager,
    /// The device has nothing to prove itself with.
    #[error("the device cannot prove itself: {0}")]
    Unproven(String),
    /// The key manager refuses.
    #[error("the key manager refuses: {0}")]
    Denied(String),
    /// The contact's keys are released no more.
    #[error("the contact's keys are revoked")]
    Revoked,
    /// The contact's keys are destroyed.
    #[error("the contact's keys are erased")]
    Erased,
    /// The key manager knows nothing of a contact whose key it gave before.
    #[error("the key manager has lost the contact's keys")]
    Lost,
    /// The key manager's key does not open what was stored under it.
    #[error("the key manager gives another key than before")]
    WrongKey,
}

impl KeyError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "key-manager-unavailable",
            Self::NotTheKeyManager => "not-the-key-manager",
            Self::NoKeyManager => "no-key-manager",
            Self::Unproven(_) => "device-unproven",
            Self::Denied(_) => "key-denied",
            Self::Revoked => "key-revoked",
            Self::Erased => "key-erased",
            Self::Lost => "key-lost",
            Self::WrongKey => "wrong-key",
        }
    }

    /// Whether every contact has it, and not this one alone.
    const fn is_everywhere(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::NotTheKeyManager | Self::NoKeyManager | Self::Unproven(_)
        )
    }
}

/// Where keys come from.
#[derive(Debug)]
pub struct KeySource {
    /// The account.
    pub account: AccountId,
    /// The device's folder.
    pub device: PathBuf,
    /// What its storage key is sealed with, if it is.
    pub passphrase: Option<Zeroizing<String>>,
    /// Where the key manager is; what the policy says without.
    pub url: Option<String>,
    /// The service of the older shape that gives keys in place of the key manager, if one does.
    pub older: Option<Service>,
    /// Whom to trust.
    pub tls: Arc<ClientConfig>,
    /// How long a key is kept.
    pub life: Duration,
    /// How long the key manager may take.
    pub patience: Duration,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Keys {
    source: KeySource,
    kept: Mutex<HashMap<ContactId, (Arc<DataKey>, Instant)>>,
    proof: tokio::sync::Mutex<Option<(Arc<Requester>, Instant)>>,
    gate: Semaphore,
    trouble: Mutex<Trouble>,
}

/// What is in the way of all keys.
#[derive(Debug, Default)]
struct Trouble {
    error: Option<KeyError>,
    until: Option<Instant>,
    pause: Duration,
}

impl Keys {
    /// None are there yet.
    pub fn new(source: KeySource) -> Self {
        Self {
            source,
            kept: Mutex::default(),
            proof: tokio::sync::Mutex::default(),
            gate: Semaphore::new(AT_ONCE),
            trouble: Mutex::default(),
        }
    }

    /// What is in the way of all keys now.
    pub fn trouble(&self) -> Option<KeyError> {
        lock(&self.trouble).error.clone()
    }

    /// A contact's data key, if it is in memory.
    pub fn kept(&self, contact: &ContactId) -> Option<Arc<DataKey>> {
        let kept = lock(&self.kept);
        let (key, until) = kept.get(contact)?;
        (*until > Instant::now()).then(|| Arc::clone(key))
    }

    /// A contact's data key. It is made only for a contact under whose key nothing is stored, and it is
    /// checked against what is.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn of(&self, stored: &StoredContact) -> Result<Arc<DataKey>, KeyError> {
        if stored.erased.is_some() {
            return Err(KeyError::Erased);
        }
        let contact = stored.contact;
        if let Some(key) = self.kept(&contact) {
            return Ok(key);
        }
        let key = match &self.source.older {
            Some(service) => {
                let key = older::data_key(service, self.source.account, stored);
                self.in_turn(key).await?
            }
            None => self.granted(stored).await?,
        };
        let place = Place {
            account: self.source.account,
            contact,
            position: ABOUT,
        };
        if let Some(Stored::Sealed(about)) = &stored.about
            && open(&key, &place, about).is_err()
        {
            return Err(KeyError::WrongKey);
        }
        let key = Arc::new(key);
        let until = Instant::now() + self.source.life;
        lock(&self.kept).insert(contact, (Arc::clone(&key), until));
        Ok(key)
    }

    /// A contact's data key from the key manager.
    async fn granted(&self, stored: &StoredContact) -> Result<DataKey, KeyError> {
        let contact = stored.contact;
        if stored.data_key == DataKeyState::None {
            self.ask(Operation::Issue { contact }).await?;
        }
        match self.ask(Operation::DataKey { contact }).await? {
            Grant::DataKey { key } => Ok(key),
            _ => Err(KeyError::Unavailable("it grants something else".to_owned())),
        }
    }

    /// Whether whoever gives the keys can be asked to destroy them.
    pub const fn can_erase(&self) -> bool {
        self.source.older.is_none()
    }

    /// Has a contact's secret destroyed.
    ///
    /// # Errors
    /// [`KeyError`]: it may still be there.
    pub async fn erase(&self, contact: ContactId) -> Result<(), KeyError> {
        self.forget(&contact);
        match self.ask(Operation::Erase { contact }).await {
            // There is none.
            Ok(_) | Err(KeyError::Erased | KeyError::Lost) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Drops a contact's key.
    pub fn forget(&self, contact: &ContactId) {
        lock(&self.kept).remove(contact);
    }

    /// Drops the keys whose time is over.
    pub fn sweep(&self) {
        let now = Instant::now();
        lock(&self.kept).retain(|_, (_, until)| *until > now);
    }

    async fn ask(&self, operation: Operation) -> Result<Grant, KeyError> {
        self.in_turn(self.ask_now(operation)).await
    }

    /// Asks, unless that failed for everybody a moment ago, and not too often at once.
    async fn in_turn<T>(
        &self,
        asking: impl Future<Output = Result<T, KeyError>>,
    ) -> Result<T, KeyError> {
        {
            let trouble = lock(&self.trouble);
            if let (Some(error), Some(until)) = (&trouble.error, trouble.until)
                && Instant::now() < until
            {
                return Err(error.clone());
            }
        }
        let _turn = self.gate.acquire().await;
        let asked = tokio::time::timeout(self.source.patience, asking).await;
        let answer = asked.unwrap_or_else(|_| {
            let words = "it does not answer in time".to_owned();
            Err(KeyError::Unavailable(words))
        });
        let mut trouble = lock(&self.trouble);
        match &answer {
            Err(error) if error.is_everywhere() => {
                let is_news = trouble.error.is_none();
                trouble.pause = (trouble.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                trouble.until = Some(Instant::now() + trouble.pause);
                trouble.error = Some(error.clone());
                if is_news {
                    tracing::error!(code = error.code(), %error, "no data keys");
                }
            }
            _ => *trouble = Trouble::default(),
        }
        answer
    }

    async fn ask_now(&self, operation: Operation) -> Result<Grant, KeyError> {
        let proof = self.proof().await?;
        let (identity, url) = self.key_manager(&proof)?;
        let account = self.source.account;
        let manager = KeyManager::new(&url, account, identity, Arc::clone(&self.source.tls));
        let manager = manager.map_err(|error| KeyError::Unavailable(error.to_string()))?;
        let asked = manager.ask(&proof.key, proof.evidence.clone(), operation);
        match asked.await {
            Ok((grant, _)) => Ok(grant),
            Err(KeyManagerError::NotTheKeyManager | KeyManagerError::Answer(_)) => {
                Err(KeyError::NotTheKeyManager)
            }
            Err(KeyManagerError::NotGranted { outcome, code }) => Err(match outcome {
                Outcome::Revoked => KeyError::Revoked,
                Outcome::Erased => KeyError::Erased,
                Outcome::Unknown => KeyError::Lost,
                Outcome::Unavailable => KeyError::Unavailable(code),
                _ => KeyError::Denied(code),
            }),
            Err(error) => Err(KeyError::Unavailable(error.to_string())),
        }
    }

    /// How many days the account's policy keeps what servers store.
    pub async fn retention_days(&self) -> Option<u64> {
        let proof = self.proof().await.ok()?;
        let account = self.believed(&proof);
        let (policy, _) = account.policy(clock::now()).ok()?;
        Some(policy.retention.days)
    }

    /// What the device believes of the account.
    fn believed(&self, proof: &Requester) -> Account {
        let mut account = Account::new(Pin::account(self.source.account));
        for object in &proof.evidence {
            // What does not prove itself is not believed; what is missing then, is said.
            let _ = match object.kind {
                ObjectKind::Root => Signed::from_bytes(&object.bytes)
                    .map_err(Into::into)
                    .and_then(|signed| account.learn_root(&signed)),
                ObjectKind::Policy => Signed::from_bytes(&object.bytes)
                    .map_err(Into::into)
                    .and_then(|signed| account.learn_policy(&signed)),
                ObjectKind::Renewal => Signed::from_bytes(&object.bytes)
                    .map_err(Into::into)
                    .and_then(|signed| account.learn_renewal(&signed)),
                _ => continue,
            };
        }
        account
    }

    /// Which key manager the account's root names, and where it is.
    fn key_manager(&self, proof: &Requester) -> Result<(PublicKey, String), KeyError> {
        let account = self.believed(proof);
        let root = account
            .root()
            .map_err(|error| KeyError::Unproven(error.to_string()))?;
        let named = root.key_manager.as_ref().ok_or(KeyError::NoKeyManager)?;
        let policy = account.policy(clock::now()).ok();
        let url = self.source.url.clone();
        let url = url.or_else(|| policy.and_then(|(policy, _)| policy.key_manager_url.clone()));
        Ok((named.identity, url.ok_or(KeyError::NoKeyManager)?))
    }

    async fn proof(&self) -> Result<Arc<Requester>, KeyError> {
        let mut proof = self.proof.lock().await;
        if let Some((known, read)) = &*proof
            && read.elapsed() < FRESH
        {
            return Ok(Arc::clone(known));
        }
        let folder = self.source.device.clone();
        let key = storage_key(self.source.passphrase.as_ref());
        let read =
            tokio::task::spawn_blocking(move || sottovoce_client::requester(&folder, &key)).await;
        let unproven = |words: String| KeyError::Unproven(words);
        let found = read
            .map_err(|error| unproven(error.to_string()))?
            .map_err(|error: ReadingError| unproven(error.to_string()))?;
        let found = Arc::new(found);
        // Before it is approved a device has no credential: look again soon.
        let has_credential = found
            .evidence
            .iter()
            .any(|object| object.kind == ObjectKind::Credential);
        *proof = has_credential.then(|| (Arc::clone(&found), Instant::now()));
        Ok(found)
    }
}

/// How a device's folder keeps its storage key.
pub fn storage_key(passphrase: Option<&Zeroizing<String>>) -> StorageKey {
    passphrase.map_or(StorageKey::Plain, |passphrase| {
        StorageKey::Passphrase(SecretString::from(passphrase.to_string()))
    })
}

/// No code panics while it holds one of these.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
