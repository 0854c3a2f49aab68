//! The conversation that the product is for.

use sottovoce::client::*;

use crate::greeting::hand_over;
pub use crate::greeting::{claim, greet, greeted};
use crate::world::World;

#[test]
fn a_visitor_writes_early_an_agent_claims_and_answers() {
    let (mut world, visitor, ada, _) = greeted(1);
    assert_eq!(
        world.nodes[ada].inbox.len(),
        1,
        "{:?}",
        world.nodes[visitor].events
    );
    claim(&mut world, ada);
    world.say(ada, "good morning");
    world.run(2);
    world.say(visitor, "thank you");
    world.run(15);
    let expected = ["hello", "good morning", "thank you"];
    assert_eq!(
        world.nodes[visitor].texts(),
        expected,
        "{:?}",
        world.nodes[visitor].events
    );
    assert_eq!(world.nodes[ada].texts(), expected);
    assert!(
        world.nodes[visitor].alarms().is_empty(),
        "{:?}",
        world.nodes[visitor].alarms()
    );
    assert!(world.nodes[ada].alarms().is_empty());
    let hello = world.nodes[visitor].transcript()[1].clone();
    assert_eq!(hello.state, MessageState::Delivered);
}

#[test]
fn a_transfer_with_history_lets_the_next_agent_read_everything() {
    let (mut world, visitor, ada, bruno) = greeted(2);
    claim(&mut world, ada);
    world.say(ada, "one moment");
    world.run(2);
    hand_over(&mut world, ada, bruno, Some("knows the order"));
    world.say(bruno, "Bruno here");
    world.run(3);
    assert_eq!(
        world.nodes[bruno].texts(),
        ["hello", "one moment", "knows the order", "Bruno here"]
    );
    assert_eq!(
        world.nodes[visitor].texts(),
        ["hello", "one moment", "Bruno here"]
    );
    // Nothing is left in Bruno's transcript of what he could not read before he was let in.
    let unread = |item: &&sottovoce::client::Item| item.body == ItemBody::BeforeJoining;
    assert_eq!(
        world.nodes[bruno]
            .transcript()
            .into_iter()
            .filter(unread)
            .count(),
        0
    );
    // Ada has left: she reads nothing later.
    assert_eq!(
        world.nodes[ada].texts(),
        ["hello", "one moment", "knows the order"]
    );
    let contact = world.contact_of(visitor);
    world.command(bruno, Command::Close { contact });
    world.run(3);
    let view = world.nodes[visitor].view.clone().unwrap();
    assert_eq!(view.state, ContactState::Closed);
    for node in &world.nodes {
        assert!(
            node.alarms().is_empty(),
            "{} {:?}",
            node.name,
            node.alarms()
        );
        assert!(
            node.failures().is_empty(),
            "{} {:?}",
            node.name,
            node.failures()
        );
    }
}

/// Who takes over claims the moment that it can: its claim is on its way before the agent who
/// handed the contact on knows that this is in force.
fn transferred_to_an_eager_agent(seed: u64) -> (World, usize, usize, usize) {
    let (mut world, visitor, ada, bruno) = greeted(seed);
    claim(&mut world, ada);
    let contact = world.contact_of(visitor);
    let team = "support".to_owned();
    world.command(ada, Command::LookUpTeam { team });
    world.command(bruno, Command::Open { contact });
    world.run(1);
    let to = Target::Device(world.nodes[bruno].device());
    world.say(ada, "one moment");
    let note = Some("knows the order".into());
    let history = true;
    world.command(
        ada,
        Command::Transfer {
            contact,
            to,
            history,
            note,
        },
    );
    world.say(ada, "Bruno takes over");
    let mut claimed = false;
    for _ in 0..500 {
        world.step();
        let can_claim = |view: &ContactView| view.can_claim;
        if !claimed && world.nodes[bruno].view.as_ref().is_some_and(can_claim) {
            claimed = true;
            world.command(bruno, Command::Claim { contact });
        }
    }
    assert!(claimed, "seed {seed}");
    (world, visitor, ada, bruno)
}

