//! TLS 1.2 and 1.3 with a certificate whose key is strong enough, or a reason why not.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_SIG_ED25519};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// Shortest RSA modulus, in bits.
const SHORTEST_RSA: usize = 2048;

/// How often the files are looked at for changes.
const LOOK: Duration = Duration::from_secs(2);

/// Where certificate chain and private key are, both PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate first, then its issuers.
    pub certificate: PathBuf,
    /// Its private key (PKCS#8, PKCS#1 or SEC1), not encrypted.
    pub key: PathBuf,
}

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate file cannot be read or is not PEM.
    #[error("the certificate {path} cannot be read: {reason}")]
    CertificateUnreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key file cannot be read or is not PEM.
    #[error("the private key {path} cannot be read: {reason}")]
    KeyUnreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The public key is too short or of a kind that is not accepted.
    #[error(
        "the certificate's key must be RSA of at least 2048 bits, P-256 or Ed25519, not {found}"
    )]
    WeakKey {
        /// What the certificate has.
        found: String,
    },
    /// The private key is not that of the certificate, or TLS refuses them.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

impl TlsError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CertificateUnreadable { .. } => "certificate-unreadable",
            Self::KeyUnreadable { .. } => "key-unreadable",
            Self::WeakKey { .. } => "certificate-weak",
            Self::Unusable(_) => "certificate-unusable",
        }
    }
}

/// What connections are accepted with, following the files as they change.
pub(crate) struct Reloading {
    files: TlsFiles,
    seen: [Option<Seen>; 2],
    current: watch::Sender<Option<TlsAcceptor>>,
}

/// What tells that a file is not the one that was read.
type Seen = (u64, Option<SystemTime>);

impl Reloading {
    /// Loads both files for the first time.
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let seen = look(&files);
        let acceptor = load(&files)?;
        Ok(Self {
            files,
            seen,
            current: watch::Sender::new(Some(acceptor)),
        })
    }

    /// What to accept with, now and later.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<TlsAcceptor>> {
        self.current.subscribe()
    }

    /// Loads the files whenever they change, and whenever somebody asks by SIGHUP. What cannot be
    /// used changes nothing and is logged.
    pub(crate) async fn run(mut self) {
        let mut asked = Hangups::new();
        loop {
            let is_asked = tokio::select! {
                () = tokio::time::sleep(LOOK) => false,
                () = asked.next() => true,
            };
            let seen = look(&self.files);
            if !is_asked && seen == self.seen {
                continue;
            }
            self.seen = seen;
            match load(&self.files) {
                Ok(acceptor) => {
                    self.current.send_replace(Some(acceptor));
                    tracing::info!("the certificate was loaded again");
                }
                Err(error) => tracing::error!(
                    code = error.code(),
                    %error,
                    "the new certificate cannot be used; the old one is kept"
                ),
            }
        }
    }
}

/// Who asks for certificates to be loaded again.
struct Hangups(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Hangups {
    fn new() -> Self {
        Self(
            #[cfg(unix)]
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        )
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Follows links, as those who mount secrets swap them.
fn look(files: &TlsFiles) -> [Option<Seen>; 2] {
    [&files.certificate, &files.key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()))
    })
}

/// Reads and judges both files.
fn load(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let chain = read_chain(&files.certificate)?;
    for (place, certificate) in chain.iter().enumerate() {
        let unreadable = |reason: String| TlsError::CertificateUnreadable {
            path: files.certificate.clone(),
            reason,
        };
        let (_, certificate) = X509Certificate::from_der(certificate)
            .map_err(|error| unreadable(error.to_string()))?;
        check_key(&certificate, place == 0)?;
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| TlsError::KeyUnreadable {
            path: files.key.clone(),
            reason: error.to_string(),
        })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config).into())
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |reason: String| TlsError::CertificateUnreadable {
        path: path.to_owned(),
        reason,
    };
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(error.to_string()))?;
    if chain.is_empty() {
        return Err(unreadable("it holds no certificate".to_owned()));
    }
    Ok(chain)
}

/// The server's own key must be of a listed kind; an issuer's must not be a short RSA key (many
/// authorities sign with P-384).
fn check_key(certificate: &X509Certificate<'_>, own: bool) -> Result<(), TlsError> {
    let info = certificate.public_key();
    let algorithm = &info.algorithm;
    let weak = |found: String| Err(TlsError::WeakKey { found });
    match info.parsed() {
        Ok(PublicKey::RSA(key)) if key.key_size() >= SHORTEST_RSA => Ok(()),
        Ok(PublicKey::RSA(key)) => weak(format!("RSA of {} bits", key.key_size())),
        _ if !own => Ok(()),
        _ if algorithm.algorithm == OID_SIG_ED25519 => Ok(()),
        _ if algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY => {
            let curve = algorithm
                .parameters
                .as_ref()
                .and_then(|parameters| parameters.as_oid().ok());
            match curve {
                Some(curve) if curve == OID_EC_P256 => Ok(()),
                Some(curve) => weak(format!("the curve {curve}")),
                None => weak("a curve without a name".to_owned()),
            }
        }
        _ => weak(format!("algorithm {}", algorithm.algorithm)),
    }
}
