//! Visitors who are kept away for a while, by an agent's wish: their device, and the network address
//! that it has here. The agent never learns that address.
//!
//! Bans are stored, and known to every node within seconds. A banned device that comes back from
//! another address brings that address the same ban.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sottovoce::wire::frame::BanPeriod;
use sottovoce::wire::{AccountId, DeviceId, Time, limits};
use tokio_util::sync::CancellationToken;

use crate::fanout::{Event, Fanout, Topic};
use crate::store::{Ban, Banned, Store, StoreError};
use crate::throttle::network;
use sottovoce_server::clock;

/// How often bans of other nodes are read.
const REFRESH: Duration = Duration::from_secs(5);
/// Visitors' devices whose address is remembered, so that it can be banned.
const SEEN: usize = 50_000;

/// See the module's documentation.
pub(crate) struct Bans {
    store: Arc<dyn Store>,
    fanout: Arc<dyn Fanout>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    until: HashMap<(AccountId, Banned), Ban>,
    /// Where visitors' devices were last.
    seen: HashMap<(AccountId, DeviceId), IpAddr>,
}

/// How long a ban lasts, in seconds.
const fn seconds(period: BanPeriod) -> u64 {
    match period {
        BanPeriod::Hour => 3_600,
        BanPeriod::Day => limits::DAY,
        BanPeriod::Week => 7 * limits::DAY,
        BanPeriod::Month => 30 * limits::DAY,
    }
}

impl Bans {
    /// Reads those that are in force.
    pub(crate) async fn load(
        store: Arc<dyn Store>,
        fanout: Arc<dyn Fanout>,
    ) -> Result<Self, StoreError> {
        let bans = Self {
            store,
            fanout,
            state: Mutex::default(),
        };
        bans.refresh().await?;
        Ok(bans)
    }

    /// Reads what other nodes have added, until the relay has ended.
    pub(crate) async fn follow(&self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(REFRESH) => {}
                () = shutdown.cancelled() => return,
            }
            // A store that fails now is asked again; readiness says that it failed.
            let _ = self.refresh().await;
        }
    }

    async fn refresh(&self) -> Result<(), StoreError> {
        let bans = self.store.bans(clock::now()).await?;
        let until: HashMap<_, _> = bans
            .into_iter()
            .map(|ban| ((ban.account, ban.who), ban))
            .collect();
        let mut state = self.state();
        let is_new = |who: &&(AccountId, Banned)| !state.until.contains_key(who);
        let new: Vec<_> = until.keys().filter(is_new).copied().collect();
        state.until = until;
        drop(state);
        self.tell(new.into_iter());
        Ok(())
    }

    /// A visitor's device is here. Whether it is kept away.
    pub(crate) async fn meet(
        &self,
        account: AccountId,
        device: DeviceId,
        address: IpAddr,
    ) -> Result<bool, StoreError> {
        let address = network(address);
        let ban = {
            let mut state = self.state();
            if state.seen.len() >= SEEN {
                state.seen.clear();
            }
            state.seen.insert((account, device), address);
            let now = clock::now();
            match state.find(account, Banned::Device(device), now) {
                Some(ban) => ban,
                None => return Ok(state.find(account, Banned::Address(address), now).is_some()),
            }
        };
        let shared = Ban {
            who: Banned::Address(address),
            device: Some(device),
            ..ban
        };
        self.add(&[shared]).await?;
        Ok(true)
    }

    /// Whether a device or address is kept away now.
    pub(crate) fn holds(&self, account: AccountId, device: DeviceId, address: IpAddr) -> bool {
        let state = self.state();
        if state.until.is_empty() {
            return false;
        }
        let now = clock::now();
        let mut who = [Banned::Device(device), Banned::Address(network(address))].into_iter();
        who.any(|who| state.find(account, who, now).is_some())
    }

    /// Keeps a visitor's device away, and its address if it was ever here.
    pub(crate) async fn ban(
        &self,
        account: AccountId,
        device: DeviceId,
        period: BanPeriod,
        by: DeviceId,
    ) -> Result<(), StoreError> {
        let now = clock::now();
        self.store.forget_bans(now).await?;
        let ban = |who, device| Ban {
            account,
            who,
            until: now.plus_seconds(seconds(period)),
            by,
            device,
        };
        let address = self.state().seen.get(&(account, device)).copied();
        let address = address.map(|address| ban(Banned::Address(address), Some(device)));
        let bans: Vec<_> = std::iter::once(ban(Banned::Device(device), None))
            .chain(address)
            .collect();
        self.add(&bans).await
    }

    /// The bans of an account's devices that are in force, as far as this node has heard.
    pub(crate) fn of(&self, account: AccountId) -> Vec<(DeviceId, Ban)> {
        let now = clock::now();
        let state = self.state();
        let bans = state.until.values().filter_map(|ban| match ban.who {
            Banned::Device(device) if ban.account == account && ban.until > now => {
                Some((device, *ban))
            }
            _ => None,
        });
        let mut bans: Vec<_> = bans.collect();
        drop(state);
        bans.sort_by_key(|(device, ban)| (ban.until, *device));
        bans
    }

    /// Lets a device in again, and whoever is at an address that shares its ban. Whether it was kept
    /// away.
    pub(crate) async fn lift(
        &self,
        account: AccountId,
        device: DeviceId,
    ) -> Result<bool, StoreError> {
        let lifted = self.store.lift_ban(account, device, clock::now()).await?;
        let is_of = |ban: &Ban| ban.who == Banned::Device(device) || ban.device == Some(device);
        let mut state = self.state();
        state
            .until
            .retain(|_, ban| ban.account != account || !is_of(ban));
        Ok(lifted)
    }

    async fn add(&self, bans: &[Ban]) -> Result<(), StoreError> {
        self.store.ban(bans).await?;
        let mut state = self.state();
        for ban in bans {
            let known = state.until.entry((ban.account, ban.who)).or_insert(*ban);
            if known.until <= ban.until {
                *known = *ban;
            }
        }
        drop(state);
        self.tell(bans.iter().map(|ban| (ban.account, ban.who)));
        Ok(())
    }

    /// Ends the connections of devices that are here. Others at a banned address end when they say
    /// something.
    fn tell(&self, banned: impl Iterator<Item = (AccountId, Banned)>) {
        for (account, who) in banned {
            if let Banned::Device(device) = who {
                let topic = Topic::Device(account, device);
                self.fanout.publish(&[topic], &Event::Banned);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, and every change leaves a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find(&self, account: AccountId, who: Banned, now: Time) -> Option<Ban> {
        let ban = self.until.get(&(account, who))?;
        (ban.until > now).then_some(*ban)
    }
}
