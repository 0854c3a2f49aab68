//! Which devices are connected, and whether new contacts are welcome there.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sottovoce::wire::{AccountId, DeviceId};

use crate::fanout::SubscriberId;

/// Presence of every connected device. It lives in memory: a relay that starts anew has no
/// connections either.
#[derive(Debug, Default)]
pub struct Presence(Mutex<HashMap<(AccountId, DeviceId), HashMap<SubscriberId, bool>>>);

impl Presence {
    /// Says whether a connection of a device is available.
    pub fn set(&self, account: AccountId, device: DeviceId, by: SubscriberId, available: bool) {
        self.devices()
            .entry((account, device))
            .or_default()
            .insert(by, available);
    }

    /// Forgets a connection.
    pub fn remove(&self, account: AccountId, device: DeviceId, by: SubscriberId) {
        let mut devices = self.devices();
        if let Some(connections) = devices.get_mut(&(account, device)) {
            connections.remove(&by);
            if connections.is_empty() {
                devices.remove(&(account, device));
            }
        }
    }

    /// Those devices of a list that have an available connection.
    pub fn available(&self, account: AccountId, of: &[DeviceId]) -> Vec<DeviceId> {
        let devices = self.devices();
        let is_available = |device: &&DeviceId| {
            devices
                .get(&(account, **device))
                .is_some_and(|connections| connections.values().any(|available| *available))
        };
        of.iter().filter(is_available).copied().collect()
    }

    fn devices(
        &self,
    ) -> MutexGuard<'_, HashMap<(AccountId, DeviceId), HashMap<SubscriberId, bool>>> {
        // No code panics while it holds the lock, and every change leaves a whole state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
