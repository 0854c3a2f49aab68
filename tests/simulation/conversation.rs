//! The conversation that the product is for.

use sottovoce::account::Role;
use sottovoce::client::*;

use crate::world::World;

/// A world with two agents and a visitor that has said hello.
pub fn greeted(seed: u64) -> (World, usize, usize, usize) {
    let mut world = World::new(seed);
    let (visitor, ada, bruno) = greet(&mut world);
    (world, visitor, ada, bruno)
}

/// Two agents come, then a visitor who says hello.
pub fn greet(world: &mut World) -> (usize, usize, usize) {
    let ada = world.staff("Ada", Role::Agent);
    let bruno = world.staff("Bruno", Role::Agent);
    world.connect(ada);
    world.connect(bruno);
    world.run(4);
    let visitor = world.visitor();
    world.connect(visitor);
    world.command(
        visitor,
        Command::Start {
            entry_point: "shop".into(),
            identity: None,
        },
    );
    world.say(visitor, "hello");
    world.run(4);
    (visitor, ada, bruno)
}

pub fn claim(world: &mut World, agent: usize) {
    let contact = world.nodes[agent].inbox[0].contact;
    world.command(agent, Command::Open { contact });
    world.run(2);
    world.command(agent, Command::Claim { contact });
    world.run(3);
}

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
    let contact = world.contact_of(visitor);
    let team = "support".to_owned();
    world.command(ada, Command::LookUpTeam { team });
    world.run(1);
    let to = Target::Device(world.nodes[bruno].device());
    world.command(
        ada,
        Command::Transfer {
            contact,
            to,
            history: true,
            note: Some("knows the order".into()),
        },
    );
    world.run(3);
    world.command(bruno, Command::Claim { contact });
    world.run(3);
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
