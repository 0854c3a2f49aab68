//! What a policy can be told: `KEY=VALUE`, the same for people at a terminal and for pages.

use crate::gather::{Gather, Keep};
use crate::wire::{DeviceId, Suite, limits};

use super::{Archive, EntryPoint, Level, Plan, Policy, Role, Team};

/// All settings and what they take, for people.
pub const HELP: &str = "\
Keys and values:
  name=TEXT                          the name that visitors read, where there is one entry point
  level=LEVEL                        its level: transport, storage or e2ee
  entry-point.ID.name=TEXT           the same for one entry point of several
  entry-point.ID.level=LEVEL
  entry-point.ID.teams=ID,ID         which teams answer there; makes the entry point if it is new
  entry-point.ID.bot-claims=yes|no   whether a bot may take chats there
  entry-point.ID.bot-transfers=yes|no
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
  fallback-link=URL                  for browsers that cannot run the chat; or none
  revoke=DEVICE                      a device that is no longer believed";

/// A setting cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingError {
    /// It has no key or no value.
    Unwritten,
    /// There is no such key.
    Unknown(String),
    /// The value is none that the key takes: the setting as it was given, and what would do.
    Value(String, &'static str),
    /// The policy has no entry point of this id.
    UnknownEntryPoint(String),
}

impl core::error::Error for SettingError {}

impl core::fmt::Display for SettingError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.words())
    }
}

impl SettingError {
    /// The same in words, made without what formats messages: browsers would load all of that.
    pub fn words(&self) -> String {
        match self {
            Self::Unwritten => "write it as KEY=VALUE".to_owned(),
            Self::Unknown(key) => ["there is no setting `", key, "`"].concat(),
            Self::Value(setting, wanted) => [setting, ": it must be ", wanted].concat(),
            Self::UnknownEntryPoint(id) => {
                let made = "`; entry-point.ID.teams=… makes one";
                ["there is no entry point `", id, made].concat()
            }
        }
    }

    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unwritten | Self::Value(..) => "bad-setting",
            Self::Unknown(_) => "unknown-setting",
            Self::UnknownEntryPoint(_) => "unknown-entry-point",
        }
    }
}

/// One `KEY=VALUE`.
#[derive(Clone, Debug)]
pub struct Setting {
    key: String,
    value: String,
}

type Outcome<T = ()> = Result<T, SettingError>;

