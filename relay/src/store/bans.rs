//! What a store keeps of those who are kept away.

use std::net::IpAddr;

use async_trait::async_trait;
use sottovoce::wire::{AccountId, DeviceId, Time};

use super::StoreError;

/// Who is kept away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Banned {
    /// A device.
    Device(DeviceId),
    /// A network address, of IPv6 the first half.
    Address(IpAddr),
}

/// Somebody is kept away from an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The account.
    pub account: AccountId,
    /// Who.
    pub who: Banned,
    /// Until when.
    pub until: Time,
    /// Whose wish it was.
    pub by: DeviceId,
    /// Of an address: the device whose ban it shares. It is not known of some that an older relay
    /// stored.
    pub device: Option<DeviceId>,
}

/// Keeps bans.
#[async_trait]
pub trait BanStore: Send + Sync + 'static {
    /// Adds bans; where there is one already the later end counts. An address shares a ban only
    /// while its device's is there.
    async fn ban(&self, bans: &[Ban]) -> Result<(), StoreError>;

    /// All bans that are in force.
    async fn bans(&self, now: Time) -> Result<Vec<Ban>, StoreError>;

    /// Lifts a device's ban and with it those of addresses that share it. Whether one was in force.
    async fn lift_ban(
        &self,
        account: AccountId,
        device: DeviceId,
        now: Time,
    ) -> Result<bool, StoreError>;

    /// Deletes those whose time is over.
    async fn forget_bans(&self, now: Time) -> Result<(), StoreError>;
}
