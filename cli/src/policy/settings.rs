//! What `policy set` can set, and what values mean.

use sottovoce::account::{Archive, EntryPoint, Level, Plan, Policy, Role};
use sottovoce::wire::{Suite, limits};

use crate::account::{check_name, team};
use crate::failure::{Failure, Outcome};

/// Everything that can be set, for people.
pub(crate) const HELP: &str = "\
Keys and values:
  name=TEXT                          the name that visitors read, where there is one entry point
  level=LEVEL                        its level: transport, storage or e2ee
  entry-point.ID.name=TEXT           the same for one entry point of several
  entry-point.ID.level=LEVEL
  entry-point.ID.teams=ID,ID         which teams answer there; makes the entry point if it is new
  entry-point.ID=none                removes it
  team.ID.name=TEXT                  a team's name; makes the team if it is new
  team.ID.lowest-generation=NUMBER   refuse older team keys
  team.ID=none                       removes it
  plan=PLAN                          solo, starter, plus or enterprise
  roles=ROLE,ROLE                    who may join besides agents: supervisor, bot, vault, auditor; or none
  lowest-suite=NUMBER                1: X25519, 2: X-Wing
  life=DAYS                          how long this version is valid: 1 to 14 days
  renewers=DEVICE,DEVICE             who may extend its dates; or none
  retention.days=NUMBER              how long servers keep entries after the last one
  retention.device-history=SECONDS   how long staff devices can read closed contacts
  retention.draining=SECONDS         how long a team key opens what waits, at most
  limits.text=BYTES                  longest text, at most 65536
  limits.attachment=BYTES            largest attachment
  archive=RULE                       none, or key-manager: closed contacts can be opened through it
  key-manager-url=URL                where the key manager answers; or none
  last-resort=yes|no                 whether contacts begin without a one-time key of the key manager
  fallback-link=URL                  for browsers that cannot run the chat; or none";

/// One `KEY=VALUE`.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    key: String,
    value: String,
}