#[test]
fn a_note_arrives_however_fast_the_receiver_claims() {
    for seed in 30..42 {
        let (world, visitor, ada, bruno) = transferred_to_an_eager_agent(seed);
        let note = "knows the order".to_owned();
        assert!(world.nodes[bruno].texts().contains(&note), "seed {seed}");
        assert!(world.nodes[ada].texts().contains(&note), "seed {seed}");
        assert!(!world.nodes[visitor].texts().contains(&note), "seed {seed}");
        let relay = &world.relay.contacts[&world.contact_of(visitor)];
        assert_eq!(
            relay.log.responsible(),
            Some(&world.nodes[bruno].device()),
            "seed {seed}"
        );
        for node in &world.nodes {
            let (name, alarms) = (node.name, node.alarms());
            assert!(alarms.is_empty(), "seed {seed}: {name} {alarms:?}");
        }
    }
}

#[test]
fn a_note_survives_that_its_transfer_came_second() {
    for seed in 60..72 {
        let (mut world, visitor, ada, bruno) = greeted(seed);
        claim(&mut world, ada);
        let contact = world.contact_of(visitor);
        let team = "support".to_owned();
        world.command(ada, Command::LookUpTeam { team });
        world.run(1);
        // The visitor's commit and Ada's race for one epoch.
        world.command(visitor, Command::Rekey { contact });
        let to = Target::Device(world.nodes[bruno].device());
        let note = Some("knows the order".into());
        let history = true;
        world.command(
            ada,
            Command::Transfer {
                contact,
                to,
                history,
                note,
            },
        );
        world.run(3);
        world.command(bruno, Command::Claim { contact });
        world.run(3);
        world.say(bruno, "Bruno here");
        world.run(3);
        let texts = world.nodes[bruno].texts();
        let expected = ["hello", "knows the order", "Bruno here"];
        assert_eq!(texts, expected, "seed {seed}");
        for node in &world.nodes {
            let (name, alarms) = (node.name, node.alarms());
            assert!(alarms.is_empty(), "seed {seed}: {name} {alarms:?}");
        }
    }
}

#[test]
fn a_note_that_is_too_long_is_refused_with_its_transfer() {
    let (mut world, visitor, ada, bruno) = greeted(81);
    claim(&mut world, ada);
    let contact = world.contact_of(visitor);
    let team = "support".to_owned();
    world.command(ada, Command::LookUpTeam { team });
    world.run(1);
    let to = Target::Device(world.nodes[bruno].device());
    let note = Some("x".repeat(70_000));
    let history = true;
    world.command(
        ada,
        Command::Transfer {
            contact,
            to,
            history,
            note,
        },
    );
    world.run(3);
    assert_eq!(world.nodes[ada].failures(), ["content-too-large"]);
    let view = world.nodes[visitor].view.clone().unwrap();
    assert_eq!(view.state, ContactState::Open, "nothing was handed on");
    world.say(ada, "still here");
    world.run(3);
    assert_eq!(world.nodes[visitor].texts(), ["hello", "still here"]);
}

/// Ada hands a contact with a note to Bruno, and her process dies: before the relay has them, or
/// after, but before she knows.
#[test]
fn a_note_and_its_transfer_survive_that_the_process_dies_on_the_way() {
    for (seed, arrives) in [(82, false), (83, true)] {
        let (mut world, visitor, ada, bruno) = greeted(seed);
        claim(&mut world, ada);
        let contact = world.contact_of(visitor);
        let team = "support".to_owned();
        world.command(ada, Command::LookUpTeam { team });
        world.run(1);
        let to = Target::Device(world.nodes[bruno].device());
        let note = Some("knows the order".into());
        let history = true;
        let before = world.relay.contacts[&contact].entries.len();
        world.command(
            ada,
            Command::Transfer {
                contact,
                to,
                history,
                note,
            },
        );
        while arrives && world.relay.contacts[&contact].entries.len() == before {
            world.step();
        }
        world.kill(ada);
        world.run(5);
        world.say(ada, "still responsible");
        world.run(3);
        let expected = ["hello", "knows the order", "still responsible"];
        for node in [ada, bruno] {
            assert_eq!(world.nodes[node].texts(), expected, "seed {seed}");
        }
        for node in &world.nodes {
            let (name, alarms) = (node.name, node.alarms());
            assert!(alarms.is_empty(), "seed {seed}: {name} {alarms:?}");
        }
    }
}
