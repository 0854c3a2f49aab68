//! An account below `e2ee`, with everything that it needs.

use std::time::Duration;

use serde_json::Value;
use sottovoce::account::{Level, Role};
use sottovoce::archive::{Grant, Operation};
use sottovoce::client::Command;
use sottovoce::crypto::sign::PublicKey;
use sottovoce::wire::frame::{ObjectKind, Query};
use sottovoce::wire::{ContactId, Suite};
use sottovoce_client::admin::Session;
use sottovoce_client::key_manager::{KeyManager, KeyManagerError};
use sottovoce_server::bearer;
use sottovoce_system_tests::service::{Database, key_manager_config};
use sottovoce_system_tests::{
    Business, Person, RelayProcess, ServiceProcess, Shown, TEAM, no_roots,
};

const RELAY: &str = env!("CARGO_BIN_EXE_relay-process");
const VAULT: &str = env!("CARGO_BIN_EXE_vault-process");
pub(crate) const KEYS: &str = env!("CARGO_BIN_EXE_keymanager-process");
/// Longer than anything takes that happens at all.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Scene {
    pub(crate) business: Business,
    pub(crate) relay: RelayProcess,
    /// None at `transport`.
    pub(crate) keys: Option<ServiceProcess>,
    pub(crate) identity: Option<PublicKey>,
    pub(crate) vault: ServiceProcess,
    pub(crate) ada: Person,
    pub(crate) token: String,
}

impl Scene {
    pub(crate) async fn open(level: Level) -> Self {
        Self::with(level, "", |_, url| url).await
    }

    /// With more in the vault's configuration, and another way to the key manager.
    pub(crate) async fn with(
        level: Level,
        extra: &str,
        way: impl FnOnce(&ServiceProcess, String) -> String,
    ) -> Self {
        let business = Business::new(Suite::X25519).at_level(level);
        Self::of(business, level, extra, way).await
    }

    /// With a certain account.
    pub(crate) async fn of(
        mut business: Business,
        level: Level,
        extra: &str,
        way: impl FnOnce(&ServiceProcess, String) -> String,
    ) -> Self {
        let (mut keys, mut identity) = (None, None);
        if level == Level::Storage {
            let folder = tempfile::tempdir().unwrap();
            let database = Database::new(folder.path());
            let (config, public) = key_manager_config(folder.path(), business.account, &database);
            let process = ServiceProcess::start(KEYS, folder, database, &config).await;
            let url = way(&process, process.url());
            business = business.with_key_manager(public, url);
            (keys, identity) = (Some(process), Some(public));
        }
        let relay = RelayProcess::start(RELAY, business.account).await;
        let url = relay.url();
        let mut session = business.administer(&url).await;
        business.publish(&mut session).await;
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("device");
        let vault = Person::agent(&url, business.account, "Vault", Some(&device)).await;
        vault.online().await;
        business
            .credit_vault(&mut session, vault.handle.device())
            .await;
        vault
            .until("its role", |shown| {
                let account = shown.account.as_ref()?;
                (account.own.role == Role::Vault).then_some(())
            })
            .await;
        while !has_seal_keys(&mut session).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        vault.stop().await;
        let ada = Person::agent(&url, business.account, "Ada", None).await;
        business.approve(&mut session, &ada, "Ada", TEAM).await;
        let token = bearer::fresh().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let database = Database::new(folder.path());
        let config = format!(
            "account = \"{}\"\nrelay = \"{url}\"\ntombstones = {:?}\n\
             device = {{ dir = {device:?} }}\n\
             database = {{ url = {:?} }}\n{extra}\n\
             [[tokens]]\nname = \"tests\"\nhash = \"{}\"\nuntil = \"2100-01-01T00:00:00Z\"\n\
             scopes = [\"contacts:read\", \"transcripts:read\", \"contacts:erase\", \"webhooks:read\", \"webhooks:write\"]\n",
            business.account,
            path("tombstones"),
            database.url(),
            bearer::hash(&token),
        );
        let vault = ServiceProcess::start(VAULT, folder, database, &config).await;
        Self {
            business,
            relay,
            keys,
            identity,
            vault,
            ada,
            token,
        }
    }

    /// A visitor who says something, and an agent who answers.
    pub(crate) async fn talk(&self, question: &str, answer: &str) -> (Person, ContactId) {
        let visitor = Person::visitor(&self.relay.url(), self.business.account, None).await;
        let contact = visitor.begin(None).await;
        says(&visitor, contact, question).await;
        self.ada.take(contact).await;
        says(&self.ada, contact, answer).await;
        (visitor, contact)
    }

