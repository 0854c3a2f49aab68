//! What endpoints are told of messages, and that it is stored nowhere twice.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sottovoce::account::Level;
use sottovoce::wire::ContactId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::scene::{Scene, has, says};

const EXTRA: &str = "keys = { life = 1 }\nwebhooks = { private = true }";

/// Somebody who is called.
#[derive(Clone, Default)]
struct Receiver {
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let heard = Arc::clone(&self.heard);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let mut part = [0; 8192];
                let body: Value = loop {
                    let length = stream.read(&mut part).await.unwrap();
                    request.extend_from_slice(&part[..length]);
                    let text = String::from_utf8_lossy(&request);
                    let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
                    match body.map(serde_json::from_str) {
                        Some(Ok(body)) => break body,
                        _ if length == 0 => return,
                        _ => {}
                    }
                };
                heard.lock().unwrap().push(body);
                let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
        });
        url
    }

    fn texts(&self) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        let text = |event: &Value| event["data"]["message"]["text"].clone();
        heard.iter().map(text).collect()
    }
}

async fn register(scene: &Scene, url: &str) -> Value {
    let path = format!("/v1/accounts/{}/webhooks", scene.business.account);
    let body = json!({ "url": url }).to_string();
    let (status, body) = scene.vault.post(&path, &scene.token, &body).await;
    assert_eq!(status, 201, "{body}");
    serde_json::from_str(&body).unwrap()
}

async fn told(scene: &Scene, receiver: &Receiver, texts: &[&str]) {
    scene
        .until(&format!("{texts:?}"), async || receiver.texts() == texts)
        .await;
}

fn position_of(event: &Value, contact: ContactId) -> u64 {
    assert_eq!(event["type"], "contact.message");
    assert_eq!(event["data"]["contact"], contact.to_string());
    event["data"]["position"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_told_what_was_said_and_nothing_of_that_is_stored_for_it() {
    for level in [Level::Transport, Level::Storage] {
        let scene = Scene::with(level, EXTRA, |_, url| url).await;
        let receiver = Receiver::default();
        let created = register(&scene, &receiver.listen().await).await;
        assert!(created["secret"].as_str().unwrap().starts_with("whsec_"));
        let (_visitor, contact) = scene.talk("canary-question", "canary-answer").await;
        told(&scene, &receiver, &["canary-question", "canary-answer"]).await;
        let heard = receiver.heard.lock().unwrap().clone();
        assert!(position_of(&heard[0], contact) < position_of(&heard[1], contact));
        assert_eq!(heard[1]["data"]["message"]["name"], "Ada");
        assert!(heard[1]["data"].get("ciphertext").is_none());
        let (_, list) = scene.ask("GET", "/webhooks").await;
        let id = list["webhooks"][0]["id"].as_str().unwrap().to_owned();
        assert!(list["webhooks"][0].get("secret").is_none());
        let path = format!("/webhooks/{id}/deliveries");
        scene
            .until("both delivered", async || {
                let (_, list) = scene.ask("GET", &path).await;
                let list = list["deliveries"].as_array().unwrap().clone();
                list.len() == 2 && list.iter().all(|one| one["state"] == "delivered")
            })
            .await;
        let is_clear = level == Level::Transport;
        assert_eq!(has(&scene.vault.stored(), "canary"), is_clear);
        let (status, _) = scene.ask("DELETE", &format!("/webhooks/{id}")).await;
        assert_eq!(status, 204);
        says(&scene.ada, contact, "for nobody").await;
        scene
            .stores(contact, &["canary-question", "canary-answer", "for nobody"])
            .await;
        assert_eq!(receiver.texts().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_told_is_told_after_a_kill() {
    let mut scene = Scene::with(Level::Storage, EXTRA, |_, url| url).await;
    let receiver = Receiver::default();
    register(&scene, &receiver.listen().await).await;
    let (visitor, contact) = scene.talk("one", "two").await;
    told(&scene, &receiver, &["one", "two"]).await;
    scene.vault.kill().await;
    says(&visitor, contact, "three").await;
    scene.vault.restart().await;
    told(&scene, &receiver, &["one", "two", "three"]).await;
}
