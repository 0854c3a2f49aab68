//! NATS `JetStream` that synchronises every message: one file stream, one subject and one connection
//! for each writer, one message in flight.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::measure::throughput::Writer;
use crate::program::Program;
use crate::{LoadError, Outcome};

/// A server with `JetStream` in a folder.
///
/// # Errors
/// [`LoadError`]: it does not start.
pub async fn start(binary: &Path, folder: &Path, address: SocketAddr) -> Outcome<Program> {
    let configuration = folder.join("nats.conf");
    let store = folder.join("jetstream");
    let text = format!(
        "listen: \"{address}\"\njetstream {{\n  store_dir: {:?}\n  sync_interval: always\n}}\n",
        store.display().to_string()
    );
    fs::write(&configuration, text)?;
    let mut command = Command::new(binary);
    command.arg("--config").arg(&configuration);
    let mut program = Program::start("nats", command, folder)?;
    program
        .says(|line| line.contains("Server is ready").then_some(()))
        .await?;
    Ok(program)
}

/// Makes the stream that all write to.
///
/// # Errors
/// [`LoadError`]: the server refuses.
pub async fn make_stream(address: SocketAddr) -> Outcome {
    let mut connection = Connection::open(address).await?;
    let stream = "{\"name\":\"load\",\"subjects\":[\"load.*\"],\"storage\":\"file\",\
        \"retention\":\"limits\",\"discard\":\"old\",\"num_replicas\":1}";
    let answer = connection
        .request("$JS.API.STREAM.CREATE.load", stream.as_bytes())
        .await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    if answer.contains("\"error\"") {
        return Err(LoadError::Refused(answer));
    }
    Ok(())
}

/// One who writes.
pub struct Publisher {
    connection: Connection,
    subject: String,
    payload: Arc<[u8]>,
}

impl Publisher {
    /// Connects.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn connect(address: SocketAddr, number: usize, payload: Arc<[u8]>) -> Outcome<Self> {
        Ok(Self {
            connection: Connection::open(address).await?,
            subject: format!("load.{number}"),
            payload,
        })
    }
}

impl Writer for Publisher {
    async fn write(&mut self) -> Outcome<bool> {
        let payload = Arc::clone(&self.payload);
        let answer = self.connection.request(&self.subject, &payload).await?;
        if answer.windows(5).any(|part| part == b"\"seq\"") {
            Ok(true)
        } else {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            Err(LoadError::Refused(answer))
        }
    }
}

/// A connection with one inbox.
struct Connection {
    stream: BufStream<TcpStream>,
    line: String,
}

impl Connection {
    async fn open(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut connection = Self {
            stream: BufStream::new(stream),
            line: String::new(),
        };
        // INFO comes first.
        connection.next_line().await?;
        let hello = "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1,\
            \"headers\":false,\"lang\":\"none\",\"version\":\"0\",\"name\":\"load\"}\r\n\
            SUB inbox.";
        let stream = &mut connection.stream;
        stream.write_all(hello.as_bytes()).await?;
        let inbox = format!("{} 1\r\n", connection.inbox()?);
        connection.stream.write_all(inbox.as_bytes()).await?;
        connection.stream.flush().await?;
        Ok(connection)
    }

    /// The local port is as good a name as any.
    fn inbox(&self) -> Outcome<u16> {
        Ok(self.stream.get_ref().local_addr()?.port())
    }

    async fn next_line(&mut self) -> Outcome<&str> {
        self.line.clear();
        if self.stream.read_line(&mut self.line).await? == 0 {
            return Err(LoadError::Ended);
        }
        Ok(self.line.trim_end())
    }

    async fn request(&mut self, subject: &str, payload: &[u8]) -> Outcome<Vec<u8>> {
        let inbox = self.inbox()?;
        let head = format!("PUB {subject} inbox.{inbox} {}\r\n", payload.len());
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.write_all(payload).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await?;
        loop {
            let line = self.next_line().await?;
            if line == "PING" {
                self.stream.write_all(b"PONG\r\n").await?;
                self.stream.flush().await?;
            } else if line.starts_with("MSG ") {
                let length = line.rsplit(' ').next().and_then(|text| text.parse().ok());
                let length: usize = length.ok_or_else(|| unexpected(line))?;
                let mut answer = vec![0; length + 2];
                self.stream.read_exact(&mut answer).await?;
                return Ok(answer);
            } else if line.starts_with("-ERR") {
                return Err(unexpected(line));
            }
        }
    }
}

fn unexpected(line: &str) -> LoadError {
    LoadError::Unexpected(line.to_owned())
}