    pub(crate) async fn close(&self, contact: ContactId) {
        self.ada.command(Command::Close { contact }).await;
        self.ada
            .until("the close", |shown| {
                let state = shown.contacts.get(&contact)?.state;
                (state == sottovoce::client::ContactState::Closed).then_some(())
            })
            .await;
    }

    /// Asks the vault for something of its account.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> (u16, Value) {
        let path = format!("/v1/accounts/{}{path}", self.business.account);
        let (status, body) = self.vault.ask(method, &path, &self.token).await;
        (
            status,
            serde_json::from_str(&body).unwrap_or(Value::String(body)),
        )
    }

    /// The texts of a transcript as the vault gives them; none while it cannot.
    pub(crate) async fn texts(&self, contact: ContactId) -> Vec<String> {
        let (_, transcript) = self
            .ask("GET", &format!("/contacts/{contact}/transcript"))
            .await;
        texts_of(&transcript)
    }

    /// Waits until the vault's transcript has exactly these texts.
    pub(crate) async fn stores(&self, contact: ContactId, texts: &[&str]) {
        self.until(&format!("{texts:?}"), async || {
            self.texts(contact).await == texts
        })
        .await;
    }

    /// Waits until a transcript is refused: keys stay in memory for a moment.
    pub(crate) async fn cannot_read(&self, contact: ContactId, status: u16, code: &str) {
        let path = format!("/contacts/{contact}/transcript");
        self.until(code, async || {
            let (answered, body) = self.ask("GET", &path).await;
            (answered, body["code"].as_str()) == (status, Some(code))
        })
        .await;
    }

    /// Waits until the contact's view has some value of a key.
    pub(crate) async fn shows(&self, contact: ContactId, key: &str, value: Value) {
        let path = format!("/contacts/{contact}");
        self.until(&format!("{key} {value}"), async || {
            self.ask("GET", &path).await.1.get(key) == Some(&value)
        })
        .await;
    }

    /// Waits for the vault to be ready, or not ready for a reason.
    pub(crate) async fn is_ready(&self, code: Option<&str>) {
        self.until(&format!("{code:?}"), async || {
            let (_, body) = self.vault.ask("GET", "/readyz", "").await;
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            body.get("code").and_then(Value::as_str) == code && body.get("ready").is_some()
        })
        .await;
    }

    pub(crate) async fn until(&self, what: &str, mut look: impl AsyncFnMut() -> bool) {
        let begun = std::time::Instant::now();
        while !look().await {
            if begun.elapsed() > PATIENCE {
                let status = self.ask("GET", "/status").await.1;
                let list = self.ask("GET", "/contacts").await.1;
                panic!("{what}: {status} {list} {}", self.vault.logs());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks the key manager for something as the administrator.
    pub(crate) async fn administer_keys(
        &self,
        operation: Operation,
    ) -> Result<Grant, KeyManagerError> {
        let url = self.keys.as_ref().unwrap().url();
        let (key, evidence) = self.business.evidence();
        let account = self.business.account;
        let manager = KeyManager::new(&url, account, self.identity.unwrap(), no_roots())?;
        Ok(manager.ask(key, evidence, operation).await?.0)
    }
}

/// Says something, and waits until the relay has it.
pub(crate) async fn says(person: &Person, contact: ContactId, words: &str) {
    person.say(contact, words).await;
    let acknowledged = |shown: &Shown| shown.acknowledged.contains(words).then_some(());
    person.until(words, acknowledged).await;
}

pub(crate) fn texts_of(transcript: &Value) -> Vec<String> {
    let records = transcript.get("records").and_then(Value::as_array);
    let text = |record: &Value| Some(record.get("text")?.as_str()?.to_owned());
    records.into_iter().flatten().filter_map(text).collect()
}

/// Whether some bytes have these words in them.
pub(crate) fn has(bytes: &[u8], words: &str) -> bool {
    bytes
        .windows(words.len())
        .any(|window| window == words.as_bytes())
}

async fn has_seal_keys(session: &mut Session) -> bool {
    let found = session.look_up(Query::Vaults).await.unwrap();
    found
        .objects
        .iter()
        .any(|object| object.kind == ObjectKind::SealKey)
}