impl Setting {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("write it as KEY=VALUE".to_owned()),
        }
    }

    /// Changes the policy.
    pub(crate) fn apply(&self, policy: &mut Policy) -> Outcome {
        let value = self.value.as_str();
        let parts: Vec<&str> = self.key.split('.').collect();
        match parts.as_slice() {
            ["name"] => only_entry_point(policy)?.name = name(value)?,
            ["level"] => only_entry_point(policy)?.level = self.level()?,
            ["entry-point", id] if value == "none" => {
                existing_entry_point(policy, id)?;
                policy.entry_points.retain(|entry| entry.id != *id);
            }
            ["entry-point", id, "name"] => existing_entry_point(policy, id)?.name = name(value)?,
            ["entry-point", id, "level"] => {
                existing_entry_point(policy, id)?.level = self.level()?;
            }
            ["entry-point", id, "teams"] => self.set_entry_point_teams(policy, id)?,
            ["team", id] if value == "none" => {
                policy.teams.retain(|team| team.id != *id);
            }
            ["team", id, "name"] => {
                let name = name(value)?;
                self.team(policy, id)?.name = name;
            }
            ["team", id, "lowest-generation"] => {
                let generation = self.number()?;
                self.team(policy, id)?.lowest_generation = generation;
            }
            ["plan"] => policy.plan = self.plan()?,
            ["roles"] => policy.roles = self.roles()?,
            ["lowest-suite"] => policy.lowest_suite = self.suite()?,
            ["life"] => policy.expires = policy.issued.plus_seconds(self.days()? * limits::DAY),
            ["renewers"] => policy.renewers = self.renewers()?,
            ["retention", "days"] => policy.retention.days = self.number()?,
            ["retention", "device-history"] => policy.retention.device_history = self.number()?,
            ["retention", "draining"] => policy.retention.draining = self.number()?,
            ["limits", "text"] => policy.limits.text = self.number()?.min(limits::BODY as u64),
            ["limits", "attachment"] => policy.limits.attachment = self.number()?,
            ["archive"] => policy.archive = self.archive()?,
            ["key-manager-url"] => policy.key_manager_url = self.service()?,
            ["last-resort"] => policy.last_resort = self.yes()?,
            ["fallback-link"] => policy.fallback_link = self.link()?,
            _ => {
                let words = format!("there is no setting `{}`", self.key);
                return Err(Failure::new("unknown-setting", words).with_help(HELP));
            }
        }
        Ok(())
    }

    fn set_entry_point_teams(&self, policy: &mut Policy, id: &str) -> Outcome {
        let teams = sorted(self.value.split(',').map(str::to_owned));
        if let Ok(entry) = existing_entry_point(policy, id) {
            entry.teams = teams;
            return Ok(());
        }
        check_name(id)?;
        // A new one is as strict as the strictest that there is.
        let strictest = policy.entry_points.iter().map(|entry| entry.level).max();
        policy.entry_points.push(EntryPoint {
            id: id.to_owned(),
            name: policy
                .entry_points
                .first()
                .map_or_else(|| id.to_owned(), |entry| entry.name.clone()),
            level: strictest.unwrap_or(Level::E2ee),
            teams,
            bot_claims: false,
            bot_transfers: false,
        });
        policy.entry_points.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(())
    }

    /// The team, made if it is new.
    fn team<'a>(
        &self,
        policy: &'a mut Policy,
        id: &str,
    ) -> Outcome<&'a mut sottovoce::account::Team> {
        check_name(id)?;
        if policy.team(id).is_none() {
            policy.teams.push(team(id.to_owned()));
            policy.teams.sort_by(|a, b| a.id.cmp(&b.id));
        }
        policy
            .teams
            .iter_mut()
            .find(|team| team.id == id)
            .ok_or_else(|| self.bad("a team's id"))
    }

    fn level(&self) -> Outcome<Level> {
        match self.value.as_str() {
            "transport" => Ok(Level::Transport),
            "storage" => Ok(Level::Storage),
            "e2ee" => Ok(Level::E2ee),
            _ => Err(self.bad("transport, storage or e2ee")),
        }
    }

    fn plan(&self) -> Outcome<Plan> {
        match self.value.as_str() {
            "solo" => Ok(Plan::Solo),
            "starter" => Ok(Plan::Starter),
            "plus" => Ok(Plan::Plus),
            "enterprise" => Ok(Plan::Enterprise),
            _ => Err(self.bad("solo, starter, plus or enterprise")),
        }
    }

    fn archive(&self) -> Outcome<Archive> {
        match self.value.as_str() {
            "none" => Ok(Archive::None),
            "key-manager" => Ok(Archive::KeyManager),
            _ => Err(self.bad("none or key-manager")),
        }
    }

    /// Where a service is: over TLS, or on this machine.
    fn service(&self) -> Outcome<Option<String>> {
        match self.value.as_str() {
            "none" => Ok(None),
            url => match sottovoce_server::outgoing::check(url) {
                Ok(_) => Ok(Some(url.to_owned())),
                Err(error) => Err(self.bad(&format!("none, or an address; {error}"))),
            },
        }
    }

    fn yes(&self) -> Outcome<bool> {
        match self.value.as_str() {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(self.bad("yes or no")),
        }
    }

    fn roles(&self) -> Outcome<Vec<Role>> {
        if self.value == "none" {
            return Ok(Vec::new());
        }
        let known = [Role::Supervisor, Role::Bot, Role::Vault, Role::Auditor];
        let roles: Option<Vec<Role>> = self
            .value
            .split(',')
            .map(|name| known.into_iter().find(|role| role.name() == name))
            .collect();
        roles
            .map(sorted)
            .ok_or_else(|| self.bad("some of supervisor, bot, vault, auditor; or none"))
    }

    fn suite(&self) -> Outcome<Suite> {
        Suite::ALL
            .into_iter()
            .find(|suite| suite.number().to_string() == self.value)
            .ok_or_else(|| self.bad("1 or 2"))
    }

    fn renewers(&self) -> Outcome<Vec<sottovoce::wire::DeviceId>> {
        if self.value == "none" {
            return Ok(Vec::new());
        }
        let devices: Result<Vec<_>, _> = self.value.split(',').map(str::parse).collect();
        devices
            .map(sorted)
            .map_err(|_| self.bad("devices, separated by commas"))
    }

    fn days(&self) -> Outcome<u64> {
        self.number()
            .ok()
            .filter(|days| (1..=limits::POLICY_LIFE / limits::DAY).contains(days))
            .ok_or_else(|| self.bad("1 to 14"))
    }

    fn link(&self) -> Outcome<Option<String>> {
        match self.value.as_str() {
            "none" => Ok(None),
            // Pages make a link of it: nothing but the web may be behind it.
            link if link.starts_with("https://") => Ok(Some(link.to_owned())),
            _ => Err(self.bad("an address that begins with https://, or none")),
        }
    }

    fn number(&self) -> Outcome<u64> {
        self.value.parse().map_err(|_| self.bad("a whole number"))
    }

    fn bad(&self, wanted: &str) -> Failure {
        let words = format!("{}={}: it must be {wanted}", self.key, self.value);
        Failure::new("bad-setting", words)
    }
}

fn name(value: &str) -> Outcome<String> {
    check_name(value)?;
    Ok(value.to_owned())
}

fn only_entry_point(policy: &mut Policy) -> Outcome<&mut EntryPoint> {
    match policy.entry_points.as_mut_slice() {
        [only] => Ok(only),
        _ => Err(Failure::new(
            "bad-setting",
            "there is not exactly one entry point: name it, as in entry-point.ID.name=TEXT",
        )),
    }
}

fn existing_entry_point<'a>(policy: &'a mut Policy, id: &str) -> Outcome<&'a mut EntryPoint> {
    policy
        .entry_points
        .iter_mut()
        .find(|entry| entry.id == id)
        .ok_or_else(|| {
            let words =
                format!("there is no entry point `{id}`; entry-point.{id}.teams=… makes one");
            Failure::new("unknown-entry-point", words)
        })
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_unstable();
    items.dedup();
    items
}
