//! Who may ask for what: a TOML file for people to read.
//!
//! ```toml
//! # How often a contact's data key may be asked for, and by whom.
//! [data-key]
//! roles = ["vault"]
//! per-minute = 600
//! ```

use std::path::Path;

use serde::{Deserialize, Serialize};
use sottovoce::account::Role;
use sottovoce::archive::Operation;

/// Rules cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the rules {path} cannot be used: {reason}")]
pub struct RulesError {
    /// The file.
    path: String,
    /// Why.
    reason: String,
}

/// Who may ask for what. What a file does not say is as in [`Rules::default`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rules {
    /// A contact's archive key.
    pub issue: Rule,
    /// Keys for contacts that begin later.
    pub prekeys: Rule,
    /// A contact's data key.
    pub data_key: Rule,
    /// The end of a contact's releases.
    pub revoke: Rule,
    /// The end of a contact's secret.
    pub erase: Rule,
    /// Where a contact stands.
    pub status: Rule,
    /// The audit log.
    pub audit: Rule,
    /// The epoch secrets of a contact.
    pub release: ReleaseRule,
    /// That what is archived of a contact is in its own keeping.
    pub rewrap: Rule,
}

/// Who may have the epoch secrets of which contacts, and how often. Administrators have none: they
/// decide who is on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReleaseRule {
    /// Roles whose devices may ask at all: agents for contacts that they were on, supervisors for
    /// those of their teams.
    pub roles: Vec<RoleName>,
    /// Roles among them that may have any contact.
    pub any_contact: Vec<RoleName>,
    /// How often one device may ask, in a minute.
    pub per_minute: u32,
    /// How old the dates of the policy in force may be, in hours: whoever was revoked since then may
    /// still be believed.
    pub policy_age_hours: u64,
}

/// Who, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// Roles whose devices may ask; administrators are those of the root statement.
    pub roles: Vec<RoleName>,
    /// How often one device may, in a minute.
    pub per_minute: u32,
}

/// A role, as rules name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleName {
    /// Those who answer.
    Agent,
    /// Those who supervise them.
    Supervisor,
    /// Those who sign policies.
    Administrator,
    /// The server-side participant.
    Vault,
    /// Those who read archives with a reason.
    Auditor,
}

impl RoleName {
    /// Whether it names this role.
    pub fn is(self, role: Role) -> bool {
        role == match self {
            Self::Agent => Role::Agent,
            Self::Supervisor => Role::Supervisor,
            Self::Administrator => Role::Administrator,
            Self::Vault => Role::Vault,
            Self::Auditor => Role::Auditor,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        use RoleName::{Administrator, Agent, Auditor, Supervisor, Vault};
        let rule = |roles: &[RoleName], per_minute| Rule {
            roles: roles.to_vec(),
            per_minute,
        };
        Self {
            issue: rule(&[Agent, Supervisor, Administrator, Vault], 600),
            prekeys: rule(&[Agent, Supervisor, Administrator, Vault], 6),
            data_key: rule(&[Vault], 6_000),
            revoke: rule(&[Administrator], 60),
            erase: rule(&[Administrator, Vault], 600),
            status: rule(&[Agent, Supervisor, Administrator, Vault, Auditor], 600),
            audit: rule(&[Administrator, Auditor], 60),
            release: ReleaseRule {
                roles: vec![Agent, Supervisor, Auditor],
                any_contact: vec![Auditor],
                per_minute: 30,
                policy_age_hours: 24,
            },
            rewrap: rule(&[Agent, Supervisor, Administrator, Vault, Auditor], 600),
        }
    }
}

impl Rules {
    /// Reads a file.
    ///
    /// # Errors
    /// [`RulesError`]: it cannot be read, or says something that no rule is.
    pub fn read(path: &Path) -> Result<Self, RulesError> {
        let refused = |reason: String| RulesError {
            path: path.display().to_string(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        toml::from_str(&text).map_err(|error| refused(error.to_string().trim_end().to_owned()))
    }

    /// Who may ask for an operation, and how often in a minute.
    pub fn about(&self, operation: &Operation) -> (&[RoleName], u32) {
        let rule = match operation {
            Operation::Issue { .. } => &self.issue,
            Operation::Prekeys { .. } => &self.prekeys,
            Operation::DataKey { .. } => &self.data_key,
            Operation::Revoke { .. } => &self.revoke,
            Operation::Erase { .. } => &self.erase,
            Operation::Status { .. } => &self.status,
            Operation::Audit { .. } => &self.audit,
            Operation::Rewrap { .. } => &self.rewrap,
            Operation::Release { .. } => {
                return (&self.release.roles, self.release.per_minute);
            }
        };
        (&rule.roles, rule.per_minute)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        std::fs::write(
            &path,
            "[data-key]\nroles = [\"vault\", \"auditor\"]\nper-minute = 3\n",
        )
        .unwrap();
        let rules = Rules::read(&path).unwrap();
        assert_eq!(rules.data_key.roles, [RoleName::Vault, RoleName::Auditor]);
        assert_eq!(rules.data_key.per_minute, 3);
        assert_eq!(rules.erase, Rules::default().erase);
    }

    #[test]
    fn what_no_rule_is_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        for text in [
            "[datakey]\nroles = []\nper-minute = 1",
            "[erase]\nroles = [\"visitor\"]\nper-minute = 1",
            "[erase]\nroles = []",
            "[erase]\nroles = []\nper-minute = -1",
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(Rules::read(&path).is_err(), "{text}");
        }
    }
}
