//! Who reads how far back, and who reads notes.

use sottovoce::client::*;

use crate::conversation::{claim, greeted};
use crate::world::World;

fn hand_over(world: &mut World, from: usize, to: usize, history: bool) {
    let contact = world.contact_of(from);
    let team = "support".to_owned();
    world.command(from, Command::LookUpTeam { team });
    world.run(1);
    let to_device = Target::Device(world.nodes[to].device());
    world.command(
        from,
        Command::Transfer {
            contact,
            to: to_device,
            history,
            note: None,
        },
    );
    world.run(3);
    world.command(to, Command::Claim { contact });
    world.run(3);
}

#[test]
fn a_transfer_without_history_shows_nothing_of_what_was_said_before() {
    let (mut world, visitor, ada, bruno) = greeted(600);
    claim(&mut world, ada);
    world.say(visitor, "between us");
    world.run(2);
    hand_over(&mut world, ada, bruno, false);
    world.say(bruno, "Bruno here");
    world.run(3);
    // He is in the team that the first message was addressed to.
    assert_eq!(world.nodes[bruno].texts(), ["hello", "Bruno here"]);
    let before = world.nodes[bruno]
        .transcript()
        .iter()
        .any(|item| item.body == ItemBody::BeforeJoining);
    assert!(before, "that something was said is shown");
    let told = world.nodes[visitor].transcript().iter().any(|item| {
        matches!(
            item.body,
            ItemBody::System(System::Transferring { history: false, .. })
        )
    });
    assert!(told);
}

#[test]
fn whoever_comes_back_without_history_reads_nothing_of_the_time_between() {
    let (mut world, visitor, ada, bruno) = greeted(601);
    claim(&mut world, ada);
    world.say(visitor, "to Ada");
    world.run(2);
    hand_over(&mut world, ada, bruno, true);
    world.say(visitor, "to Bruno alone");
    world.run(2);
    hand_over(&mut world, bruno, ada, false);
    world.say(visitor, "to Ada again");
    world.run(3);
    let all = ["hello", "to Ada", "to Bruno alone", "to Ada again"];
    assert_eq!(world.nodes[visitor].texts(), all);
    assert_eq!(
        world.nodes[ada].texts(),
        ["hello", "to Ada", "to Ada again"]
    );
    assert_eq!(
        world.nodes[bruno].texts(),
        ["hello", "to Ada", "to Bruno alone"]
    );
}

#[test]
fn whoever_comes_back_through_the_team_can_claim_and_answer() {
    let (mut world, visitor, ada, bruno) = greeted(602);
    claim(&mut world, ada);
    hand_over(&mut world, ada, bruno, true);
    let contact = world.contact_of(visitor);
    world.command(
        bruno,
        Command::Transfer {
            contact,
            to: Target::Team("support".into()),
            history: true,
            note: None,
        },
    );
    world.run(8);
    world.command(ada, Command::Open { contact });
    world.run(3);
    world.command(ada, Command::Claim { contact });
    world.run(3);
    world.say(ada, "me again");
    world.run(3);
    assert!(world.nodes[ada].failures().is_empty());
    assert_eq!(world.nodes[visitor].texts(), ["hello", "me again"]);
}

#[test]
fn notes_are_for_staff_and_the_visitor_sees_that_there_is_one() {
    let (mut world, visitor, ada, bruno) = greeted(603);
    claim(&mut world, ada);
    let contact = world.contact_of(visitor);
    let text = "be careful".to_owned();
    world.command(ada, Command::Note { contact, text });
    world.run(3);
    assert_eq!(world.nodes[visitor].texts(), ["hello"]);
    let opaque = world.nodes[visitor]
        .transcript()
        .iter()
        .filter(|item| item.body == ItemBody::StaffOnly)
        .count();
    assert_eq!(opaque, 1);
    hand_over(&mut world, ada, bruno, true);
    assert_eq!(world.nodes[bruno].texts(), ["hello", "be careful"]);
    // A visitor writes no notes.
    let text = "I too".to_owned();
    world.command(visitor, Command::Note { contact, text });
    assert_eq!(world.nodes[visitor].failures(), ["role-not-allowed"]);
}

#[test]
fn a_closed_contacts_secrets_go_with_the_visitor_at_once_and_with_staff_in_time() {
    let (mut world, visitor, ada, _) = greeted(604);
    claim(&mut world, ada);
    world.say(visitor, "goodbye");
    world.run(15);
    let contact = world.contact_of(visitor);
    let name = format!("contact.{contact}");
    let size = |world: &World, node: usize| world.nodes[node].storage[&name].len();
    // Keys and secrets of two epochs; sealed records hide what is in them, not how much.
    let (visitors, adas) = (size(&world, visitor), size(&world, ada));
    world.command(ada, Command::Close { contact });
    world.run(5);
    assert!(size(&world, visitor) + 60 < visitors);
    assert!(size(&world, visitor) < 150);
    assert!(size(&world, ada) + 60 > adas, "kept for the device history");
    assert_eq!(world.nodes[ada].texts(), ["hello", "goodbye"]);
    world.now = world.now.plus_seconds(7 * sottovoce::wire::limits::DAY);
    world.publish_policy(|policy| {
        policy.issued = crate::world::START.plus_seconds(6 * sottovoce::wire::limits::DAY);
        policy.expires = policy.issued.plus_seconds(7 * sottovoce::wire::limits::DAY);
    });
    world.run(5);
    world.kill(ada);
    assert!(size(&world, ada) < 150, "{}", size(&world, ada));
    // What was kept opens nothing any more.
    world.connect(ada);
    world.command(ada, Command::Open { contact });
    world.run(3);
    assert!(!world.nodes[ada].texts().contains(&"goodbye".into()));
}

#[test]
fn what_the_relay_erased_stays_on_devices_and_nothing_more_is_sent() {
    let (mut world, visitor, ada, bruno) = greeted(540);
    claim(&mut world, ada);
    world.say(ada, "good morning");
    world.run(15);
    let contact = world.contact_of(visitor);
    world.relay.erase(contact);
    world.collect();
    world.run(2);
    for node in [visitor, ada] {
        let node = &world.nodes[node];
        assert_eq!(node.failures(), ["erased"], "told once");
        assert!(node.alarms().is_empty(), "nobody misbehaved");
        let shown = node.events.iter().rev().find_map(|event| match event {
            Event::Contact(view) => Some(view),
            _ => None,
        });
        let view = shown.unwrap();
        assert_eq!((view.stopped_by, view.can_send), (Some("erased"), false));
        assert_eq!(node.texts(), ["hello", "good morning"]);
    }
    assert!(world.nodes[ada].inbox.is_empty());
    world.say(visitor, "are you there?");
    world.run(5);
    assert!(!world.relay.contacts.contains_key(&contact));
    assert!(world.nodes[bruno].texts().is_empty());
}
