//! Whom a client talks to, and whom it does not.

use std::path::Path;
use std::sync::Arc;

use crate::scene::{Business, Relay, no_roots};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ClientConfig;
use sottovoce::account::Pin;
use sottovoce::client::Kind;
use sottovoce_client::admin::Session;
use sottovoce_client::{HostConfig, StateStore, start, tls};
use sottovoce_relay::TlsFiles;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn certificate_for(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// A certificate with its key as files, signed by an authority or else by itself.
fn issue(folder: &Path, params: &CertificateParams, by: Option<&Authority>) -> TlsFiles {
    let key = KeyPair::generate().unwrap();
    let certificate = match by {
        Some(authority) => params.signed_by(&key, authority),
        None => params.self_signed(&key),
    };
    let files = TlsFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&files.certificate, certificate.unwrap().pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

fn trusting(authority: &Authority) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    tls::client_config(provider, [authority.der().clone()]).unwrap()
}

/// What comes of connecting to a relay under a name: a welcome, or the code of an error.
async fn connect(
    name: &str,
    params: &CertificateParams,
    by: Option<&Authority>,
    trusted: &Authority,
) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let business = Business::new();
    let database = folder.path().join("relay.db").display().to_string();
    let mut config = sottovoce_relay::Config::loopback(database, business.account);
    config.tls = Some(issue(folder.path(), params, by));
    let relay = Relay::start(config).await;
    let (_, port) = relay.url.rsplit_once(':').unwrap();
    let url = format!("wss://{name}:{port}");
    let key = &business.administrator;
    let result = Session::connect(&url, business.account, key, trusting(trusted)).await;
    let result = result.map(|_| ()).map_err(|error| error.code().to_owned());
    relay.stop().await;
    result
}

fn refused() -> Result<(), String> {
    Err("certificate-refused".to_owned())
}

#[tokio::test]
async fn a_certificate_of_a_trusted_root_with_the_dialled_name_is_accepted() {
    let authority = authority();
    let (name, address) = (certificate_for("localhost"), certificate_for("127.0.0.1"));
    let by = Some(&authority);
    assert_eq!(connect("localhost", &name, by, &authority).await, Ok(()));
    assert_eq!(connect("127.0.0.1", &address, by, &authority).await, Ok(()));
}

#[tokio::test]
async fn certificates_of_untrusted_roots_are_refused() {
    let (other, trusted) = (authority(), authority());
    let params = certificate_for("localhost");
    assert_eq!(
        connect("localhost", &params, Some(&other), &trusted).await,
        refused()
    );
}

#[tokio::test]
async fn self_signed_certificates_are_refused() {
    let params = certificate_for("localhost");
    assert_eq!(
        connect("localhost", &params, None, &authority()).await,
        refused()
    );
}

#[tokio::test]
async fn expired_and_not_yet_valid_certificates_are_refused() {
    let authority = authority();
    let by = Some(&authority);
    let mut expired = certificate_for("localhost");
    expired.not_after = date_time_ymd(2024, 1, 1);
    assert_eq!(
        connect("localhost", &expired, by, &authority).await,
        refused()
    );
    let mut early = certificate_for("localhost");
    early.not_before = date_time_ymd(4000, 1, 1);
    assert_eq!(
        connect("localhost", &early, by, &authority).await,
        refused()
    );
}

#[tokio::test]
async fn certificates_of_another_name_are_refused() {
    let authority = authority();
    let by = Some(&authority);
    let other = certificate_for("relay.example");
    assert_eq!(
        connect("localhost", &other, by, &authority).await,
        refused()
    );
    let name = certificate_for("localhost");
    assert_eq!(connect("127.0.0.1", &name, by, &authority).await, refused());
}

#[tokio::test]
async fn tls_before_1_2_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut hello = [0; 4096];
        let _ = socket.read(&mut hello).await.unwrap();
        // A ServerHello of TLS 1.1: record header, handshake header, version, random, no
        // session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
        let mut answer = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
        answer.extend([7; 32]);
        answer.extend([0, 0, 0x2f, 0]);
        socket.write_all(&answer).await.unwrap();
        let _ = socket.read(&mut hello).await;
    });
    let business = Business::new();
    let key = &business.administrator;
    let error = Session::connect(&url, business.account, key, trusting(&authority()))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "tls-failed");
    server.await.unwrap();
}

#[tokio::test]
async fn unencrypted_connections_to_other_machines_are_never_dialled() {
    let business = Business::new();
    for url in ["ws://relay.example", "http://192.0.2.1:8080"] {
        let key = &business.administrator;
        let error = Session::connect(url, business.account, key, no_roots())
            .await
            .unwrap_err();
        assert_eq!(error.code(), "address-unencrypted");
        let error = start(HostConfig {
            url: url.to_owned(),
            pin: Pin::account(business.account),
            kind: Kind::Visitor,
            state: StateStore::Memory,
            tls: no_roots(),
        })
        .await
        .unwrap_err();
        assert_eq!(error.code(), "address-unencrypted");
    }
}
