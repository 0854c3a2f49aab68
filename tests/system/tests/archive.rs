//! Contacts that are archived at the customer's own key manager, with everything real: clients, relay,
//! key manager and their databases.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use sottovoce::account::Role;
use sottovoce::archive::{ContactState, Grant, Operation, Outcome};
use sottovoce::client::{Command, MessageState};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Random, Secret};
use sottovoce::wire::{ContactId, Suite};
use sottovoce_client::admin::Session;
use sottovoce_keymanager::{Config, Master, Rules, Server};
use sottovoce_relay::{Config as RelayConfig, Relay};
use sottovoce_server::TlsFiles;
use sottovoce_system_tests::canary::Canaries;
use sottovoce_system_tests::line::{Line, Mode};
use sottovoce_system_tests::{Business, Person, Shown, TEAM, no_roots, secrets};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A key manager that can be stopped and started again where it was.
struct Keys {
    identity: Secret<32>,
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Keys {
    async fn start(folder: &Path, business: &Business, identity: Secret<32>, port: u16) -> Self {
        let [certificate, key] = ["tls.crt", "tls.key"].map(|name| folder.join(name));
        let tls = certificate
            .exists()
            .then_some(TlsFiles { certificate, key });
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], port)),
            tls,
            accounts: vec![business.account],
            identity: SigningKey::from_seed(&identity),
            master: Master::parse(&format!("1:{}", "5a".repeat(32))).unwrap(),
            rules: Rules::default(),
            tombstones: folder.join("tombstones"),
            database: folder.join("keys.db").display().to_string(),
            older: None,
        };
        let server = Server::bind(config).await.unwrap();
        let address = server.address();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(server.serve(stop.clone()));
        Self {
            identity,
            address,
            stop,
            serving,
        }
    }

    async fn stop(&mut self) {
        self.stop.cancel();
        (&mut self.serving).await.unwrap();
    }

    async fn restart(&mut self, folder: &Path, business: &Business) {
        let identity = self.identity.duplicate();
        *self = Self::start(folder, business, identity, self.address.port()).await;
    }
}

/// Everything that a conversation needs, and an auditor.
struct Scene {
    folder: TempDir,
    business: Business,
    keys: Keys,
    url: String,
    _session: Session,
    ada: Person,
    olga: Person,
}

impl Scene {
    async fn open() -> Self {
        Self::with(|keys| format!("http://{keys}")).await
    }

    /// With another way to the key manager.
    async fn with(way: impl FnOnce(SocketAddr) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity: Secret<32> = Random::os().secret().unwrap();
        let public = SigningKey::from_seed(&identity).public();
        let business = Business::new(Suite::XWing);
        // Its address is in the policy, so it is there before.
        let keys = Keys::start(folder.path(), &business, identity, 0).await;
        let business = business.archived_at(public, way(keys.address));
        let database = folder.path().join("relay.db").display().to_string();
        let mut config = RelayConfig::loopback(database, business.account);
        config.private_key_managers = true;
        let relay = Relay::bind(config).await.unwrap();
        let url = format!("ws://{}", relay.address());
        tokio::spawn(relay.serve(std::future::pending::<()>()));
        let mut session = business.administer(&url).await;
        business.publish(&mut session).await;
        let account = business.account;
        let ada = folder.path().join("ada");
        let ada = Person::agent(&url, account, "Ada", Some(&ada)).await;
        business.approve(&mut session, &ada, "Ada", TEAM).await;
        let olga = Person::agent(&url, account, "Olga", None).await;
        let device = olga.handle.device();
        business
            .credit_as(&mut session, device, "Olga", Role::Auditor, &[])
            .await;
        let named = |shown: &Shown| {
            let account = shown.account.as_ref()?;
            (account.own.role == Role::Auditor).then_some(())
        };
        olga.until("her role", named).await;
        Self {
            folder,
            business,
            keys,
            url,
            _session: session,
            ada,
            olga,
        }
    }

    /// A visitor says something, Ada answers, and closes it.
    async fn talk(&self, question: &str, answer: &str) -> ContactId {
        let (_visitor, contact) = self.begin(question, answer).await;
        self.close(contact).await;
        contact
    }

    /// The same without its end.
    async fn begin(&self, question: &str, answer: &str) -> (Person, ContactId) {
        let visitor = Person::visitor(&self.url, self.business.account, None).await;
        visitor.online().await;
        let contact = visitor.begin(None).await;
        visitor.say(contact, question).await;
        self.ada.opens(contact).await;
        self.ada.hears(contact, question).await;
        self.ada.take(contact).await;
        self.ada.say(contact, answer).await;
        visitor.hears(contact, answer).await;
        (visitor, contact)
    }

    async fn close(&self, contact: ContactId) {
        self.ada.command(Command::Close { contact }).await;
        let closed = |shown: &Shown| {
            let view = shown.contacts.get(&contact)?;
            (view.state == sottovoce::client::ContactState::Closed).then_some(())
        };
        self.ada.until("the end", closed).await;
    }

