//! The way to a key manager, which can fall silent, or repeat what came over it before.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the line does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Carries everything.
    #[default]
    Through,
    /// Takes everything and carries nothing.
    Silent,
    /// Answers requests with the answer to an earlier one.
    Repeating,
}

/// A line. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Line {
    mode: Arc<Mutex<Mode>>,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Line {
    /// Changes what it does with connections from now on.
    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// Begins to carry to an address; where it begins, as a URL.
    pub fn to(&self, address: SocketAddr) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let line = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let line = line.clone();
                tokio::spawn(async move { line.carry(stream, address).await });
            }
        });
        url
    }

    /// A connection carries one request and one answer.
    async fn carry(&self, mut stream: TcpStream, address: SocketAddr) {
        let mode = *self.mode.lock().unwrap();
        if mode == Mode::Silent {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return;
        }
        let mut beginning = [0; 5];
        let _ = stream.read_exact(&mut beginning).await;
        let is_request = &beginning == b"POST ";
        let repeated = self.answer.lock().unwrap().clone();
        if mode == Mode::Repeating && is_request && !repeated.is_empty() {
            // An answer before the end of its request would be none.
            whole_request(&mut stream).await;
            let _ = stream.write_all(&repeated).await;
            return;
        }
        let mut server = TcpStream::connect(address).await.unwrap();
        server.write_all(&beginning).await.unwrap();
        let (mut from_client, mut to_client) = stream.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let forth = tokio::spawn(async move {
            let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        });
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = from_server.read(&mut part).await {
            answer.extend_from_slice(&part[..length]);
            if to_client.write_all(&part[..length]).await.is_err() {
                break;
            }
        }
        forth.abort();
        // Whoever did not wait for the answer has none.
        if is_request && answer.starts_with(b"HTTP/1.1 200") {
            *self.answer.lock().unwrap() = answer;
        }
    }
}

/// Reads to the end of a request whose beginning was read.
async fn whole_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split_once("content-length: ").map(|(_, rest)| rest);
            let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0_usize) {
                return;
            }
        }
        match stream.read(&mut part).await {
            Ok(length @ 1..) => request.extend_from_slice(&part[..length]),
            _ => return,
        }
    }
}
