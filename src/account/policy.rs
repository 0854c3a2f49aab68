//! SPEC 3.3: the policy, signed by administrators: everything that an account decides.

use minicbor::{Decode, Encode};

use super::Role;
use crate::crypto::Hash;
use crate::wire::{AccountId, Bytes, DeviceId, SignedKind, Suite, Time, Version};

/// Everything that an account decides, in one signed object with a version and an end.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Policy {
    /// Protocol version.
    #[n(0)]
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    #[n(1)]
    pub suite: Suite,
    /// The account.
    #[n(2)]
    pub account: AccountId,
    /// The policy's own version, from 1; each differs from the one before by at least 1.
    #[n(3)]
    pub number: u64,
    /// Hash of the policy that this one replaces; none for the first.
    #[n(4)]
    pub previous: Option<Hash>,
    /// Valid from.
    #[n(5)]
    pub issued: Time,
    /// Valid until, at most 14 days after `issued`.
    #[n(6)]
    pub expires: Time,
    /// The plan, which bounds levels and retention.
    #[n(7)]
    pub plan: Plan,
    /// Where visitors come in, ascending by id.
    #[n(8)]
    pub entry_points: Vec<EntryPoint>,
    /// The teams, ascending by id.
    #[n(9)]
    pub teams: Vec<Team>,
    /// Whether closed contacts can be opened through a key manager.
    #[n(10)]
    pub archive: Archive,
    /// Where the key manager answers, for the relay that carries requests to it.
    #[n(11)]
    pub key_manager_url: Option<String>,
    /// No contact may use a lower suite.
    #[n(12)]
    pub lowest_suite: Suite,
    /// Roles, besides visitor and agent, that may be on a roster at all, ascending.
    #[n(13)]
    pub roles: Vec<Role>,
    /// What is no longer believed.
    #[n(14)]
    pub revocations: Vec<Revocation>,
    /// Whose identity tokens prove who a visitor is.
    #[n(15)]
    pub issuers: Vec<Issuer>,
    /// Devices that may extend the dates of this policy, and nothing else.
    #[n(16)]
    pub renewers: Vec<DeviceId>,
    /// How long things are kept.
    #[n(17)]
    pub retention: Retention,
    /// Whether contacts may start on a key manager's last-resort key.
    #[n(18)]
    pub last_resort: bool,
    /// Offered to visitors whose browser cannot run the client.
    #[n(19)]
    pub fallback_link: Option<String>,
    /// Sizes and counts below those of the protocol.
    #[n(20)]
    pub limits: Limits,
}

impl SignedKind for Policy {
    const KIND: &'static str = "policy";
}

impl Policy {
    /// The entry point with this id.
    pub fn entry_point(&self, id: &str) -> Option<&EntryPoint> {
        self.entry_points.iter().find(|entry| entry.id == id)
    }

    /// The team with this id.
    pub fn team(&self, id: &str) -> Option<&Team> {
        self.teams.iter().find(|team| team.id == id)
    }

    /// Whether a device's key is revoked.
    pub fn revokes_device(&self, device: &DeviceId) -> bool {
        self.revocations.contains(&Revocation::Device(*device))
    }

    /// Whether a credential is revoked by its hash.
    pub fn revokes_credential(&self, credential: &Hash) -> bool {
        self.revocations
            .contains(&Revocation::Credential(*credential))
    }

    /// Whether this role may be on a roster: visitors and agents always, others if listed.
    pub fn allows(&self, role: Role) -> bool {
        matches!(role, Role::Visitor | Role::Agent) || self.roles.contains(&role)
    }
}

/// A renewal: other dates for an otherwise unchanged policy, signed by a renewer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Renewal {
    /// Protocol version.
    #[n(0)]
    pub version: Version,
    /// Always suite 1.
    #[n(1)]
    pub suite: Suite,
    /// The account.
    #[n(2)]
    pub account: AccountId,
    /// Hash of the policy whose dates it extends.
    #[n(3)]
    pub policy: Hash,
    /// Valid from.
    #[n(4)]
    pub issued: Time,
    /// Valid until, at most 14 days after `issued`.
    #[n(5)]
    pub expires: Time,
}

