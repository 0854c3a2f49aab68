//! How commands reach a relay.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::Object;
use sottovoce_client::admin::Session;
use sottovoce_client::tls;

use crate::failure::{Failure, Outcome};
use crate::folder::Folder;

#[derive(Args)]
pub(crate) struct RelayOptions {
    /// Address of the relay: `https://chat.example`, or `http://127.0.0.1:8080` on this machine.
    #[arg(long, value_name = "URL")]
    pub(crate) relay: String,
    #[command(flatten)]
    trust: Trust,
}

#[derive(Args)]
pub(crate) struct Trust {
    /// Trust these root certificates as well, PEM.
    #[arg(long, value_name = "PEM")]
    trust: Option<PathBuf>,
}

impl RelayOptions {
    /// The file of root certificates that the person named.
    pub(crate) fn trust_file(&self) -> Option<&Path> {
        self.trust.trust.as_deref()
    }

    /// How to speak TLS with the relay.
    pub(crate) fn tls(&self) -> Outcome<Arc<ClientConfig>> {
        self.trust.tls()
    }
}

impl Trust {
    /// Trusts the system's roots and what the person named.
    pub(crate) fn tls(&self) -> Outcome<Arc<ClientConfig>> {
        let roots = match &self.trust {
            Some(path) => read_roots(path)?,
            None => Vec::new(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        tls::client_config(provider, roots)
            .map_err(|error| Failure::new(error.code(), error.to_string()))
    }
}

/// Connects as the account's administrator.
pub(crate) async fn connect(options: &RelayOptions, folder: &Folder) -> Outcome<Session> {
    Ok(connect_with_key(options, folder).await?.0)
}

/// The same, for those who have something to sign as well.
pub(crate) async fn connect_with_key(
    options: &RelayOptions,
    folder: &Folder,
) -> Outcome<(Session, SigningKey)> {
    let key = folder.administrator()?;
    let session = connect_as(options, folder, &key).await?;
    Ok((session, key))
}

/// The same with a key that was read before.
pub(crate) async fn connect_as(
    options: &RelayOptions,
    folder: &Folder,
    key: &SigningKey,
) -> Outcome<Session> {
    let tls = options.tls()?;
    let (session, _) = Session::connect(&options.relay, folder.account(), key, tls).await?;
    Ok(session)
}

/// Connects as the account's administrator; returns what the relay says of the account as well.
pub(crate) async fn connect_and_learn(
    options: &RelayOptions,
    folder: &Folder,
) -> Outcome<(Session, Vec<Object>)> {
    let tls = options.tls()?;
    let key = folder.administrator()?;
    Ok(Session::connect(&options.relay, folder.account(), &key, tls).await?)
}

/// Whether waiting may help: the relay restarts, or the network is away.
pub(crate) fn may_come_back(failure: &Failure) -> bool {
    matches!(
        failure.code(),
        "disconnected"
            | "going-away"
            | "not-a-relay"
            | "relay-unreachable"
            | "throttled"
            | "timed-out"
            | "too-slow"
            | "unavailable"
    )
}

fn read_roots(path: &Path) -> Outcome<Vec<CertificateDer<'static>>> {
    let unreadable =
        |words: String| Failure::new("root-unusable", format!("{}: {words}", path.display()));
    let roots: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<_, _>>)
        .map_err(|error| unreadable(error.to_string()))?;
    if roots.is_empty() {
        return Err(unreadable("it holds no certificate".to_owned()));
    }
    Ok(roots)
}
