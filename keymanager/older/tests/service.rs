//! A service of the older shape, called: what is sent to it, and what its answers come to.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use sottovoce::crypto::Secret;
use sottovoce_older_keys::call::Refusal;
use sottovoce_older_keys::service::Address;
use sottovoce_older_keys::{ContactKey, SecretToken, Service, ServiceError, Signing};
use sottovoce_server::outgoing::OutgoingError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(1);

fn token() -> SecretToken {
    SecretToken::parse(&"7c".repeat(48)).unwrap()
}

fn tls() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

fn service(url: &str) -> Result<Service, OutgoingError> {
    let address = Address {
        url: url.to_owned(),
        account: "acme".to_owned(),
        host: "chat.example".to_owned(),
    };
    Service::new(address, token(), Signing::default(), &tls(), PATIENCE)
}

/// Answers one call with these bytes; where, and what it was.
async fn answers(answer: String) -> (Service, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys?tenant=7", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = String::new();
        let mut part = [0; 4096];
        loop {
            let length = stream.read(&mut part).await.unwrap();
            heard.push_str(core::str::from_utf8(&part[..length]).unwrap());
            let has_all = match heard.split_once("\r\n\r\n") {
                Some((head, body)) => head.starts_with("GET") || body.ends_with('}'),
                None => false,
            };
            if has_all || length == 0 {
                break;
            }
        }
        // Whoever does not want the whole answer ends the connection.
        let _ = stream.write_all(answer.as_bytes()).await;
        heard
    });
    (service(&url).unwrap(), heard)
}

fn http(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn key() -> ContactKey {
    ContactKey::new(Secret::new([9; 48]))
}

fn with_key() -> String {
    http(
        200,
        &format!("{{\"key\": \"{}\"}}", key().wrap(&token(), [1; 8])),
    )
}

#[tokio::test]
async fn a_contact_is_created_read_and_copied() {
    let (service, heard) = answers(with_key()).await;
    assert_eq!(service.create("one").await.unwrap(), key());
    let call = heard.await.unwrap();
    assert!(
        call.starts_with("POST /keys?tenant=7 HTTP/1.1\r\n"),
        "{call}"
    );
    assert!(call.ends_with("\r\n\r\n{\"id\":\"one\"}"), "{call}");
    for header in [
        "content-type: application/json",
        "x-vvc-host: chat.example",
        "x-vvc-acct: acme",
        // Of OpenSSL: the body, under the token's characters.
        "x-vvc-hmac: 6da3b6b01cdb3ae01c1809d21666f548753a6c0d",
    ] {
        assert!(call.contains(header), "{header}: {call}");
    }
    let (service, heard) = answers(with_key()).await;
    assert_eq!(service.copy("two", "one").await.unwrap(), key());
    let call = heard.await.unwrap();
    assert!(
        call.ends_with("{\"id\":\"two\",\"copyFrom\":\"one\"}"),
        "{call}"
    );
    let (service, heard) = answers(with_key()).await;
    assert_eq!(service.read("a/b").await.unwrap(), key());
    let call = heard.await.unwrap();
    let line = "GET /keys?tenant=7&id=a%2Fb HTTP/1.1\r\n";
    assert!(call.starts_with(line), "{call}");
    // Of nothing.
    assert!(
        call.contains("x-vvc-hmac: 6e3bd21ad3effa1cc61f7d1cfeeac897dd253a28"),
        "{call}"
    );
}

#[tokio::test]
async fn what_is_no_key_is_told_apart() {
    let refused = async |answer: String| {
        let (service, heard) = answers(answer).await;
        let refused = service.read("one").await.unwrap_err();
        heard.await.unwrap();
        refused
    };
    let error = "{\"error\": true}";
    let missing = refused(http(400, error)).await;
    assert!(matches!(missing, ServiceError::Refused(Refusal::Missing)));
    for status in [401, 403, 404] {
        match refused(http(status, error)).await {
            ServiceError::Refused(Refusal::Denied(said)) => assert_eq!(said, status),
            other => panic!("{other}"),
        }
    }
    for (status, body) in [
        (500, error),
        (503, ""),
        (200, error),
        (302, ""),
        (400, "{}"),
    ] {
        match refused(http(status, body)).await {
            ServiceError::Refused(Refusal::Unavailable(said)) => assert_eq!(said, status),
            other => panic!("{other}"),
        }
    }
    let foreign = SecretToken::parse(&"1a".repeat(48)).unwrap();
    let foreign = format!("{{\"key\": \"{}\"}}", key().wrap(&foreign, [1; 8]));
    let unreadable = refused(http(200, &foreign)).await;
    assert!(matches!(unreadable, ServiceError::Unreadable));
    // An answer without end, and one that breaks off.
    let long = refused(http(200, &"x".repeat(100_000))).await;
    let short = refused(http(200, "{}").replace("content-length: 2", "content-length: 9")).await;
    for answer in [long, short] {
        let unreadable = matches!(answer, ServiceError::Unreached(OutgoingError::Unreadable));
        assert!(unreadable, "{answer}");
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_left_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = service(&url).unwrap();
    let silent = service.read("one").await;
    let unanswered =
        |error: &ServiceError| matches!(error, ServiceError::Unreached(OutgoingError::Unanswered));
    assert!(unanswered(&silent.unwrap_err()));
    drop(listener);
    assert!(unanswered(&service.create("one").await.unwrap_err()));
}

#[test]
fn a_service_elsewhere_is_called_over_tls_alone() {
    assert!(service("https://keys.example/x").is_ok());
    for url in ["http://keys.example/x", "http://192.0.2.1", "ftp://x", ""] {
        assert!(service(url).is_err(), "{url}");
    }
}