    /// Waits until the key manager knows a contact, and it stands like that.
    async fn stands(&self, contact: ContactId, wanted: ContactState) {
        for _ in 0..500 {
            let status = self.ask(Operation::Status { contact }).await;
            if matches!(status, Ok(Grant::Status { state, .. }) if state == wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it is not {wanted:?}");
    }

    /// As the administrator, asks the key manager itself.
    async fn ask(&self, operation: Operation) -> Result<Grant, String> {
        let business = &self.business;
        let url = format!("http://{}", self.keys.address);
        let identity = SigningKey::from_seed(&self.keys.identity).public();
        let manager = sottovoce_client::key_manager::KeyManager::new(
            &url,
            business.account,
            identity,
            no_roots(),
        );
        let (administrator, evidence) = business.evidence();
        let asked = manager.unwrap();
        let asked = asked.ask(administrator, evidence, operation).await;
        asked
            .map(|(grant, _)| grant)
            .map_err(|error| error.code().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_opens_a_closed_contact_until_it_is_erased() {
    let scene = Scene::open().await;
    let contact = scene.talk("is my knee covered", "yes, it is").await;
    let other = scene.talk("a second matter", "of course").await;
    let olga = &scene.olga;
    olga.command(Command::Open { contact }).await;
    let granted = (Outcome::Granted, String::new());
    assert_eq!(olga.asks_for(contact, "a complaint").await, granted);
    olga.hears(contact, "is my knee covered").await;
    olga.hears(contact, "yes, it is").await;
    assert_eq!(olga.shown().alarms, [""; 0]);
    let no_reason = olga.asks_for(contact, "  ").await;
    assert_eq!(no_reason, (Outcome::Denied, "reason-missing".into()));
    // Who was on it may, too.
    assert_eq!(
        scene.ada.asks_for(contact, "she calls again").await,
        granted
    );
    let status = scene.ask(Operation::Status { contact }).await.unwrap();
    assert!(
        matches!(
            status,
            Grant::Status {
                state: ContactState::Live,
                releases: 2,
                ..
            }
        ),
        "{status:?}"
    );
    // One is revoked and then erased; the other one opens as before.
    scene.ask(Operation::Revoke { contact }).await.unwrap();
    let revoked = olga.asks_for(contact, "a complaint").await;
    assert_eq!(revoked, (Outcome::Revoked, "revoked".into()));
    scene.ask(Operation::Erase { contact }).await.unwrap();
    let erased = olga.asks_for(contact, "a complaint").await;
    assert_eq!(erased, (Outcome::Erased, "erased".into()));
    assert_eq!(olga.asks_for(other, "a complaint").await, granted);
    olga.hears(other, "a second matter").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_manager_that_is_down_stops_no_chat_and_opens_it_later() {
    let mut scene = Scene::open().await;
    // So that one-time keys are there.
    scene.talk("first", "yes").await;
    let granted = (Outcome::Granted, String::new());
    let before = scene.talk("second", "yes").await;
    assert_eq!(scene.olga.asks_for(before, "a complaint").await, granted);
    scene.keys.stop().await;
    let contact = scene.talk("while it is down", "we go on").await;
    let down = scene.olga.asks_for(contact, "a complaint").await;
    assert_eq!(down, (Outcome::Unavailable, "unavailable".into()));
    let folder = scene.folder.path();
    scene.keys.restart(folder, &scene.business).await;
    // What requests are sealed to was made anew; the client finds out and asks again.
    let answer = scene.olga.asks_for(contact, "a complaint").await;
    assert_eq!(answer, (Outcome::Granted, String::new()));
    scene.olga.hears(contact, "while it is down").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_that_are_revoked_or_erased_mid_chat_go_on_and_never_open() {
    let scene = Scene::open().await;
    // So that one-time keys are there.
    scene.talk("first", "yes").await;
    let (outcomes, codes) = ([Outcome::Revoked, Outcome::Erased], ["revoked", "erased"]);
    for (outcome, code) in outcomes.into_iter().zip(codes) {
        let (visitor, contact) = scene.begin("is my knee covered", "let me see").await;
        scene.stands(contact, ContactState::Live).await;
        let operation = match outcome {
            Outcome::Revoked => Operation::Revoke { contact },
            _ => Operation::Erase { contact },
        };
        scene.ask(operation).await.unwrap();
        scene.ada.say(contact, "yes, it is").await;
        visitor.hears(contact, "yes, it is").await;
        visitor.say(contact, "thank you").await;
        scene.ada.hears(contact, "thank you").await;
        scene.close(contact).await;
        for person in [&scene.ada, &scene.olga] {
            let answer = person.asks_for(contact, "a complaint").await;
            assert_eq!(answer, (outcome, code.into()));
        }
        for person in [&visitor, &scene.ada, &scene.olga] {
            assert_eq!(person.shown().alarms, [""; 0], "{code}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_manager_that_is_slow_or_repeats_itself_stops_no_chat() {
    let line = Line::default();
    let there = line.clone();
    let scene = Scene::with(move |keys| there.to(keys)).await;
    scene.talk("first", "yes").await;
    let granted = (Outcome::Granted, String::new());
    let before = scene.talk("second", "yes").await;
    assert_eq!(scene.olga.asks_for(before, "a complaint").await, granted);
    line.set(Mode::Silent);
    let contact = scene.talk("while it is silent", "we go on").await;
    let answer = scene.olga.asks_for(contact, "a complaint").await;
    assert_eq!(answer, (Outcome::Unavailable, "unavailable".into()));
    assert_eq!(scene.olga.shown().alarms, [""; 0]);
    line.set(Mode::Repeating);
    let answer = scene.olga.asks_for(contact, "a complaint").await;
    assert_eq!(answer, (Outcome::Unavailable, "replayed".into()));
    assert_eq!(scene.olga.shown().alarms, ["replayed"]);
    line.set(Mode::Through);
    assert_eq!(scene.olga.asks_for(contact, "a complaint").await, granted);
    scene.olga.hears(contact, "while it is silent").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_manager_with_an_older_database_is_found_out_by_its_log() {
    let mut scene = Scene::open().await;
    scene.talk("first", "yes").await;
    scene.keys.stop().await;
    let folder = scene.folder.path().to_owned();
    let backup = std::fs::read(folder.join("keys.db")).unwrap();
    scene.keys.restart(&folder, &scene.business).await;
    let granted = (Outcome::Granted, String::new());
    let contact = scene.talk("since the backup", "yes").await;
    assert_eq!(scene.olga.asks_for(contact, "a complaint").await, granted);
    scene.keys.stop().await;
    for name in ["keys.db-wal", "keys.db-shm"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    std::fs::write(folder.join("keys.db"), backup).unwrap();
    scene.keys.restart(&folder, &scene.business).await;
    let _ = scene.olga.asks_for(contact, "a complaint").await;
    let alarmed = |shown: &Shown| {
        let alarms = &shown.alarms;
        let told = ["audit-rolled-back", "audit-fork"];
        alarms.iter().any(|code| told.contains(code)).then_some(())
    };
    scene.olga.until("the alarm", alarmed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_manager_without_a_trusted_certificate_is_not_asked() {
    let mut scene = Scene::with(|keys| format!("https://{keys}")).await;
    let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let folder = scene.folder.path().to_owned();
    std::fs::write(folder.join("tls.crt"), signed.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), signed.signing_key.serialize_pem()).unwrap();
    scene.keys.stop().await;
    scene.keys.restart(&folder, &scene.business).await;
    // The policy wants archives, and there is no key for them: the contact waits and nothing is sent.
    let visitor = Person::visitor(&scene.url, scene.business.account, None).await;
    visitor.online().await;
    visitor
        .command(Command::Start {
            entry_point: sottovoce_system_tests::ENTRY_POINT.into(),
            identity: None,
            details: Vec::new(),
        })
        .await;
    let contact = visitor.until("its id", |shown| shown.started).await;
    visitor.say(contact, "is anybody there").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let shown = visitor.shown();
    assert!(shown.contacts.is_empty());
    let states: Vec<_> = shown.items_of(contact).map(|item| item.state).collect();
    assert_eq!(states, [MessageState::Sending]);
    assert!(scene.ada.shown().inbox.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_platform_database_holds_a_key_of_a_contact() {
    let scene = Scene::open().await;
    let contact = scene.talk("the canary sings", "it does").await;
    let granted = (Outcome::Granted, String::new());
    assert_eq!(scene.olga.asks_for(contact, "a complaint").await, granted);
    scene.olga.hears(contact, "the canary sings").await;
    let mut canaries = Canaries::default();
    canaries.add_text("words", "the canary sings");
    let mut of_contacts = 0;
    for found in secrets::of_device(&scene.folder.path().join("ada")) {
        of_contacts += usize::from(found.name.starts_with("contact"));
        canaries.add_bytes(&found.name, &found.bytes);
    }
    assert!(of_contacts >= 2, "{of_contacts}");
    // What has to be in each of them, or the search finds nothing at all.
    canaries.add_bytes("account", scene.business.account.as_array());
    let mut searched = Vec::new();
    for entry in std::fs::read_dir(scene.folder.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            continue;
        }
        let file = entry.file_name().into_string().unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        let found = canaries.search().look_into(&bytes);
        if file.ends_with(".db-wal") || file.ends_with(".db") {
            searched.push((file.clone(), found.iter().any(|name| name == "account")));
        }
        let others: Vec<_> = found.iter().filter(|name| *name != "account").collect();
        assert!(others.is_empty(), "{file}: {others:?}");
    }
    for database in ["relay", "keys"] {
        let mut files = searched
            .iter()
            .filter(|(file, _)| file.starts_with(database));
        assert!(files.any(|(_, has_account)| *has_account), "{searched:?}");
    }
}
