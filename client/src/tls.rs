//! TLS 1.2 or 1.3 to a server whose chain ends in a trusted root and whose name is the one that
//! was dialled.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};

/// Why no TLS configuration can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// An extra root is not a certificate that can be trusted.
    #[error("an extra root certificate cannot be used: {0}")]
    Root(#[source] rustls::Error),
    /// The provider offers nothing for TLS 1.2 and 1.3.
    #[error("the cryptography provider cannot be used: {0}")]
    Provider(#[source] rustls::Error),
}

impl TlsError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Root(_) => "root-unusable",
            Self::Provider(_) => "provider-unusable",
        }
    }
}

/// Trusts the system's roots and `extra_roots`, and nothing else.
///
/// # Errors
/// [`TlsError`].
pub fn client_config(
    provider: Arc<CryptoProvider>,
    extra_roots: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(%error, "a root certificate of the system cannot be read");
    }
    // Systems carry roots that are too old to parse; those are simply not trusted.
    roots.add_parsable_certificates(system.certs);
    for root in extra_roots {
        roots.add(root).map_err(TlsError::Root)?;
    }
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Provider)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
