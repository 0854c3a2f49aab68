//! `sottovoce account`: the beginning of everything.

mod administrator;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sottovoce::account::{
    Archive, EntryPoint, KeyManager, Level, Limits, Operator, POLICY_LIFE, Plan, Policy, Retention,
    Role, RootStatement, Team, account_id, is_name,
};
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::{PublicKey, SigningKey};
use sottovoce::wire::{AccountId, Signed, Suite, Time, Version, limits};

use crate::clock;
use crate::failure::{Failure, Outcome};
use crate::folder::{self, Content, Folder};
use crate::key_file::Protection;
use crate::keymanager;
use crate::say::say;
use crate::text::printable;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an account in a new folder.
    ///
    /// Makes the root key, an administrator's key, the root statement and a first policy, and
    /// prints the account's id and what to embed in a page. Move `root.key` to a safe place
    /// offline afterwards: it is needed again only to name other administrators.
    Create(Create),
    /// Name the account's key manager, in a new root statement.
    ///
    /// Needs `root.key`. Publish the account afterwards: `policy publish`.
    KeyManager(NameKeyManager),
    /// Name who administers the account, in a new root statement.
    #[command(subcommand)]
    Administrator(administrator::Command),
}

#[derive(Args)]
pub(crate) struct NameKeyManager {
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    /// The key manager's identity, as `keymanager create` prints it.
    #[arg(long, allow_hyphen_values = true, value_parser = keymanager::identity)]
    identity: PublicKey,
    /// Who runs it. At level e2ee nobody accepts one that the platform runs.
    #[arg(long, value_enum)]
    operator: OperatorName,
}

/// Who runs a key manager, on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum OperatorName {
    /// The business whose account it is.
    Customer,
    /// Whoever runs the relay.
    Platform,
}

#[derive(Args)]
pub(crate) struct Create {
    /// Folder for keys and signed objects; it must not hold an account yet.
    #[arg(long)]
    dir: PathBuf,
    /// The name that visitors read.
    #[arg(long, default_value = "ACME")]
    name: String,
    /// Who may hold the keys of contacts.
    #[arg(long, value_enum, default_value = "e2ee")]
    level: LevelName,
    /// Id of the entry point where visitors come in.
    #[arg(long, default_value = "shop")]
    entry_point: String,
    /// Id of a team that answers there; repeat it for several.
    #[arg(long = "team", default_value = "support")]
    teams: Vec<String>,
    /// Leave the private keys unprotected in their files. Without this they are sealed with a
    /// passphrase (asked for, or from `SOTTOVOCE_PASSPHRASE`).
    #[arg(long)]
    plain_keys: bool,
}

/// A security level on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LevelName {
    /// Servers store plaintext.
    Transport,
    /// Servers store ciphertext and hold its keys apart from it.
    Storage,
    /// Only the people who talk hold keys.
    E2ee,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::Transport => Self::Transport,
            LevelName::Storage => Self::Storage,
            LevelName::E2ee => Self::E2ee,
        }
    }
}

pub(crate) fn run(command: &Command) -> Outcome {
    match command {
        Command::Create(arguments) => create(arguments),
        Command::KeyManager(arguments) => name_key_manager(arguments),
        Command::Administrator(command) => administrator::run(command),
    }
}

fn create(arguments: &Create) -> Outcome {
    folder::refuse_existing(&arguments.dir)?;
    for name in arguments
        .teams
        .iter()
        .chain([&arguments.name, &arguments.entry_point])
    {
        check_name(name)?;
    }
    let protection = Protection::choose(arguments.plain_keys)?;
    let mut random = Random::os();
    let root_key = SigningKey::generate(&mut random)?;
    let administrator_key = SigningKey::generate(&mut random)?;
    let account = account_id(&root_key.public());
    let now = clock::now();
    let level = arguments.level.into();
    let administrator = administrator_key.public();
    let root = root_statement(account, root_key.public(), administrator, level, now);
    let policy = first_policy(arguments, account, administrator, now);
    let folder = Folder::create(
        &arguments.dir,
        &Content {
            account,
            root_key: &protection.protect(&root_key)?,
            administrator_key: &protection.protect(&administrator_key)?,
            root: &Signed::sign(&root, &[&root_key]),
            policy: &Signed::sign(&policy, &[&administrator_key]),
        },
    )?;
    // What no client would believe must not leave here.
    folder.believed()?;
    tell(arguments, account, policy.expires);
    Ok(())
}

