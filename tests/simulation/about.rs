//! What is known of a contact beside its messages: details from the visitor's page, labels from staff.

use sottovoce::account::Role;
use sottovoce::client::*;
use sottovoce::message::Detail;
use sottovoce::wire::{ContactId, encode};

use crate::greeting::{claim, greet, greeted, hand_over};
use crate::world::World;

fn details(pairs: &[(&str, &str)]) -> Vec<Detail> {
    let detail = |(name, value): &(&str, &str)| Detail {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    pairs.iter().map(detail).collect()
}

fn describe(world: &mut World, visitor: usize, pairs: &[(&str, &str)]) {
    let contact = world.contact_of(visitor);
    let details = details(pairs);
    world.command(visitor, Command::Describe { contact, details });
    world.run(3);
}

fn label(world: &mut World, agent: usize, contact: ContactId, labels: &[&str]) {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    world.command(agent, Command::Label { contact, labels });
    world.run(3);
}

fn known(world: &World, node: usize) -> Vec<Detail> {
    world.nodes[node].view.as_ref().unwrap().details.clone()
}

fn labels(world: &World, node: usize) -> Vec<String> {
    world.nodes[node].view.as_ref().unwrap().labels.clone()
}

fn send(world: &mut World, node: usize, kind: &str, body: Vec<u8>) {
    let (contact, kind) = (world.contact_of(node), kind.to_owned());
    let reply_to = None;
    world.command(
        node,
        Command::Send {
            contact,
            kind,
            body,
            reply_to,
            id: None,
        },
    );
    world.run(3);
}

#[test]
fn details_given_at_the_start_are_known_before_the_claim_and_are_no_message() {
    let mut world = World::new(800);
    let ada = world.staff("Ada", Role::Agent);
    world.connect(ada);
    world.run(4);
    let visitor = world.visitor();
    world.connect(visitor);
    let given = details(&[("name", "Zoë"), ("order", "4711")]);
    world.command(
        visitor,
        Command::Start {
            entry_point: "shop".into(),
            identity: None,
            details: given.clone(),
        },
    );
    world.say(visitor, "hello");
    world.run(4);
    let contact = world.contact_of(visitor);
    world.command(ada, Command::Open { contact });
    world.run(3);
    for node in [visitor, ada] {
        assert_eq!(known(&world, node), given);
        assert_eq!(world.nodes[node].texts(), ["hello"]);
        // `created` and the text: nothing else is shown.
        assert_eq!(world.nodes[node].transcript().len(), 2);
        assert!(world.nodes[node].alarms().is_empty());
    }
}

#[test]
fn later_details_replace_those_of_their_names_and_an_empty_value_takes_one_back() {
    let (mut world, visitor, ada, bruno) = greeted(801);
    claim(&mut world, ada);
    describe(&mut world, visitor, &[("page", "/"), ("plan", "basic")]);
    describe(
        &mut world,
        visitor,
        &[("plan", "gold"), ("page", ""), ("x", "y")],
    );
    let expected = details(&[("plan", "gold"), ("x", "y")]);
    assert_eq!(known(&world, visitor), expected);
    assert_eq!(known(&world, ada), expected);
    // Whoever takes over with history learns them, and a reload keeps them.
    hand_over(&mut world, ada, bruno, None);
    assert_eq!(known(&world, bruno), expected);
    for node in [visitor, bruno] {
        world.kill(node);
        world.connect(node);
        world.run(5);
        assert_eq!(known(&world, node), expected);
        assert!(world.nodes[node].alarms().is_empty());
    }
}

#[test]
fn details_count_from_the_visitor_only_and_only_if_they_are_within_the_limits() {
    let (mut world, visitor, ada, _) = greeted(802);
    claim(&mut world, ada);
    world.run(12);
    let contact = world.contact_of(visitor);
    let given = details(&[("name", "Mallory")]);
    world.command(
        ada,
        Command::Describe {
            contact,
            details: given.clone(),
        },
    );
    assert_eq!(world.nodes[ada].failures(), ["role-not-allowed"]);
    // An agent's own client can say it all the same.
    send(&mut world, ada, "details", encode(&given));
    let unsupported = |item: &&Item| matches!(&item.body, ItemBody::Unsupported { .. });
    for node in [visitor, ada] {
        assert_eq!(known(&world, node), []);
        let shown = world.nodes[node].transcript();
        assert_eq!(shown.into_iter().filter(unsupported).count(), 1);
    }
    world.run(12);
    let head = world.relay.contacts[&contact].entries.len();
    let many: Vec<_> = (0..33).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "x")).collect();
    let (long_name, long_value) = ("n".repeat(65), "v".repeat(1_025));
    for bad in [
        &many[..],
        &[(long_name.as_str(), "x")],
        &[("x", long_value.as_str())],
        &[("", "x")],
        &[],
    ] {
        describe(&mut world, visitor, bad);
    }
    assert_eq!(
        world.nodes[visitor].failures(),
        ["content-too-large"; 5],
        "refused before it is sent"
    );
    assert_eq!(world.relay.contacts[&contact].entries.len(), head);
    // A visitor's client that sends them all the same is shown as it is.
    let body = encode(&vec![details(&[("a", "b")])[0].clone(); 33]);
    send(&mut world, visitor, "details", body);
    assert_eq!(known(&world, ada), []);
    assert_eq!(
        world.nodes[ada]
            .transcript()
            .into_iter()
            .filter(unsupported)
            .count(),
        2
    );
    describe(&mut world, visitor, &[("ok", "yes")]);
    assert_eq!(known(&world, ada), details(&[("ok", "yes")]));
}

