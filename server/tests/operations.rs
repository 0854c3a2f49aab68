//! What operators ask a server: whether it is ready, and what it has done.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;

use sottovoce_server::metrics::prometheus_client::metrics::counter::Counter;
use sottovoce_server::{Listen, Listener, Readiness, health, metrics, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

async fn started(router: axum::Router) -> SocketAddr {
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(&Listen { address, tls: None })
        .await
        .unwrap();
    let address = listener.address();
    tokio::spawn(serve(listener, router, CancellationToken::new()));
    address
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn readiness_says_what_is_in_the_way() {
    let readiness = Readiness::default();
    let address = started(health::routes(readiness.clone())).await;
    let answer = get(address, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(
        answer.ends_with(r#"{"ready":false,"code":"starting"}"#),
        "{answer}"
    );
    assert!(readiness.set(None));
    assert!(!readiness.set(None));
    let answer = get(address, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    readiness.drain();
    readiness.set(None);
    let answer = get(address, "/readyz").await;
    assert!(
        answer.ends_with(r#"{"ready":false,"code":"draining"}"#),
        "{answer}"
    );
    assert!(get(address, "/healthz").await.ends_with("ok"));
}

#[tokio::test]
async fn metrics_are_text_that_prometheus_reads() {
    let mut registry = metrics::registry();
    let counter: Counter = Counter::default();
    registry.register("things", "Things that were done", counter.clone());
    counter.inc_by(3);
    let address = started(metrics::routes(Arc::new(registry))).await;
    let answer = get(address, "/metrics").await;
    assert!(answer.contains("\nsottovoce_things_total 3\n"), "{answer}");
    assert!(answer.ends_with("# EOF\n"), "{answer}");
    if cfg!(target_os = "linux") {
        let memory = answer
            .lines()
            .find_map(|line| line.strip_prefix("sottovoce_process_resident_memory_bytes "));
        assert!(memory.unwrap().parse::<u64>().unwrap() > 1_000_000);
    }
}
