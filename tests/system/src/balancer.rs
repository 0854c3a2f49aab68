//! What stands before several relays: clients have one address, whichever relay serves them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// Forwards connections to a relay until it is told another one.
#[derive(Clone, Debug)]
pub struct Balancer {
    address: SocketAddr,
    target: Arc<Mutex<SocketAddr>>,
}

impl Balancer {
    /// Listens on loopback for as long as the program runs.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let balancer = Self {
            address: listener.local_addr().unwrap(),
            target: Arc::new(Mutex::new(target)),
        };
        let targets = Arc::clone(&balancer.target);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let target = *targets.lock().unwrap();
                tokio::spawn(async move {
                    let mut relay = TcpStream::connect(target).await?;
                    copy_bidirectional(&mut client, &mut relay).await
                });
            }
        });
        balancer
    }

    /// Forwards new connections to another relay.
    ///
    /// # Panics
    /// Never.
    pub fn point_at(&self, target: SocketAddr) {
        *self.target.lock().unwrap() = target;
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }
}
