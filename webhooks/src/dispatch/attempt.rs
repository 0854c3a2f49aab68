//! One attempt: one connection to a judged address, one request, a bounded answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::RETRY_AFTER;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sottovoce::wire::Time;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{Clock, Config, RootError, request, tls};
use crate::body;
use crate::store::Job;
use crate::target::{ResolveError, Resolver, Targets};
use crate::texts::{NoMessage, Texts};

/// Most bytes of an answer's head.
const HEAD_BYTES: usize = 32 * 1024;
/// Most header lines of an answer.
const HEAD_LINES: usize = 64;
/// Most bytes of a failure's body that are read.
const BODY_BYTES: usize = 4096;
/// Most characters of it that are kept.
const EXCERPT: usize = 256;

/// What was wrong with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttemptError {
    /// The URL may not be called any more: the operator's rules have changed.
    #[error("the URL may not be called")]
    UrlRefused,
    /// The name has no address.
    #[error("the name has no address")]
    Unresolvable,
    /// One of the name's addresses is not public.
    #[error("the name leads to an address that is not called")]
    AddressRefused,
    /// Nobody answers at the address.
    #[error("the connection was refused")]
    ConnectFailed,
    /// No connection in time.
    #[error("no connection in time")]
    ConnectTimeout,
    /// The certificate has expired.
    #[error("the certificate has expired")]
    CertificateExpired,
    /// The certificate is not valid yet.
    #[error("the certificate is not valid yet")]
    CertificateNotYetValid,
    /// The certificate is for another name.
    #[error("the certificate is for another name")]
    CertificateWrongName,
    /// The certificate's chain does not end in a trusted root.
    #[error("the certificate's issuer is not trusted")]
    CertificateUntrusted,
    /// The certificate signed itself.
    #[error("the certificate signed itself")]
    CertificateSelfSigned,
    /// Something else is wrong with the certificate.
    #[error("the certificate is not valid")]
    CertificateInvalid,
    /// No TLS.
    #[error("the TLS handshake failed")]
    Tls,
    /// No answer in time, or too slow a one.
    #[error("no answer in time")]
    AnswerTimeout,
    /// The connection ended before the answer.
    #[error("the connection ended before the answer")]
    ConnectionLost,
    /// The answer is not HTTP, or its head is too long.
    #[error("the answer is malformed")]
    AnswerMalformed,
    /// A redirect, which is never followed.
    #[error("a redirect")]
    Redirect,
    /// 410: the endpoint wants nothing more.
    #[error("the endpoint is gone")]
    Gone,
    /// Any other status that is not 2xx.
    #[error("an answer that is no success")]
    Status,
    /// What is stored makes no request.
    #[error("the event cannot be sent")]
    Unsendable,
    /// What the message says cannot be had now.
    #[error("the message cannot be read now")]
    Unreadable,
    /// The contact was erased before it was told.
    #[error("the contact was erased")]
    Erased,
}

impl AttemptError {
    /// The stable code of this error.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UrlRefused => "url-refused",
            Self::Unresolvable => "unresolvable",
            Self::AddressRefused => "address-refused",
            Self::ConnectFailed => "connect-failed",
            Self::ConnectTimeout => "connect-timeout",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotYetValid => "certificate-not-yet-valid",
            Self::CertificateWrongName => "certificate-wrong-name",
            Self::CertificateUntrusted => "certificate-untrusted",
            Self::CertificateSelfSigned => "certificate-self-signed",
            Self::CertificateInvalid => "certificate-invalid",
            Self::Tls => "tls-failed",
            Self::AnswerTimeout => "answer-timeout",
            Self::ConnectionLost => "connection-lost",
            Self::AnswerMalformed => "answer-malformed",
            Self::Redirect => "redirect",
            Self::Gone => "gone",
            Self::Status => "status",
            Self::Unsendable => "unsendable",
            Self::Unreadable => "message-unreadable",
            Self::Erased => "contact-erased",
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) status: Option<u16>,
    /// None: delivered.
    pub(super) error: Option<AttemptError>,
    pub(super) retry_after: Option<Duration>,
    pub(super) excerpt: Option<String>,
}

impl From<AttemptError> for Outcome {
    fn from(error: AttemptError) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }
}

/// Calls endpoints.
pub(super) struct Caller {
    host: String,
    targets: Targets,
    connect_timeout: Duration,
    answer_timeout: Duration,
    tls: TlsConnector,
    clock: Arc<dyn Clock>,
    resolver: Arc<dyn Resolver>,
    texts: Option<Arc<dyn Texts>>,
}

