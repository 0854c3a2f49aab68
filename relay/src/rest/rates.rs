//! How often each token may ask.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sottovoce::crypto::Hash;

use crate::throttle::Bucket;

/// Tokens that are remembered before those that asked nothing lately are forgotten.
const REMEMBERED: usize = 10_000;
/// How many seconds' worth may come at once.
const BURST: f64 = 4.0;

/// What tokens have used, on this node.
#[derive(Debug)]
pub(crate) struct Rates {
    per_second: u32,
    tokens: Mutex<HashMap<Hash, Bucket>>,
}

impl Rates {
    /// Nothing has been used yet.
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            tokens: Mutex::new(HashMap::new()),
        }
    }

    /// Counts a request of a token, unless there are too many.
    pub(super) fn take(&self, token: &Hash) -> bool {
        // No code panics while it holds the lock, and every change leaves a whole state.
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() > REMEMBERED {
            tokens.retain(|_, bucket| !bucket.is_full());
        }
        let rate = f64::from(self.per_second);
        let bucket = tokens
            .entry(*token)
            .or_insert_with(|| Bucket::new(rate, rate * BURST));
        bucket.take()
    }
}
