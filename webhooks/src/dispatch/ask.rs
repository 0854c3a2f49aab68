//! Asking a service whose address an account chose, as carefully as its endpoints are called.

use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use tokio::time::{Instant, timeout_at};
use url::{Position, Url};

use super::attempt::{AttemptError, Caller};
use super::request::authority;
use super::{Config, RootError, SystemClock};
use crate::target::SystemResolver;

/// Asks services: the name is resolved once and every address judged, `https` wants a valid chain to a
/// trusted root, redirects are not followed, and the answer is bounded in length and time.
pub struct Asker {
    caller: Caller,
    config: Config,
}

impl Asker {
    /// One that may call what `config` allows, trusting its roots, within its times.
    ///
    /// # Errors
    /// [`RootError`].
    pub fn new(config: &Config) -> Result<Self, RootError> {
        Ok(Self {
            caller: Caller::new(config, Arc::new(SystemClock), Arc::new(SystemResolver))?,
            config: config.clone(),
        })
    }

    /// Gets, or posts a JSON body. The status, and the body of at most `most` bytes.
    ///
    /// # Errors
    /// [`AttemptError`].
    pub async fn ask(
        &self,
        url: &Url,
        body: Option<String>,
        most: usize,
    ) -> Result<(u16, Vec<u8>), AttemptError> {
        if self.config.targets.judge_url(url.as_str()).is_err() {
            return Err(AttemptError::UrlRefused);
        }
        let method = if body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let request = Request::builder()
            .method(method)
            .uri(&url[Position::BeforePath..Position::AfterQuery])
            .header(HOST, authority(url).ok_or(AttemptError::Unsendable)?)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|_| AttemptError::Unsendable)?;
        let connecting = Instant::now() + self.config.connect_timeout;
        let connected = timeout_at(connecting, self.caller.connect(url)).await;
        let mut connection = connected.map_err(|_| AttemptError::ConnectTimeout)??;
        let deadline = Instant::now() + self.config.answer_timeout;
        let exchange = async {
            let answer = connection.sender.send_request(request).await;
            let answer = answer.map_err(|_| AttemptError::ConnectionLost)?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), most).collect().await;
            let body = body.map_err(|_| AttemptError::AnswerMalformed)?;
            Ok((status, body.to_bytes().to_vec()))
        };
        timeout_at(deadline, exchange)
            .await
            .map_err(|_| AttemptError::AnswerTimeout)?
    }
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asker").finish_non_exhaustive()
    }
}
