//! What relays say of themselves while their database is away: `/readyz` turns false, stays so, and
//! turns true by itself.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{LoadError, Outcome};

/// How long a relay may take to notice, either way.
pub(super) const NOTICED: Duration = Duration::from_secs(15);
/// How often it is asked.
const LOOK: Duration = Duration::from_millis(100);

/// Waits until all relays are ready, or none is; how long that took.
///
/// # Errors
/// [`LoadError::Unexpected`]: one took too long.
pub(super) async fn all_are(ready: bool, relays: &[SocketAddr]) -> Outcome<Duration> {
    let since = Instant::now();
    for relay in relays {
        while is_ready(*relay).await? != ready {
            if since.elapsed() > NOTICED {
                let said = format!("{relay} is {}ready still", if ready { "not " } else { "" });
                return Err(LoadError::Unexpected(said));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(since.elapsed())
}

/// Sees that no relay is ready for so long.
///
/// # Errors
/// [`LoadError::Unexpected`]: one was.
pub(super) async fn none_is_for(time: Duration, relays: &[SocketAddr]) -> Outcome {
    let since = Instant::now();
    while since.elapsed() < time {
        for relay in relays {
            if is_ready(*relay).await? {
                let said = format!("{relay} was ready without its database");
                return Err(LoadError::Unexpected(said));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn is_ready(relay: SocketAddr) -> Outcome<bool> {
    let asking = async {
        let mut stream = TcpStream::connect(relay).await?;
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {relay}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    let answer: Outcome<String> = tokio::time::timeout(NOTICED, asking)
        .await
        .map_err(|_| LoadError::TimedOut("an answer about readiness"))?;
    let answer = answer?;
    match answer.split(' ').nth(1) {
        Some("200") => Ok(true),
        Some("503") => Ok(false),
        _ => Err(LoadError::Unexpected(answer)),
    }
}
