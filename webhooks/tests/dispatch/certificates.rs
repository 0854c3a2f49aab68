//! What `https` endpoints must present.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sottovoce_webhooks::delivery::DeliveryState;
use sottovoce_webhooks::target::SystemResolver;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::scene::{Receiver, contact, message};
use crate::{Stage, config};

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "receiver");
    params
}

fn acceptor(certificate: &Certificate, key: &KeyPair) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Calls a receiver with this certificate, trusting a root; what the log says.
async fn call(
    acceptor: TlsAcceptor,
    root: CertificateDer<'static>,
) -> (DeliveryState, Option<String>) {
    let mut trusting = config();
    trusting.extra_roots = vec![root];
    let stage = Stage::with(trusting, Arc::new(SystemResolver)).await;
    let receiver = Receiver::start_tls(acceptor).await;
    let port = receiver.address.port();
    stage.register(&format!("https://localhost:{port}/")).await;
    stage.record(&[message(contact(1), 1)]).await;
    let (delivery, mut attempts) = stage.attempts(1).await;
    let error = attempts.remove(0).error;
    assert_eq!(receiver.calls().len(), usize::from(error.is_none()));
    (delivery.state, error)
}

fn issued(params: CertificateParams, by: &CertifiedIssuer<'static, KeyPair>) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    acceptor(&certificate, &key)
}

#[tokio::test]
async fn a_valid_chain_to_a_trusted_root_for_the_right_name_is_accepted() {
    let root = authority("root");
    let said = call(issued(params("localhost"), &root), root.der().clone()).await;
    assert_eq!(said, (DeliveryState::Delivered, None));
}

#[tokio::test]
async fn any_other_certificate_is_refused_by_its_own_reason() {
    let root = authority("root");
    let other = authority("other");
    let mut expired = params("localhost");
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 1, 1);
    let mut early = params("localhost");
    early.not_before = date_time_ymd(2090, 1, 1);
    early.not_after = date_time_ymd(2091, 1, 1);
    let own = KeyPair::generate().unwrap();
    let self_signed = params("localhost").self_signed(&own).unwrap();
    let mut own_root = params("localhost");
    own_root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own_root = own_root.self_signed(&own).unwrap();
    let cases = [
        (acceptor(&self_signed, &own), "certificate-self-signed"),
        (acceptor(&own_root, &own), "certificate-self-signed"),
        (issued(expired, &root), "certificate-expired"),
        (issued(early, &root), "certificate-not-yet-valid"),
        (
            issued(params("example.com"), &root),
            "certificate-wrong-name",
        ),
        (issued(params("localhost"), &other), "certificate-untrusted"),
    ];
    for (acceptor, code) in cases {
        let (state, error) = call(acceptor, root.der().clone()).await;
        assert_eq!(error.as_deref(), Some(code));
        assert_eq!(state, DeliveryState::Pending);
    }
}

#[tokio::test]
async fn what_speaks_no_tls_is_refused() {
    let stage = Stage::new().await;
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 200 x\r\n\r\n").await;
        }
    });
    stage.register(&format!("https://localhost:{port}/")).await;
    stage.record(&[message(contact(1), 1)]).await;
    let (_, attempts) = stage.attempts(1).await;
    assert_eq!(attempts[0].error.as_deref(), Some("tls-failed"));
}
