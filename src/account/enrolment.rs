//! SPEC 3.7: how a new device asks for a credential.

use crate::wire::codec::array;

use super::setting::{ascending, is_name};
use super::{Credential, Policy, Role, Via};
use crate::crypto::hash::labelled;
use crate::crypto::{Secret, kdf};
use crate::wire::{AccountId, Bytes, DeviceId, Signed, SignedKind, Suite, Time, Version, limits};

/// How long a device may act before it is approved again, in seconds.
const LIFE: u64 = 30 * limits::DAY;

/// A device's request, signed by the key that the credential shall be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentRequest {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The device's Ed25519 key.
    pub device: DeviceId,
    /// The name that the person proposes.
    pub name: String,
    /// When it was made.
    pub time: Time,
    /// Proof that the person holds an administrator's invitation code: 32 bytes, see
    /// [`invitation_proof`](Self::invitation_proof).
    pub invitation: Option<Bytes>,
}

array!(EnrolmentRequest {
    version,
    suite,
    account,
    device,
    name,
    time,
    invitation
});

impl SignedKind for EnrolmentRequest {
    const KIND: &'static str = "enrolment";
}

impl EnrolmentRequest {
    /// HMAC of (account, device) under a key derived from the invitation code, so that the relay
    /// that carries the request learns no code that it could use for a device of its own.
    pub fn invitation_proof(code: &str, account: &AccountId, device: &DeviceId) -> [u8; 32] {
        let key: Secret<32> = kdf::extract(account.as_array(), code.as_bytes());
        kdf::hmac(
            &key,
            &labelled("invitation", &[account.into(), device.into()]),
        )
    }

    /// Whether the request proves knowledge of the invitation code.
    pub fn proves(&self, code: &str) -> bool {
        let expected = Self::invitation_proof(code, &self.account, &self.device);
        self.invitation
            .as_ref()
            .is_some_and(|proof| crate::crypto::secret::equal(proof, &expected))
    }

    /// Reads a request and checks that the device itself signed it.
    ///
    /// # Errors
    /// `None` when it is malformed or signed by another key.
    pub fn verify(signed: &Signed<Self>) -> Option<Self> {
        let request = signed.parse().ok()?;
        signed.verify_by(&request.device).ok()?;
        Some(request)
    }

    /// The credential that lets the device in for 30 days, for an administrator to sign.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub fn approve(
        &self,
        approval: Approval,
        policy: &Policy,
        now: Time,
    ) -> Result<Credential, ApprovalError> {
        approval.check(policy)?;
        if self.account != policy.account {
            return Err(ApprovalError::ForeignAccount);
        }
        let name = approval.name.unwrap_or_else(|| self.name.clone());
        if !is_name(&name) || !is_name(&approval.subject) {
            return Err(ApprovalError::Name);
        }
        let teams = ascending(approval.teams);
        Ok(Credential {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            device: self.device,
            subject: approval.subject,
            name,
            role: approval.role,
            via: Via::Device,
            teams,
            issued: now,
            expires: now.plus_seconds(LIFE),
        })
    }
}

/// What an administrator lets a device be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The account's own short name for the person, such as `ada`; 1 to 128 bytes.
    pub subject: String,
    /// The name that others read; the one that the request proposes if there is none.
    pub name: Option<String>,
    /// What it may do.
    pub role: Role,
    /// Ids of its teams: none for vaults and auditors, at least one for others.
    pub teams: Vec<String>,
}

impl Approval {
    /// Whether the policy knows and allows it.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub fn check(&self, policy: &Policy) -> Result<(), ApprovalError> {
        for team in &self.teams {
            if policy.team(team).is_none() {
                return Err(ApprovalError::UnknownTeam(team.clone()));
            }
        }
        let belongs_to_none = matches!(self.role, Role::Vault | Role::Auditor);
        if self.teams.is_empty() != belongs_to_none {
            return Err(ApprovalError::Teams(self.role));
        }
        // Whether there is a vault on a roster is decided by the contact's level alone.
        let is_allowed = policy.allows(self.role) || self.role == Role::Vault;
        let is_device = !matches!(self.role, Role::Visitor | Role::Administrator);
        if is_allowed && is_device {
            Ok(())
        } else {
            Err(ApprovalError::Role(self.role))
        }
    }
}

/// A device cannot be let in like that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApprovalError {
    /// The request is for another account.
    #[error("the request is for another account")]
    ForeignAccount,
    /// Name or subject could not be shown to people.
    #[error("a name has 1 to 128 bytes and no control characters")]
    Name,
    /// The policy has no team of this id.
    #[error("the policy has no team `{0}`")]
    UnknownTeam(String),
    /// The role belongs to teams, or to none.
    #[error("{}", if matches!(.0, Role::Vault | Role::Auditor) {
        "vaults and auditors belong to no team"
    } else {
        "it has to belong to a team"
    })]
    Teams(Role),
    /// The policy does not allow the role, or it is none for devices.
    #[error("the policy does not allow the role {}", .0.name())]
    Role(Role),
}

impl ApprovalError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ForeignAccount => "foreign-account",
            Self::Name => "bad-name",
            Self::UnknownTeam(_) => "unknown-team",
            Self::Teams(_) => "wrong-teams",
            Self::Role(_) => "role-not-allowed",
        }
    }
}
