//! The listener's rule: what it refuses to start with, and that what it starts works.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use sottovoce_server::{Listen, Listener, Readiness, TlsFiles, health, serve};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// The code with which a listener refuses, or none.
async fn refusal(address: &str, tls: Option<TlsFiles>) -> Option<&'static str> {
    let listen = Listen {
        address: address.parse().unwrap(),
        tls,
    };
    Listener::bind(&listen)
        .await
        .err()
        .map(|error| error.code())
}

fn fixture(name: &str) -> TlsFiles {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    TlsFiles {
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    }
}

/// A fresh certificate for `localhost` and its key, as files.
fn made(folder: &Path, algorithm: &'static rcgen::SignatureAlgorithm) -> TlsFiles {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let files = TlsFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&files.certificate, certificate.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

#[tokio::test]
async fn plain_http_is_for_loopback_only() {
    for loopback in ["127.0.0.1:0", "127.8.9.10:0", "[::ffff:127.0.0.1]:0"] {
        let outcome = refusal(loopback, None).await;
        // An address that this machine does not have is another matter.
        assert!(
            matches!(outcome, None | Some("cannot-listen")),
            "{loopback}"
        );
    }
    for public in [
        "0.0.0.0:0",
        "[::]:0",
        "192.0.2.1:0",
        "[2001:db8::1]:0",
        "10.0.0.1:0",
    ] {
        assert_eq!(
            refusal(public, None).await,
            Some("plain-not-loopback"),
            "{public}"
        );
    }
}

#[tokio::test]
async fn only_strong_keys_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let on = "127.0.0.1:0";
    assert_eq!(
        refusal(on, Some(fixture("rsa-1024"))).await,
        Some("certificate-weak")
    );
    assert_eq!(
        refusal(on, Some(fixture("p521"))).await,
        Some("certificate-weak")
    );
    assert_eq!(refusal(on, Some(fixture("rsa-2048"))).await, None);
    for good in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ED25519] {
        assert_eq!(refusal(on, Some(made(folder.path(), good))).await, None);
    }
    let p384 = made(folder.path(), &rcgen::PKCS_ECDSA_P384_SHA384);
    assert_eq!(refusal(on, Some(p384)).await, Some("certificate-weak"));
}

#[tokio::test]
async fn files_that_are_not_what_they_should_be_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = made(folder.path(), &rcgen::PKCS_ECDSA_P256_SHA256);
    let nothing = folder.path().join("nothing.pem");
    std::fs::write(&nothing, "nothing").unwrap();
    let with = |certificate: &PathBuf, key: &PathBuf| {
        Some(TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        })
    };
    let missing = folder.path().join("missing.pem");
    let on = "127.0.0.1:0";
    for bad in [&missing, &nothing, &good.key] {
        let outcome = refusal(on, with(bad, &good.key)).await;
        assert_eq!(outcome, Some("certificate-unreadable"), "{}", bad.display());
    }
    for bad in [&missing, &nothing, &good.certificate] {
        let outcome = refusal(on, with(&good.certificate, bad)).await;
        assert_eq!(outcome, Some("key-unreadable"), "{}", bad.display());
    }
    let other = fixture("rsa-2048");
    let outcome = refusal(on, with(&good.certificate, &other.key)).await;
    assert_eq!(outcome, Some("certificate-unusable"));
}

/// Asks for `/healthz` and returns the whole answer.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // A peer that closes without a TLS alert has still answered.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn started(tls: Option<TlsFiles>) -> (SocketAddr, CancellationToken) {
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(&Listen { address, tls }).await.unwrap();
    let address = listener.address();
    let shutdown = CancellationToken::new();
    let routes = health::routes(Readiness::ready());
    tokio::spawn(serve(listener, routes, shutdown.clone()));
    (address, shutdown)
}

fn connector(
    files: &TlsFiles,
    version: &'static SupportedProtocolVersion,
) -> tokio_rustls::TlsConnector {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(&files.certificate).unwrap();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = [
        fixture("rsa-2048"),
        made(folder.path(), &rcgen::PKCS_ECDSA_P256_SHA256),
    ];
    for files in certificates {
        let (address, shutdown) = started(Some(files.clone())).await;
        for (version, number) in [
            (&TLS12, ProtocolVersion::TLSv1_2),
            (&TLS13, ProtocolVersion::TLSv1_3),
        ] {
            let stream = TcpStream::connect(address).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let stream = connector(&files, version)
                .connect(name, stream)
                .await
                .unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(number));
            let answer = ask(stream).await;
            assert!(
                answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"),
                "{answer}"
            );
        }
        // Plain HTTP at a TLS listener gets no answer at all.
        let answer = ask(TcpStream::connect(address).await.unwrap()).await;
        assert!(!answer.contains("HTTP"), "{answer}");
        shutdown.cancel();
    }
}

