//! The listener and its rule: plain HTTP on a loopback address only, TLS everywhere else.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::read_limit::Limited;
use crate::tls::{Reloading, TlsError, TlsFiles};

/// How long a peer may take for its TLS handshake, and again for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long connections may take to end once the server should.
const DRAIN: Duration = Duration::from_secs(10);

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The address; port 0 lets the system choose.
    pub address: SocketAddr,
    /// Certificate and key; may only be absent on a loopback address.
    pub tls: Option<TlsFiles>,
}

impl Listen {
    /// Judges the rule and whether certificate and key can be used, without listening.
    ///
    /// # Errors
    /// [`ListenError`], as [`Listener::bind`] would say.
    pub fn check(&self) -> Result<(), ListenError> {
        self.tls().map(drop)
    }

    /// What TLS needs, where there is TLS.
    fn tls(&self) -> Result<Option<Reloading>, ListenError> {
        let address = self.address;
        match &self.tls {
            Some(files) => Ok(Some(Reloading::load(files.clone())?)),
            None if is_loopback(address.ip()) => Ok(None),
            None => Err(ListenError::PlainNotLoopback { address }),
        }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Without a certificate only loopback addresses are served.
    #[error(
        "{address} is not a loopback address: plain HTTP is served on loopback only; \
         give a certificate and a key"
    )]
    PlainNotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
}

impl ListenError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PlainNotLoopback { .. } => "plain-not-loopback",
            Self::Tls(error) => error.code(),
            Self::Bind { .. } => "cannot-listen",
        }
    }
}

/// A bound listener.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Reloading>,
    address: SocketAddr,
}

impl Listener {
    /// Judges the rule, loads what TLS needs, and binds.
    ///
    /// # Errors
    /// [`ListenError`].
    pub async fn bind(listen: &Listen) -> Result<Self, ListenError> {
        let address = listen.address;
        let tls = listen.tls()?;
        let bind = async {
            let tcp = TcpListener::bind(address).await?;
            let bound = tcp.local_addr()?;
            Ok((tcp, bound))
        };
        let (tcp, bound) = bind
            .await
            .map_err(|source| ListenError::Bind { address, source })?;
        Ok(Self {
            tcp,
            tls,
            address: bound,
        })
    }

    /// The address that is listened on, with the port that the system chose.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether connections are encrypted.
    pub const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }
}

/// Serves a router until `shutdown`, then lets connections finish for ten seconds.
///
/// Certificates that change on disk are used for new connections within seconds, at once on SIGHUP.
/// Handlers learn their peer through [`ConnectInfo<SocketAddr>`], and may limit what is read with a
/// [`ReadLimit`](crate::read_limit::ReadLimit). Upgraded connections (WebSocket ones)
/// are their handler's to end.
pub async fn serve(listener: Listener, router: Router, shutdown: CancellationToken) {
    let mut connections = JoinSet::new();
    let (tls, reloading) = match listener.tls {
        Some(reloading) => (reloading.subscribe(), Some(tokio::spawn(reloading.run()))),
        None => (watch::Sender::new(None).subscribe(), None),
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.tcp.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                let connection = connection(
                    stream,
                    tls.borrow().clone(),
                    router.clone(),
                    peer,
                    shutdown.clone(),
                );
                connections.spawn(connection);
            }
            // Out of file descriptors, or the peer is gone already: pausing helps the first.
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    if let Some(reloading) = reloading {
        reloading.abort();
    }
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, ended).await.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut at the end");
    }
}

/// A connection's life. How it ends is its peer's business, so nothing is reported.
async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    peer: SocketAddr,
    shutdown: CancellationToken,
) {
    match tls {
        None => http(stream, router, peer, shutdown).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
                http(stream, router, peer, shutdown).await;
            }
        }
    }
}

async fn http<S>(stream: S, router: Router, peer: SocketAddr, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (stream, limit) = Limited::new(stream);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(limit.clone());
        router.clone().oneshot(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// `::ffff:127.0.0.1` is loopback as `127.0.0.1` is.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
