//! Limits for those who ask too much: token buckets for each connection, and for everything that
//! one network address, device, account or contact does through all of its connections.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sottovoce::wire::{AccountId, ContactId, DeviceId, work};
use sottovoce_server::config::ConfigError;

/// How much is allowed. The defaults are far beyond what people at a busy desk cause, and keep one
/// visitor from taking a machine with two cores for himself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Connections at the same time from one address.
    pub connections: u32,
    /// Frames per second of one connection; ten times as many at once.
    pub frames: u32,
    /// Bytes per second of one connection; ten times as many at once.
    pub bytes: u32,
    /// Publications per second of one connection; fifty times as many at once. More are refused.
    pub publications: u32,
    /// Ephemeral events per second of one connection; five times as many at once. More are dropped.
    pub ephemerals: u32,
    /// New contacts per minute from one address; as many at once.
    pub contacts: u32,
    /// Failed handshakes and wrong API tokens per minute from one address; as many at once.
    pub failures: u32,
    /// REST requests per second of one API token; four times as many at once.
    pub requests: u32,
    /// Anonymous devices per second that connect without being asked for work; ten times as many at
    /// once.
    pub visitors: u32,
    /// The hardest work that is asked for beyond that, as leading zero bits of a hash: at most 18,
    /// and 0 for none.
    pub work: u8,
    /// What one address may send, beyond what its connections are allowed each.
    pub address: Rates,
    /// What one device may do.
    pub device: Quota,
    /// What one account may do.
    pub account: Quota,
    /// What may be appended to one contact. More is refused.
    pub contact: Rates,
}

/// What may be sent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Frames per second; ten times as many at once.
    pub frames: u32,
    /// Bytes per second; ten times as many at once.
    pub bytes: u32,
}

/// What may be held, sent and begun.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Connections at the same time.
    pub connections: u32,
    /// Frames per second; ten times as many at once.
    pub frames: u32,
    /// Bytes per second; ten times as many at once.
    pub bytes: u32,
    /// New contacts per minute; as many at once.
    pub contacts: u32,
}

impl Limits {
    /// Whether a relay with these limits serves anybody.
    ///
    /// # Errors
    /// [`ConfigError::Value`]: one is 0, which would let nobody in, or asks for too much work.
    pub fn check(&self) -> Result<(), ConfigError> {
        let rates = |name: &str, rates: &Rates| {
            [
                (format!("{name}.frames"), rates.frames),
                (format!("{name}.bytes"), rates.bytes),
            ]
        };
        let quota = |name: &str, quota: &Quota| {
            [
                (format!("{name}.connections"), quota.connections),
                (format!("{name}.frames"), quota.frames),
                (format!("{name}.bytes"), quota.bytes),
                (format!("{name}.contacts"), quota.contacts),
            ]
        };
        let own = [
            ("connections", self.connections),
            ("frames", self.frames),
            ("bytes", self.bytes),
            ("publications", self.publications),
            ("contacts", self.contacts),
            ("failures", self.failures),
            ("requests", self.requests),
            ("visitors", self.visitors),
        ];
        let mut all = own
            .into_iter()
            .map(|(name, limit)| (name.to_owned(), limit))
            .chain(rates("address", &self.address))
            .chain(quota("device", &self.device))
            .chain(quota("account", &self.account))
            .chain(rates("contact", &self.contact));
        if let Some((name, _)) = all.find(|(_, limit)| *limit == 0) {
            let words = "0 would let nobody in: it is at least 1";
            return Err(ConfigError::value(&format!("limits.{name}"), words));
        }
        if u32::from(self.work) > work::MOST_BITS {
            let words = format!("it is at most {} bits", work::MOST_BITS);
            return Err(ConfigError::value("limits.work", words));
        }
        Ok(())
    }
}

const MEBIBYTE: u32 = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2000,
            frames: 200,
            bytes: 2 * MEBIBYTE,
            publications: 4,
            ephemerals: 4,
            contacts: 600,
            failures: 120,
            requests: 50,
            visitors: 100,
            work: 16,
            address: Rates {
                frames: 4_000,
                bytes: 32 * MEBIBYTE,
            },
            device: Quota {
                connections: 32,
                frames: 400,
                bytes: 4 * MEBIBYTE,
                contacts: 120,
            },
            account: Quota {
                connections: 50_000,
                frames: 20_000,
                bytes: 128 * MEBIBYTE,
                contacts: 6_000,
            },
            contact: Rates {
                frames: 200,
                bytes: 2 * MEBIBYTE,
            },
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

    fn seconds(rate: u32) -> Self {
        Self::new(f64::from(rate), f64::from(rate) * 10.0)
    }

    fn minutes(rate: u32) -> Self {
        Self::new(f64::from(rate) / 60.0, f64::from(rate))
    }

    /// Takes a token out, if there is one.
    pub fn take(&mut self) -> bool {
        self.take_many(1.0)
    }

    fn take_many(&mut self, tokens: f64) -> bool {
        let enough = self.has(tokens);
        if enough {
            self.tokens -= tokens;
        }
        enough
    }

    fn has(&mut self, tokens: f64) -> bool {
        self.fill();
        self.tokens >= tokens
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

/// Whose use is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Address(IpAddr),
    Device(AccountId, DeviceId),
    Account(AccountId),
    Contact(AccountId, ContactId),
}

/// What everybody has used.
#[derive(Debug)]
pub struct Throttle {
    limits: Limits,
    usages: Mutex<HashMap<Scope, Arc<Mutex<Usage>>>>,
}