/// Whether a server that is dialled now shows this certificate.
async fn shows(address: SocketAddr, files: &TlsFiles) -> bool {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connecting = connector(files, &TLS13).connect(name, stream).await;
    let Ok(stream) = connecting else {
        return false;
    };
    ask(stream).await.ends_with("ok")
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let served = made(folder.path(), &rcgen::PKCS_ECDSA_P256_SHA256);
    let (address, shutdown) = started(Some(served.clone())).await;
    let first = made(other.path(), &rcgen::PKCS_ECDSA_P256_SHA256);
    std::fs::copy(&served.certificate, &first.certificate).unwrap();
    assert!(shows(address, &first).await);

    // Neither rubbish nor a key that is too weak replaces what is good.
    std::fs::write(&served.certificate, "rubbish").unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(shows(address, &first).await);
    std::fs::copy(fixture("rsa-1024").certificate, &served.certificate).unwrap();
    std::fs::copy(fixture("rsa-1024").key, &served.key).unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(shows(address, &first).await);

    let second = made(folder.path(), &rcgen::PKCS_ED25519);
    let mut tries = 0;
    while !shows(address, &second).await {
        tries += 1;
        assert!(tries < 100, "the new certificate is not shown");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!shows(address, &first).await);
    shutdown.cancel();
}

/// Makes a certificate and its key as long as, and no newer than, others ever made by this: whoever looks
/// at lengths and times sees no change.
fn made_alike(folder: &Path) -> TlsFiles {
    let files = made(folder, &rcgen::PKCS_ECDSA_P256_SHA256);
    for path in [&files.certificate, &files.key] {
        let mut text = std::fs::read(path).unwrap();
        text.resize(4096, b'\n');
        std::fs::write(path, text).unwrap();
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
            .unwrap();
    }
    files
}

#[cfg(unix)]
#[tokio::test]
async fn a_hangup_loads_certificates_that_look_as_if_they_had_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let served = made_alike(folder.path());
    let (address, shutdown) = started(Some(served.clone())).await;
    let second = made_alike(folder.path());
    // The look every two seconds finds nothing.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(!shows(address, &second).await);
    let own = std::process::id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-HUP", &own])
        .status();
    assert!(told.unwrap().success());
    let mut tries = 0;
    while !shows(address, &second).await {
        tries += 1;
        assert!(tries < 100, "the new certificate is not shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    shutdown.cancel();
}

/// A TLS client hello that offers nothing newer than a version, by its second byte.
fn hello(version: u8) -> Vec<u8> {
    // ECDHE with AES-GCM for version 1.2 and with AES-CBC for older ones.
    let suites = [0x00, 0x04, 0xc0, 0x2b, 0xc0, 0x09];
    let extensions = [
        &[0, 10, 0, 4, 0, 2, 0x00, 0x17][..], // groups: P-256
        &[0, 11, 0, 2, 1, 0],                 // uncompressed points
        &[0, 13, 0, 4, 0, 2, 0x04, 0x03],     // ECDSA with P-256 and SHA-256
    ]
    .concat();
    let size = u16::try_from(extensions.len()).unwrap().to_be_bytes();
    let random = [7; 32];
    let body = [
        &[3, version][..],
        &random,
        &[0], // no session
        &suites,
        &[1, 0], // no compression
        &size,
        &extensions,
    ]
    .concat();
    let size = u8::try_from(body.len()).unwrap();
    let handshake = [&[1, 0, 0, size][..], &body].concat();
    [&[0x16, 3, 1, 0, size + 4][..], &handshake].concat()
}

#[tokio::test]
async fn tls_1_1_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let files = made(folder.path(), &rcgen::PKCS_ECDSA_P256_SHA256);
    let (address, shutdown) = started(Some(files)).await;
    // A handshake record (22) for version 1.2; a fatal alert (21, 2) about the version (70) else.
    for (version, expected) in [(3, &[22][..]), (2, &[21, 3, 3, 0, 2, 2, 70])] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&hello(version)).await.unwrap();
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, expected);
    }
    shutdown.cancel();
}

#[tokio::test]
async fn the_end_is_orderly() {
    let (address, shutdown) = started(None).await;
    let answer = ask(TcpStream::connect(address).await.unwrap()).await;
    assert!(answer.ends_with("ok"), "{answer}");
    let _idle = TcpStream::connect(address).await.unwrap();
    shutdown.cancel();
    for _ in 0..100 {
        if TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("the listener still accepts");
}