#[test]
fn a_view_has_no_more_details_than_one_content_may_give() {
    let (mut world, visitor, ada, _) = greeted(803);
    claim(&mut world, ada);
    for round in 0..3 {
        let names: Vec<_> = (0..32).map(|n| format!("{round}.{n}")).collect();
        let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
        describe(&mut world, visitor, &pairs);
    }
    assert_eq!(known(&world, ada).len(), 32);
}

#[test]
fn labels_are_the_last_that_staff_on_the_roster_have_put_and_the_visitor_sees_none() {
    let (mut world, visitor, ada, bruno) = greeted(804);
    let contact = world.contact_of(visitor);
    world.command(ada, Command::Open { contact });
    world.run(2);
    label(&mut world, ada, contact, &["vip"]);
    assert_eq!(world.nodes[ada].failures(), ["not-on-roster"]);
    world.command(ada, Command::Claim { contact });
    world.run(3);
    label(&mut world, ada, contact, &["vip", "refund", "vip"]);
    assert_eq!(labels(&world, ada), ["vip", "refund"]);
    label(&mut world, ada, contact, &["refund"]);
    assert_eq!(labels(&world, ada), ["refund"]);
    assert!(labels(&world, visitor).is_empty());
    world.kill(ada);
    world.connect(ada);
    world.run(5);
    assert_eq!(labels(&world, ada), ["refund"]);
    // Whoever takes over with history has them, too, and may put others.
    hand_over(&mut world, ada, bruno, None);
    assert_eq!(labels(&world, bruno), ["refund"]);
    label(&mut world, bruno, contact, &[]);
    assert!(labels(&world, bruno).is_empty());
    // The visitor sees that there are entries, as with notes, and no text.
    assert_eq!(world.nodes[visitor].texts(), ["hello"]);
    world.command(bruno, Command::Close { contact });
    world.run(3);
    label(&mut world, bruno, contact, &["late"]);
    assert_eq!(world.nodes[bruno].failures(), ["closed"]);
    assert!(world.nodes[visitor].alarms().is_empty());
}

#[test]
fn a_visitor_can_put_no_labels_and_too_many_are_refused() {
    let (mut world, visitor, ada, _) = greeted(805);
    claim(&mut world, ada);
    world.run(12);
    let contact = world.contact_of(visitor);
    label(&mut world, ada, contact, &["kept"]);
    let labels_of_visitor = vec!["free".to_owned()];
    world.command(
        visitor,
        Command::Label {
            contact,
            labels: labels_of_visitor.clone(),
        },
    );
    assert_eq!(world.nodes[visitor].failures(), ["role-not-allowed"]);
    send(&mut world, visitor, "labels", encode(&labels_of_visitor));
    assert_eq!(labels(&world, ada), ["kept"]);
    assert!(
        world.nodes[ada].transcript().iter().any(
            |item| matches!(&item.body, ItemBody::Unsupported { kind, .. } if kind == "labels")
        )
    );
    let many: Vec<_> = (0..17).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let long = "l".repeat(65);
    for bad in [&many[..], &[long.as_str()], &[""]] {
        label(&mut world, ada, contact, bad);
    }
    assert_eq!(world.nodes[ada].failures(), ["content-too-large"; 3]);
    assert_eq!(labels(&world, ada), ["kept"]);
}

#[test]
fn a_small_limit_for_texts_is_none_for_details() {
    let mut world = World::with_policy(806, |policy| policy.limits.text = 5);
    let (visitor, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    describe(&mut world, visitor, &[("order", "more than five")]);
    assert_eq!(known(&world, ada), details(&[("order", "more than five")]));
}
