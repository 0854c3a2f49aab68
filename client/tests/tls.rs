//! Which servers the client talks to, and which it refuses.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use sottovoce::account::{Level, Pin, RootStatement, account_id};
use sottovoce::client::{ConnectionState, Event, Kind};
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::{AccountId, Signed, Suite, Time, Version};
use sottovoce_client::admin::Session;
use sottovoce_client::{HostConfig, StartError, StateStore, start, tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Longer than anything takes that happens at all.
const PATIENCE: Duration = Duration::from_secs(30);

type Trust = Arc<ClientConfig>;

/// Issues certificates.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A server's certificate.
struct Leaf {
    certificate: rcgen::Certificate,
    key: KeyPair,
    /// What the server sends behind it.
    issuers: Vec<CertificateDer<'static>>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Leaf {
            certificate: params.signed_by(&key, &self.issuer).unwrap(),
            key,
            issuers: Vec::new(),
        }
    }

    fn trust(&self) -> Trust {
        trust([self.issuer.der().clone()])
    }
}

/// The system's roots and these.
fn trust(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Trust {
    let provider = rustls::crypto::ring::default_provider();
    tls::client_config(Arc::new(provider), roots).unwrap()
}

/// A server that shakes hands by TLS and then hangs up: whoever gets that far has trusted it.
async fn serve(leaf: &Leaf, versions: &[&'static SupportedProtocolVersion]) -> SocketAddr {
    let mut chain = vec![leaf.certificate.der().clone()];
    chain.extend_from_slice(&leaf.issuers);
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    address
}

fn visitor(url: &str, account: AccountId, tls: Trust) -> HostConfig {
    HostConfig {
        url: url.to_owned(),
        pin: Pin::account(account),
        kind: Kind::Visitor,
        state: StateStore::Memory,
        tls,
    }
}

/// The code that the host of a visitor who dials `url` tells, and that it does so once.
async fn told(url: &str, tls: Trust) -> &'static str {
    let (handle, mut events) = start(visitor(url, AccountId::new([0; 32]), tls))
        .await
        .unwrap();
    let failed = async {
        loop {
            if let Event::Failed { contact, code } = events.recv().await.unwrap() {
                assert_eq!(contact, None);
                return code;
            }
        }
    };
    let code = tokio::time::timeout(PATIENCE, failed).await.unwrap();
    // It dials again within half a second.
    let again = tokio::time::timeout(Duration::from_secs(1), events.recv()).await;
    assert!(again.is_err(), "{again:?}");
    handle.stop().await;
    code
}

/// The code of the refusal by a client that trusts `authority` and dials `localhost`.
async fn refusal(authority: &Authority, leaf: &Leaf) -> &'static str {
    let address = serve(leaf, &[&TLS13, &TLS12]).await;
    told(&localhost(address), authority.trust()).await
}

fn localhost(address: SocketAddr) -> String {
    format!("wss://localhost:{}", address.port())
}

#[tokio::test]
async fn tls_1_2_and_1_3_with_a_valid_chain_are_accepted() {
    let authority = Authority::new();
    let leaf = authority.issue("localhost", |_| {});
    for version in [&TLS12, &TLS13] {
        let address = serve(&leaf, &[version]).await;
        // It hangs up after the handshake: the handshake was not what failed.
        let key = SigningKey::generate(&mut Random::os()).unwrap();
        let account = AccountId::new([0; 32]);
        let error = Session::connect(&localhost(address), account, &key, authority.trust())
            .await
            .unwrap_err();
        assert_eq!(error.code(), "not-a-relay", "{error}");
    }
}

