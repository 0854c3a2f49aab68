//! What the demo's account is: its level, who holds its keys, what is archived.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::children::Running;
use crate::failure::{During, Outcome};
use crate::process;

/// An account's level and keys, as the command line of the demo says them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrangement {
    /// Stored in clear by a vault.
    Transport,
    /// Stored by a vault under keys of a key manager that somebody operates.
    Storage(Operator),
    /// End-to-end encrypted, with nothing archived.
    E2ee,
    /// End-to-end encrypted, archived at the customer's key manager.
    Archived,
}

/// Who operates a key manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Platform,
    Customer,
}

impl Operator {
    const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Customer => "customer",
        }
    }
}

impl Arrangement {
    /// Takes `--level`, `--keys` and `--archive` out of the arguments; the rest stays.
    pub(crate) fn take(arguments: &mut Vec<&str>) -> Outcome<Self> {
        let mut take = |flag: &str| -> Outcome<Option<String>> {
            let Some(place) = arguments.iter().position(|argument| *argument == flag) else {
                return Ok(None);
            };
            if place + 1 >= arguments.len() {
                return Err(format!("{flag} needs a value; see `cargo xtask help`").into());
            }
            arguments.remove(place);
            Ok(Some(arguments.remove(place).to_owned()))
        };
        let (level, keys, archive) = (take("--level")?, take("--keys")?, take("--archive")?);
        Self::of(level.as_deref(), keys.as_deref(), archive.as_deref())
    }

    fn of(level: Option<&str>, keys: Option<&str>, archive: Option<&str>) -> Outcome<Self> {
        let operator = |name: &str| match name {
            "internal" => Ok(Operator::Platform),
            "external" => Ok(Operator::Customer),
            _ => Err(format!("a key manager is internal or external, not {name}")),
        };
        let refused = |words: &str| Err(words.into());
        match (level.unwrap_or("e2ee"), keys, archive) {
            ("transport", None, None | Some("none")) => Ok(Self::Transport),
            ("transport", Some(_), _) => {
                refused("level transport is stored in clear, so its plans have no key manager")
            }
            ("storage", keys, None | Some("none")) => {
                Ok(Self::Storage(operator(keys.unwrap_or("internal"))?))
            }
            ("transport" | "storage", _, Some(_)) => refused(
                "archives are for level e2ee: below it the vault stores what is said anyway",
            ),
            ("e2ee", Some(_), _) => refused(
                "at level e2ee no server holds keys; --archive external lets closed contacts be opened",
            ),
            ("e2ee", None, None | Some("none")) => Ok(Self::E2ee),
            ("e2ee", None, Some("external")) => Ok(Self::Archived),
            ("e2ee", None, Some("internal")) => refused(
                "an archive that the platform operates would be level storage: at e2ee clients refuse it",
            ),
            ("e2ee", None, Some(_)) => refused("an archive is none or external"),
            _ => refused("a level is transport, storage or e2ee"),
        }
    }

    /// All that a policy allows.
    pub(crate) const ALL: [Self; 5] = [
        Self::E2ee,
        Self::Transport,
        Self::Storage(Operator::Platform),
        Self::Storage(Operator::Customer),
        Self::Archived,
    ];

    /// As one says it to the demo.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Transport => "--level transport",
            Self::Storage(Operator::Platform) => "--level storage --keys internal",
            Self::Storage(Operator::Customer) => "--level storage --keys external",
            Self::E2ee => "--level e2ee --archive none",
            Self::Archived => "--level e2ee --archive external",
        }
    }

    /// The level, as the command line tool calls it.
    pub(crate) const fn level(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Storage(_) => "storage",
            Self::E2ee | Self::Archived => "e2ee",
        }
    }

    const fn key_manager(self) -> Option<Operator> {
        match self {
            Self::Storage(operator) => Some(operator),
            Self::Archived => Some(Operator::Customer),
            Self::Transport | Self::E2ee => None,
        }
    }

    const fn has_vault(self) -> bool {
        matches!(self, Self::Transport | Self::Storage(_))
    }

    /// Where what is said may stand in clear, in the demo's folder.
    pub(crate) const fn clear(self) -> Option<&'static str> {
        match self {
            Self::Transport => Some("vault"),
            _ => None,
        }
    }
}

/// The folder of the demo, and what runs the command line tool in it.
pub(crate) struct Place<'a> {
    pub(crate) data: &'a Path,
    /// The account's folder.
    pub(crate) account_dir: &'a str,
    pub(crate) account: &'a str,
    pub(crate) sottovoce: &'a dyn Fn(&[&str]) -> Command,
    pub(crate) free: &'a dyn Fn() -> Outcome<u16>,
}

