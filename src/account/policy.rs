//! SPEC 3.3: the policy, signed by administrators: everything that an account decides.

use crate::wire::codec::{array, number, variants};

use super::Role;
use crate::crypto::Hash;
use crate::wire::{AccountId, Bytes, DeviceId, SignedKind, Suite, Time, Version, limits};

/// How long a policy lives that nobody gave another life, in seconds.
pub const POLICY_LIFE: u64 = 7 * limits::DAY;

/// Everything that an account decides, in one signed object with a version and an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The policy's own version, from 1; each differs from the one before by at least 1.
    pub number: u64,
    /// Hash of the policy that this one replaces; none for the first.
    pub previous: Option<Hash>,
    /// Valid from.
    pub issued: Time,
    /// Valid until, at most 14 days after `issued`.
    pub expires: Time,
    /// The plan, which bounds levels and retention.
    pub plan: Plan,
    /// Where visitors come in, ascending by id.
    pub entry_points: Vec<EntryPoint>,
    /// The teams, ascending by id.
    pub teams: Vec<Team>,
    /// Whether closed contacts can be opened through a key manager.
    pub archive: Archive,
    /// Where the key manager answers, for the relay that carries requests to it.
    pub key_manager_url: Option<String>,
    /// No contact may use a lower suite.
    pub lowest_suite: Suite,
    /// Roles, besides visitor and agent, that may be on a roster at all, ascending.
    pub roles: Vec<Role>,
    /// What is no longer believed.
    pub revocations: Vec<Revocation>,
    /// Whose identity tokens prove who a visitor is.
    pub issuers: Vec<Issuer>,
    /// Devices that may extend the dates of this policy, and nothing else.
    pub renewers: Vec<DeviceId>,
    /// How long things are kept.
    pub retention: Retention,
    /// Whether contacts may start on a key manager's last-resort key.
    pub last_resort: bool,
    /// Offered to visitors whose browser cannot run the client.
    pub fallback_link: Option<String>,
    /// Sizes and counts below those of the protocol.
    pub limits: Limits,
}

array!(Policy {
    version,
    suite,
    account,
    number,
    previous,
    issued,
    expires,
    plan,
    entry_points,
    teams,
    archive,
    key_manager_url,
    lowest_suite,
    roles,
    revocations,
    issuers,
    renewers,
    retention,
    last_resort,
    fallback_link,
    limits
});

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

    /// The beginning of the next version, for another 7 days: as this one, which has this hash, is.
    #[must_use]
    pub fn next(&self, hash: Hash, now: Time) -> Self {
        Self {
            number: self.number + 1,
            previous: Some(hash),
            issued: now,
            expires: now.plus_seconds(POLICY_LIFE),
            ..self.clone()
        }
    }

    /// Believes a device's key no longer. Whether that is news.
    pub fn revoke(&mut self, device: DeviceId) -> bool {
        let is_news = !self.revokes_device(&device);
        if is_news {
            self.revocations.push(Revocation::Device(device));
        }
        is_news
    }

    /// Whether this role may be on a roster: visitors and agents always, others if listed.
    pub fn allows(&self, role: Role) -> bool {
        matches!(role, Role::Visitor | Role::Agent) || self.roles.contains(&role)
    }
}

/// A renewal: other dates for an otherwise unchanged policy, signed by a renewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// Hash of the policy whose dates it extends.
    pub policy: Hash,
    /// Valid from.
    pub issued: Time,
    /// Valid until, at most 14 days after `issued`.
    pub expires: Time,
}

array!(Renewal {
    version,
    suite,
    account,
    policy,
    issued,
    expires
});

impl SignedKind for Renewal {
    const KIND: &'static str = "renewal";
}

/// What a business pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// One agent.
    Solo,
    /// A few agents.
    Starter,
    /// More of them.
    Plus,
    /// Stored encrypted, or end-to-end encrypted.
    Enterprise,
}

number!(Plan { Solo = 0, Starter = 1, Plus = 2, Enterprise = 3 });

impl Plan {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Solo, Self::Starter, Self::Plus, Self::Enterprise];

    /// Its name, the same everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solo => "solo",
            Self::Starter => "starter",
            Self::Plus => "plus",
            Self::Enterprise => "enterprise",
        }
    }

    /// Whether a plan may use a level: `transport` below Enterprise, `storage` and `e2ee` there.
    pub const fn allows(self, level: Level) -> bool {
        matches!(self, Self::Enterprise) != matches!(level, Level::Transport)
    }
}

/// Who holds keys. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The vault is a participant and stores plaintext.
    Transport,
    /// The vault is a participant and stores ciphertext under a key per contact.
    Storage,
    /// Only people, and servers visible as participants, hold keys. No vault, no gateway.
    E2ee,
}

number!(Level { Transport = 0, Storage = 1, E2ee = 2 });

impl Level {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Transport, Self::Storage, Self::E2ee];

    /// Its name, the same everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Storage => "storage",
            Self::E2ee => "e2ee",
        }
    }
}

/// Where visitors come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoint {
    /// Its id, at most 128 bytes.
    pub id: String,
    /// The name that visitors read, such as `ACME`.
    pub name: String,
    /// The level of contacts that start here.
    pub level: Level,
    /// The teams that contacts are addressed to, ascending.
    pub teams: Vec<String>,
    /// Whether a bot may claim here.
    pub bot_claims: bool,
    /// Whether a bot may transfer here.
    pub bot_transfers: bool,
}

array!(EntryPoint {
    id,
    name,
    level,
    teams,
    bot_claims,
    bot_transfers
});

/// A team of agents and supervisors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its id, at most 128 bytes.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// Team keys of a lower generation are refused.
    pub lowest_generation: u64,
}

array!(Team {
    id,
    name,
    lowest_generation
});

impl Team {
    /// A new team whose name is its id with a capital letter.
    pub fn named_after(id: &str) -> Self {
        let mut letters = id.chars();
        let mut name = String::new();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        Self {
            id: id.to_owned(),
            name,
            lowest_generation: 0,
        }
    }
}

/// Whether closed contacts can be opened through a key manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archive {
    /// Nothing is archived.
    None,
    /// Every epoch secret is sealed to the contact's key at the key manager.
    KeyManager,
}

number!(Archive { None = 0, KeyManager = 1 });

/// What is no longer believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// A device's or administrator's key; what a revoked administrator signed is void.
    Device(DeviceId),
    /// One credential, by its hash.
    Credential(Hash),
}

variants!(Revocation {
    0 => Device(device),
    1 => Credential(hash),
});

/// An issuer of identity tokens (JWT) for verified visitors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The `iss` claim.
    pub issuer: String,
    /// `EdDSA`, `ES256` or `RS256`.
    pub algorithm: String,
    /// `EdDSA`: 32 bytes; `ES256`: 65 bytes, uncompressed SEC1; `RS256`: PKCS#1 DER.
    pub public_key: Bytes,
}

array!(Issuer {
    issuer,
    algorithm,
    public_key
});

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days that entries stay on servers after the last one.
    pub days: u64,
    /// Seconds that staff devices keep the secrets of a closed contact; may be 0.
    pub device_history: u64,
    /// Seconds that a draining team key lives at most.
    pub draining: u64,
}

array!(Retention {
    days,
    device_history,
    draining
});

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest text in bytes of UTF-8.
    pub text: u64,
    /// Largest attachment in bytes.
    pub attachment: u64,
}

array!(Limits { text, attachment });

impl Default for Limits {
    fn default() -> Self {
        Self {
            text: crate::wire::limits::BODY as u64,
            attachment: 25 * 1024 * 1024,
        }
    }
}
