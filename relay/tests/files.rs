//! Static files: types, headers, and nothing outside the folder.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::collections::HashMap;

use scene::{Business, Scene};
use sottovoce_relay::Mount;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Status, headers and body of a request for exactly this path.
async fn get(scene: &Scene, path: &str) -> (u16, HashMap<String, String>, String) {
    let mut stream = TcpStream::connect(scene.address).await.unwrap();
    let host = scene.address;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    (status.parse().unwrap(), headers, body.to_owned())
}

async fn served() -> (Scene, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("pages");
    std::fs::create_dir_all(pages.join("assets")).unwrap();
    std::fs::create_dir_all(pages.join("shop")).unwrap();
    std::fs::create_dir_all(pages.join("widget")).unwrap();
    for (name, text) in [
        ("pages/index.html", "<!doctype html><title>root</title>"),
        (
            "pages/shop/index.html",
            "<!doctype html><title>shop</title>",
        ),
        ("pages/assets/index-BfX3aZ2k.js", "export {}"),
        ("pages/assets/core_bg.wasm", "wasm"),
        ("pages/style.css", "a {}"),
        ("pages/widget/loader.js", "{}"),
        ("pages/widget/sottovoce-1a2b3c4d.wasm", "wasm"),
        ("secret", "not for the web"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mount = |prefix: &str| Mount {
        prefix: prefix.to_owned(),
        directory: pages.clone(),
    };
    let mounts = vec![mount("/demo"), mount("/")];
    let scene = Scene::with(Business::new(), |config| config.mounts = mounts).await;
    (scene, folder)
}

#[tokio::test]
async fn files_have_their_types_and_strict_headers() {
    let (scene, _folder) = served().await;
    for (path, kind) in [
        ("/", "text/html"),
        ("/shop/", "text/html"),
        ("/demo/", "text/html"),
        ("/demo/shop/", "text/html"),
        ("/assets/index-BfX3aZ2k.js", "text/javascript"),
        ("/demo/assets/core_bg.wasm", "application/wasm"),
        ("/style.css", "text/css"),
    ] {
        let (status, headers, _) = get(&scene, path).await;
        assert_eq!(status, 200, "{path}");
        let found = headers.get("content-type").unwrap();
        assert_eq!(found.split(';').next(), Some(kind), "{path}");
        let policy = headers.get("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"));
        assert!(policy.contains(&format!("ws://{}", scene.address)));
        assert!(!policy.contains("unsafe-inline") && !policy.contains('*'));
        assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff");
        assert_eq!(headers.get("referrer-policy").unwrap(), "no-referrer");
        let hashed = path.contains("BfX3aZ2k");
        let cache = headers.get("cache-control").unwrap();
        assert_eq!(cache.contains("immutable"), hashed, "{path}: {cache}");
    }
    scene.end().await;
}

#[tokio::test]
async fn pages_of_any_origin_may_load_the_widget_and_nothing_else() {
    let (scene, _folder) = served().await;
    for (path, embedded) in [
        ("/widget/loader.js", true),
        ("/demo/widget/sottovoce-1a2b3c4d.wasm", true),
        ("/shop/", false),
        ("/style.css", false),
        ("/healthz", false),
    ] {
        let (status, headers, _) = get(&scene, path).await;
        assert_eq!(status, 200, "{path}");
        let allowed = headers.get("access-control-allow-origin");
        let policy = headers.get("cross-origin-resource-policy");
        let expected = embedded.then(|| ("*".to_owned(), "cross-origin".to_owned()));
        assert_eq!(allowed.cloned().zip(policy.cloned()), expected, "{path}");
        assert_eq!(allowed.is_some(), policy.is_some(), "{path}");
    }
    scene.end().await;
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    let (scene, _folder) = served().await;
    for path in [
        "/../secret",
        "/demo/../../secret",
        "/%2e%2e/secret",
        "/demo/%2e%2e%2fsecret",
        "/..%5csecret",
        "//secret",
        "/assets/../../secret",
        "/secret",
    ] {
        let (status, headers, body) = get(&scene, path).await;
        assert!(status >= 400, "{path}: {status}");
        assert!(!body.contains("not for the web"), "{path}");
        assert!(headers.contains_key("content-security-policy"), "{path}");
    }
    let (status, ..) = get(&scene, "/healthz").await;
    assert_eq!(status, 200);
    // The WebSocket's address without a WebSocket.
    let (status, ..) = get(&scene, "/v1/connect?account=x").await;
    assert!((400..500).contains(&status), "{status}");
    scene.end().await;
}
