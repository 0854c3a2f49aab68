//! What each plan allows here: levels of contacts, and how long entries stay. The table is the
//! operator's. It can only narrow what clients accept: they have their own rule (SPEC 3.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sottovoce::account::{Level, Plan, Policy};
use sottovoce::wire::AccountId;
use sottovoce_server::config::ConfigError;

/// `[plans]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanSettings {
    /// What `solo` allows.
    pub solo: RuleSettings,
    /// What `starter` allows.
    pub starter: RuleSettings,
    /// What `plus` allows.
    pub plus: RuleSettings,
    /// What `enterprise` allows.
    pub enterprise: RuleSettings,
    /// Which plan accounts have, by their ids. Any plan for those that are not here.
    pub accounts: BTreeMap<String, String>,
}

/// What one plan allows, as people write it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// Levels by name; none if the plan is not on offer.
    pub levels: Vec<String>,
    /// Days that entries stay after a contact's last one, at most.
    pub retention_days: u64,
}

impl Default for PlanSettings {
    fn default() -> Self {
        let usual = |plan| {
            let rule = Rule::usual(plan);
            let levels = rule.levels.into_iter().map(Level::name);
            RuleSettings {
                levels: levels.map(str::to_owned).collect(),
                retention_days: rule.days,
            }
        };
        Self {
            solo: usual(Plan::Solo),
            starter: usual(Plan::Starter),
            plus: usual(Plan::Plus),
            enterprise: usual(Plan::Enterprise),
            accounts: BTreeMap::new(),
        }
    }
}

impl PlanSettings {
    /// What they come to.
    ///
    /// # Errors
    /// [`ConfigError::Value`]: a level that does not exist, or that clients refuse for the plan; no
    /// day at all; an account's plan that does not exist.
    pub fn into_plans(self) -> Result<Plans, ConfigError> {
        let Self {
            solo,
            starter,
            plus,
            enterprise,
            accounts,
        } = self;
        let accounts = accounts
            .into_iter()
            .map(|(id, name)| {
                let key = format!("plans.accounts.{id}");
                let account = id
                    .parse()
                    .map_err(|_| ConfigError::value(&key, sottovoce_server::config::ACCOUNT_ID))?;
                let plan = Plan::ALL.into_iter().find(|plan| plan.name() == name);
                let plan = plan.ok_or_else(|| {
                    ConfigError::value(&key, "plans are solo, starter, plus and enterprise")
                })?;
                Ok((account, plan))
            })
            .collect::<Result<_, ConfigError>>()?;
        Ok(Plans {
            solo: solo.into_rule(Plan::Solo)?,
            starter: starter.into_rule(Plan::Starter)?,
            plus: plus.into_rule(Plan::Plus)?,
            enterprise: enterprise.into_rule(Plan::Enterprise)?,
            accounts,
        })
    }
}

impl RuleSettings {
    fn into_rule(self, plan: Plan) -> Result<Rule, ConfigError> {
        let name = plan.name();
        let key = format!("plans.{name}.levels");
        let mut levels = Vec::new();
        for written in self.levels {
            let known = Level::ALL.into_iter().find(|level| level.name() == written);
            let level = known.ok_or_else(|| {
                let words =
                    format!("{written} is no level; levels are transport, storage and e2ee");
                ConfigError::value(&key, words)
            })?;
            if !plan.allows(level) {
                let words = format!("clients do not accept level {written} in the plan {name}");
                return Err(ConfigError::value(&key, words));
            }
            levels.push(level);
        }
        levels.sort_unstable();
        levels.dedup();
        if self.retention_days == 0 {
            let key = format!("plans.{name}.retention_days");
            return Err(ConfigError::value(&key, "it is at least one day"));
        }
        Ok(Rule {
            plan,
            levels,
            days: self.retention_days,
        })
    }
}

/// What each plan allows, and which one accounts have.
#[derive(Clone, Debug)]
pub struct Plans {
    solo: Rule,
    starter: Rule,
    plus: Rule,
    enterprise: Rule,
    accounts: BTreeMap<AccountId, Plan>,
}

/// What one plan allows.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) plan: Plan,
    /// Ascending.
    pub(crate) levels: Vec<Level>,
    /// Days that entries stay after a contact's last one, at most.
    pub(crate) days: u64,
}

impl Rule {
    /// All levels that clients accept in the plan.
    fn usual(plan: Plan) -> Self {
        let levels = Level::ALL.into_iter().filter(|level| plan.allows(*level));
        Self {
            plan,
            levels: levels.collect(),
            days: match plan {
                Plan::Solo => 30,
                Plan::Starter => 90,
                Plan::Plus => 365,
                Plan::Enterprise => 3650,
            },
        }
    }
}

impl Default for Plans {
    fn default() -> Self {
        Self {
            solo: Rule::usual(Plan::Solo),
            starter: Rule::usual(Plan::Starter),
            plus: Rule::usual(Plan::Plus),
            enterprise: Rule::usual(Plan::Enterprise),
            accounts: BTreeMap::new(),
        }
    }
}

/// A policy is not what the operator's table allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The account has another plan.
    #[error("this account has the plan {has}, and the policy says {says}")]
    OtherPlan {
        /// The account's.
        has: &'static str,
        /// The policy's.
        says: &'static str,
    },
    /// No level is allowed in the plan.
    #[error("the plan {0} is not on offer here")]
    NotOffered(&'static str),
    /// A level is not allowed in the plan.
    #[error(
        "the plan {plan} does not allow level {level} here, which entry point {entry_point} has"
    )]
    Level {
        /// The policy's plan.
        plan: &'static str,
        /// The level.
        level: &'static str,
        /// The id of the entry point that has it.
        entry_point: String,
    },
    /// Entries would stay longer than the plan allows.
    #[error(
        "the plan {plan} lets entries stay for {most} days at most here, and the policy says {says}"
    )]
    Days {
        /// The policy's plan.
        plan: &'static str,
        /// The table's days.
        most: u64,
        /// The policy's days.
        says: u64,
    },
}

impl PlanError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        "plan-not-allowed"
    }
}

impl Plans {
    /// Whether a policy may come into force here.
    ///
    /// # Errors
    /// [`PlanError`].
    pub(crate) fn check(&self, policy: &Policy) -> Result<(), PlanError> {
        let plan = policy.plan.name();
        if let Some(has) = self.accounts.get(&policy.account)
            && *has != policy.plan
        {
            let has = has.name();
            return Err(PlanError::OtherPlan { has, says: plan });
        }
        let rule = self.rule(policy.plan);
        if rule.levels.is_empty() {
            return Err(PlanError::NotOffered(plan));
        }
        let beyond = policy
            .entry_points
            .iter()
            .find(|entry| !rule.levels.contains(&entry.level));
        if let Some(entry) = beyond {
            return Err(PlanError::Level {
                plan,
                level: entry.level.name(),
                entry_point: entry.id.clone(),
            });
        }
        let says = policy.retention.days;
        if says > rule.days {
            let most = rule.days;
            return Err(PlanError::Days { plan, most, says });
        }
        Ok(())
    }

    /// What holds for an account: its own plan's rule, or that of the plan that its policy says.
    pub(crate) fn of(&self, account: &AccountId, policy: Plan) -> &Rule {
        self.rule(self.accounts.get(account).copied().unwrap_or(policy))
    }

    const fn rule(&self, plan: Plan) -> &Rule {
        match plan {
            Plan::Solo => &self.solo,
            Plan::Starter => &self.starter,
            Plan::Plus => &self.plus,
            Plan::Enterprise => &self.enterprise,
        }
    }
}
