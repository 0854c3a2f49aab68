//! Ids, times and small enums.

use sottovoce::account::{Level, Role, Via};
use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId, Time};

use crate::error::ClientError;

uniffi::custom_type!(
    /// 32 bytes as base64url without padding, as are all ids.
    AccountId,
    String,
    {
        remote,
        try_lift: |text| Ok(text.parse::<AccountId>().map_err(ClientError::from)?),
        lower: |id| id.to_string(),
    }
);

uniffi::custom_type!(
    /// 16 bytes as base64url.
    ContactId,
    String,
    {
        remote,
        try_lift: |text| Ok(text.parse::<ContactId>().map_err(ClientError::from)?),
        lower: |id| id.to_string(),
    }
);

uniffi::custom_type!(
    /// 16 bytes as base64url.
    ContentId,
    String,
    {
        remote,
        try_lift: |text| Ok(text.parse::<ContentId>().map_err(ClientError::from)?),
        lower: |id| id.to_string(),
    }
);

uniffi::custom_type!(
    /// The device's Ed25519 public key as base64url.
    DeviceId,
    String,
    {
        remote,
        try_lift: |text| Ok(text.parse::<DeviceId>().map_err(ClientError::from)?),
        lower: |id| id.to_string(),
    }
);

uniffi::custom_type!(
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Time,
    u64,
    {
        remote,
        try_lift: |millis| Ok(Time::from_millis(millis)),
        lower: |time| time.millis(),
    }
);

/// Who holds keys. `E2ee` is the strictest.
#[uniffi::remote(Enum)]
pub enum Level {
    Transport,
    Storage,
    E2ee,
}

/// What a participant is.
#[uniffi::remote(Enum)]
pub enum Role {
    Visitor,
    Agent,
    Supervisor,
    Administrator,
    Bot,
    Vault,
    Auditor,
}

/// Whether the person's own device holds the keys, or a gateway acts for the person.
#[uniffi::remote(Enum)]
pub enum Via {
    Device,
    Gateway,
}
