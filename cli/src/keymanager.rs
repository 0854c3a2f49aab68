//! `sottovoce keymanager`: a key manager until SIGTERM or Ctrl-C, and what belongs to it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use clap::{Args, Subcommand};
use serde_json::Value;
use sottovoce::account::Account;
use sottovoce::archive::{AuditEntry, AuditHead, Auditor, Grant, Operation};
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::{PublicKey, SigningKey};
use sottovoce::wire::codec::{from_base64url, to_base64url};
use sottovoce::wire::{AccountId, Bytes, Signed};
use sottovoce_client::key_manager::{KeyManager, KeyManagerError};
use sottovoce_keymanager::conformance::{self, Customer, Finding, Service};
use sottovoce_keymanager::master::hex_of_secret;
use sottovoce_keymanager::pkcs11::{TokenError, TokenKey};
use sottovoce_keymanager::{Master, Server, Settings, StartError};
use sottovoce_server::config::{self, Layers};
use sottovoce_server::{Telemetry, shutdown};
use zeroize::Zeroizing;

use crate::clock;
use crate::connection::Trust;
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::relay::account_id;
use crate::say::say;

/// What its traces are called unless `OTEL_SERVICE_NAME` says otherwise.
const SERVICE: &str = "sottovoce-keymanager";

/// What the settings of a token are called in the environment.
const PKCS11: &str = "SOTTOVOCE__PKCS11__";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a key manager's identity and master key in a new folder, with a configuration to begin
    /// from. A key on a PKCS#11 token wraps the master key where one is named.
    Create(Create),
    /// Print a line with the next generation of the master key, to be added to its file.
    Generation(Place),
    /// Run a key manager.
    Run(Place),
    /// Say what a key manager would be told with this configuration, secrets hidden.
    CheckConfig(Place),
    /// Fetch the audit log as an administrator, check it, and add what is new to a file.
    Audit(Audit),
    /// Try a key manager from outside, as participants ask it, and say what is wrong with it.
    ///
    /// It asks as people who exist for this run only, with credentials that the account's administrator
    /// signs and nobody publishes. Its contacts are made up; they stay in the key manager's audit log.
    Conformance(Conformance),
    /// Check an audit log in a file: that nothing in it was left out, changed or added.
    VerifyAudit(VerifyAudit),
}

#[derive(Args)]
pub(crate) struct Create {
    /// The folder; it must not exist yet.
    #[arg(long)]
    dir: PathBuf,
    /// Id of an account to serve; repeat it for several.
    #[arg(long = "account", required = true, allow_hyphen_values = true, value_parser = account_id)]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    token: Token,
}

/// A token that wraps the master key.
#[derive(Args)]
struct Token {
    /// A PKCS#11 module: the library of the token's maker. The PIN comes from `SOTTOVOCE__PKCS11__PIN`,
    /// or the file that `SOTTOVOCE__PKCS11__PIN_FILE` names.
    #[arg(long, requires = "pkcs11_token")]
    pkcs11_module: Option<PathBuf>,
    /// The token's label.
    #[arg(long, requires = "pkcs11_module")]
    pkcs11_token: Option<String>,
    /// The label of the AES-256 key on it; it is made if it is not there.
    #[arg(long, requires = "pkcs11_module", default_value = "sottovoce")]
    pkcs11_key: String,
}

