//! What administrators see. See [`sottovoce::client::Event`].

use sottovoce::account::{self, Limits, Retention, Revocation, Role, Team};
use sottovoce::client::{self, EnrolmentEntry, Signature};
use sottovoce::wire::{ContactId, DeviceId, Time};

use crate::event::KeyOutcome;

/// What the account has decided, as its own staff see it.
#[derive(Debug, uniffi::Record)]
pub struct SettingsView {
    /// Whether this device may change it.
    pub administrator: bool,
    /// The policy's version.
    pub version: u64,
    /// Valid from.
    pub issued: Time,
    /// Until when it is valid, renewals included.
    pub expires: Time,
    /// The plan: `solo`, `starter`, `plus` or `enterprise`.
    pub plan: String,
    /// Where visitors come in.
    pub entry_points: Vec<EntryPoint>,
    /// The teams.
    pub teams: Vec<Team>,
    /// Whether closed contacts can be opened through the key manager.
    pub archived: bool,
    /// Where the key manager answers.
    pub key_manager_url: Option<String>,
    /// The key manager that the root statement names.
    pub key_manager: Option<KeyManager>,
    /// Whether contacts may begin on a last-resort key.
    pub last_resort: bool,
    /// Number of the lowest suite.
    pub lowest_suite: u64,
    /// No entry point may be below this level, by the root statement.
    pub lowest_level: account::Level,
    /// Who may be on a roster besides visitors and agents.
    pub roles: Vec<Role>,
    /// Devices that are no longer believed.
    pub revoked: Vec<DeviceId>,
    /// Devices that may extend the policy's dates.
    pub renewers: Vec<DeviceId>,
    /// Devices that may change the settings.
    pub administrators: Vec<DeviceId>,
    /// How many administrators must sign a policy.
    pub policy_signatures: u64,
    /// How long things are kept.
    pub retention: Retention,
    /// Sizes below those of the protocol.
    pub limits: Limits,
    /// Offered to visitors whose browser cannot run the client.
    pub fallback_link: Option<String>,
}

/// An entry point with everything that is decided for it.
#[derive(Debug, uniffi::Record)]
pub struct EntryPoint {
    /// Its id.
    pub id: String,
    /// The name that visitors read.
    pub name: String,
    /// The level of contacts that start here.
    pub level: account::Level,
    /// Ids of the teams that answer.
    pub teams: Vec<String>,
    /// Whether a bot may claim here.
    pub bot_claims: bool,
    /// Whether a bot may transfer here.
    pub bot_transfers: bool,
}

/// A team of agents and supervisors.
#[uniffi::remote(Record)]
pub struct Team {
    /// Its id.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// Team keys of a lower generation are refused.
    pub lowest_generation: u64,
}

/// A key manager.
#[derive(Debug, uniffi::Record)]
pub struct KeyManager {
    /// Its Ed25519 key as base64url.
    pub identity: DeviceId,
    /// Whether the customer operates it, and not the platform.
    pub by_customer: bool,
}

/// How long things are kept.
#[uniffi::remote(Record)]
pub struct Retention {
    /// Days that entries stay on servers after the last one.
    pub days: u64,
    /// Seconds that staff devices keep the secrets of a closed contact; may be 0.
    pub device_history: u64,
    /// Seconds that a draining team key lives at most.
    pub draining: u64,
}

/// Sizes and counts that an account sets below those of the protocol.
#[uniffi::remote(Record)]
pub struct Limits {
    /// Longest text in bytes of UTF-8.
    pub text: u64,
    /// Largest attachment in bytes.
    pub attachment: u64,
}

/// What an administrator signs.
#[uniffi::remote(Enum)]
pub enum Signature {
    /// A policy.
    Policy,
    /// A device's credential.
    Credential,
}

/// A device that was let in at some time.
#[derive(Debug, uniffi::Record)]
pub struct DeviceEntry {
    /// The device.
    pub device: DeviceId,
    /// Whether it is this one.
    pub own: bool,
    /// The name that others read.
    pub name: String,
    /// The account's own name for the person.
    pub subject: String,
    /// Its role.
    pub role: Role,
    /// Ids of its teams.
    pub teams: Vec<String>,
    /// Until when its credential is valid.
    pub expires: Time,
    /// Whether it is connected and available.
    pub available: bool,
    /// `valid`, or the stable code of why nobody believes it.
    pub state: String,
}

