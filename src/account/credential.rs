//! SPEC 3.4: a credential binds a device's key to a person, bot or server.

use crate::wire::codec::{array, number};

use crate::wire::{AccountId, DeviceId, SignedKind, Suite, Time, Version};

/// What a device may be, signed by administrators, for at most 90 days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The device's Ed25519 key.
    pub device: DeviceId,
    /// The account's own stable name for the person or service, such as `ada`.
    pub subject: String,
    /// The name that others read.
    pub name: String,
    /// What the device may do.
    pub role: Role,
    /// Whether a gateway acts for the person.
    pub via: Via,
    /// The teams it belongs to, ascending.
    pub teams: Vec<String>,
    /// Valid from.
    pub issued: Time,
    /// Valid until.
    pub expires: Time,
}

array!(Credential {
    version,
    suite,
    account,
    device,
    subject,
    name,
    role,
    via,
    teams,
    issued,
    expires
});

impl SignedKind for Credential {
    const KIND: &'static str = "credential";
}

/// What a participant is. `Visitor` is the only role without a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The person on the website; fresh keys for each contact.
    Visitor,
    /// Answers visitors.
    Agent,
    /// An agent who may also be invited to watch.
    Supervisor,
    /// Signs policies and credentials; no participant of contacts.
    Administrator,
    /// A program that answers visitors, always shown as one.
    Bot,
    /// The server that stores contacts at levels `transport` and `storage`.
    Vault,
    /// Reads archives with a reason.
    Auditor,
}

number!(Role { Visitor = 0, Agent = 1, Supervisor = 2, Administrator = 3, Bot = 4, Vault = 5, Auditor = 6 });

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// The person's own device.
    Device,
    /// A gateway acts for the person; refused at `e2ee`.
    Gateway,
}

number!(Via { Device = 0, Gateway = 1 });
