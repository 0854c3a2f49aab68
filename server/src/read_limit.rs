//! How much may still be read of a connection: whoever has not said yet who they are should not be
//! able to have much kept for them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The limit of one connection. A handler finds it among the extensions of its request and may set
/// it; until then there is none.
#[derive(Clone, Debug)]
pub struct ReadLimit(Arc<AtomicUsize>);

/// No limit.
const NONE: usize = usize::MAX;

impl ReadLimit {
    /// From now on so many bytes may be read. More is an error of the kind
    /// [`io::ErrorKind::FileTooLarge`].
    pub fn set(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// From now on anything may be read.
    pub fn lift(&self) {
        self.set(NONE);
    }

    /// Whether it may be read, too.
    fn take(&self, bytes: usize) -> bool {
        let left = self.0.load(Ordering::Relaxed);
        if left == NONE {
            return true;
        }
        self.0.store(left.saturating_sub(bytes), Ordering::Relaxed);
        bytes <= left
    }
}

impl Default for ReadLimit {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(NONE)))
    }
}

/// A stream that keeps to a limit.
pub(crate) struct Limited<S> {
    stream: S,
    limit: ReadLimit,
}

impl<S> Limited<S> {
    pub(crate) fn new(stream: S) -> (Self, ReadLimit) {
        let limit = ReadLimit::default();
        let limited = Self {
            stream,
            limit: limit.clone(),
        };
        (limited, limit)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len().saturating_sub(before);
        Poll::Ready(if self.limit.take(read) {
            Ok(())
        } else {
            buffer.set_filled(before);
            Err(io::ErrorKind::FileTooLarge.into())
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn more_than_the_limit_cannot_be_read_until_it_is_lifted() {
        let (mut peer, stream) = tokio::io::duplex(1024);
        let (mut limited, limit) = Limited::new(stream);
        let mut read = [0; 10];
        peer.write_all(&[7; 50]).await.unwrap();
        limited.read_exact(&mut read).await.unwrap();
        limit.set(15);
        limited.read_exact(&mut read).await.unwrap();
        let error = limited.read_exact(&mut read).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        limit.lift();
        limited.read_exact(&mut read).await.unwrap();
    }
}