impl Setting {
    /// Takes it apart.
    ///
    /// # Errors
    /// [`SettingError::Unwritten`].
    pub fn parse(text: &str) -> Outcome<Self> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(SettingError::Unwritten),
        }
    }

    /// Changes the policy. Whether the change agrees with the rest of it is judged by whoever learns it.
    ///
    /// # Errors
    /// [`SettingError`]; then nothing has changed.
    pub fn apply(&self, policy: &mut Policy) -> Outcome {
        let value = self.value.as_str();
        let parts: Vec<&str> = self.key.split('.').gather();
        match parts.as_slice() {
            ["name"] => {
                let name = self.name()?;
                self.only_entry_point(policy)?.name = name;
            }
            ["level"] => {
                let level = self.level()?;
                self.only_entry_point(policy)?.level = level;
            }
            ["entry-point", id] if value == "none" => {
                entry_point(policy, id)?;
                policy.entry_points.keep(|entry| entry.id != *id);
            }
            ["entry-point", id, "name"] => entry_point(policy, id)?.name = self.name()?,
            ["entry-point", id, "level"] => entry_point(policy, id)?.level = self.level()?,
            ["entry-point", id, "teams"] => self.set_entry_point_teams(policy, id)?,
            ["entry-point", id, "bot-claims"] => {
                entry_point(policy, id)?.bot_claims = self.yes()?;
            }
            ["entry-point", id, "bot-transfers"] => {
                entry_point(policy, id)?.bot_transfers = self.yes()?;
            }
            ["team", id] if value == "none" => policy.teams.keep(|team| team.id != *id),
            ["team", id, "name"] => {
                let name = self.name()?;
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
            ["revoke"] => {
                let device = value.parse();
                let device = device.map_err(|_| self.bad("a device's id"))?;
                policy.revoke(device);
            }
            _ => return Err(SettingError::Unknown(self.key.clone())),
        }
        Ok(())
    }

    fn set_entry_point_teams(&self, policy: &mut Policy, id: &str) -> Outcome {
        let teams = ascending(self.value.split(',').map(str::to_owned));
        if let Ok(entry) = entry_point(policy, id) {
            entry.teams = teams;
            return Ok(());
        }
        self.check_id(id)?;
        // A new one is as strict as the strictest that there is.
        let strictest = policy.entry_points.iter().map(|entry| entry.level).max();
        let place = policy.entry_points.partition_point(|it| *it.id < *id);
        let entry = EntryPoint {
            id: id.to_owned(),
            name: policy
                .entry_points
                .first()
                .map_or_else(|| id.to_owned(), |entry| entry.name.clone()),
            level: strictest.unwrap_or(Level::E2ee),
            teams,
            bot_claims: false,
            bot_transfers: false,
        };
        policy.entry_points.insert(place, entry);
        Ok(())
    }

    /// The team, made if it is new.
    fn team<'a>(&self, policy: &'a mut Policy, id: &str) -> Outcome<&'a mut Team> {
        self.check_id(id)?;
        if policy.team(id).is_none() {
            let place = policy.teams.partition_point(|it| *it.id < *id);
            policy.teams.insert(place, Team::named_after(id));
        }
        let team = policy.teams.iter_mut().find(|team| team.id == id);
        team.ok_or_else(|| self.bad("a team's"))
    }

    fn level(&self) -> Outcome<Level> {
        let named = Level::ALL.into_iter().find(|it| it.name() == self.value);
        named.ok_or_else(|| self.bad("transport, storage or e2ee"))
    }

    fn plan(&self) -> Outcome<Plan> {
        let named = Plan::ALL.into_iter().find(|it| it.name() == self.value);
        named.ok_or_else(|| self.bad("solo, starter, plus or enterprise"))
    }

    fn archive(&self) -> Outcome<Archive> {
        match self.value.as_str() {
            "none" => Ok(Archive::None),
            "key-manager" => Ok(Archive::KeyManager),
            _ => Err(self.bad("none or key-manager")),
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
        let mut roles = Vec::new();
        for name in self.value.split(',') {
            let known = [Role::Supervisor, Role::Bot, Role::Vault, Role::Auditor];
            let role = known.into_iter().find(|role| role.name() == name);
            roles.push(
                role.ok_or_else(|| self.bad("some of supervisor, bot, vault, auditor; or none"))?,
            );
        }
        Ok(ascending(roles))
    }

    fn suite(&self) -> Outcome<Suite> {
        match self.value.as_str() {
            "1" => Ok(Suite::X25519),
            "2" => Ok(Suite::XWing),
            _ => Err(self.bad("1 or 2")),
        }
    }

    fn renewers(&self) -> Outcome<Vec<DeviceId>> {
        if self.value == "none" {
            return Ok(Vec::new());
        }
        let mut devices = Vec::new();
        for device in self.value.split(',') {
            let bad = |_| self.bad("devices, separated by commas; or none");
            devices.push(device.parse().map_err(bad)?);
        }
        Ok(ascending(devices))
    }

    fn days(&self) -> Outcome<u64> {
        self.number()
            .ok()
            .filter(|days| (1..=limits::POLICY_LIFE / limits::DAY).contains(days))
            .ok_or_else(|| self.bad("1 to 14"))
    }

    /// Where a service is: over TLS, or on this machine.
    fn service(&self) -> Outcome<Option<String>> {
        let value = self.value.as_str();
        if value == "none" {
            return Ok(None);
        }
        let host = match value.split_once("://") {
            Some(("https", rest)) => host(rest),
            Some(("http", rest)) => host(rest).filter(|host| is_this_machine(host)),
            _ => None,
        };
        match host {
            Some(_) => Ok(Some(self.value.clone())),
            None => Err(self.bad("none, or an https URL, or an http one on a loopback address")),
        }
    }

    fn link(&self) -> Outcome<Option<String>> {
        match self.value.strip_prefix("https://") {
            // Pages make a link of it: nothing but the web may be behind it.
            Some(rest) if host(rest).is_some() => Ok(Some(self.value.clone())),
            None if self.value == "none" => Ok(None),
            _ => Err(self.bad("an address that begins with https://, or none")),
        }
    }

    fn number(&self) -> Outcome<u64> {
        self.value.parse().map_err(|_| self.bad("a whole number"))
    }

    fn name(&self) -> Outcome<String> {
        if is_name(&self.value) {
            Ok(self.value.clone())
        } else {
            Err(self.bad(NAME))
        }
    }

    /// A new entry point's or team's.
    fn check_id(&self, id: &str) -> Outcome {
        if is_name(id) {
            Ok(())
        } else {
            Err(self.bad(NAME))
        }
    }

    fn only_entry_point<'a>(&self, policy: &'a mut Policy) -> Outcome<&'a mut EntryPoint> {
        match policy.entry_points.as_mut_slice() {
            [only] => Ok(only),
            _ => {
                Err(self
                    .bad("of one entry point, where there are several: entry-point.ID.name=TEXT"))
            }
        }
    }

    fn bad(&self, wanted: &'static str) -> SettingError {
        SettingError::Value([self.key.as_str(), "=", &self.value].concat(), wanted)
    }
}

/// What a name must be, for people.
const NAME: &str = "a name of 1 to 128 bytes without control characters";

/// Whether a text can be the name of something, that others read: 1 to 128 bytes of UTF-8, not blank,
/// without control characters.
pub fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= limits::NAME && !text.chars().any(char::is_control)
}

fn entry_point<'a>(policy: &'a mut Policy, id: &str) -> Outcome<&'a mut EntryPoint> {
    let entry = policy.entry_points.iter_mut().find(|entry| entry.id == id);
    entry.ok_or_else(|| SettingError::UnknownEntryPoint(id.to_owned()))
}

/// The host, with its port, of what follows a URL's `://`.
fn host(rest: &str) -> Option<&str> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest.get(..end)?;
    let written = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '@' | '\\');
    (!host.is_empty() && rest.chars().all(written)).then_some(host)
}

fn is_this_machine(host: &str) -> bool {
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
        .map_or(host, |(name, _)| name);
    let address = name.strip_prefix("127.");
    let is_four = |rest: &str| rest.split('.').all(|part| part.parse::<u8>().is_ok());
    matches!(name, "localhost" | "[::1]")
        || address.is_some_and(|rest| rest.split('.').count() == 3 && is_four(rest))
}

/// Few items, each once, ascending.
pub(crate) fn ascending<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut sorted = Vec::new();
    for item in items {
        if let Err(place) = sorted.binary_search(&item) {
            sorted.insert(place, item);
        }
    }
    sorted
}