impl SignedKind for Renewal {
    const KIND: &'static str = "renewal";
}

/// What a business pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Plan {
    /// One agent.
    #[n(0)]
    Solo,
    /// A few agents.
    #[n(1)]
    Starter,
    /// More of them.
    #[n(2)]
    Plus,
    /// Stored encrypted, or end-to-end encrypted.
    #[n(3)]
    Enterprise,
}

impl Plan {
    /// Whether a plan may use a level: `transport` below Enterprise, `storage` and `e2ee` there.
    pub const fn allows(self, level: Level) -> bool {
        matches!(self, Self::Enterprise) != matches!(level, Level::Transport)
    }
}

/// Who holds keys. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Level {
    /// The vault is a participant and stores plaintext.
    #[n(0)]
    Transport,
    /// The vault is a participant and stores ciphertext under a key per contact.
    #[n(1)]
    Storage,
    /// Only people, and servers visible as participants, hold keys. No vault, no gateway.
    #[n(2)]
    E2ee,
}

/// Where visitors come in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct EntryPoint {
    /// Its id, at most 128 bytes.
    #[n(0)]
    pub id: String,
    /// The name that visitors read, such as `ACME`.
    #[n(1)]
    pub name: String,
    /// The level of contacts that start here.
    #[n(2)]
    pub level: Level,
    /// The teams that contacts are addressed to, ascending.
    #[n(3)]
    pub teams: Vec<String>,
    /// Whether a bot may claim here.
    #[n(4)]
    pub bot_claims: bool,
    /// Whether a bot may transfer here.
    #[n(5)]
    pub bot_transfers: bool,
}

/// A team of agents and supervisors.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Team {
    /// Its id, at most 128 bytes.
    #[n(0)]
    pub id: String,
    /// The name that people read.
    #[n(1)]
    pub name: String,
    /// Team keys of a lower generation are refused.
    #[n(2)]
    pub lowest_generation: u64,
}

/// Whether closed contacts can be opened through a key manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Archive {
    /// Nothing is archived.
    #[n(0)]
    None,
    /// Every epoch secret is sealed to the contact's key at the key manager.
    #[n(1)]
    KeyManager,
}

/// What is no longer believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Revocation {
    /// A device's or administrator's key; what a revoked administrator signed is void.
    #[n(0)]
    Device(#[n(0)] DeviceId),
    /// One credential, by its hash.
    #[n(1)]
    Credential(#[n(0)] Hash),
}

/// An issuer of identity tokens (JWT) for verified visitors.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Issuer {
    /// The `iss` claim.
    #[n(0)]
    pub issuer: String,
    /// `EdDSA`, `ES256` or `RS256`.
    #[n(1)]
    pub algorithm: String,
    /// `EdDSA`: 32 bytes; `ES256`: 65 bytes, uncompressed SEC1; `RS256`: PKCS#1 DER.
    #[n(2)]
    pub public_key: Bytes,
}

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Retention {
    /// Days that entries stay on servers after the last one.
    #[n(0)]
    pub days: u64,
    /// Seconds that staff devices keep the secrets of a closed contact; may be 0.
    #[n(1)]
    pub device_history: u64,
    /// Seconds that a draining team key lives at most.
    #[n(2)]
    pub draining: u64,
}

impl Default for Retention {
    fn default() -> Self {
        use crate::wire::limits::DAY;
        Self {
            days: 90,
            device_history: 7 * DAY,
            draining: 14 * DAY,
        }
    }
}

/// Sizes and counts that an account sets below those of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Limits {
    /// Longest text in bytes of UTF-8.
    #[n(0)]
    pub text: u64,
    /// Largest attachment in bytes.
    #[n(1)]
    pub attachment: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text: crate::wire::limits::BODY as u64,
            attachment: 25 * 1024 * 1024,
        }
    }
}
