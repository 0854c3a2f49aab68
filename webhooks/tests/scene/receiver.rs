//! A receiver on loopback that answers as it is told.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Call {
    pub line: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Call {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn position(&self) -> u64 {
        self.json()["data"]["position"].as_u64().unwrap()
    }

    pub fn contact(&self) -> String {
        self.json()["data"]["contact"].as_str().unwrap().to_owned()
    }
}

/// What it does.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status, more header lines, a body.
    Status(u16, &'static str, &'static str),
    /// These bytes, then the end.
    Raw(Vec<u8>),
    /// Nothing, for good.
    Hang,
    /// The head, one byte at a time, for good.
    Drip,
    /// A head and a body without end.
    Endless(u16),
    /// A head without end.
    EndlessHead,
    /// The connection ends with a reset.
    Reset,
}

impl Answer {
    pub const OK: Self = Self::Status(204, "", "");
}

pub type Behaviour = Arc<dyn Fn(&Call) -> Answer + Send + Sync>;

pub struct Receiver {
    pub address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    most: Arc<Mutex<(usize, usize)>>,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// Answers each call as `behaviour` says.
    pub async fn start(behaviour: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        Self::serve(Arc::new(behaviour), None).await
    }

    /// The same over TLS.
    pub async fn start_tls(acceptor: TlsAcceptor) -> Self {
        Self::serve(Arc::new(|_: &Call| Answer::OK), Some(acceptor)).await
    }

    async fn serve(behaviour: Behaviour, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let most = Arc::new(Mutex::new((0, 0)));
        let (kept, counts) = (Arc::clone(&calls), Arc::clone(&most));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let behaviour = Arc::clone(&behaviour);
                let (calls, most, tls) = (Arc::clone(&kept), Arc::clone(&counts), tls.clone());
                tokio::spawn(async move {
                    {
                        let mut most = most.lock().unwrap();
                        most.0 += 1;
                        most.1 = most.1.max(most.0);
                    }
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, &behaviour, &calls).await;
                            }
                        }
                        None => answer_plain(stream, &behaviour, &calls).await,
                    }
                    most.lock().unwrap().0 -= 1;
                });
            }
        });
        Self {
            address,
            calls,
            most,
            serving,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks?from=sottovoce", self.address)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Most connections that were open at the same time.
    pub fn most_at_once(&self) -> usize {
        self.most.lock().unwrap().1
    }

    /// Waits until there were so many calls.
    pub async fn wait_for(&self, count: usize) -> Vec<Call> {
        for _ in 0..2000 {
            let calls = self.calls();
            if calls.len() >= count {
                return calls;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} calls of {count}", self.calls().len());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer_plain(stream: TcpStream, behaviour: &Behaviour, calls: &Mutex<Vec<Call>>) {
    let mut stream = stream;
    if let Some(Answer::Reset) = answer(&mut stream, behaviour, calls).await {
        stream.set_zero_linger().unwrap();
    }
}

async fn answer<S>(mut stream: S, behaviour: &Behaviour, calls: &Mutex<Vec<Call>>) -> Option<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let call = read(&mut stream).await?;
    calls.lock().unwrap().push(call.clone());
    let answer = behaviour(&call);
    let written = match &answer {
        Answer::Status(status, headers, body) => {
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\
                 connection: close\r\n\r\n{body}"
            );
            stream.write_all(text.as_bytes()).await
        }
        Answer::Raw(bytes) => stream.write_all(bytes).await,
        Answer::Hang => std::future::pending().await,
        Answer::Drip => drip(&mut stream).await,
        Answer::Endless(status) => {
            let head = format!("HTTP/1.1 {status} x\r\n\r\n");
            repeat(&mut stream, head.as_bytes(), &[b'x'; 4096]).await
        }
        Answer::EndlessHead => {
            let line = format!("x-more: {}\r\n", "x".repeat(1000));
            repeat(&mut stream, b"HTTP/1.1 200 x\r\n", line.as_bytes()).await
        }
        Answer::Reset => Ok(()),
    };
    let _ = written;
    if !matches!(answer, Answer::Reset) {
        let _ = stream.shutdown().await;
    }
    Some(answer)
}

async fn repeat<S>(stream: &mut S, head: &[u8], more: &[u8]) -> std::io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    stream.write_all(head).await?;
    loop {
        stream.write_all(more).await?;
    }
}

async fn drip<S: AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 x\r\nx-slow: ").await?;
    loop {
        stream.write_all(b"x").await?;
        stream.flush().await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Call> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?.to_owned();
    let pairs = lines.filter_map(|line| line.split_once(": "));
    let headers: HashMap<_, _> = pairs
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Call {
        line,
        headers,
        body,
    })
}
