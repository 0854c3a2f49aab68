//! Which addresses are called.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use sottovoce_webhooks::target::{Resolver, Targets};

use crate::scene::{Answer, Receiver, contact, message};
use crate::{Stage, config};

const STRICT: Targets = Targets {
    allow_private: false,
};

#[test]
fn only_public_addresses_are_called() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:8.8.8.8",
        "::ffff:127.0.0.1",
        "::8.8.8.8",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        let address: IpAddr = address.parse().unwrap();
        assert!(!STRICT.allows(address), "{address}");
    }
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.0.1",
        "223.255.255.255",
        "2001:200::1",
        "2606:4700::1111",
        "2a00:1450::1",
        "3ffe::1",
    ] {
        let address: IpAddr = address.parse().unwrap();
        assert!(STRICT.allows(address), "{address}");
    }
    // What no server can be behind is refused whatever the operator allows.
    let lenient = Targets {
        allow_private: true,
    };
    for address in ["0.0.0.0", "::", "224.0.0.1", "ff02::1"] {
        assert!(!lenient.allows(address.parse().unwrap()), "{address}");
    }
    assert!(lenient.allows("10.1.2.3".parse().unwrap()));
}

#[test]
fn urls_are_judged_by_scheme_host_port_and_user() {
    for (url, code) in [
        ("", "url-malformed"),
        ("example.com", "url-malformed"),
        ("https://", "url-malformed"),
        ("https://exa mple.com/", "url-malformed"),
        ("https://example.com/\n", "url-malformed"),
        ("https://example.com/#part", "url-malformed"),
        ("ftp://example.com/", "url-scheme"),
        ("file:///etc/passwd", "url-scheme"),
        ("https://user@example.com/", "url-userinfo"),
        ("https://user:word@example.com/", "url-userinfo"),
        ("https://example.com:22/", "url-port"),
        ("https://example.com:25/", "url-port"),
        ("https://example.com:0/", "url-port"),
        ("http://127.0.0.1/", "url-address"),
        // Spellings of the same address.
        ("http://2130706433/", "url-address"),
        ("http://0x7f.1/", "url-address"),
        ("http://0177.0.0.1/", "url-address"),
        ("http://127.1/", "url-address"),
        ("http://１２７.0.0.1/", "url-address"),
        ("http://[::1]/", "url-address"),
        ("http://[::ffff:127.0.0.1]/", "url-address"),
        ("http://169.254.169.254/latest/meta-data/", "url-address"),
    ] {
        let error = STRICT.judge_url(url).unwrap_err();
        assert_eq!(error.code(), code, "{url}");
    }
    let long = format!("https://example.com/{}", "a".repeat(2048));
    assert_eq!(STRICT.judge_url(&long).unwrap_err().code(), "url-malformed");
    for url in [
        "https://example.com",
        "http://example.com/hook",
        "https://example.com:8443/",
        "https://bücher.example/",
        "https://93.184.216.34/",
        "https://[2606:4700::1111]/",
    ] {
        assert!(STRICT.judge_url(url).is_ok(), "{url}");
    }
}

/// Answers what it is told, and counts.
struct Names(Vec<IpAddr>, AtomicUsize);

#[async_trait]
impl Resolver for Names {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.clone())
    }
}

/// What the log says of a name with these addresses.
async fn attempt(targets: Targets, addresses: &[&str]) -> (Option<String>, usize, usize) {
    let mut strict = config();
    strict.targets = targets;
    let addresses = addresses.iter().map(|address| address.parse().unwrap());
    let names = Arc::new(Names(addresses.collect(), AtomicUsize::new(0)));
    let receiver = Receiver::start(|_| Answer::OK).await;
    let stage = Stage::with(strict, Arc::clone(&names) as Arc<dyn Resolver>).await;
    let port = receiver.address.port();
    stage
        .register(&format!("http://hooks.example:{port}/"))
        .await;
    stage.record(&[message(contact(1), 1)]).await;
    let (_, mut attempts) = stage.attempts(1).await;
    let asked = names.1.load(Ordering::SeqCst);
    (attempts.remove(0).error, receiver.calls().len(), asked)
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_called_whatever_else_it_leads_to() {
    let refused = Some("address-refused".to_owned());
    assert_eq!(
        attempt(STRICT, &["127.0.0.1"]).await,
        (refused.clone(), 0, 1)
    );
    assert_eq!(
        attempt(STRICT, &["93.184.216.34", "127.0.0.1"]).await,
        (refused.clone(), 0, 1)
    );
    assert_eq!(
        attempt(STRICT, &["::ffff:127.0.0.1"]).await,
        (refused, 0, 1)
    );
    let unresolvable = Some("unresolvable".to_owned());
    assert_eq!(attempt(STRICT, &[]).await, (unresolvable, 0, 1));
}

#[tokio::test]
async fn a_name_is_resolved_once_and_the_judged_address_is_called() {
    let lenient = Targets {
        allow_private: true,
    };
    assert_eq!(attempt(lenient, &["127.0.0.1"]).await, (None, 1, 1));
}

#[tokio::test]
async fn the_system_s_own_name_for_itself_leads_inside() {
    let mut strict = config();
    strict.targets = STRICT;
    let resolver = Arc::new(sottovoce_webhooks::target::SystemResolver);
    let stage = Stage::with(strict, resolver).await;
    let receiver = Receiver::start(|_| Answer::OK).await;
    let port = receiver.address.port();
    stage.register(&format!("http://localhost:{port}/")).await;
    stage.record(&[message(contact(1), 1)]).await;
    let (_, attempts) = stage.attempts(1).await;
    assert_eq!(attempts[0].error.as_deref(), Some("address-refused"));
    assert!(receiver.calls().is_empty());
}

#[tokio::test]
async fn an_address_that_the_operator_no_longer_allows_is_not_called() {
    let mut strict = config();
    strict.targets = STRICT;
    let resolver = Arc::new(sottovoce_webhooks::target::SystemResolver);
    let stage = Stage::with(strict, resolver).await;
    let receiver = Receiver::start(|_| Answer::OK).await;
    stage.register(&receiver.url()).await;
    stage.record(&[message(contact(1), 1)]).await;
    let (_, attempts) = stage.attempts(1).await;
    assert_eq!(attempts[0].error.as_deref(), Some("url-refused"));
    assert!(receiver.calls().is_empty());
}
