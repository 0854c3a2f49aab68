//! Account objects as JSON: what they say, and the exact signed bytes, which alone prove it.

use serde::Serialize;
use sottovoce::account::{
    Archive, Credential, Operator, Policy, Renewal, Revocation, Role, RootStatement, TeamKey, Via,
};
use sottovoce::wire::codec::to_base64url;
use sottovoce::wire::frame::Object;
use sottovoce::wire::{DecodeError, Signed, SignedKind};
use utoipa::ToSchema;

/// A signed object.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedView<T> {
    /// Its hash, which names it (SPEC 3.1).
    hash: String,
    /// What it says. Who needs proof reads `signed` and verifies.
    #[serde(flatten)]
    says: T,
    /// The signed object as it travels, as base64url.
    signed: String,
}

/// Reads a signed object for a view.
pub(super) fn view<T, V>(object: &Object) -> Result<SignedView<V>, DecodeError>
where
    T: SignedKind,
    V: From<T>,
{
    let signed = Signed::<T>::from_bytes(&object.bytes)?;
    Ok(SignedView {
        hash: signed.hash().to_string(),
        says: V::from(signed.parse()?),
        signed: to_base64url(&object.bytes),
    })
}

/// A root statement (SPEC 3.2).
#[derive(Serialize, ToSchema)]
pub(super) struct RootView {
    /// Its version.
    number: u64,
    /// The account's root key.
    root: String,
    /// When it was signed.
    issued: u64,
    /// The administrators' devices.
    administrators: Vec<String>,
    /// How many of them sign a policy.
    policy_threshold: u64,
    /// How many of them sign a credential.
    credential_threshold: u64,
    /// The key manager's identity key, if there is one.
    key_manager: Option<String>,
    /// Who operates it: `customer` or `platform`.
    key_manager_operator: Option<&'static str>,
    /// No entry point may have a lower level: `transport`, `storage` or `e2ee`.
    lowest_level: &'static str,
}

impl From<RootStatement> for RootView {
    fn from(root: RootStatement) -> Self {
        let manager = root.key_manager.as_ref();
        Self {
            number: root.number,
            root: root.root.to_string(),
            issued: root.issued.millis(),
            administrators: texts(&root.administrators),
            policy_threshold: root.policy_threshold,
            credential_threshold: root.credential_threshold,
            key_manager: manager.map(|manager| manager.identity.to_string()),
            key_manager_operator: manager.map(|manager| match manager.operator {
                Operator::Customer => "customer",
                Operator::Platform => "platform",
            }),
            lowest_level: root.lowest_level.name(),
        }
    }
}

/// A policy (SPEC 3.3).
#[derive(Serialize, ToSchema)]
pub(super) struct PolicyView {
    /// Its version.
    number: u64,
    /// The hash of the policy before.
    previous: Option<String>,
    /// From when.
    issued: u64,
    /// Until when, unless it is renewed.
    expires: u64,
    /// The plan: `solo`, `starter`, `plus` or `enterprise`.
    plan: &'static str,
    /// Where contacts come in.
    entry_points: Vec<EntryPointView>,
    /// Who answers.
    teams: Vec<TeamView>,
    /// The archive rule: `none` or `key-manager`.
    archive: &'static str,
    /// Where the key manager is.
    key_manager_url: Option<String>,
    /// Number of the lowest cipher suite.
    lowest_suite: u64,
    /// Who may be on rosters besides visitors and agents.
    roles: Vec<&'static str>,
    /// Who is no longer believed.
    revocations: Vec<RevocationView>,
    /// Who issues identity tokens.
    issuers: Vec<String>,
    /// Devices that may renew it.
    renewers: Vec<String>,
    /// Days that entries stay after the last one.
    retention_days: u64,
    /// Seconds that staff devices keep what they need to read a closed contact.
    device_history: u64,
    /// For visitors whose browser cannot run the client.
    fallback_link: Option<String>,
}

/// An entry point.
#[derive(Serialize, ToSchema)]
pub(super) struct EntryPointView {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// The level of contacts there.
    level: &'static str,
    /// Ids of the teams that answer.
    teams: Vec<String>,
}

/// A team.
#[derive(Serialize, ToSchema)]
pub(super) struct TeamView {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// The lowest generation of its keys that counts.
    lowest_generation: u64,
}