#[derive(Args)]
pub(crate) struct Place {
    /// A TOML file with the settings. The environment wins over it
    /// (`SOTTOVOCE__SECTION__KEY`, `…_FILE` for secrets).
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Audit {
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    /// Address of the key manager: `https://keys.example`, or `http://127.0.0.1:8090` on this
    /// machine.
    #[arg(long)]
    url: String,
    /// The file, one entry in a line; made if it is not there.
    #[arg(long)]
    to: PathBuf,
    #[command(flatten)]
    trust: Trust,
}

#[derive(Args)]
pub(crate) struct Conformance {
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    /// Where the key manager answers.
    #[arg(long)]
    url: String,
    #[command(flatten)]
    trust: Trust,
}

#[derive(Args)]
pub(crate) struct VerifyAudit {
    /// The file, as `keymanager audit` writes it.
    file: PathBuf,
    /// The account whose log it is.
    #[arg(long, allow_hyphen_values = true, value_parser = account_id)]
    account: AccountId,
    /// The key manager's identity, as `keymanager create` and the root statement have it.
    #[arg(long, allow_hyphen_values = true, value_parser = identity)]
    identity: PublicKey,
}

pub(crate) async fn run(command: Command) -> Outcome {
    match command {
        Command::Create(arguments) => create(&arguments),
        Command::Generation(place) => {
            let line = place.settings()?.next_generation()?;
            say!("{}", *line);
            Ok(())
        }
        Command::Run(place) => serve(place.settings()?).await,
        Command::CheckConfig(place) => {
            let settings = place.settings()?;
            let shown = config::shown(&settings)?;
            settings.into_config()?;
            say!("{}", shown.trim_end());
            Ok(())
        }
        Command::Audit(arguments) => audit(&arguments).await,
        Command::Conformance(arguments) => conformance(&arguments).await,
        Command::VerifyAudit(arguments) => {
            let (auditor, count) = checked(
                &arguments.file,
                Auditor::new(arguments.account, arguments.identity, BEGINNING),
                |entry| say!("{}", line_of(entry)),
            )?;
            tell(&auditor, count);
            Ok(())
        }
    }
}

/// Before the first entry.
const BEGINNING: AuditHead = AuditHead {
    number: 0,
    hash: None,
};

impl Place {
    fn settings(self) -> Outcome<Settings> {
        Ok(Layers::of_this_process(self.config, Vec::new()).settings()?)
    }
}

fn create(arguments: &Create) -> Outcome {
    let dir = &arguments.dir;
    if dir.exists() {
        let words = format!("{} is there already", dir.display());
        return Err(Failure::new("folder-exists", words));
    }
    let (master, token) = match &arguments.token.pkcs11_module {
        Some(module) => arguments.token.first_line(module)?,
        None => {
            let line = Master::fresh_line(1);
            let line = line.map_err(|error| Failure::new("no-randomness", error.to_string()))?;
            (line, String::new())
        }
    };
    crate::folder::private_folder(dir)?;
    let key = SigningKey::generate(&mut Random::os())?;
    write_secret(&dir.join("identity.key"), &hex_of_secret(&key.seed()))?;
    write_secret(&dir.join("master.key"), &master)?;
    let accounts: Vec<_> = arguments
        .accounts
        .iter()
        .map(|account| format!("\"{account}\""))
        .collect();
    let path = |name: &str| toml_text(&dir.join(name).display().to_string());
    let configuration = format!(
        "# A key manager. Its keys come from files:\n\
         #   SOTTOVOCE__IDENTITY_FILE=identity.key SOTTOVOCE__MASTER_FILE=master.key\n\
         accounts = [{}]\ntombstones = {}\n\n\
         [listen]\naddress = \"127.0.0.1:8090\"\n# certificate = \"tls.crt\"\n# key = \"tls.key\"\n\n\
         [database]\nurl = {}\n# Where all other data is. Keys are never stored there.\nothers = []\n{token}",
        accounts.join(", "),
        path("tombstones"),
        path("keys.db"),
    );
    write_secret(&dir.join("keymanager.toml"), &configuration)?;
    say!("identity={}", key.public());
    say!();
    say!("Name it in the account's root statement, then run it:");
    say!();
    let dir = dir.display();
    say!(
        "  SOTTOVOCE__IDENTITY_FILE={dir}/identity.key SOTTOVOCE__MASTER_FILE={dir}/master.key \\"
    );
    say!("    sottovoce keymanager run --config {dir}/keymanager.toml");
    say!();
    say!("Keep copies of identity.key and master.key apart from those of the database:");
    say!("either alone opens nothing, and without them nothing can be opened again.");
    if !token.is_empty() {
        say!();
        say!("Nor can it without the token: keep a copy of its key as the token's maker says.");
    }
    Ok(())
}

impl Token {
    /// The first generation of a master key, wrapped by the token's key, and what the configuration says
    /// of it.
    fn first_line(&self, module: &Path) -> Outcome<(Zeroizing<String>, String)> {
        let label = self.pkcs11_token.as_deref().unwrap_or_default();
        let flags = vec![
            ("pkcs11.module", Value::from(module.display().to_string())),
            ("pkcs11.token", Value::from(label)),
            ("pkcs11.key", Value::from(self.pkcs11_key.as_str())),
        ];
        let mut layers = Layers::of_this_process(None, flags);
        // Of what there is not yet nothing may be said there.
        layers
            .environment
            .retain(|(name, _)| name.starts_with(PKCS11));
        let settings: Settings = layers.settings()?;
        let place = settings.pkcs11.place();
        let place = place.ok_or_else(|| Failure::new("no-token", "there is no module"))?;
        let failed = |error: TokenError| {
            let words = format!("the token cannot be used, {}: {error}", error.setting());
            Failure::new("token-unusable", words)
        };
        let (key, is_new) = TokenKey::open_or_make(&place).map_err(failed)?;
        let line = key.fresh_line(1).map_err(failed)?;
        let was = if is_new { "made" } else { "there already" };
        say!("The key {:?} on the token {label:?} was {was}.", place.key);
        let configuration = format!(
            "\n# It wraps master.key. The PIN comes from SOTTOVOCE__PKCS11__PIN, or a file:\n\
             #   SOTTOVOCE__PKCS11__PIN_FILE=pin\n\
             [pkcs11]\nmodule = {}\ntoken = {}\nkey = {}\n",
            toml_text(&module.display().to_string()),
            toml_text(label),
            toml_text(&place.key),
        );
        Ok((line, configuration))
    }
}

/// A string as TOML writes it.
pub(crate) fn toml_text(text: &str) -> String {
    format!("{text:?}")
}

/// A new file that only its owner may read.
pub(crate) fn write_secret(path: &Path, content: &str) -> Outcome {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options
        .open(path)
        .and_then(|mut file| writeln!(file, "{}", content.trim_end()));
    written.map_err(|error| Failure::file("folder-unwritable", path, &error))
}

async fn serve(settings: Settings) -> Outcome {
    let config = settings.into_config()?;
    let telemetry = Telemetry::start(SERVICE)?;
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let server = Server::bind(config).await?;
    say!("listening on {scheme}://{}", server.address());
    say!("identity={}", server.identity());
    shutdown::serve_until_signal(|stop| server.serve(stop)).await;
    telemetry.end().await;
    Ok(())
}

/// The identity of an account's key manager.
fn identity_of(account: &Account) -> Outcome<PublicKey> {
    let named = account.root()?.key_manager.as_ref();
    let named = named.ok_or_else(|| {
        Failure::new(
            "no-key-manager",
            "the account's root statement names no key manager",
        )
    })?;
    Ok(named.identity)
}

async fn audit(arguments: &Audit) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let account = folder.believed()?;
    let identity = identity_of(&account)?;
    let auditor = Auditor::new(folder.account(), identity, BEGINNING);
    let (mut auditor, mut count) = if arguments.to.exists() {
        checked(&arguments.to, auditor, |_| {})?
    } else {
        (auditor, 0)
    };
    let tls = arguments.trust.tls()?;
    let manager = KeyManager::new(&arguments.url, folder.account(), identity, tls)?;
    let key = folder.administrator()?;
    let mut file = std::fs::OpenOptions::new();
    let mut file = file
        .create(true)
        .append(true)
        .open(&arguments.to)
        .map_err(|error| Failure::file("file-unwritable", &arguments.to, &error))?;
    loop {
        let after = auditor.head().number;
        let operation = Operation::Audit { after };
        let (grant, _) = manager.ask(&key, account.objects(), operation).await?;
        let Grant::Audit { entries } = grant else {
            let words = "the key manager granted something else";
            return Err(Failure::new("unexpected", words));
        };
        for entry in &entries {
            let signed = Signed::<AuditEntry>::from_bytes(entry)
                .map_err(|error| Failure::new(error.code(), error.to_string()))?;
            take(&mut auditor, &signed)?;
            writeln!(file, "{}", to_base64url(entry))
                .map_err(|error| Failure::file("file-unwritable", &arguments.to, &error))?;
            count += 1;
        }
        // What was asked last is in the log as well, and its answer comes before it.
        if entries.is_empty() || auditor.head().number < after + 2 {
            break;
        }
    }
    tell(&auditor, count);
    Ok(())
}

