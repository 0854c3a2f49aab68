//! Whole devices against a real relay.

use std::path::Path;

use crate::scene::{Business, Person, Relay, agent, no_roots};
use sottovoce::account::EnrolmentRequest;
use sottovoce::client::{Command, Event, Kind, MessageState};
use sottovoce::wire::frame::{ObjectKind, Query};
use sottovoce::wire::{ContactId, Signed};
use sottovoce_client::admin::{AdminError, Session};
use sottovoce_client::{StateStore, StorageKey};

fn folder(path: &Path) -> StateStore {
    StateStore::Folder {
        path: path.to_owned(),
        key: StorageKey::Plain,
    }
}

/// The contact that waits in an agent's inbox and may be claimed.
async fn waiting(agent: &mut Person) -> ContactId {
    agent
        .wait_for(|event| match event {
            Event::Inbox(inbox) => inbox
                .iter()
                .find(|entry| entry.can_claim)
                .map(|entry| entry.contact),
            _ => None,
        })
        .await
}

/// An agent's device asks for a credential; the administrator hears of it and approves.
async fn approve(business: &Business, session: &mut Session, agent: &mut Person, name: &str) {
    let device = agent.handle.device();
    loop {
        let asked = session
            .announced()
            .await
            .unwrap()
            .into_iter()
            .any(|object| {
                object.kind == ObjectKind::Enrolment
                    && Signed::<EnrolmentRequest>::from_bytes(&object.bytes)
                        .unwrap()
                        .parse()
                        .unwrap()
                        .device
                        == device
            });
        if asked {
            break;
        }
    }
    let credential = business.credential(device, name);
    session
        .publish(ObjectKind::Credential, credential.to_bytes())
        .await
        .unwrap();
    agent
        .wait_for(|event| match event {
            Event::Account(account) => (!account.own_teams.is_empty()).then_some(()),
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn a_visitor_and_an_agent_talk_across_restarts_of_both_and_of_the_relay() {
    let files = tempfile::tempdir().unwrap();
    let business = Business::new();
    let database = files.path().join("relay.db").display().to_string();
    let mut config = sottovoce_relay::Config::loopback(database, business.account);
    let relay = Relay::start(config.clone()).await;
    let url = relay.url.clone();
    config.listen = url.strip_prefix("ws://").unwrap().parse().unwrap();

    let (mut session, _) =
        Session::connect(&url, business.account, &business.administrator, no_roots())
            .await
            .unwrap();
    business.publish(&mut session).await;

    let (ada_state, visitor_state) = (files.path().join("ada"), files.path().join("visitor"));
    let ada = || Person::start(&url, business.account, agent("Ada"), folder(&ada_state));
    let visitor = || {
        Person::start(
            &url,
            business.account,
            Kind::Visitor,
            folder(&visitor_state),
        )
    };
    let (mut ada_now, mut visitor_now) = (ada().await, visitor().await);
    approve(&business, &mut session, &mut ada_now, "Ada").await;
    visitor_now.online().await;

    let start = Command::Start {
        entry_point: "shop".into(),
        identity: None,
        details: Vec::new(),
    };
    visitor_now.handle.command(start).await.unwrap();
    let contact = visitor_now
        .wait_for(|event| match event {
            Event::Started { contact } => Some(*contact),
            _ => None,
        })
        .await;
    visitor_now.say(contact, "Is anybody there?").await;
    assert_eq!(waiting(&mut ada_now).await, contact);
    let (open, claim) = (Command::Open { contact }, Command::Claim { contact });
    ada_now.handle.command(open.clone()).await.unwrap();
    ada_now.hears("Is anybody there?").await;
    ada_now.handle.command(claim).await.unwrap();
    ada_now.say(contact, "I am.").await;
    visitor_now.hears("I am.").await;

    // Both devices come back as who they were.
    let devices = (ada_now.handle.device(), visitor_now.handle.device());
    ada_now.handle.stop().await;
    visitor_now.handle.stop().await;
    let (mut ada_now, mut visitor_now) = (ada().await, visitor().await);
    assert_eq!(
        (ada_now.handle.device(), visitor_now.handle.device()),
        devices
    );
    assert_eq!(visitor_now.handle.contacts(), [contact]);
    ada_now.handle.command(open.clone()).await.unwrap();
    visitor_now.handle.command(open).await.unwrap();
    visitor_now.hears("I am.").await;
    visitor_now.say(contact, "Good to have you back.").await;
    ada_now.hears("Good to have you back.").await;

    // What is said while the relay is away arrives when it is back.
    relay.stop().await;
    visitor_now.say(contact, "Still there?").await;
    let relay = Relay::start(config).await;
    ada_now.hears("Still there?").await;
    visitor_now
        .sees_own("Still there?", MessageState::Delivered)
        .await;

    ada_now.handle.stop().await;
    visitor_now.handle.stop().await;
    relay.stop().await;
}

#[tokio::test]
async fn an_administrator_is_answered_and_refused_with_codes() {
    let files = tempfile::tempdir().unwrap();
    let business = Business::new();
    let database = files.path().join("relay.db").display().to_string();
    let config = sottovoce_relay::Config::loopback(database, business.account);
    let relay = Relay::start(config).await;
    let key = &business.administrator;
    let (mut session, welcome) = Session::connect(&relay.url, business.account, key, no_roots())
        .await
        .unwrap();
    assert!(welcome.is_empty());
    business.publish(&mut session).await;
    let found = session.look_up(Query::Devices).await.unwrap();
    assert!(found.objects.is_empty());
    let nonsense = session
        .publish(ObjectKind::Policy, vec![0xff].into())
        .await
        .unwrap_err();
    assert!(matches!(nonsense, AdminError::Refused { .. }));
    assert_eq!(nonsense.code(), "malformed");

    let other = Business::new().account;
    let foreign = Session::connect(&relay.url, other, key, no_roots())
        .await
        .unwrap_err();
    assert_eq!(foreign.code(), "unknown-account");
    relay.stop().await;
}
