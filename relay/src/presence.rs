//! Which devices are connected, here or at another node, and whether new contacts are welcome
//! there.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sottovoce::wire::{AccountId, DeviceId};

use crate::fanout::SubscriberId;
use crate::hints::{Hint, Node};

/// How long to believe what another node said of a device.
pub const BELIEVED: Duration = Duration::from_secs(30);
/// Devices of one hint.
const DEVICES: usize = 100;

type DeviceKey = (AccountId, DeviceId);

/// What a connection says of its device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether new contacts are welcome.
    pub available: bool,
    /// Whether the device belongs to the account, so that other nodes are told.
    pub belongs: bool,
}

/// Presence of every connected device. It lives in memory: a relay that starts anew has no
/// connections either.
#[derive(Debug, Default)]
pub struct Presence(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    here: HashMap<DeviceKey, HashMap<SubscriberId, Status>>,
    /// Until when a device is believed to be available at another node.
    elsewhere: HashMap<DeviceKey, HashMap<Node, Instant>>,
}

impl State {
    fn is_told(&self, device: &DeviceKey) -> bool {
        let connections = self.here.get(device).into_iter().flat_map(HashMap::values);
        let mut told = connections.filter(|status| status.belongs && status.available);
        told.next().is_some()
    }

    /// What other nodes are to be told after a change.
    fn change(&mut self, device: DeviceKey, change: impl FnOnce(&mut Self)) -> Option<Hint> {
        let before = self.is_told(&device);
        change(self);
        let available = self.is_told(&device);
        (available != before).then(|| Hint::Presence {
            account: device.0,
            devices: vec![device.1],
            available,
        })
    }
}

impl Presence {
    /// A connection says what its device is. Other nodes are to be given the hint.
    #[must_use]
    pub fn set(&self, device: DeviceKey, by: SubscriberId, status: Status) -> Option<Hint> {
        self.state().change(device, |state| {
            state.here.entry(device).or_default().insert(by, status);
        })
    }

    /// Forgets a connection. Other nodes are to be given the hint.
    #[must_use]
    pub fn remove(&self, device: DeviceKey, by: SubscriberId) -> Option<Hint> {
        self.state().change(device, |state| {
            if let Some(connections) = state.here.get_mut(&device) {
                connections.remove(&by);
                if connections.is_empty() {
                    state.here.remove(&device);
                }
            }
        })
    }

    /// Another node said something of devices of an account.
    pub fn hear(
        &self,
        node: Node,
        account: AccountId,
        devices: Vec<DeviceId>,
        available: bool,
        now: Instant,
    ) {
        let mut state = self.state();
        for device in devices {
            let key = (account, device);
            if available {
                let nodes = state.elsewhere.entry(key).or_default();
                nodes.insert(node, now + BELIEVED);
            } else if let Some(nodes) = state.elsewhere.get_mut(&key) {
                nodes.remove(&node);
                if nodes.is_empty() {
                    state.elsewhere.remove(&key);
                }
            }
        }
    }

    /// Whether a device has a connection.
    pub fn is_connected(&self, account: AccountId, device: DeviceId) -> bool {
        self.state().here.contains_key(&(account, device))
    }

    /// Forgets what nodes said that were not heard of since.
    pub fn forget(&self, now: Instant) {
        self.state().elsewhere.retain(|_, nodes| {
            nodes.retain(|_, until| *until > now);
            !nodes.is_empty()
        });
    }

    /// All that other nodes are to know.
    pub fn hints(&self) -> Vec<Hint> {
        let state = self.state();
        let mut accounts: HashMap<AccountId, Vec<DeviceId>> = HashMap::new();
        for (account, device) in state.here.keys() {
            if state.is_told(&(*account, *device)) {
                accounts.entry(*account).or_default().push(*device);
            }
        }
        let hints = accounts.into_iter().flat_map(|(account, devices)| {
            let hint = |devices: &[DeviceId]| Hint::Presence {
                account,
                devices: devices.to_vec(),
                available: true,
            };
            devices.chunks(DEVICES).map(hint).collect::<Vec<_>>()
        });
        hints.collect()
    }

    /// Those devices of a list that have an available connection.
    pub fn available(&self, account: AccountId, of: &[DeviceId], now: Instant) -> Vec<DeviceId> {
        let state = self.state();
        let is_available = |device: &&DeviceId| {
            let key = (account, **device);
            let here = state.here.get(&key);
            let elsewhere = state.elsewhere.get(&key);
            here.is_some_and(|here| here.values().any(|status| status.available))
                || elsewhere.is_some_and(|nodes| nodes.values().any(|until| *until > now))
        };
        of.iter().filter(is_available).copied().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, and every change leaves a whole state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId::new([1; 32]);
    const DEVICE: DeviceId = DeviceId::new([2; 32]);
    const KEY: DeviceKey = (ACCOUNT, DEVICE);
    const STAFF: Status = Status {
        available: true,
        belongs: true,
    };

    fn hint(available: bool) -> Option<Hint> {
        Some(Hint::Presence {
            account: ACCOUNT,
            devices: vec![DEVICE],
            available,
        })
    }

    #[test]
    fn a_device_is_available_while_any_of_its_connections_is() {
        let presence = Presence::default();
        let available = || {
            !presence
                .available(ACCOUNT, &[DEVICE], Instant::now())
                .is_empty()
        };
        assert!(!available());
        assert_eq!(presence.set(KEY, 1, STAFF), hint(true));
        assert_eq!(presence.set(KEY, 2, STAFF), None);
        let away = Status {
            available: false,
            ..STAFF
        };
        assert_eq!(presence.set(KEY, 1, away), None);
        assert!(available());
        assert_eq!(presence.remove(KEY, 2), hint(false));
        assert!(!available());
    }

    #[test]
    fn other_nodes_are_told_of_nobody_who_does_not_belong() {
        let presence = Presence::default();
        let visitor = Status {
            belongs: false,
            ..STAFF
        };
        assert_eq!(presence.set(KEY, 1, visitor), None);
        assert_eq!(presence.hints(), []);
        // It turns out later that it does.
        assert_eq!(presence.set(KEY, 1, STAFF), hint(true));
        assert_eq!(
            presence.hints(),
            [hint(true)].into_iter().flatten().collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_a_node_said_is_believed_until_it_says_otherwise_or_is_silent_for_long() {
        let presence = Presence::default();
        let start = Instant::now();
        let available = |now| !presence.available(ACCOUNT, &[DEVICE], now).is_empty();
        presence.hear(7, ACCOUNT, vec![DEVICE], true, start);
        presence.hear(8, ACCOUNT, vec![DEVICE], true, start + BELIEVED / 2);
        presence.hear(8, ACCOUNT, vec![DEVICE], false, start + BELIEVED / 2);
        assert!(available(start + BELIEVED / 2));
        presence.forget(start + BELIEVED / 2);
        assert!(!available(start + BELIEVED));
        presence.forget(start + BELIEVED);
        assert!(!available(start));
    }
}
