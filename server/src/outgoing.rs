//! Requests that a server makes itself, to one address that its operator has named: over TLS with a
//! valid chain, or on loopback.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;

use crate::listen::is_loopback;

/// A request cannot be made, or was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutgoingError {
    /// The address is no URL that could be used.
    #[error("it is not an http or https URL")]
    Unusable,
    /// The address is elsewhere and would be spoken to in clear.
    #[error("it must be an https URL, or one on a loopback address")]
    Insecure,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// Nobody answers, or too late.
    #[error("there is no answer")]
    Unanswered,
    /// The answer's body is longer than it may be, or breaks off.
    #[error("the answer cannot be read to its end")]
    Unreadable,
}

/// Says where requests may go: `https`, or `http` on a loopback address.
///
/// # Errors
/// [`OutgoingError::Unusable`], [`OutgoingError::Insecure`].
pub fn check(url: &str) -> Result<Uri, OutgoingError> {
    let uri: Uri = url.parse().map_err(|_| OutgoingError::Unusable)?;
    let host = uri.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse();
    match uri.scheme_str() {
        _ if host.is_empty() => Err(OutgoingError::Unusable),
        Some("https") => Ok(uri),
        Some("http") if host == "localhost" || address.is_ok_and(is_loopback) => Ok(uri),
        Some("http") => Err(OutgoingError::Insecure),
        _ => Err(OutgoingError::Unusable),
    }
}

/// A connector that trusts the system's roots.
pub(crate) fn connector() -> Result<HttpsConnector<HttpConnector>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(connector_with(tls))
}

fn connector_with(mut tls: rustls::ClientConfig) -> HttpsConnector<HttpConnector> {
    // The builder says which protocols there are.
    tls.alpn_protocols.clear();
    HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .build()
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Bytes,
}

/// Calls one address.
#[derive(Clone, Debug)]
pub struct Outgoing {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
    patience: Duration,
}

impl Outgoing {
    /// To an `https` URL, or an `http` one on a loopback address.
    ///
    /// # Errors
    /// [`OutgoingError`].
    pub fn new(url: &str, patience: Duration) -> Result<Self, OutgoingError> {
        Ok(Self {
            uri: check(url)?,
            client: Client::builder(TokioExecutor::new()).build(connector()?),
            patience,
        })
    }

    /// The same, trusting whom `tls` trusts.
    ///
    /// # Errors
    /// [`OutgoingError`].
    pub fn trusting(
        url: &str,
        patience: Duration,
        tls: &rustls::ClientConfig,
    ) -> Result<Self, OutgoingError> {
        Ok(Self {
            uri: check(url)?,
            client: Client::builder(TokioExecutor::new()).build(connector_with(tls.clone())),
            patience,
        })
    }

    /// Posts JSON; the answer's status. Its body is not read, and redirects are not followed.
    ///
    /// # Errors
    /// [`OutgoingError::Unanswered`].
    pub async fn post_json(&self, body: String) -> Result<u16, OutgoingError> {
        let request = Self::request(Method::POST, self.uri.clone(), &[], body)?;
        let answer = tokio::time::timeout(self.patience, self.client.request(request)).await;
        match answer {
            Ok(Ok(answer)) => Ok(answer.status().as_u16()),
            Ok(Err(_)) | Err(_) => Err(OutgoingError::Unanswered),
        }
    }

    /// Posts JSON with more headers; an answer with a body of so many bytes at most. Redirects are not
    /// followed.
    ///
    /// # Errors
    /// [`OutgoingError::Unanswered`], [`OutgoingError::Unreadable`].
    pub async fn post(
        &self,
        body: String,
        headers: &[(&'static str, String)],
        most: usize,
    ) -> Result<Answer, OutgoingError> {
        let request = Self::request(Method::POST, self.uri.clone(), headers, body)?;
        self.exchange(request, most).await
    }

    /// Gets the address with more in its query, which has to be one already; else as [`Self::post`].
    ///
    /// # Errors
    /// The same.
    pub async fn get(
        &self,
        query: &str,
        headers: &[(&'static str, String)],
        most: usize,
    ) -> Result<Answer, OutgoingError> {
        let uri = with_query(&self.uri, query).ok_or(OutgoingError::Unusable)?;
        let request = Self::request(Method::GET, uri, headers, String::new())?;
        self.exchange(request, most).await
    }

    fn request(
        method: Method,
        uri: Uri,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Request<Full<Bytes>>, OutgoingError> {
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::from(body));
        request.map_err(|_| OutgoingError::Unusable)
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<Answer, OutgoingError> {
        let exchange = async {
            let answer = self.client.request(request).await;
            let answer = answer.map_err(|_| OutgoingError::Unanswered)?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), most).collect().await;
            let body = body.map_err(|_| OutgoingError::Unreadable)?.to_bytes();
            Ok(Answer { status, body })
        };
        let exchanged = tokio::time::timeout(self.patience, exchange).await;
        exchanged.map_err(|_| OutgoingError::Unanswered)?
    }
}

/// An address with more in its query.
fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let path = uri.path();
    let whole = match uri.query() {
        Some(known) if !known.is_empty() => format!("{path}?{known}&{query}"),
        _ => format!("{path}?{query}"),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(whole.parse().ok()?);
    Uri::from_parts(parts).ok()
}
