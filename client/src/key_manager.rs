//! A key manager, asked by whoever holds a device's key. What it answers is believed because it is
//! signed, not because of where it came from.

use std::sync::Arc;

use hyper::Method;
use serde_json::{Value, json};
use sottovoce::account::{ArchiveKey, KeyKind};
use sottovoce::archive::{AuditHead, Grant, KeyAnswerError, KeyRequest, Operation, Outcome};
use sottovoce::crypto::Random;
use sottovoce::crypto::seal::{SealError, SealPublicKey};
use sottovoce::crypto::sign::{PublicKey, SigningKey};
use sottovoce::wire::codec::{from_base64url, to_base64url};
use sottovoce::wire::frame::Object;
use sottovoce::wire::{AccountId, ContentId, Signed, Suite, Time, Version};

use crate::api::{ApiError, text};
use crate::http::Service;

/// How far the key manager's clock may be from the own one, in milliseconds.
const TOLERANCE: u64 = 10 * 60 * 1000;

/// A key manager did not grant what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyManagerError {
    /// It was not reached, or does not answer now.
    #[error("the key manager is not available: {0}")]
    Unavailable(#[from] ApiError),
    /// What answers does not have the key manager's identity.
    #[error("what answers is not the account's key manager")]
    NotTheKeyManager,
    /// The answer is not its answer to this request.
    #[error(transparent)]
    Answer(#[from] KeyAnswerError),
    /// It said so.
    #[error("the key manager did not grant it: {}, {code}", .outcome.name())]
    NotGranted {
        /// What became of the request.
        outcome: Outcome,
        /// The stable code of why.
        code: String,
    },
    /// There is no randomness.
    #[error("the request cannot be sealed")]
    Seal,
}

impl From<SealError> for KeyManagerError {
    fn from(SealError: SealError) -> Self {
        Self::Seal
    }
}

impl KeyManagerError {
    /// The stable code of this error; for what was not granted the key manager's.
    pub fn code(&self) -> &str {
        match self {
            Self::Unavailable(error) => error.code(),
            Self::NotTheKeyManager => "not-the-key-manager",
            Self::Answer(error) => error.code(),
            Self::NotGranted { code, .. } => code,
            Self::Seal => "no-randomness",
        }
    }
}

/// The key manager of an account. Each request is a connection of its own.
#[derive(Debug)]
pub struct KeyManager {
    service: Service,
    identity: PublicKey,
}

impl KeyManager {
    /// The one at a URL that has this identity: `https`, or `http` on a loopback address.
    ///
    /// # Errors
    /// [`KeyManagerError::Unavailable`]: it is no such URL.
    pub fn new(
        url: &str,
        account: AccountId,
        identity: PublicKey,
        tls: Arc<rustls::ClientConfig>,
    ) -> Result<Self, KeyManagerError> {
        let service = Service::new(url, account, tls)?;
        Ok(Self { service, identity })
    }

    /// Asks for something, as the device with this key. `evidence` is root statement, policy,
    /// renewals and the device's credential. Gives what was granted, and the head of the audit log
    /// with this request in it.
    ///
    /// # Errors
    /// [`KeyManagerError`].
    pub async fn ask(
        &self,
        key: &SigningKey,
        evidence: Vec<Object>,
        operation: Operation,
    ) -> Result<(Grant, AuditHead), KeyManagerError> {
        let mut random = Random::os();
        let id = random.bytes().map_err(|_| KeyManagerError::Seal)?;
        let (suite, to) = self.request_key().await?;
        let request = KeyRequest {
            version: Version,
            suite,
            account: self.service.account(),
            id: ContentId::new(id),
            device: key.public(),
            audience: self.identity,
            time: crate::now(),
            reply: Vec::new().into(),
            evidence,
            operation,
            attached: None,
        };
        let (parcel, awaited) = request.pack(Vec::new(), key, &to, &mut random)?;
        let answer = self.deliver(&parcel).await?;
        let (answer, grant) = awaited.open(&answer)?;
        let head = answer.audit;
        match grant {
            Some(grant) => Ok((grant, head)),
            None => Err(KeyManagerError::NotGranted {
                outcome: answer.outcome,
                code: answer.code,
            }),
        }
    }

    /// Delivers a request as it is; the answer as it comes, which nobody has believed yet.
    ///
    /// # Errors
    /// [`KeyManagerError::Unavailable`], or [`KeyManagerError::Answer`] for what is no answer at all.
    pub async fn deliver(&self, parcel: &[u8]) -> Result<Vec<u8>, KeyManagerError> {
        let body = json!({ "request": to_base64url(parcel) });
        let answered = self
            .service
            .ask(Method::POST, "/requests", None, Some(&body));
        let answer = text(&answered.await?, "answer")?;
        Ok(from_base64url(&answer).ok_or(KeyAnswerError::Malformed)?)
    }

    /// The keys that requests are sealed to, as they come.
    ///
    /// # Errors
    /// [`KeyManagerError::Unavailable`], or [`KeyManagerError::Answer`] for what are no keys at all.
    pub async fn request_keys(&self) -> Result<Vec<Vec<u8>>, KeyManagerError> {
        let answer = self.service.ask(Method::GET, "/request-keys", None, None);
        let answer = answer.await?;
        let keys = answer.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or(KeyAnswerError::Malformed)?.iter();
        let bytes = |key: &Value| from_base64url(key.as_str()?);
        let keys = keys.map(|key| bytes(key).ok_or(KeyAnswerError::Malformed));
        Ok(keys.collect::<Result<_, _>>()?)
    }

    /// What requests are sealed to now: the hybrid key if there is one.
    async fn request_key(&self) -> Result<(Suite, SealPublicKey), KeyManagerError> {
        let now = crate::now();
        let mut found: Option<(Suite, SealPublicKey)> = None;
        for key in self.request_keys().await? {
            let Some(record) = self.believed(&key, now) else {
                continue;
            };
            if let Ok(key) = record.key()
                && found
                    .as_ref()
                    .is_none_or(|(suite, _)| *suite == Suite::X25519)
            {
                found = Some((record.suite, key));
            }
        }
        found.ok_or(KeyManagerError::NotTheKeyManager)
    }

    fn believed(&self, key: &[u8], now: Time) -> Option<ArchiveKey> {
        let signed = Signed::<ArchiveKey>::from_bytes(key).ok()?;
        signed.verify_by(&self.identity).ok()?;
        let record = signed.parse().ok()?;
        let is_current =
            now.plus_millis(TOLERANCE) >= record.from && now < record.until.plus_millis(TOLERANCE);
        let is_own = record.account == self.service.account() && record.kind == KeyKind::Request;
        (is_own && is_current).then_some(record)
    }
}
