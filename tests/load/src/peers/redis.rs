//! Redis Streams with an append-only file that is synchronised before every answer: one stream and
//! one connection for each writer, one message in flight.

use std::net::SocketAddr;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::measure::throughput::Writer;
use crate::program::{Program, free_port};
use crate::{LoadError, Outcome};

/// A server whose append-only file is in a folder.
///
/// # Errors
/// [`LoadError`]: it does not start.
pub async fn start(binary: &Path, folder: &Path) -> Outcome<(Program, SocketAddr)> {
    let address = free_port()?;
    let mut command = Command::new(binary);
    command
        .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
        .args(["--appendonly", "yes", "--appendfsync", "always"])
        .args(["--save", "", "--dir"])
        .arg(folder);
    let mut program = Program::start("redis", command, folder)?;
    program
        .says(|line| line.contains("Ready to accept connections").then_some(()))
        .await?;
    Ok((program, address))
}

/// One who writes.
pub struct Publisher {
    stream: BufStream<TcpStream>,
    command: Vec<u8>,
    line: String,
}

impl Publisher {
    /// Connects.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn connect(address: SocketAddr, number: usize, payload: &[u8]) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let key = format!("load.{number}");
        let mut command = Vec::new();
        command.extend_from_slice(b"*5\r\n");
        for part in [&b"XADD"[..], key.as_bytes(), b"*", b"m", payload] {
            command.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
            command.extend_from_slice(part);
            command.extend_from_slice(b"\r\n");
        }
        Ok(Self {
            stream: BufStream::new(stream),
            command,
            line: String::new(),
        })
    }

    async fn next_line(&mut self) -> Outcome<&str> {
        self.line.clear();
        if self.stream.read_line(&mut self.line).await? == 0 {
            return Err(LoadError::Ended);
        }
        Ok(self.line.trim_end())
    }
}

impl Writer for Publisher {
    async fn write(&mut self) -> Outcome<bool> {
        self.stream.write_all(&self.command).await?;
        self.stream.flush().await?;
        let line = self.next_line().await?;
        let length = line.strip_prefix('$').and_then(|text| text.parse().ok());
        let length: usize = length.ok_or_else(|| LoadError::Refused(line.to_owned()))?;
        let mut id = vec![0; length + 2];
        self.stream.read_exact(&mut id).await?;
        Ok(true)
    }
}
