//! An account whose contacts are archived at a key manager, its relay and its people: everything in this
//! process, without the limits of one device and address, which all load comes from here.

use std::net::SocketAddr;

use sottovoce::account::Role;
use sottovoce::client::{Command, ContactState, Kind};
use sottovoce::crypto::sign::{PublicKey, SigningKey};
use sottovoce::crypto::{Random, Secret};
use sottovoce::wire::{ContactId, Suite};
use sottovoce_client::StorageKey;
use sottovoce_client::admin::Session;
use sottovoce_client::key_manager::KeyManager;
use sottovoce_keymanager::rules::{RoleName, Rule};
use sottovoce_keymanager::{Config, Master, Rules, Server};
use sottovoce_relay::throttle::{Quota, Rates};
use sottovoce_relay::{Config as RelayConfig, Limits, Relay};
use sottovoce_system_tests::{Business, Person, Shown, TEAM, no_roots};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) struct Scene {
    pub(crate) business: Business,
    pub(crate) manager: KeyManager,
    pub(crate) identity: PublicKey,
    pub(crate) relay: SocketAddr,
    pub(crate) url: String,
    pub(crate) ada: Person,
    /// What the auditor proves itself with.
    pub(crate) olga: sottovoce::client::Requester,
    pub(crate) folder: TempDir,
    _session: Session,
}

impl Scene {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity: Secret<32> = Random::os().secret().unwrap();
        let public = SigningKey::from_seed(&identity).public();
        let business = Business::new(Suite::XWing);
        let server = Server::bind(Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            accounts: vec![business.account],
            identity: SigningKey::from_seed(&identity),
            master: Master::parse(&format!("1:{}", "5a".repeat(32))).unwrap(),
            rules: rules(),
            tombstones: folder.path().join("tombstones"),
            database: folder.path().join("keys.db").display().to_string(),
            older: None,
        });
        let server = server.await.unwrap();
        let keys = format!("http://{}", server.address());
        tokio::spawn(server.serve(CancellationToken::new()));
        let business = business.archived_at(public, keys.clone());
        let database = folder.path().join("relay.db").display().to_string();
        let relay = Relay::bind(RelayConfig {
            private_key_managers: true,
            limits: limits(),
            ..RelayConfig::loopback(database, business.account)
        });
        let relay = relay.await.unwrap();
        let address = relay.address();
        let url = format!("ws://{address}");
        tokio::spawn(relay.serve(std::future::pending::<()>()));
        let mut session = business.administer(&url).await;
        business.publish(&mut session).await;
        let account = business.account;
        let ada = Person::agent(&url, account, "Ada", None).await;
        business.approve(&mut session, &ada, "Ada", TEAM).await;
        let olga = auditor(&business, &mut session, &url, &folder).await;
        Self {
            manager: KeyManager::new(&keys, account, public, no_roots()).unwrap(),
            identity: public,
            relay: address,
            business,
            url,
            ada,
            olga,
            folder,
            _session: session,
        }
    }

    /// A closed contact in which as many texts were written, by both sides in turns.
    pub(crate) async fn talk(&self, messages: usize) -> ContactId {
        let visitor = Person::visitor(&self.url, self.business.account, None).await;
        visitor.online().await;
        let contact = visitor.begin(None).await;
        visitor.say(contact, "first").await;
        self.ada.opens(contact).await;
        self.ada.take(contact).await;
        for number in 1..messages {
            let by = if number % 2 == 0 { &visitor } else { &self.ada };
            by.say(contact, &format!("{number} {TEXT}")).await;
            // What waits at a client is searched more often the more it is.
            if number % 100 == 99 {
                let others = number / 2;
                let sent = move |shown: &Shown| (shown.acknowledged.len() >= others).then_some(());
                self.ada.until("what was sent", sent).await;
                visitor.until("what was sent", sent).await;
            }
        }
        let all = move |shown: &Shown| (shown.transcript(contact).len() == messages).then_some(());
        self.ada.until("everything", all).await;
        self.ada.command(Command::Close { contact }).await;
        let closed = |shown: &Shown| {
            let view = shown.contacts.get(&contact)?;
            (view.state == ContactState::Closed).then_some(())
        };
        self.ada.until("the end", closed).await;
        contact
    }
}

/// As long as people's messages are.
const TEXT: &str = "Good morning! I ordered a blue vase two weeks ago and it has not arrived yet. \
    The number is on the invoice that I got by mail; could you please look where it is?";

/// Gives a device that is kept in a folder an auditor's credential, and stops it.
async fn auditor(
    business: &Business,
    session: &mut Session,
    url: &str,
    folder: &TempDir,
) -> sottovoce::client::Requester {
    let state = folder.path().join("olga");
    let kind = Kind::Staff {
        name: "Olga".into(),
        invitation: None,
    };
    let olga = Person::start(url, business.account, kind, Some(&state)).await;
    let device = olga.handle.device();
    business
        .credit_as(session, device, "Olga", Role::Auditor, &[])
        .await;
    let named = |shown: &Shown| {
        let account = shown.account.as_ref()?;
        (account.own.role == Role::Auditor).then_some(())
    };
    olga.until("her role", named).await;
    olga.stop().await;
    sottovoce_client::requester(&state, &StorageKey::Plain).unwrap()
}

fn rules() -> Rules {
    let mut rules = Rules::default();
    let often = |roles: &[RoleName]| Rule {
        roles: roles.to_vec(),
        per_minute: u32::MAX,
    };
    rules.issue = often(&[RoleName::Administrator, RoleName::Agent]);
    rules.data_key = often(&[RoleName::Administrator]);
    rules.release.per_minute = u32::MAX;
    rules
}

fn limits() -> Limits {
    const RATES: Rates = Rates {
        frames: u32::MAX,
        bytes: u32::MAX,
    };
    const QUOTA: Quota = Quota {
        connections: u32::MAX,
        frames: u32::MAX,
        bytes: u32::MAX,
        contacts: u32::MAX,
    };
    Limits {
        frames: u32::MAX,
        bytes: u32::MAX,
        address: RATES,
        device: QUOTA,
        account: QUOTA,
        contact: RATES,
        ..Limits::default()
    }
}
