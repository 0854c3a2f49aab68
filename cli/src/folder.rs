//! The folder that `account create` makes: the account's keys and what they signed.
//!
//! | file | what it is |
//! |---|---|
//! | `account.json` | the account's id |
//! | `root.key` | the root's private key; needed again only for other administrators: keep it offline |
//! | `administrator.key` | the administrator's private key |
//! | `root.statement`, `policy`, `renewals` | signed objects as base64url, one in a line |

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sottovoce::account::{Account, Pin, Policy, Renewal, RootStatement};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::codec::{from_base64url, to_base64url};
use sottovoce::wire::{AccountId, Signed, SignedKind};

use crate::failure::{Failure, Outcome};
use crate::key_file;

const ABOUT: &str = "account.json";
const ROOT_KEY: &str = "root.key";
const ADMINISTRATOR_KEY: &str = "administrator.key";
const ROOT: &str = "root.statement";
const POLICY: &str = "policy";
const RENEWALS: &str = "renewals";

/// What a new account's folder holds.
pub(crate) struct Content<'a> {
    pub(crate) account: AccountId,
    pub(crate) root_key: &'a str,
    pub(crate) administrator_key: &'a str,
    pub(crate) root: &'a Signed<RootStatement>,
    pub(crate) policy: &'a Signed<Policy>,
}

/// An account's folder.
pub(crate) struct Folder {
    path: PathBuf,
    account: AccountId,
}

#[derive(Serialize, Deserialize)]
struct About {
    account: String,
}

impl Folder {
    /// Writes a new account. One that is there already is not touched.
    pub(crate) fn create(path: &Path, content: &Content<'_>) -> Outcome<Self> {
        refuse_existing(path)?;
        private_folder(path)?;
        let folder = Self {
            path: path.to_owned(),
            account: content.account,
        };
        folder.write(ROOT_KEY, content.root_key)?;
        folder.write(ADMINISTRATOR_KEY, content.administrator_key)?;
        folder.write(ROOT, &line(content.root))?;
        folder.write(POLICY, &line(content.policy))?;
        let about = About {
            account: content.account.to_string(),
        };
        let about = serde_json::to_string_pretty(&about)
            .map_err(|error| Failure::new("folder-unwritable", error.to_string()))?;
        // Last: a folder is an account's once this file is there.
        folder.write(ABOUT, &format!("{about}\n"))?;
        Ok(folder)
    }

    /// The account in a folder.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let file = path.join(ABOUT);
        let text = std::fs::read_to_string(&file).map_err(|error| {
            let words = format!(
                "{} holds no account ({error}); `sottovoce account create` makes one",
                path.display()
            );
            Failure::new("no-account", words)
        })?;
        let account = serde_json::from_str::<About>(&text)
            .ok()
            .and_then(|about| about.account.parse().ok())
            .ok_or_else(|| damaged(&file))?;
        Ok(Self {
            path: path.to_owned(),
            account,
        })
    }

    /// The account's id.
    pub(crate) const fn account(&self) -> AccountId {
        self.account
    }

    /// The administrator's key; asks for its passphrase if it is sealed.
    pub(crate) fn administrator(&self) -> Outcome<SigningKey> {
        key_file::read(&self.path.join(ADMINISTRATOR_KEY))
    }

    /// The root statement.
    pub(crate) fn root(&self) -> Outcome<Signed<RootStatement>> {
        self.one(ROOT)
    }

    /// The newest policy.
    pub(crate) fn policy(&self) -> Outcome<Signed<Policy>> {
        self.one(POLICY)
    }

    /// The newest policy's renewals, in the order in which they were made.
    pub(crate) fn renewals(&self) -> Outcome<Vec<Signed<Renewal>>> {
        if self.path.join(RENEWALS).exists() {
            self.all(RENEWALS)
        } else {
            Ok(Vec::new())
        }
    }

    /// Everything in the folder, verified as a client would.
    pub(crate) fn believed(&self) -> Outcome<Account> {
        let mut account = Account::new(Pin::account(self.account));
        account.learn_root(&self.root()?)?;
        account.learn_policy(&self.policy()?)?;
        for renewal in self.renewals()? {
            account.learn_renewal(&renewal)?;
        }
        Ok(account)
    }

    /// The root's key, where it still is in the folder.
    pub(crate) fn root_key(&self) -> Outcome<SigningKey> {
        key_file::read(&self.path.join(ROOT_KEY))
    }

    /// Keeps a new root statement.
    pub(crate) fn keep_root(&self, root: &Signed<RootStatement>) -> Outcome {
        self.write(ROOT, &line(root))
    }

    /// Keeps a new policy, to which the renewals of the one before mean nothing.
    pub(crate) fn keep_policy(&self, policy: &Signed<Policy>) -> Outcome {
        self.write(POLICY, &line(policy))?;
        self.write(RENEWALS, "")
    }

    /// Keeps one more renewal of the newest policy.
    pub(crate) fn keep_renewal(&self, renewal: &Signed<Renewal>) -> Outcome {
        let mut lines: String = self.renewals()?.iter().map(line).collect();
        lines.push_str(&line(renewal));
        self.write(RENEWALS, &lines)
    }

    fn one<T: SignedKind>(&self, name: &str) -> Outcome<Signed<T>> {
        let all: Vec<Signed<T>> = self.all(name)?;
        all.into_iter()
            .next()
            .ok_or_else(|| damaged(&self.path.join(name)))
    }

    fn all<T: SignedKind>(&self, name: &str) -> Outcome<Vec<Signed<T>>> {
        let path = self.path.join(name);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::file("folder-unreadable", &path, &error))?;
        text.lines()
            .map(|line| {
                from_base64url(line)
                    .and_then(|bytes| Signed::from_bytes(&bytes).ok())
                    .ok_or_else(|| damaged(&path))
            })
            .collect()
    }

    /// Replaces a file as a whole, so that a power cut leaves the old one or the new one. Only
    /// its owner may read it.
    fn write(&self, name: &str, content: &str) -> Outcome {
        let path = self.path.join(name);
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            file.write_all(content.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            std::fs::File::open(&self.path)?.sync_all()
        };
        write().map_err(|error| Failure::file("folder-unwritable", &path, &error))
    }
}

/// Refuses a folder that holds an account.
pub(crate) fn refuse_existing(path: &Path) -> Outcome {
    if path.join(ABOUT).exists() || path.join(ROOT_KEY).exists() {
        let words = format!("{} holds an account already", path.display());
        return Err(Failure::new("account-exists", words));
    }
    Ok(())
}

/// Makes a folder that only its owner may look into.
pub(crate) fn private_folder(path: &Path) -> Outcome {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder
        .create(path)
        .map_err(|error| Failure::file("folder-unwritable", path, &error))
}

fn line<T: SignedKind>(signed: &Signed<T>) -> String {
    format!("{}\n", to_base64url(&signed.to_bytes()))
}

fn damaged(path: &Path) -> Failure {
    let words = format!("{} is damaged", path.display());
    Failure::new("folder-unreadable", words)
}