/// A device that asks to be let in.
#[uniffi::remote(Record)]
pub struct EnrolmentEntry {
    /// The device.
    pub device: DeviceId,
    /// The name that the person proposes.
    pub name: String,
    /// When it asked, by its own clock.
    pub time: Time,
    /// For the command `Approve`.
    pub request: String,
}

/// One thing that a key manager has to do.
#[derive(Debug, uniffi::Record)]
pub struct KeyManagerCheck {
    /// What was tried: `unknown`, `replay`, `late`, `keys` or `speed`.
    pub name: String,
    /// Whether it did.
    pub passed: bool,
    /// What it did instead: an outcome or a stable code; empty if it passed.
    pub detail: String,
    /// How long its answer took, in milliseconds.
    pub millis: u64,
}

/// What a key manager was asked, and what became of it.
#[derive(Debug, uniffi::Record)]
pub struct AuditEntry {
    /// Counts from 1.
    pub number: u64,
    /// When it was answered.
    pub time: Time,
    /// Who asked.
    pub device: DeviceId,
    /// What for, by the name of the operation.
    pub operation: String,
    /// About which contact.
    pub contact: Option<ContactId>,
    /// What became of it.
    pub outcome: KeyOutcome,
    /// The stable code of why; empty if it was granted.
    pub code: String,
}

impl From<client::SettingsView> for SettingsView {
    fn from(view: client::SettingsView) -> Self {
        let (root, policy) = (view.root, view.policy);
        Self {
            administrator: view.administrator,
            version: policy.number,
            issued: policy.issued,
            expires: view.expires,
            plan: policy.plan.name().to_owned(),
            entry_points: policy.entry_points.into_iter().map(Into::into).collect(),
            teams: policy.teams,
            archived: policy.archive == account::Archive::KeyManager,
            key_manager_url: policy.key_manager_url,
            key_manager: root.key_manager.map(|manager| KeyManager {
                identity: manager.identity,
                by_customer: manager.operator == account::Operator::Customer,
            }),
            last_resort: policy.last_resort,
            lowest_suite: policy.lowest_suite.number(),
            lowest_level: root.lowest_level,
            roles: policy.roles,
            revoked: policy
                .revocations
                .into_iter()
                .filter_map(|revocation| match revocation {
                    Revocation::Device(device) => Some(device),
                    Revocation::Credential(_) => None,
                })
                .collect(),
            renewers: policy.renewers,
            administrators: root.administrators,
            policy_signatures: root.policy_threshold,
            retention: policy.retention,
            limits: policy.limits,
            fallback_link: policy.fallback_link,
        }
    }
}

impl From<account::EntryPoint> for EntryPoint {
    fn from(entry: account::EntryPoint) -> Self {
        Self {
            id: entry.id,
            name: entry.name,
            level: entry.level,
            teams: entry.teams,
            bot_claims: entry.bot_claims,
            bot_transfers: entry.bot_transfers,
        }
    }
}

impl From<client::DeviceEntry> for DeviceEntry {
    fn from(entry: client::DeviceEntry) -> Self {
        Self {
            device: entry.device,
            own: entry.own,
            name: entry.name,
            subject: entry.subject,
            role: entry.role,
            teams: entry.teams,
            expires: entry.expires,
            available: entry.available,
            state: entry.state.to_owned(),
        }
    }
}

impl From<client::KeyManagerCheck> for KeyManagerCheck {
    fn from(check: client::KeyManagerCheck) -> Self {
        Self {
            name: check.name.to_owned(),
            passed: check.passed,
            detail: check.detail,
            millis: check.millis,
        }
    }
}

impl From<sottovoce::archive::AuditEntry> for AuditEntry {
    fn from(entry: sottovoce::archive::AuditEntry) -> Self {
        Self {
            number: entry.number,
            time: entry.time,
            device: entry.device,
            operation: entry.operation,
            contact: entry.contact,
            outcome: entry.outcome.into(),
            code: entry.code,
        }
    }
}