impl Place<'_> {
    fn said(&self, arguments: &[&str]) -> Outcome<String> {
        process::read(&mut (self.sottovoce)(arguments))
    }

    fn text(&self, name: &str) -> String {
        self.data.join(name).display().to_string()
    }

    /// Puts another port, and more, into a configuration that a `create` made.
    fn configure(&self, file: &str, address: &str, more: &str) -> Outcome<String> {
        let path = self.data.join(file);
        let written = fs::read_to_string(&path).during(format!("reading {file}"))?;
        let listen = format!("127.0.0.1:{}", (self.free)()?);
        let text = written.replace(address, &listen) + more;
        fs::write(&path, text).during(format!("writing {file}"))?;
        Ok(listen)
    }

    /// Makes the account's key manager if the arrangement has one, and starts it.
    pub(crate) fn key_manager(&self, arrangement: Arrangement) -> Outcome<Option<Running>> {
        let Some(operator) = arrangement.key_manager() else {
            return Ok(None);
        };
        let (dir, account_dir) = (self.text("keys"), self.account_dir);
        if !Path::new(&dir).exists() {
            let create = [
                "keymanager",
                "create",
                "--dir",
                &dir,
                "--account",
                self.account,
            ];
            let made = self.said(&create)?;
            let identity = made.lines().find_map(|line| line.strip_prefix("identity="));
            let identity = identity.ok_or("`keymanager create` names no identity")?;
            let identity = format!("--identity={identity}");
            let name = ["account", "key-manager", "--dir", account_dir, &identity];
            self.said(&[&name[..], &["--operator", operator.name()]].concat())?;
            let listen = self.configure("keys/keymanager.toml", "127.0.0.1:8090", "")?;
            let url = format!("key-manager-url=http://{listen}");
            let mut set = vec!["policy", "set", "--dir", account_dir, &url];
            if arrangement == Arrangement::Archived {
                set.extend([
                    "archive=key-manager",
                    "last-resort=yes",
                    "roles=supervisor,bot,auditor",
                ]);
            }
            self.said(&set)?;
        }
        let config = self.text("keys/keymanager.toml");
        let mut run = (self.sottovoce)(&["keymanager", "run", "--config", &config]);
        run.env("SOTTOVOCE__IDENTITY_FILE", self.text("keys/identity.key"))
            .env("SOTTOVOCE__MASTER_FILE", self.text("keys/master.key"));
        let running = Running::start("key-manager", &run, self.data)?;
        running.says(|line| line.strip_prefix("listening on ").map(drop))?;
        Ok(Some(running))
    }

    /// Makes the account's vault if the arrangement has one, lets it in, and starts it. What it says
    /// about how to read from it is for people.
    pub(crate) fn vault(
        &self,
        arrangement: Arrangement,
        origin: &str,
    ) -> Outcome<Option<(Running, Vec<String>)>> {
        if !arrangement.has_vault() {
            return Ok(None);
        }
        let dir = self.text("vault");
        let mut hints = Vec::new();
        if !Path::new(&dir).exists() {
            let create = [
                "vault",
                "create",
                "--dir",
                &dir,
                "--relay",
                origin,
                "--plain-keys",
            ];
            let account = format!("--account={}", self.account);
            let made = self.said(&[&create[..], &[&account]].concat())?;
            let request = made.lines().find_map(|line| line.strip_prefix("request="));
            let request = request.ok_or("`vault create` gives no request")?;
            let approve = [
                "agent",
                "approve",
                request,
                "--role",
                "vault",
                "--subject",
                "vault",
            ];
            let place = ["--dir", self.account_dir, "--relay", origin];
            self.said(&[&approve[..], &place].concat())?;
            let scopes = ["--scope", "contacts:read", "--scope", "transcripts:read"];
            let token =
                self.said(&[&["vault", "token", "--name", "demo"][..], &scopes].concat())?;
            let secret = token.lines().find_map(|line| line.strip_prefix("token="));
            let settings = token
                .find("[[tokens]]")
                .and_then(|start| token.get(start..));
            let (secret, settings) = secret.zip(settings).ok_or("`vault token` gives no token")?;
            let more = format!("\n{settings}");
            let listen = self.configure("vault/vault.toml", "127.0.0.1:8091", &more)?;
            let url = format!("http://{listen}/v1/accounts/{}/contacts", self.account);
            hints.push(format!("curl -H 'Authorization: Bearer {secret}' {url}"));
            hints.push(format!("… {url}/CONTACT/transcript?format=text"));
        }
        let config = self.text("vault/vault.toml");
        let run = (self.sottovoce)(&["vault", "run", "--config", &config]);
        let running = Running::start("vault", &run, self.data)?;
        running.says(|line| line.strip_prefix("listening on ").map(drop))?;
        Ok(Some((running, hints)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrangement, Operator};

    fn of(words: &str) -> Result<Arrangement, String> {
        let mut words: Vec<_> = words.split_whitespace().collect();
        let taken = Arrangement::take(&mut words).map_err(|failure| failure.to_string());
        assert!(words.is_empty() || taken.is_err());
        taken
    }

    #[test]
    fn what_the_plans_allow_is_arranged_and_the_rest_refused_in_words() {
        let storage = Arrangement::Storage;
        for (words, arranged) in [
            ("", Arrangement::E2ee),
            ("--level transport", Arrangement::Transport),
            ("--level storage", storage(Operator::Platform)),
            (
                "--level storage --keys internal",
                storage(Operator::Platform),
            ),
            (
                "--level storage --keys external",
                storage(Operator::Customer),
            ),
            ("--level e2ee --archive none", Arrangement::E2ee),
            ("--level e2ee --archive external", Arrangement::Archived),
        ] {
            assert_eq!(of(words), Ok(arranged), "{words}");
        }
        for (words, why) in [
            ("--level transport --keys internal", "stored in clear"),
            ("--level storage --archive external", "for level e2ee"),
            ("--level e2ee --keys external", "no server holds keys"),
            ("--level e2ee --archive internal", "clients refuse"),
            ("--level none", "a level is"),
            ("--level", "needs a value"),
        ] {
            let refused = of(words).err().unwrap_or_default();
            assert!(refused.contains(why), "{words}: {refused}");
        }
    }
}
