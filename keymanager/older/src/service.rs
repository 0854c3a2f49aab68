//! A business's service of the older shape, called. It is reached over TLS, or on loopback.

use std::time::Duration;

use rustls::ClientConfig;
use sottovoce_server::outgoing::{Outgoing, OutgoingError};
use sottovoce_webhook_signatures::keys::SecretToken;

use crate::ContactKey;
use crate::call::{self, Call, Create, Refusal, Signing};

/// There is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// It says so.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is not reached, or does not answer in time.
    #[error("the service is not reached: {0}")]
    Unreached(#[from] OutgoingError),
    /// What it gives is no key under the account's secret token.
    #[error("what the service gives does not open with the account's secret token")]
    Unreadable,
}

/// Where a service is, and as whom it is called.
#[derive(Debug)]
pub struct Address {
    /// Its URL: `https`, or `http` on a loopback address.
    pub url: String,
    /// What the service calls the account.
    pub account: String,
    /// The host name that it is told.
    pub host: String,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Service {
    outgoing: Outgoing,
    token: SecretToken,
    signing: Signing,
    account: String,
    host: String,
}

impl Service {
    /// The one at an address, which may take so long to answer.
    ///
    /// # Errors
    /// [`OutgoingError`]: it is no address that may be called.
    pub fn new(
        address: Address,
        token: SecretToken,
        signing: Signing,
        tls: &ClientConfig,
        patience: Duration,
    ) -> Result<Self, OutgoingError> {
        Ok(Self {
            outgoing: Outgoing::trusting(&address.url, patience, tls)?,
            token,
            signing,
            account: address.account,
            host: address.host,
        })
    }

    /// Has a key made for a contact.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn create(&self, contact: &str) -> Result<ContactKey, ServiceError> {
        self.post(&Create {
            id: contact.to_owned(),
            copy_from: None,
        })
        .await
    }

    /// Gives a contact the key of another.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn copy(&self, contact: &str, from: &str) -> Result<ContactKey, ServiceError> {
        self.post(&Create {
            id: contact.to_owned(),
            copy_from: Some(from.to_owned()),
        })
        .await
    }

    /// The key of a contact that has one.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn read(&self, contact: &str) -> Result<ContactKey, ServiceError> {
        let query = call::query_of(contact);
        let headers = self.headers(Call::Get(&query));
        let answer = self.outgoing.get(&query, &headers, call::BODY).await?;
        self.opened(answer.status, &answer.body)
    }

    async fn post(&self, create: &Create) -> Result<ContactKey, ServiceError> {
        // Texts always become JSON.
        let body = serde_json::to_string(create).unwrap_or_default();
        let headers = self.headers(Call::Post(body.as_bytes()));
        let answer = self.outgoing.post(body, &headers, call::BODY).await?;
        self.opened(answer.status, &answer.body)
    }

    fn headers(&self, call: Call<'_>) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            (call::HOST, self.host.clone()),
            (call::ACCOUNT, self.account.clone()),
        ];
        if let Some(tag) = self.signing.sign(&self.token, call) {
            headers.push((call::HMAC, tag));
        }
        headers
    }

    fn opened(&self, status: u16, body: &[u8]) -> Result<ContactKey, ServiceError> {
        let wrapped = call::answered(status, body)?;
        let opened = ContactKey::unwrap(&self.token, &wrapped);
        opened.map_err(|_| ServiceError::Unreadable)
    }
}
