//! Limits for those who ask too much: token buckets per connection and per network address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// How much is allowed. The defaults are far beyond what people at a busy desk cause.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Connections at the same time from one address.
    pub connections: u32,
    /// Frames per second of one connection; ten times as many at once.
    pub frames: u32,
    /// Publications per second of one connection; fifty times as many at once. More are refused.
    pub publications: u32,
    /// Ephemeral events per second of one connection; five times as many at once. More are dropped.
    pub ephemerals: u32,
    /// New contacts per minute from one address; as many at once.
    pub contacts: u32,
    /// Failed handshakes per minute from one address; as many at once.
    pub failures: u32,
    /// REST requests per second of one API token; four times as many at once.
    pub requests: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2000,
            frames: 200,
            publications: 4,
            ephemerals: 4,
            contacts: 600,
            failures: 120,
            requests: 50,
        }
    }
}

/// A bucket of tokens that fills at a steady rate.
#[derive(Debug)]
pub struct Bucket {
    tokens: f64,
    most: f64,
    per_second: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(per_second: f64, most: f64) -> Self {
        Self {
            tokens: most,
            most,
            per_second,
            filled: Instant::now(),
        }
    }

    /// Takes a token out, if there is one.
    pub fn take(&mut self) -> bool {
        self.fill();
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }

    fn fill(&mut self) {
        let now = Instant::now();
        let seconds = now.duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + seconds * self.per_second).min(self.most);
        self.filled = now;
    }

    /// Whether nothing was taken out lately.
    pub fn is_full(&mut self) -> bool {
        self.fill();
        self.tokens >= self.most
    }
}

/// What the addresses of the world have used.
#[derive(Debug)]
pub struct Throttle {
    limits: Limits,
    addresses: Mutex<HashMap<IpAddr, Usage>>,
}

#[derive(Debug)]
struct Usage {
    connections: u32,
    contacts: Bucket,
    failures: Bucket,
}

/// Addresses that are remembered before those that used nothing are forgotten.
const REMEMBERED: usize = 10_000;

impl Throttle {
    /// Nothing has been used yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            addresses: Mutex::new(HashMap::new()),
        }
    }

    /// The limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a new connection, unless the address has too many, or failed too often.
    pub fn may_connect(&self, address: IpAddr) -> bool {
        self.with(address, |usage| {
            usage.failures.fill();
            let may = usage.connections < self.limits.connections && usage.failures.tokens >= 1.0;
            usage.connections += u32::from(may);
            may
        })
    }

    /// Whether an address has not failed too often to be heard.
    pub fn may_try(&self, address: IpAddr) -> bool {
        self.with(address, |usage| {
            usage.failures.fill();
            usage.failures.tokens >= 1.0
        })
    }

    /// A connection ended.
    pub fn disconnected(&self, address: IpAddr) {
        self.with(address, |usage| {
            usage.connections = usage.connections.saturating_sub(1);
        });
    }

    /// A handshake failed.
    pub fn failed(&self, address: IpAddr) {
        self.with(address, |usage| {
            usage.failures.take();
        });
    }

    /// Counts a new contact, unless there are too many.
    pub fn may_create_contact(&self, address: IpAddr) -> bool {
        self.with(address, |usage| usage.contacts.take())
    }

    fn with<T>(&self, address: IpAddr, act: impl FnOnce(&mut Usage) -> T) -> T {
        let mut addresses = self.addresses();
        if addresses.len() > REMEMBERED {
            addresses.retain(|_, usage| {
                usage.connections > 0 || !usage.contacts.is_full() || !usage.failures.is_full()
            });
        }
        let per_minute = |many: u32| Bucket::new(f64::from(many) / 60.0, f64::from(many));
        let usage = addresses.entry(network(address)).or_insert_with(|| Usage {
            connections: 0,
            contacts: per_minute(self.limits.contacts),
            failures: per_minute(self.limits.failures),
        });
        act(usage)
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, Usage>> {
        // No code panics while it holds the lock, and every change leaves a whole state.
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One customer of a provider has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}
