//! The traces that a relay sends where its operator says.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::scene::{Business, Client, Person, Talk};
use crate::{set_up, start, terminate};

/// A collector that takes requests until all words were in them.
async fn collect(listener: TcpListener, words: &[&str]) -> String {
    let mut collected = String::new();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let mut chunk = [0; 65536];
        loop {
            let read = stream.read(&mut chunk).await.unwrap();
            if read == 0 {
                break;
            }
            request.extend(&chunk[..read]);
            let Some(head) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
                continue;
            };
            let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let whole = head + 4 + length.unwrap().parse::<usize>().unwrap();
            if request.len() < whole {
                continue;
            }
            collected += &String::from_utf8_lossy(&request);
            request.clear();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            if words.iter().all(|word| collected.contains(word)) {
                return collected;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_hold_ids_and_codes_and_go_where_the_environment_says() {
    let folder = tempfile::tempdir().unwrap();
    let business = Business::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let words = [
        "POST /v1/traces HTTP/1.1",
        "relay-under-test",
        "append",
        "contact-taken",
    ];
    let collecting = tokio::spawn(async move { collect(listener, &words).await });
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned()),
        ("SOTTOVOCE__DRAIN__SECONDS", "0".to_owned()),
    ];
    let (mut child, address) = start(&business, &folder.path().join("relay.db"), &settings).await;
    set_up(&business, address).await;
    let visitor = Person::new();
    let mut client = Client::connect(address, &business, &visitor).await.unwrap();
    let (mut talk, create) = Talk::start(&business, &visitor);
    client.append(talk.contact, create.clone()).await.unwrap();
    let text = talk.say(&visitor, "the canary sings at midnight");
    client.append(talk.contact, text).await.unwrap();
    assert!(client.append(talk.contact, create).await.is_err());
    terminate(&child).await;
    let collected = tokio::time::timeout(Duration::from_secs(30), collecting).await;
    let collected = collected.unwrap().unwrap();
    assert!(collected.contains(&talk.contact.to_string()), "{collected}");
    for confidential in [
        "canary",
        &address.to_string(),
        "Ada",
        "ACME",
        "thread.id",
        ".rs",
    ] {
        assert!(
            !collected.contains(confidential),
            "{confidential}: {collected}"
        );
    }
    child.wait().await.unwrap();
}

#[tokio::test]
async fn traces_are_not_sent_in_clear_to_other_machines() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_relay-under-test"))
        .arg(folder.path().join("relay.db"))
        .arg(Business::new().id.to_string())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://192.0.2.1:4318")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(!child.wait().await.unwrap().success());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .await
        .unwrap();
    assert!(said.contains("telemetry-insecure"), "{said}");
}
