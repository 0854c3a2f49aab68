//! What ends by itself and silences an account when nobody looks after it: its policy, and the
//! keys of the teams that visitors write to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sottovoce::wire::{AccountId, Time, limits};
use sottovoce_server::clock;
use sottovoce_server::metrics::prometheus_client::metrics::gauge::Gauge;
use sottovoce_server::metrics::prometheus_client::registry::Registry;

use crate::account::AccountHub;
use crate::relay::Shared;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(5);
/// How often a warning is repeated.
const AGAIN: Duration = Duration::from_secs(6 * 3600);
/// How long before a policy's end operators are warned, in seconds.
const WARNED: u64 = 2 * limits::DAY;

/// What operators are told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expiry {
    policy: Gauge,
    silent: Gauge,
}

impl Expiry {
    /// Registers both numbers.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let expiry = Self::default();
        let help = "Seconds until the first of the accounts' policies ends; below 0 when one has";
        registry.register("policy_seconds_left", help, expiry.policy.clone());
        let help = "Entry points where nobody can begin, because a team there has no current key";
        registry.register("entry_points_without_key", help, expiry.silent.clone());
        expiry
    }

    /// Looks until the relay ends.
    pub(crate) async fn run(self, shared: Arc<Shared>) {
        let mut told = BTreeSet::new();
        let mut again = tokio::time::Instant::now() + AGAIN;
        loop {
            if tokio::time::Instant::now() >= again {
                again += AGAIN;
                told.clear();
            }
            self.look(shared.accounts.values(), &mut told).await;
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shared.shutdown.cancelled() => return,
            }
        }
    }

    async fn look(
        &self,
        hubs: impl Iterator<Item = &Arc<AccountHub>>,
        told: &mut BTreeSet<Warning>,
    ) {
        let now = clock::now();
        let mut left: Option<i64> = None;
        let mut silent = 0;
        let mut found = BTreeSet::new();
        for hub in hubs {
            let account = hub.id();
            let book = hub.book().await;
            let Some(expires) = book.account().policy_expires() else {
                continue;
            };
            let seconds = seconds_until(expires, now);
            left = Some(left.map_or(seconds, |least| least.min(seconds)));
            if expires < now.plus_seconds(WARNED) {
                found.insert(Warning::Policy(account, expires <= now));
            }
            if let Err(error) = hub.allowed(&book, now) {
                found.insert(Warning::Plan(account, error.to_string()));
            }
            let teams = book.teams_without_key(now);
            silent += i64::try_from(teams.len()).unwrap_or(i64::MAX);
            found.extend(
                teams
                    .into_iter()
                    .map(|(entry_point, team)| Warning::Team(account, entry_point, team)),
            );
        }
        self.policy.set(left.unwrap_or_default());
        self.silent.set(silent);
        // What was mended is told again when it comes again.
        told.retain(|warning| found.contains(warning));
        for warning in found {
            if !told.contains(&warning) {
                warning.tell();
                told.insert(warning);
            }
        }
    }
}

/// What operators are warned of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Warning {
    /// An account's policy ends soon, or has ended.
    Policy(AccountId, bool),
    /// The table of plans does not allow the policy any more.
    Plan(AccountId, String),
    /// A team of an entry point has no key to seal to.
    Team(AccountId, String, String),
}

impl Warning {
    fn tell(&self) {
        match self {
            Self::Policy(account, false) => tracing::warn!(
                code = "policy-ends-soon", %account,
                "the account's policy ends in less than two days: it has to be renewed"
            ),
            Self::Policy(account, true) => tracing::error!(
                code = "policy-expired", %account,
                "the account's policy has ended: nobody sends anything until it is renewed"
            ),
            Self::Plan(account, reason) => tracing::warn!(
                code = "plan-not-allowed", %account, %reason,
                "the table of plans does not allow the account's policy: it cannot be renewed"
            ),
            Self::Team(account, entry_point, team) => tracing::warn!(
                code = "no-team-key", %account, %entry_point, %team,
                "nobody can begin at this entry point until an agent of this team connects"
            ),
        }
    }
}

fn seconds_until(time: Time, now: Time) -> i64 {
    let millis = |time: Time| i64::try_from(time.millis()).unwrap_or(i64::MAX);
    (millis(time).saturating_sub(millis(now))) / 1000
}
