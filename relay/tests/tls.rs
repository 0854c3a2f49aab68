//! The protocol over TLS, as it is spoken everywhere but on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::{CertificateDer, ServerName};
use scene::client::claim;
use scene::{Business, Person, Scene};
use sottovoce::wire::frame::{ClientFrame, RelayFrame};
use sottovoce::wire::{Signed, decode, encode, limits};
use sottovoce_relay::store::Database;
use sottovoce_relay::{Config, Mount, Relay, TlsFiles};
use sottovoce_test_postgres::Server;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// A certificate for `localhost`, as files.
fn certificate(folder: &std::path::Path) -> (TlsFiles, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = TlsFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (files, made.cert.der().clone())
}

fn connector(certificate: CertificateDer<'static>) -> tokio_rustls::TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

#[tokio::test]
async fn a_device_authenticates_to_the_name_that_it_dialled() {
    let folder = tempfile::tempdir().unwrap();
    let (files, certificate) = certificate(folder.path());
    let scene = Scene::with(Business::new(), |config| config.tls = Some(files)).await;
    let connector = connector(certificate);
    let port = scene.address.port();
    for (claimed, welcome) in [
        (format!("localhost:{port}"), true),
        (scene.address.to_string(), false),
    ] {
        let stream = tokio::net::TcpStream::connect(scene.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = connector.connect(name, stream).await.unwrap();
        let account = scene.business.id;
        let url = format!("wss://localhost:{port}/v1/connect?account={account}");
        let mut request = url.into_client_request().unwrap();
        let protocol = "sottovoce.0".parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .unwrap();
        let Some(Ok(Message::Binary(challenge))) = socket.next().await else {
            panic!("no challenge");
        };
        let RelayFrame::Challenge { nonce } = decode(&challenge, limits::FRAME).unwrap() else {
            panic!("no challenge");
        };
        let person = Person::new();
        let mut claim = claim(scene.address, &scene.business, person.device(), nonce);
        claim.host = claimed;
        let proof = Signed::sign(&claim, &[&person.key]).to_bytes();
        let frame = encode(&ClientFrame::Authenticate { proof });
        socket.send(Message::Binary(frame.into())).await.unwrap();
        let Some(Ok(Message::Binary(answer))) = socket.next().await else {
            panic!("no answer");
        };
        match decode(&answer, limits::FRAME).unwrap() {
            RelayFrame::Welcome { .. } => assert!(welcome),
            RelayFrame::Goodbye { code } => {
                assert!(!welcome);
                assert_eq!(code, "wrong-host");
            }
            other => panic!("{other:?}"),
        }
    }
    scene.end().await;
}

#[tokio::test]
async fn a_relay_refuses_to_start_where_it_must_not() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("relay.db").display().to_string();
    let good = Config::loopback(database, Business::new().id);
    let code = |config: Config| async { Relay::bind(config).await.err().map(|e| e.code()) };
    let mut public = good.clone();
    public.listen = "0.0.0.0:0".parse().unwrap();
    assert_eq!(code(public).await, Some("plain-not-loopback"));
    let mut elsewhere = good.clone();
    elsewhere.database = "mysql://localhost/relay".to_owned();
    assert_eq!(code(elsewhere).await, Some("database-unsupported"));
    let mut nowhere = good.clone();
    nowhere.database = "/no/such/folder/relay.db".to_owned();
    assert_eq!(code(nowhere).await, Some("database-unusable"));
    for prefix in [
        "",
        "demo",
        "/{x}",
        "/v1",
        "/v1/connect",
        "/healthz",
        "/a//b",
    ] {
        let mut mounted = good.clone();
        mounted.mounts = vec![Mount {
            prefix: prefix.to_owned(),
            directory: folder.path().to_owned(),
        }];
        assert_eq!(code(mounted).await, Some("mount-unusable"), "{prefix}");
    }
    let mut twice = good.clone();
    twice.mounts = ["/demo", "/demo/"]
        .map(|prefix| Mount {
            prefix: prefix.to_owned(),
            directory: folder.path().to_owned(),
        })
        .to_vec();
    assert_eq!(code(twice).await, Some("mount-unusable"));
    assert_eq!(code(good).await, None);
}

/// A PostgreSQL that speaks TLS on the loopback address, with a certificate of an authority of its own
/// for this name. Returns its port and the authority's certificate.
fn postgres(folder: &std::path::Path, name: &str) -> (Server, u16, PathBuf) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    let files = ["root.pem", "server.pem", "server.key"].map(|file| folder.join(file));
    let texts = [root.pem(), certificate.pem(), key.serialize_pem()];
    for (file, text) in files.iter().zip(texts) {
        std::fs::write(file, text).unwrap();
        std::fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
    sottovoce_test_postgres::hand_over(folder);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let [root, certificate, key] = files;
    let settings = [
        "fsync=off".to_owned(),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", certificate.display()),
        format!("ssl_key_file={}", key.display()),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
    ];
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    (Server::start_at(port, &settings), port, root)
}

#[tokio::test]
async fn a_database_must_show_a_certificate_of_a_trusted_authority_for_its_name() {
    let (right, wrong) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (server, port, root) = postgres(right.path(), "127.0.0.1");
    let (_other, other_port, other_root) = postgres(wrong.path(), "db.example");
    let open = |port: u16, root: &std::path::Path| {
        let root = root.display().to_string();
        async move {
            let url = format!(
                "postgres://postgres@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={root}"
            );
            Database::open(&url).await.map_err(|error| error.code())
        }
    };
    let database = open(port, &root).await.unwrap();
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'sottovoce-relay'";
    assert_eq!(server.run("postgres", encrypted).trim(), "t");
    database.close().await;
    let untrusted = open(port, &other_root).await;
    assert_eq!(untrusted.unwrap_err(), "database-unreachable");
    let misnamed = open(other_port, &other_root).await;
    assert_eq!(misnamed.unwrap_err(), "database-unreachable");
}