/// A revocation.
#[derive(Serialize, ToSchema)]
pub(super) struct RevocationView {
    /// Of what: `device` or `credential`.
    of: &'static str,
    /// The device, or the credential's hash.
    id: String,
}

impl From<&Revocation> for RevocationView {
    fn from(revocation: &Revocation) -> Self {
        let (of, id) = match revocation {
            Revocation::Device(device) => ("device", device.to_string()),
            Revocation::Credential(hash) => ("credential", hash.to_string()),
        };
        Self { of, id }
    }
}

impl From<Policy> for PolicyView {
    fn from(policy: Policy) -> Self {
        Self {
            number: policy.number,
            previous: policy.previous.map(|hash| hash.to_string()),
            issued: policy.issued.millis(),
            expires: policy.expires.millis(),
            plan: policy.plan.name(),
            entry_points: policy
                .entry_points
                .into_iter()
                .map(|entry| EntryPointView {
                    id: entry.id,
                    name: entry.name,
                    level: entry.level.name(),
                    teams: entry.teams,
                })
                .collect(),
            teams: policy
                .teams
                .into_iter()
                .map(|team| TeamView {
                    id: team.id,
                    name: team.name,
                    lowest_generation: team.lowest_generation,
                })
                .collect(),
            archive: match policy.archive {
                Archive::None => "none",
                Archive::KeyManager => "key-manager",
            },
            key_manager_url: policy.key_manager_url,
            lowest_suite: policy.lowest_suite.number(),
            roles: policy.roles.into_iter().map(Role::name).collect(),
            revocations: policy.revocations.iter().map(Into::into).collect(),
            issuers: policy.issuers.into_iter().map(|it| it.issuer).collect(),
            renewers: texts(&policy.renewers),
            retention_days: policy.retention.days,
            device_history: policy.retention.device_history,
            fallback_link: policy.fallback_link,
        }
    }
}

/// A policy's renewal (SPEC 3.3).
#[derive(Serialize, ToSchema)]
pub(super) struct RenewalView {
    /// The policy's hash.
    policy: String,
    /// From when.
    issued: u64,
    /// Until when.
    expires: u64,
}

impl From<Renewal> for RenewalView {
    fn from(renewal: Renewal) -> Self {
        Self {
            policy: renewal.policy.to_string(),
            issued: renewal.issued.millis(),
            expires: renewal.expires.millis(),
        }
    }
}

/// A credential (SPEC 3.4).
#[derive(Serialize, ToSchema)]
pub(super) struct CredentialView {
    /// The device's key.
    device: String,
    /// Whose it is.
    subject: String,
    /// The name that people see.
    name: String,
    /// The role: `agent`, `supervisor`, `administrator`, `bot`, `vault` or `auditor`.
    role: &'static str,
    /// How it acts: `device` or `gateway`.
    via: &'static str,
    /// Ids of its teams.
    teams: Vec<String>,
    /// From when.
    issued: u64,
    /// Until when.
    expires: u64,
}

impl From<Credential> for CredentialView {
    fn from(credential: Credential) -> Self {
        Self {
            device: credential.device.to_string(),
            subject: credential.subject,
            name: credential.name,
            role: credential.role.name(),
            via: match credential.via {
                Via::Device => "device",
                Via::Gateway => "gateway",
            },
            teams: credential.teams,
            issued: credential.issued.millis(),
            expires: credential.expires.millis(),
        }
    }
}

/// A team key record (SPEC 3.6).
#[derive(Serialize, ToSchema)]
pub(super) struct TeamKeyView {
    /// The team's id.
    team: String,
    /// The cipher suite's number.
    suite: u64,
    /// The generation.
    generation: u64,
    /// The hash of the record before.
    previous: Option<String>,
    /// Sealed to from when.
    from: u64,
    /// Sealed to until when.
    until: u64,
    /// Devices that hold the private half.
    holders: Vec<String>,
}

impl From<TeamKey> for TeamKeyView {
    fn from(key: TeamKey) -> Self {
        Self {
            team: key.team,
            suite: key.suite.number(),
            generation: key.generation,
            previous: key.previous.map(|hash| hash.to_string()),
            from: key.from.millis(),
            until: key.until.millis(),
            holders: texts(&key.holders),
        }
    }
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}
