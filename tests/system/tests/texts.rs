//! Texts arrive as they were written, through hosts, core and relay, in both suites.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use sottovoce::account::SealKey;
use sottovoce::client::Command;
use sottovoce::crypto::seal::SealPublicKey;
use sottovoce::wire::frame::{ObjectKind, Query};
use sottovoce::wire::{ContactId, Signed, Suite, limits};
use sottovoce_client::admin::Session;
use sottovoce_system_tests::business::OTHER_TEAM;
use sottovoce_system_tests::{Business, Person, RelayProcess, TEAM, texts};

const RELAY: &str = env!("CARGO_BIN_EXE_relay-process");

#[tokio::test]
async fn texts_in_ten_scripts_arrive_unchanged() {
    let business = Business::new(Suite::XWing);
    let relay = RelayProcess::start(RELAY, business.account).await;
    let mut session = business.administer(&relay.url()).await;
    business.publish(&mut session).await;
    let ada = Person::agent(&relay.url(), business.account, "Ada", None).await;
    business.approve(&mut session, &ada, "Ada", TEAM).await;
    let visitor = Person::visitor(&relay.url(), business.account, None).await;
    visitor.online().await;
    let contact = visitor.begin(None).await;
    ada.take(contact).await;
    everything_arrives(&visitor, &ada, contact, Suite::XWing).await;
}

/// A team whose only key is of suite 1 makes the visitor choose that suite.
#[tokio::test]
async fn texts_in_ten_scripts_arrive_unchanged_in_suite_1() {
    let files = tempfile::tempdir().unwrap();
    let business = Business::new(Suite::X25519);
    let relay = RelayProcess::start(RELAY, business.account).await;
    let mut session = business.administer(&relay.url()).await;
    business.publish(&mut session).await;
    let url = relay.url();
    let agent = || Person::agent(&url, business.account, "Ada", Some(files.path()));
    let ada = agent().await;
    business
        .approve(&mut session, &ada, "Ada", OTHER_TEAM)
        .await;
    let device = ada.handle.device();
    let key = seal_key(&mut session, Suite::X25519).await;
    // While she is away nobody can give the team a key of the other suite.
    ada.stop().await;
    business.credit(&mut session, device, "Ada", TEAM).await;
    business
        .give_team_key(&mut session, Suite::X25519, TEAM, device, &key)
        .await;
    let visitor = Person::visitor(&relay.url(), business.account, None).await;
    visitor.online().await;
    let contact = visitor.begin(None).await;
    visitor.say(contact, "early").await;
    visitor
        .until("an acknowledgement", |shown| {
            shown.acknowledged.contains("early").then_some(())
        })
        .await;
    let ada = agent().await;
    // Once she reads it she has the team's key, without which nobody can claim.
    ada.opens(contact).await;
    ada.hears(contact, "early").await;
    ada.take(contact).await;
    everything_arrives(&visitor, &ada, contact, Suite::X25519).await;
}

#[tokio::test]
async fn a_text_that_is_too_long_is_refused_before_anything_is_sent() {
    let business = Business::new(Suite::XWing);
    let mut relay = RelayProcess::start(RELAY, business.account).await;
    let mut session = business.administer(&relay.url()).await;
    business.publish(&mut session).await;
    let ada = Person::agent(&relay.url(), business.account, "Ada", None).await;
    business.approve(&mut session, &ada, "Ada", TEAM).await;
    let visitor = Person::visitor(&relay.url(), business.account, None).await;
    visitor.online().await;
    let contact = visitor.begin(None).await;
    ada.take(contact).await;
    // There is nobody whom anything could be sent to.
    relay.kill().await;
    let one_more = "x".repeat(limits::BODY + 1);
    let wide = "\u{1F469}".repeat(limits::BODY / 4 + 1);
    visitor.say(contact, &one_more).await;
    visitor.say(contact, &wide).await;
    let text = one_more.clone();
    ada.command(Command::Note { contact, text }).await;
    for (person, refused) in [(&visitor, 2), (&ada, 1)] {
        person
            .until("the refusals", |shown| {
                (shown.failures.len() >= refused).then_some(())
            })
            .await;
        let shown = person.shown();
        assert_eq!(shown.failures, vec!["content-too-large"; refused]);
        assert!(!shown.items_of(contact).any(|item| item.position.is_none()));
    }
    relay.restart().await;
    visitor.say(contact, "short").await;
    ada.hears(contact, "short").await;
    assert_eq!(ada.shown().transcript(contact).len(), 1);
}

/// Says all texts in both directions and compares what arrives.
async fn everything_arrives(visitor: &Person, ada: &Person, contact: ContactId, suite: Suite) {
    assert!(texts::scripts() >= 10);
    let languages = texts::declaration().into_iter().map(|(_, text)| text);
    let difficult = texts::difficult().into_iter().map(|(_, text)| text);
    let texts: Vec<String> = languages.chain(difficult).collect();
    let (visitor_s, ada_s) = (visitor.handle.device(), ada.handle.device());
    let before = visitor.shown().transcript(contact).len();
    for text in &texts {
        visitor.say(contact, text).await;
        ada.say(contact, text).await;
        ada.hears(contact, text).await;
        visitor.hears(contact, text).await;
    }
    for person in [visitor, ada] {
        let all = before + 2 * texts.len();
        person
            .until("all texts", |shown| {
                (shown.transcript(contact).len() >= all).then_some(())
            })
            .await;
        let shown = person.shown();
        assert_eq!(shown.contacts[&contact].suite, suite.number());
        assert_eq!((shown.alarms, shown.failures), (vec![], vec![]));
        let transcript = person.shown().transcript(contact);
        for author in [visitor_s, ada_s] {
            let of_author = transcript[before..]
                .iter()
                .filter(|(_, by, _)| *by == author);
            let arrived: Vec<&String> = of_author.map(|(_, _, text)| text).collect();
            assert!(arrived.iter().copied().eq(&texts));
        }
    }
}

/// The key that the only agent has published.
async fn seal_key(session: &mut Session, suite: Suite) -> SealPublicKey {
    loop {
        let query = Query::TeamMembers(OTHER_TEAM.into());
        let found = session.look_up(query).await.unwrap();
        for object in found.objects {
            if object.kind == ObjectKind::SealKey {
                let signed = Signed::<SealKey>::from_bytes(&object.bytes).unwrap();
                let key = signed.parse().unwrap();
                if key.suite == suite {
                    return SealPublicKey::parse(suite, &key.public_key).unwrap();
                }
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