#[derive(Debug)]
struct Usage {
    connections: u32,
    frames: Bucket,
    bytes: Bucket,
    contacts: Bucket,
    failures: Bucket,
}

impl Usage {
    fn is_nothing(&mut self) -> bool {
        let Self {
            connections,
            frames,
            bytes,
            contacts,
            failures,
        } = self;
        let buckets = [frames, bytes, contacts, failures];
        *connections == 0 && buckets.into_iter().all(Bucket::is_full)
    }

    /// Both or none.
    fn take_frame(&mut self, size: f64) -> bool {
        self.bytes.has(size) && self.frames.take() && self.bytes.take_many(size)
    }
}

/// Scopes that are remembered before those that used nothing are forgotten.
const REMEMBERED: usize = 20_000;

impl Throttle {
    /// Nothing has been used yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            usages: Mutex::new(HashMap::new()),
        }
    }

    /// The limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a new connection, unless the address has too many, or failed too often.
    pub fn connect(&self, address: IpAddr) -> Option<Meter> {
        let usage = self.usage(Scope::Address(network(address)));
        {
            let mut usage = lock(&usage);
            if usage.connections >= self.limits.connections || !usage.failures.has(1.0) {
                return None;
            }
            usage.connections += 1;
        }
        Some(Meter {
            frames: Bucket::seconds(self.limits.frames),
            bytes: Bucket::seconds(self.limits.bytes),
            seats: vec![Seat(usage)],
        })
    }

    /// Whether an address may try to prove who it is: it has not failed too often.
    pub fn may_try(&self, address: IpAddr) -> bool {
        lock(&self.usage(Scope::Address(network(address))))
            .failures
            .has(1.0)
    }

    /// Counts a connection of a device, unless it or its account has too many.
    pub fn enter(&self, meter: &mut Meter, account: AccountId, device: DeviceId) -> bool {
        let limits = &self.limits;
        let scopes = [
            (Scope::Device(account, device), limits.device.connections),
            (Scope::Account(account), limits.account.connections),
        ];
        for (scope, most) in scopes {
            let usage = self.usage(scope);
            {
                let mut usage = lock(&usage);
                if usage.connections >= most {
                    return false;
                }
                usage.connections += 1;
            }
            meter.seats.push(Seat(usage));
        }
        true
    }

    /// A handshake failed.
    pub fn failed(&self, address: IpAddr) {
        lock(&self.usage(Scope::Address(network(address))))
            .failures
            .take();
    }

    /// Counts a new contact, unless address, device or account began too many.
    pub fn may_create_contact(
        &self,
        address: IpAddr,
        account: AccountId,
        device: DeviceId,
    ) -> bool {
        [
            Scope::Address(network(address)),
            Scope::Device(account, device),
            Scope::Account(account),
        ]
        .into_iter()
        .all(|scope| lock(&self.usage(scope)).contacts.take())
    }

    /// Counts bytes that are to be appended to a contact, unless there are too many.
    pub fn may_append(&self, account: AccountId, contact: ContactId, bytes: usize) -> bool {
        lock(&self.usage(Scope::Contact(account, contact))).take_frame(size(bytes))
    }

    fn usage(&self, scope: Scope) -> Arc<Mutex<Usage>> {
        let mut usages = lock(&self.usages);
        if usages.len() > REMEMBERED {
            usages.retain(|_, usage| Arc::strong_count(usage) > 1 || !lock(usage).is_nothing());
        }
        let usage = usages
            .entry(scope)
            .or_insert_with(|| Arc::new(Mutex::new(self.unused(scope))));
        Arc::clone(usage)
    }

    fn unused(&self, scope: Scope) -> Usage {
        let limits = &self.limits;
        let (rates, contacts) = match scope {
            Scope::Address(_) => (limits.address, limits.contacts),
            Scope::Device(..) => (limits.device.rates(), limits.device.contacts),
            Scope::Account(_) => (limits.account.rates(), limits.account.contacts),
            Scope::Contact(..) => (limits.contact, 0),
        };
        Usage {
            connections: 0,
            frames: Bucket::seconds(rates.frames),
            bytes: Bucket::seconds(rates.bytes),
            contacts: Bucket::minutes(contacts),
            failures: Bucket::minutes(limits.failures),
        }
    }
}

impl Quota {
    const fn rates(&self) -> Rates {
        Rates {
            frames: self.frames,
            bytes: self.bytes,
        }
    }
}

/// What one connection may still send. It counts as a connection until it is dropped.
#[derive(Debug)]
pub struct Meter {
    frames: Bucket,
    bytes: Bucket,
    seats: Vec<Seat>,
}

impl Meter {
    /// Counts a frame, unless the connection, its address, device or account sent too much.
    pub fn take(&mut self, bytes: usize) -> bool {
        let bytes = size(bytes);
        self.frames.take()
            && self.bytes.take_many(bytes)
            && self
                .seats
                .iter()
                .all(|seat| lock(&seat.0).take_frame(bytes))
    }
}

#[derive(Debug)]
struct Seat(Arc<Mutex<Usage>>);

impl Drop for Seat {
    fn drop(&mut self) {
        let mut usage = lock(&self.0);
        usage.connections = usage.connections.saturating_sub(1);
    }
}

/// No code panics while it holds a lock, and every change leaves a whole state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing is larger than a frame.
fn size(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX))
}

/// One customer of a provider has a whole /64 of IPv6.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}