/// A key manager's HTTP interface, for any account.
struct Http {
    url: String,
    identity: PublicKey,
    tls: Arc<rustls::ClientConfig>,
}

impl Http {
    fn of(&self, account: &AccountId) -> Result<KeyManager, String> {
        let tls = Arc::clone(&self.tls);
        let manager = KeyManager::new(&self.url, *account, self.identity, tls);
        manager.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Service for Http {
    async fn request_keys(&self, account: &AccountId) -> Result<Vec<Bytes>, String> {
        let keys = self.of(account)?.request_keys().await;
        let keys = keys.map_err(|error| error.to_string())?;
        Ok(keys.into_iter().map(Bytes::from).collect())
    }

    async fn answer(&self, account: &AccountId, parcel: &[u8]) -> Result<Bytes, String> {
        let answer = self.of(account)?.deliver(parcel).await;
        answer.map(Bytes::from).map_err(|error| error.to_string())
    }
}

async fn conformance(arguments: &Conformance) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let account = folder.believed()?;
    let service = Http {
        url: arguments.url.clone(),
        identity: identity_of(&account)?,
        tls: arguments.trust.tls()?,
    };
    let customer = Customer {
        objects: account.objects(),
        administrator: folder.administrator()?,
        account: folder.account(),
    };
    let checks = conformance::run(&service, customer, clock::now)
        .await
        .map_err(|error| Failure::new("cannot-try", error.to_string()))?;
    let count = |is: fn(&Finding) -> bool| checks.iter().filter(|it| is(&it.finding)).count();
    for check in &checks {
        say!("{check}");
    }
    let failed = count(|finding| matches!(finding, Finding::Failed(_)));
    let passed = count(|finding| matches!(finding, Finding::Passed));
    let not_tried = checks.len() - failed - passed;
    say!("{passed} passed, {failed} failed, {not_tried} not tried");
    if failed > 0 {
        let words = format!("{failed} of its behaviours are not as SPEC 7 has them");
        return Err(Failure::new("not-conformant", words));
    }
    Ok(())
}

/// Checks a file's entries.
fn checked(
    path: &Path,
    mut auditor: Auditor,
    each: impl Fn(&AuditEntry),
) -> Outcome<(Auditor, u64)> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::file("file-unreadable", path, &error))?;
    let mut count = 0;
    for line in text.lines() {
        let signed = from_base64url(line)
            .and_then(|bytes| Signed::<AuditEntry>::from_bytes(&bytes).ok())
            .ok_or_else(|| {
                let words = format!("line {} of {} is no entry", count + 1, path.display());
                Failure::new("malformed", words)
            })?;
        each(&take(&mut auditor, &signed)?);
        count += 1;
    }
    Ok((auditor, count))
}