impl Caller {
    pub(super) fn new(
        config: &Config,
        clock: Arc<dyn Clock>,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, RootError> {
        let tls: ClientConfig = tls::client_config(&config.extra_roots)?;
        Ok(Self {
            host: config.host.clone(),
            targets: config.targets,
            connect_timeout: config.connect_timeout,
            answer_timeout: config.answer_timeout,
            tls: TlsConnector::from(Arc::new(tls)),
            clock,
            resolver,
            texts: config.texts.clone(),
        })
    }

    /// The event's body, with what its message says where that is told.
    async fn body(&self, job: &Job) -> Result<Vec<u8>, AttemptError> {
        let Some((texts, (contact, position))) =
            self.texts.as_ref().zip(body::message_of(&job.body))
        else {
            return Ok(job.body.clone());
        };
        let message = texts.at(&job.account, &contact, position);
        match timeout_at(Instant::now() + self.connect_timeout, message).await {
            Ok(Ok(message)) => {
                body::with_message(&job.body, message).ok_or(AttemptError::Unsendable)
            }
            Ok(Err(NoMessage::Gone)) => Err(AttemptError::Erased),
            Ok(Err(NoMessage::NotNow)) | Err(_) => Err(AttemptError::Unreadable),
        }
    }

    /// Makes one attempt, which ends in time whatever the other side does.
    pub(super) async fn call(&self, job: &Job, now: Time) -> Outcome {
        let body = match self.body(job).await {
            Ok(body) => body,
            Err(error) => return error.into(),
        };
        let Some(request) = request::build(job, body, &self.host, now) else {
            return AttemptError::Unsendable.into();
        };
        if self.targets.judge_url(job.url.as_str()).is_err() {
            return AttemptError::UrlRefused.into();
        }
        let connected = timeout_at(
            Instant::now() + self.connect_timeout,
            self.connect(&job.url),
        );
        let connection = match connected.await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return error.into(),
            Err(_) => return AttemptError::ConnectTimeout.into(),
        };
        let deadline = Instant::now() + self.answer_timeout;
        self.exchange(connection, request, deadline).await
    }

    /// Resolves once, judges every address, and connects to one of those and nothing else.
    pub(super) async fn connect(&self, url: &Url) -> Result<Connection, AttemptError> {
        let addresses = self.targets.resolve(self.resolver.as_ref(), url).await;
        let addresses = addresses.map_err(|error| match error {
            ResolveError::Unresolvable => AttemptError::Unresolvable,
            ResolveError::Refused => AttemptError::AddressRefused,
        })?;
        let stream = TcpStream::connect(addresses.as_slice()).await;
        let stream = stream.map_err(|_| AttemptError::ConnectFailed)?;
        // The whole request is one write.
        let _ = stream.set_nodelay(true);
        if url.scheme() == "http" {
            return Connection::new(stream).await;
        }
        let name = server_name(url).ok_or(AttemptError::Tls)?;
        let stream = self.tls.connect(name, stream).await;
        Connection::new(stream.map_err(|error| tls::word(&error))?).await
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Outcome {
        let answer = timeout_at(deadline, connection.sender.send_request(request)).await;
        let answer = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.is_parse() => return AttemptError::AnswerMalformed.into(),
            Ok(Err(_)) => return AttemptError::ConnectionLost.into(),
            Err(_) => return AttemptError::AnswerTimeout.into(),
        };
        let status = answer.status();
        let error = match status {
            // Whatever follows a success is of no interest, and not waited for.
            status if status.is_success() => None,
            StatusCode::GONE => Some(AttemptError::Gone),
            status if status.is_redirection() => Some(AttemptError::Redirect),
            _ => Some(AttemptError::Status),
        };
        let retry_after = retry_after(answer.headers(), self.clock.now());
        let excerpt = match error {
            Some(_) => excerpt(answer, deadline).await,
            None => None,
        };
        Outcome {
            status: Some(status.as_u16()),
            error,
            retry_after,
            excerpt,
        }
    }
}

/// An HTTP connection, which ends when this is dropped.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Connection {
    async fn new<S>(stream: S) -> Result<Self, AttemptError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let handshake = http1::Builder::new()
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEAD_LINES)
            .handshake(TokioIo::new(stream));
        let (sender, connection) = handshake.await.map_err(|_| AttemptError::ConnectionLost)?;
        let driver = tokio::spawn(async move {
            // What goes wrong is seen by the sender.
            let _ = connection.await;
        });
        Ok(Self { sender, driver })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn server_name(url: &Url) -> Option<ServerName<'static>> {
    match url.host()? {
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned()).ok(),
        Host::Ipv4(address) => Some(ServerName::from(std::net::IpAddr::V4(address))),
        Host::Ipv6(address) => Some(ServerName::from(std::net::IpAddr::V6(address))),
    }
}

/// The beginning of a failure's body, as far as it comes in time.
async fn excerpt(answer: Response<Incoming>, deadline: Instant) -> Option<String> {
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    while bytes.len() < BODY_BYTES {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => bytes.extend_from_slice(frame.data_ref()?),
            _ => break,
        }
    }
    let text: String = String::from_utf8_lossy(&bytes)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(EXCERPT)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Time) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let now: SystemTime = UNIX_EPOCH + Duration::from_millis(now.millis());
    date.duration_since(now).ok()
}
