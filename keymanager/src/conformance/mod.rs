//! Tries a key manager from outside, as participants do, and says in plain words what is wrong with it.
//!
//! It needs what an administrator has: the key that signs credentials, root statement and policy. The
//! people it asks as exist for the length of a run, and so do its contacts, which it erases.

mod checks;
mod contact;
mod people;
mod releases;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use sottovoce::account::{Account, AccountError, Pin, Policy};
use sottovoce::archive::{AuditHead, Awaited, Grant, KeyAnswer, KeyRequest, Operation, Outcome};
use sottovoce::crypto::Random;
use sottovoce::crypto::seal::SealPublicKey;
use sottovoce::crypto::sign::{PublicKey, SigningKey};
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{AccountId, Bytes, ContentId, Signed, Suite, Time, Version};

use people::{People, Person};

/// The longest that an answer may take.
pub const LATENCY: Duration = Duration::from_millis(250);

/// A key manager, as its HTTP interface is (SPEC 7.6).
#[async_trait]
pub trait Service: Send + Sync {
    /// The signed keys that requests of an account are sealed to.
    async fn request_keys(&self, account: &AccountId) -> Result<Vec<Bytes>, String>;

    /// The signed answer to a request.
    async fn answer(&self, account: &AccountId, parcel: &[u8]) -> Result<Bytes, String>;
}

/// Whose key manager it is.
#[derive(Debug)]
pub struct Customer {
    /// Root statement, policy and renewals in force.
    pub objects: Vec<Object>,
    /// Signs credentials.
    pub administrator: SigningKey,
    /// The account.
    pub account: AccountId,
}

/// Nothing can be tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CannotTry {
    /// The account's own objects do not count.
    #[error("the account's own objects do not count: {0}")]
    Account(#[from] AccountError),
    /// The root statement names no key manager.
    #[error("the root statement names no key manager")]
    NoKeyManager,
    /// One administrator alone cannot sign credentials.
    #[error("credentials need more than one administrator's signature")]
    Threshold,
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    NoRandomness,
}

/// One behaviour that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name: stable.
    pub name: &'static str,
    /// What a key manager has to do.
    pub demand: &'static str,
    /// What it did.
    pub finding: Finding,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// As it should be.
    Passed,
    /// Something else, in plain words.
    Failed(String),
    /// It could not be tried, and why.
    NotTried(&'static str),
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.finding {
            Finding::Passed => write!(f, "passed     {}: {}", self.name, self.demand),
            Finding::Failed(words) => write!(
                f,
                "FAILED     {}: {}\n           {words}",
                self.name, self.demand
            ),
            Finding::NotTried(why) => write!(f, "not tried  {}: {why}", self.name),
        }
    }
}

/// Tries everything.
///
/// # Errors
/// [`CannotTry`].
pub async fn run(
    service: &dyn Service,
    customer: Customer,
    now: fn() -> Time,
) -> Result<Vec<Check>, CannotTry> {
    let trial = Trial::new(service, customer, now)?;
    Ok(checks::all(&trial).await)
}

/// A service under trial, and those who ask it.
struct Trial<'a> {
    service: &'a dyn Service,
    customer: Customer,
    known: Account,
    policy: Policy,
    identity: PublicKey,
    people: People,
    now: fn() -> Time,
}

/// What was answered.
struct Answered {
    answer: KeyAnswer,
    grant: Option<Grant>,
}

impl Answered {
    fn is(&self, outcome: Outcome, code: &str) -> Result<(), String> {
        if self.answer.outcome == outcome && self.answer.code == code {
            return Ok(());
        }
        let (said, wanted) = (self.said(), outcome.name());
        Err(format!(
            "the answer was {said} instead of `{wanted}`, `{code}`"
        ))
    }

    /// The outcome alone, where the code is the service's own.
    fn comes_to(&self, outcome: Outcome) -> Result<(), String> {
        if self.answer.outcome == outcome {
            return Ok(());
        }
        let said = self.said();
        Err(format!(
            "the answer was {said} instead of `{}`",
            outcome.name()
        ))
    }

    fn granted(self) -> Result<(Grant, AuditHead), String> {
        let said = self.said();
        match self.grant {
            Some(grant) => Ok((grant, self.answer.audit)),
            None => Err(format!("the answer was {said} instead of `granted`")),
        }
    }