fn take(auditor: &mut Auditor, signed: &Signed<AuditEntry>) -> Outcome<AuditEntry> {
    let number = auditor.head().number + 1;
    auditor.take(signed).map_err(|error| {
        let words = format!("the audit log is wrong at entry {number}: {error}");
        Failure::new(error.code(), words)
    })
}

fn tell(auditor: &Auditor, count: u64) {
    let head = auditor.head().hash.map(|hash| hash.to_string());
    say!("{count} entries, all signed and none missing");
    say!("head={}", head.unwrap_or_default());
}

fn line_of(entry: &AuditEntry) -> String {
    let contact = entry.contact.map(|contact| contact.to_string());
    format!(
        "{:>6}  {}  {:<8}  {:<9}  {}  {}  {}",
        entry.number,
        clock::date(entry.time),
        entry.operation,
        entry.outcome.name(),
        entry.device,
        contact.unwrap_or_default(),
        entry.code,
    )
    .trim_end()
    .to_owned()
}

/// A key manager's identity on the command line.
pub(crate) fn identity(text: &str) -> Result<PublicKey, String> {
    let words = "an identity is 43 letters, digits, - and _, as `keymanager create` prints it";
    text.parse().map_err(|_| words.to_owned())
}

impl From<KeyManagerError> for Failure {
    fn from(error: KeyManagerError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