fn name_key_manager(arguments: &NameKeyManager) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let mut root = administrator::next_statement(&folder)?;
    root.key_manager = Some(KeyManager {
        identity: arguments.identity,
        operator: match arguments.operator {
            OperatorName::Customer => Operator::Customer,
            OperatorName::Platform => Operator::Platform,
        },
    });
    let signed = Signed::sign(&root, &[&folder.root_key()?]);
    // What no client would believe must not be kept.
    folder.believed()?.learn_root(&signed)?;
    folder.keep_root(&signed)?;
    say!("root-statement={}", root.number);
    say!("Publish it with `sottovoce policy publish`.");
    Ok(())
}

fn tell(arguments: &Create, account: AccountId, expires: Time) {
    let attribute = |text: &str| {
        text.replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;")
    };
    say!("account={account}");
    say!();
    say!(
        "The account is in {}. Keep root.key offline: it is needed again only",
        arguments.dir.display()
    );
    say!("to name other administrators.");
    say!();
    say!(
        "The policy holds until {}. Then nobody",
        clock::date(expires)
    );
    say!("can send anything, so let a daily job renew it (`sottovoce policy renew`, then");
    say!("`sottovoce policy publish`; docs/OPERATIONS.md, \"What has to be renewed\").");
    say!();
    say!("On a web page, embed the following. `openssl dgst -sha384 -binary loader.js | base64`");
    say!("prints what belongs after `sha384-`; it changes with every version of the loader.");
    say!();
    say!("  <script async src=\"https://chat.example/widget/loader.js\"");
    say!("          integrity=\"sha384-…\" crossorigin=\"anonymous\"");
    say!("          data-account=\"{account}\"");
    say!(
        "          data-entry-point=\"{}\" data-name=\"{}\"></script>",
        attribute(&arguments.entry_point),
        attribute(&arguments.name)
    );
}

fn root_statement(
    account: AccountId,
    root: PublicKey,
    administrator: PublicKey,
    lowest_level: Level,
    now: Time,
) -> RootStatement {
    RootStatement {
        version: Version,
        suite: Suite::X25519,
        account,
        number: 1,
        root,
        issued: now,
        administrators: vec![administrator],
        policy_threshold: 1,
        credential_threshold: 1,
        key_manager: None,
        lowest_level,
    }
}

fn first_policy(
    arguments: &Create,
    account: AccountId,
    administrator: PublicKey,
    now: Time,
) -> Policy {
    let mut teams = arguments.teams.clone();
    teams.sort_unstable();
    teams.dedup();
    let level = arguments.level.into();
    let mut roles = vec![Role::Supervisor, Role::Bot];
    if level != Level::E2ee {
        roles.push(Role::Vault);
    }
    Policy {
        version: Version,
        suite: Suite::X25519,
        account,
        number: 1,
        previous: None,
        issued: now,
        expires: now.plus_seconds(POLICY_LIFE),
        plan: if Plan::Enterprise.allows(level) {
            Plan::Enterprise
        } else {
            Plan::Plus
        },
        entry_points: vec![EntryPoint {
            id: arguments.entry_point.clone(),
            name: arguments.name.clone(),
            level,
            teams: teams.clone(),
            bot_claims: false,
            bot_transfers: false,
        }],
        teams: teams.iter().map(|id| Team::named_after(id)).collect(),
        archive: Archive::None,
        key_manager_url: None,
        lowest_suite: Suite::XWing,
        roles,
        revocations: Vec::new(),
        issuers: Vec::new(),
        renewers: vec![administrator],
        retention: Retention::default(),
        last_resort: false,
        fallback_link: None,
        limits: Limits::default(),
    }
}

/// Refuses names and ids that no client would accept, or that could drive a terminal.
pub(crate) fn check_name(name: &str) -> Outcome {
    if is_name(name) {
        return Ok(());
    }
    let words = format!(
        "a name has 1 to {} bytes and no control characters: {}",
        limits::NAME,
        printable(name)
    );
    Err(Failure::new("bad-name", words))
}
