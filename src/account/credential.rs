//! SPEC 3.4: a credential binds a device's key to a person, bot or server.

use minicbor::{Decode, Encode};

use crate::wire::{AccountId, DeviceId, SignedKind, Suite, Time, Version};

/// What a device may be, signed by administrators, for at most 90 days.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Credential {
    /// Protocol version.
    #[n(0)]
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    #[n(1)]
    pub suite: Suite,
    /// The account.
    #[n(2)]
    pub account: AccountId,
    /// The device's Ed25519 key.
    #[n(3)]
    pub device: DeviceId,
    /// The account's own stable name for the person or service, such as `ada`.
    #[n(4)]
    pub subject: String,
    /// The name that others read.
    #[n(5)]
    pub name: String,
    /// What the device may do.
    #[n(6)]
    pub role: Role,
    /// Whether a gateway acts for the person.
    #[n(7)]
    pub via: Via,
    /// The teams it belongs to, ascending.
    #[n(8)]
    pub teams: Vec<String>,
    /// Valid from.
    #[n(9)]
    pub issued: Time,
    /// Valid until.
    #[n(10)]
    pub expires: Time,
}

impl SignedKind for Credential {
    const KIND: &'static str = "credential";
}

/// What a participant is. `Visitor` is the only role without a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// The person on the website; fresh keys for each contact.
    #[n(0)]
    Visitor,
    /// Answers visitors.
    #[n(1)]
    Agent,
    /// An agent who may also be invited to watch.
    #[n(2)]
    Supervisor,
    /// Signs policies and credentials; no participant of contacts.
    #[n(3)]
    Administrator,
    /// A program that answers visitors, always shown as one.
    #[n(4)]
    Bot,
    /// The server that stores contacts at levels `transport` and `storage`.
    #[n(5)]
    Vault,
    /// Reads archives with a reason.
    #[n(6)]
    Auditor,
}

impl Role {
    /// Agents and supervisors: the people who answer.
    pub const fn is_staff(self) -> bool {
        matches!(self, Self::Agent | Self::Supervisor)
    }

    /// The name used in every language binding.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Administrator => "administrator",
            Self::Bot => "bot",
            Self::Vault => "vault",
            Self::Auditor => "auditor",
        }
    }
}

/// Whether the person's own device holds the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Via {
    /// The person's own device.
    #[n(0)]
    Device,
    /// A gateway acts for the person; refused at `e2ee`.
    #[n(1)]
    Gateway,
}