    fn said(&self) -> String {
        format!("`{}`, `{}`", self.answer.outcome.name(), self.answer.code)
    }
}

impl<'a> Trial<'a> {
    fn new(
        service: &'a dyn Service,
        customer: Customer,
        now: fn() -> Time,
    ) -> Result<Self, CannotTry> {
        let mut known = Account::new(Pin::account(customer.account));
        for object in &customer.objects {
            let malformed = AccountError::from;
            match object.kind {
                ObjectKind::Root => {
                    let root = Signed::from_bytes(&object.bytes).map_err(malformed)?;
                    known.learn_root(&root)?;
                }
                ObjectKind::Policy => {
                    let policy = Signed::from_bytes(&object.bytes).map_err(malformed)?;
                    known.learn_policy(&policy)?;
                }
                ObjectKind::Renewal => {
                    let renewal = Signed::from_bytes(&object.bytes).map_err(malformed)?;
                    known.learn_renewal(&renewal)?;
                }
                _ => {}
            }
        }
        let root = known.root()?;
        let manager = root.key_manager.as_ref().ok_or(CannotTry::NoKeyManager)?;
        let identity = manager.identity;
        if root.credential_threshold > 1 {
            return Err(CannotTry::Threshold);
        }
        let (policy, _) = known.policy(now())?;
        let policy = policy.clone();
        let people = People::new(&customer, &policy, now())?;
        Ok(Self {
            service,
            customer,
            known,
            policy,
            identity,
            people,
            now,
        })
    }

    /// A request as it should be.
    fn request(
        &self,
        by: &Person,
        suite: Suite,
        operation: Operation,
    ) -> Result<KeyRequest, String> {
        let mut evidence = self.customer.objects.clone();
        evidence.extend(by.credential.clone());
        let id = Random::os().bytes().map_err(|_| NO_RANDOMNESS)?;
        Ok(KeyRequest {
            version: Version,
            suite,
            account: self.customer.account,
            id: ContentId::new(id),
            device: by.key.public(),
            audience: self.identity,
            time: (self.now)(),
            reply: Bytes::default(),
            evidence,
            operation,
            attached: None,
        })
    }

    /// Asks, and holds the answer against the request.
    async fn ask(&self, by: &Person, operation: Operation) -> Result<Answered, String> {
        let request = self.request(by, Suite::XWing, operation)?;
        self.send(request, Vec::new(), by).await
    }

    async fn ask_with(
        &self,
        by: &Person,
        operation: Operation,
        attached: Vec<Bytes>,
    ) -> Result<Answered, String> {
        let request = self.request(by, Suite::XWing, operation)?;
        self.send(request, attached, by).await
    }

    async fn send(
        &self,
        request: KeyRequest,
        attached: Vec<Bytes>,
        by: &Person,
    ) -> Result<Answered, String> {
        let (parcel, awaited) = self.pack(request, attached, by).await?;
        self.deliver(&parcel, &awaited).await
    }

    async fn pack(
        &self,
        request: KeyRequest,
        attached: Vec<Bytes>,
        by: &Person,
    ) -> Result<(Vec<u8>, Awaited), String> {
        let to = self.request_key().await?;
        request
            .pack(attached, &by.key, &to, &mut Random::os())
            .map_err(|_| NO_RANDOMNESS.to_owned())
    }

    async fn deliver(&self, parcel: &[u8], awaited: &Awaited) -> Result<Answered, String> {
        let bytes = self.service.answer(&self.customer.account, parcel).await?;
        let (answer, grant) = awaited.open(&bytes).map_err(|error| error.to_string())?;
        Ok(Answered { answer, grant })
    }

    /// The hybrid key that requests are sealed to.
    async fn request_key(&self) -> Result<SealPublicKey, String> {
        let keys = self.service.request_keys(&self.customer.account).await?;
        let mut found = None;
        for key in &keys {
            let signed = Signed::from_bytes(key).map_err(|error| error.to_string())?;
            let record = self.known.archive_key(&signed, (self.now)());
            let record =
                record.map_err(|error| format!("a request key does not count: {error}"))?;
            if record.suite == Suite::XWing {
                found = record.key().ok();
            }
        }
        found.ok_or_else(|| "there is no request key of suite 2".to_owned())
    }
}

const NO_RANDOMNESS: &str = "the operating system gave no randomness";
