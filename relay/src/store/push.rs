//! What a store keeps of where devices are told of news.

use async_trait::async_trait;
use sottovoce::wire::frame::PushTarget;
use sottovoce::wire::{AccountId, DeviceId};

use super::StoreError;

/// Keeps push targets.
#[async_trait]
pub trait PushStore: Send + Sync + 'static {
    /// Keeps a device's target in place of the one before, or forgets it.
    async fn set_push_target(
        &self,
        account: &AccountId,
        device: &DeviceId,
        target: Option<&PushTarget>,
    ) -> Result<(), StoreError>;

    /// A device's target.
    async fn push_target(
        &self,
        account: &AccountId,
        device: &DeviceId,
    ) -> Result<Option<PushTarget>, StoreError>;
}