#[tokio::test]
async fn a_chain_to_an_unknown_root_is_refused() {
    let leaf = Authority::new().issue("localhost", |_| {});
    let code = refusal(&Authority::new(), &leaf).await;
    assert_eq!(code, "certificate-refused");
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused() {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let leaf = Leaf {
        certificate,
        key,
        issuers: Vec::new(),
    };
    let code = refusal(&Authority::new(), &leaf).await;
    assert_eq!(code, "certificate-refused");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let leaf = authority.issue("chat.example.com", |_| {});
    assert_eq!(refusal(&authority, &leaf).await, "certificate-refused");
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let leaf = authority.issue("localhost", |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    assert_eq!(refusal(&authority, &leaf).await, "certificate-refused");
}

#[tokio::test]
async fn a_certificate_from_the_future_is_refused() {
    let authority = Authority::new();
    let leaf = authority.issue("localhost", |params| {
        params.not_before = rcgen::date_time_ymd(4000, 1, 1);
        params.not_after = rcgen::date_time_ymd(4001, 1, 1);
    });
    assert_eq!(refusal(&authority, &leaf).await, "certificate-refused");
}

#[tokio::test]
async fn without_roots_of_its_own_the_client_trusts_the_system_s_alone() {
    let leaf = Authority::new().issue("localhost", |_| {});
    let address = serve(&leaf, &[&TLS13]).await;
    let code = told(&localhost(address), trust([])).await;
    assert_eq!(code, "certificate-refused");
}

#[tokio::test]
async fn a_certificate_issued_by_another_server_is_refused() {
    let authority = Authority::new();
    let server = authority.issue("chat.example.com", |_| {});
    let params = CertificateParams::new(vec!["chat.example.com".to_owned()]).unwrap();
    let issuer = rcgen::Issuer::new(params, server.key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let leaf = Leaf {
        certificate,
        key,
        issuers: vec![server.certificate.der().clone()],
    };
    assert_eq!(refusal(&authority, &leaf).await, "certificate-refused");
}

#[tokio::test]
async fn unencrypted_connections_to_other_machines_are_not_even_dialled() {
    for url in ["ws://chat.example.com", "http://192.0.2.1:8080"] {
        let config = visitor(url, AccountId::new([0; 32]), trust([]));
        let refused = start(config).await.map(|_| ()).unwrap_err();
        assert!(matches!(refused, StartError::Address(_)));
        assert_eq!(refused.code(), "address-unencrypted");
    }
}

/// A server that answers every `ClientHello` with the same bytes.
async fn answering(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&answer).await;
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    localhost(address)
}

#[tokio::test]
async fn tls_1_1_is_refused() {
    // A `ServerHello` (RFC 4346 section 7.4.1.3) that chooses version 1.1 and
    // TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA.
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x13, 0]);
    let mut record = vec![0x16, 3, 2, 0, hello.len() as u8 + 4, 2, 0, 0];
    record.push(hello.len() as u8);
    record.extend(hello);
    let url = answering(record).await;
    let code = told(&url, Authority::new().trust()).await;
    assert_eq!(code, "tls-failed");
}

#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let url = answering(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()).await;
    let code = told(&url, Authority::new().trust()).await;
    assert_eq!(code, "tls-failed");
}

#[tokio::test]
async fn a_relay_with_a_valid_certificate_takes_publications_and_visitors() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let leaf = authority.issue("localhost", |_| {});
    let (certificate, key) = (folder.path().join("chain"), folder.path().join("key"));
    std::fs::write(&certificate, leaf.certificate.pem()).unwrap();
    std::fs::write(&key, leaf.key.serialize_pem()).unwrap();
    let root = SigningKey::generate(&mut Random::os()).unwrap();
    let administrator = SigningKey::generate(&mut Random::os()).unwrap();
    let account = account_id(&root.public());
    let database = folder.path().join("relay.sqlite3").display().to_string();
    let mut config = sottovoce_relay::Config::loopback(database, account);
    config.tls = Some(sottovoce_relay::TlsFiles { certificate, key });
    let relay = sottovoce_relay::Relay::bind(config).await.unwrap();
    let url = localhost(relay.address());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(relay.serve(async {
        let _ = stopped.await;
    }));

    let trust = authority.trust();
    let (mut session, objects) =
        Session::connect(&url, account, &administrator, Arc::clone(&trust))
            .await
            .unwrap();
    assert!(objects.is_empty());
    let now = u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let statement = RootStatement {
        version: Version,
        suite: Suite::X25519,
        account,
        number: 1,
        root: root.public(),
        issued: Time::from_millis(now),
        administrators: vec![administrator.public()],
        policy_threshold: 1,
        credential_threshold: 1,
        key_manager: None,
        lowest_level: Level::E2ee,
    };
    let signed = Signed::sign(&statement, &[&root]).to_bytes();
    session.publish(ObjectKind::Root, signed).await.unwrap();
    drop(session);

    let (handle, mut events) = start(visitor(&url, account, trust)).await.unwrap();
    let online = async {
        while events.recv().await.unwrap() != Event::Connection(ConnectionState::Online) {}
    };
    tokio::time::timeout(PATIENCE, online).await.unwrap();
    handle.stop().await;
    stop.send(()).unwrap();
    serving.await.unwrap();
}
