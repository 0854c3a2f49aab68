//! Requests to a server that answers in JSON, each over a connection of its own.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sottovoce::wire::AccountId;
use tokio::time::timeout;

use crate::api::{ApiError, text};
use crate::connection::{Address, DialError, stream};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer.
const ANSWER: usize = 2 << 20;

/// What a server does for one account.
#[derive(Debug)]
pub(crate) struct Service {
    address: Address,
    account: AccountId,
    tls: Arc<rustls::ClientConfig>,
}

impl Service {
    /// The one at a URL.
    pub(crate) fn new(
        url: &str,
        account: AccountId,
        tls: Arc<rustls::ClientConfig>,
    ) -> Result<Self, ApiError> {
        let address = Address::parse(url).map_err(DialError::from)?;
        Ok(Self {
            address,
            account,
            tls,
        })
    }

    /// The account.
    pub(crate) const fn account(&self) -> AccountId {
        self.account
    }

    /// Host and port, as in the HTTP `Host` header.
    pub(crate) fn host_header(&self) -> &str {
        &self.address.header
    }

    /// Asks, and waits for the answer to come.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let exchange = self.exchange(method, path, token, body);
        timeout(PATIENCE, exchange)
            .await
            .map_err(|_| ApiError::TimedOut)?
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/v1/accounts/{}{path}", self.account))
            .header(HOST, &self.address.header)
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| ApiError::Unexpected)?;
        let stream = stream(&self.address, &self.tls).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| ApiError::Unexpected)?;
        let exchange = async {
            let answer = sender.send_request(request).await.ok()?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER).collect().await;
            Some((status, body.ok()?.to_bytes()))
        };
        // The connection has to be driven. It may end before what it brought is looked at.
        let mut exchange = pin!(exchange);
        let answered = tokio::select! {
            answered = &mut exchange => answered,
            _ = connection => exchange.await,
        };
        let (status, body) = answered.ok_or(ApiError::Unexpected)?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let answer = serde_json::from_slice(&body).map_err(|_| ApiError::Unexpected)?;
        if status.is_success() {
            Ok(answer)
        } else {
            let code = text(&answer, "code")?;
            Err(ApiError::Refused { code })
        }
    }
}
