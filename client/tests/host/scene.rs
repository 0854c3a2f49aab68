//! An account with a real relay on this machine.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use sottovoce::account::*;
use sottovoce::client::*;
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::{AccountId, DeviceId, Signed, SignedKind, Suite, Time, Version, limits};
use sottovoce_client::admin::Session;
use sottovoce_client::{Handle, HostConfig, StateStore, start, tls};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Longer than anything takes that happens at all.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A business with one entry point, `shop`, and one team, `support`.
pub struct Business {
    pub account: AccountId,
    pub administrator: SigningKey,
    root: SigningKey,
    started: Time,
}

impl Business {
    pub fn new() -> Self {
        let key = || SigningKey::generate(&mut Random::os()).unwrap();
        let root = key();
        Self {
            account: account_id(&root.public()),
            administrator: key(),
            root,
            started: Time::from_millis(now().millis() - 60_000),
        }
    }

    fn root_statement(&self) -> RootStatement {
        RootStatement {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            number: 1,
            root: self.root.public(),
            issued: self.started,
            administrators: vec![self.administrator.public()],
            policy_threshold: 1,
            credential_threshold: 1,
            key_manager: None,
            lowest_level: Level::E2ee,
        }
    }

    fn policy(&self) -> Policy {
        Policy {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            number: 1,
            previous: None,
            issued: self.started,
            expires: self.started.plus_seconds(7 * limits::DAY),
            plan: Plan::Enterprise,
            entry_points: vec![EntryPoint {
                id: "shop".into(),
                name: "ACME".into(),
                level: Level::E2ee,
                teams: vec!["support".into()],
                bot_claims: false,
                bot_transfers: false,
            }],
            teams: vec![Team {
                id: "support".into(),
                name: "Support".into(),
                lowest_generation: 0,
            }],
            archive: Archive::None,
            key_manager_url: None,
            lowest_suite: Suite::XWing,
            roles: Vec::new(),
            revocations: Vec::new(),
            issuers: Vec::new(),
            renewers: Vec::new(),
            retention: Retention::default(),
            last_resort: false,
            fallback_link: None,
            limits: Limits::default(),
        }
    }

    pub fn credential(&self, device: DeviceId, name: &str) -> Signed<Credential> {
        self.sign(&Credential {
            version: Version,
            suite: Suite::X25519,
            account: self.account,
            device,
            subject: name.to_lowercase(),
            name: name.into(),
            role: Role::Agent,
            via: Via::Device,
            teams: vec!["support".into()],
            issued: self.started,
            expires: self.started.plus_seconds(30 * limits::DAY),
        })
    }

    /// Tells the relay of the account.
    pub async fn publish(&self, session: &mut Session) {
        let root = Signed::sign(&self.root_statement(), &[&self.root]);
        let policy = self.sign(&self.policy());
        session
            .publish(ObjectKind::Root, root.to_bytes())
            .await
            .unwrap();
        session
            .publish(ObjectKind::Policy, policy.to_bytes())
            .await
            .unwrap();
    }

    fn sign<T: SignedKind>(&self, body: &T) -> Signed<T> {
        Signed::sign(body, &[&self.administrator])
    }
}

/// A relay that serves until it is stopped.
pub struct Relay {
    pub url: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Relay {
    /// On a port of the system's choice, or on the port of an earlier one.
    pub async fn start(config: sottovoce_relay::Config) -> Self {
        let relay = sottovoce_relay::Relay::bind(config).await.unwrap();
        let url = format!("ws://{}", relay.address());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(relay.serve(async {
            let _ = stopped.await;
        }));
        Self { url, stop, serving }
    }

    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.serving.await.unwrap();
    }
}

/// A running client and what it said.
pub struct Person {
    pub handle: Handle,
    pub events: mpsc::Receiver<Event>,
}

impl Person {
    pub async fn start(url: &str, account: AccountId, kind: Kind, state: StateStore) -> Self {
        let (handle, events) = start(HostConfig {
            url: url.to_owned(),
            pin: Pin::account(account),
            kind,
            state,
            tls: no_roots(),
        })
        .await
        .unwrap();
        Self { handle, events }
    }

    /// The first event to come that fits.
    pub async fn wait_for<T>(&mut self, what: impl Fn(&Event) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("the client runs");
                if let Event::Alarm { code, .. } | Event::Failed { code, .. } = event {
                    panic!("{code}");
                }
                if let Some(found) = what(&event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap()
    }

    pub async fn online(&mut self) {
        self.wait_for(|event| (*event == Event::Connection(ConnectionState::Online)).then_some(()))
            .await;
    }

    /// Waits until somebody else's text is shown.
    pub async fn hears(&mut self, expected: &str) {
        self.wait_for(|event| match event {
            Event::Item { item, .. } => match &item.body {
                ItemBody::Text { text, .. } if text == expected => {
                    (!item.author.as_ref()?.own).then_some(())
                }
                _ => None,
            },
            _ => None,
        })
        .await;
    }

    /// Waits until an own text got as far as that.
    pub async fn sees_own(&mut self, expected: &str, state: MessageState) {
        self.wait_for(|event| match event {
            Event::Item { item, .. } => match &item.body {
                ItemBody::Text { text, .. } => {
                    (text == expected && item.state == state).then_some(())
                }
                _ => None,
            },
            _ => None,
        })
        .await;
    }

    pub async fn say(&self, contact: sottovoce::wire::ContactId, text: &str) {
        let command = Command::Send {
            contact,
            kind: "text".into(),
            body: text.into(),
            reply_to: None,
            id: None,
        };
        self.handle.command(command).await.unwrap();
    }
}

pub fn agent(name: &str) -> Kind {
    Kind::Staff {
        name: name.into(),
        invitation: None,
    }
}

/// For connections within the machine.
pub fn no_roots() -> Arc<ClientConfig> {
    tls::client_config(Arc::new(rustls::crypto::ring::default_provider()), []).unwrap()
}

fn now() -> Time {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    Time::from_millis(since.as_millis().try_into().unwrap())
}
