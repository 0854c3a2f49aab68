//! How often each token may ask, and each address before it has one to show.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use sottovoce::crypto::Hash;

use crate::throttle::{Bucket, network};

/// Askers that are remembered before those that asked nothing lately are forgotten.
const REMEMBERED: usize = 10_000;
/// How many seconds' worth may come at once.
const BURST: f64 = 4.0;

/// What was asked, on this node.
#[derive(Debug)]
pub(crate) struct Rates {
    per_second: u32,
    askers: Mutex<HashMap<Asker, Bucket>>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asker {
    /// Who holds a token, by its hash.
    Token(Hash),
    /// Whoever is at a network's address.
    Address(IpAddr),
}

impl Asker {
    /// Somebody of whom nothing else is known yet.
    pub(super) fn at(address: IpAddr) -> Self {
        Self::Address(network(address))
    }
}

impl Rates {
    /// Nothing has been used yet.
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            askers: Mutex::new(HashMap::new()),
        }
    }

    /// Counts a request, unless there are too many.
    pub(super) fn take(&self, asker: Asker) -> bool {
        // No code panics while it holds the lock, and every change leaves a whole state.
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        if askers.len() > REMEMBERED {
            askers.retain(|_, bucket| !bucket.is_full());
        }
        let rate = f64::from(self.per_second);
        let bucket = askers
            .entry(asker)
            .or_insert_with(|| Bucket::new(rate, rate * BURST));
        bucket.take()
    }
}
