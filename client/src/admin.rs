//! A relay as administrators see it: they publish account objects and ask for them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sottovoce::crypto::Random;
use sottovoce::crypto::random::NoRandomness;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::{
    Authentication, ClientFrame, Nonce, Object, ObjectKind, Query, RefusedId, RelayFrame,
};
use sottovoce::wire::{
    AccountId, Bytes, DecodeError, DeviceId, Signed, Suite, Version, decode, encode, limits,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::connection::{Address, DialError, Outgoing, Signal, carry, dial};

/// How long the relay may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// More objects than any account has. A relay that goes on is not waited for.
const LARGEST_ANSWER: usize = 1 << 20;
/// How many messages wait unread before the relay has to.
const QUEUE: usize = 64;

/// Why something could not be done at the relay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The relay was not reached.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The relay refused, or ended the connection and said why.
    #[error("the relay refused: {code}")]
    Refused {
        /// Its code.
        code: String,
    },
    /// The connection is gone.
    #[error("the connection ended")]
    Disconnected,
    /// The relay does not answer.
    #[error("the relay does not answer in time")]
    TimedOut,
    /// The relay said something that cannot be read.
    #[error("the relay's message cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The relay did not do what comes first on a connection.
    #[error("the relay does not keep to the protocol")]
    Unexpected,
    /// The operating system gave no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl AdminError {
    /// The stable code of this error; for a refusal the relay's.
    pub fn code(&self) -> &str {
        match self {
            Self::Dial(error) => error.code(),
            Self::Refused { code } => code,
            Self::Disconnected => "disconnected",
            Self::TimedOut => "timed-out",
            Self::Decode(error) => error.code(),
            Self::Unexpected => "unexpected",
            Self::NoRandomness(_) => "no-randomness",
        }
    }
}

/// The answer to a query. The objects are claims: check them before use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// In the order that [`Query`] states.
    pub objects: Vec<Object>,
    /// Which of the devices named are connected and available.
    pub available: Vec<DeviceId>,
}

/// An authenticated connection. It is not dialled again when it is lost.
#[derive(Debug)]
pub struct Session {
    outgoing: Outgoing,
    signals: mpsc::Receiver<Signal>,
    /// What was announced while something else was waited for.
    announced: VecDeque<Vec<Object>>,
    requests: u64,
}

impl Session {
    /// Connects as the device of `key`; returns what the relay says of the account as well.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn connect(
        url: &str,
        account: AccountId,
        key: &SigningKey,
        tls: Arc<rustls::ClientConfig>,
    ) -> Result<(Self, Vec<Object>), AdminError> {
        let address = Address::parse(url).map_err(DialError::from)?;
        let socket = dial(&address, account, &tls).await?;
        let (outgoing, queue) = mpsc::unbounded_channel();
        let (sender, signals) = mpsc::channel(QUEUE);
        tokio::spawn(async move { carry(socket, queue, &sender).await });
        let mut session = Self {
            outgoing,
            signals,
            announced: VecDeque::new(),
            requests: 0,
        };
        let welcome = session.authenticate(&address, account, key);
        let objects = timeout(PATIENCE, welcome)
            .await
            .map_err(|_| AdminError::TimedOut)??;
        Ok((session, objects))
    }

    /// Publishes an account object; returns when it is durable.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn publish(&mut self, kind: ObjectKind, bytes: Bytes) -> Result<(), AdminError> {
        let id = self.next_request();
        let object = Object::new(kind, bytes);
        self.send(&ClientFrame::Publish { id, object })?;
        self.answer(id, |frame| {
            matches!(frame, RelayFrame::Published { id: of } if of == id).then_some(())
        })
        .await
    }

    /// Asks for account objects.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn look_up(&mut self, query: Query) -> Result<Found, AdminError> {
        let id = self.next_request();
        self.send(&ClientFrame::Lookup { id, query })?;
        let mut found = Found::default();
        loop {
            let part = |frame| match frame {
                RelayFrame::Found {
                    id: of,
                    objects,
                    available,
                    more,
                } if of == id => Some((objects, available, more)),
                _ => None,
            };
            let (objects, available, more) = self.answer(id, part).await?;
            found.objects.extend(objects);
            found.available.extend(available);
            if !more {
                return Ok(found);
            }
            if found.objects.len() > LARGEST_ANSWER {
                return Err(AdminError::Unexpected);
            }
        }
    }

    /// Waits for the next announcement, such as a device's enrolment request.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn announced(&mut self) -> Result<Vec<Object>, AdminError> {
        loop {
            if let Some(objects) = self.announced.pop_front() {
                return Ok(objects);
            }
            if let RelayFrame::Announce { objects } = self.receive().await? {
                return Ok(objects);
            }
        }
    }

    /// The proof names the host that was dialled: no relay can have another one's challenge
    /// signed.
    async fn authenticate(
        &mut self,
        address: &Address,
        account: AccountId,
        key: &SigningKey,
    ) -> Result<Vec<Object>, AdminError> {
        let RelayFrame::Challenge { nonce } = self.receive().await? else {
            return Err(AdminError::Unexpected);
        };
        let authentication = Authentication {
            version: Version,
            suite: Suite::X25519,
            account,
            host: address.header.clone(),
            relay_nonce: nonce,
            client_nonce: Nonce::new(Random::os().bytes()?),
            device: key.public(),
            time: crate::now(),
        };
        let proof = Signed::sign(&authentication, &[key]).to_bytes();
        self.send(&ClientFrame::Authenticate { proof })?;
        match self.receive().await? {
            RelayFrame::Welcome { objects } => Ok(objects),
            _ => Err(AdminError::Unexpected),
        }
    }

    const fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    fn send(&self, frame: &ClientFrame) -> Result<(), AdminError> {
        self.outgoing
            .send(encode(frame))
            .map_err(|_| AdminError::Disconnected)
    }

    /// Waits for the answer to a request. Announcements are kept for later.
    async fn answer<T>(
        &mut self,
        id: u64,
        wanted: impl Fn(RelayFrame) -> Option<T>,
    ) -> Result<T, AdminError> {
        let answer = async {
            loop {
                match self.receive().await? {
                    RelayFrame::Announce { objects } => self.announced.push_back(objects),
                    RelayFrame::Refused { id: of, code } if of == RefusedId::Request(id) => {
                        return Err(AdminError::Refused { code });
                    }
                    frame => {
                        if let Some(answer) = wanted(frame) {
                            return Ok(answer);
                        }
                    }
                }
            }
        };
        timeout(PATIENCE, answer)
            .await
            .map_err(|_| AdminError::TimedOut)?
    }

    async fn receive(&mut self) -> Result<RelayFrame, AdminError> {
        loop {
            match self.signals.recv().await {
                Some(Signal::Message(bytes)) => {
                    return match decode(&bytes, limits::FRAME)? {
                        RelayFrame::Goodbye { code } => Err(AdminError::Refused { code }),
                        frame => Ok(frame),
                    };
                }
                Some(Signal::Connected(_)) => {}
                Some(Signal::Disconnected | Signal::Refused(_)) | None => {
                    return Err(AdminError::Disconnected);
                }
            }
        }
    }
}
