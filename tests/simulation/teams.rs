//! Teams whose members come and go while contacts wait.

use sottovoce::account::Role;
use sottovoce::client::*;

use crate::world::World;

#[test]
fn a_new_agent_gets_the_next_team_key_and_waiting_contacts_are_sealed_to_it() {
    let mut world = World::new(500);
    let ada = world.staff("Ada", Role::Agent);
    world.connect(ada);
    world.run(4);
    let visitor = world.visitor();
    world.connect(visitor);
    let entry_point = "shop".to_owned();
    world.command(
        visitor,
        Command::Start {
            entry_point,
            identity: None,
        },
    );
    world.say(visitor, "anybody there?");
    world.run(4);
    let contact = world.contact_of(visitor);
    world.command(ada, Command::Open { contact });
    world.run(2);
    assert_eq!(world.nodes[ada].texts(), ["anybody there?"]);
    let bruno = world.staff("Bruno", Role::Agent);
    world.connect(bruno);
    world.run(12);
    let view = world.nodes[ada].view.clone().unwrap();
    assert_eq!(view.epoch, 1, "sealed again to the key that Bruno holds");
    assert_eq!(view.state, ContactState::Waiting);
    world.command(bruno, Command::Open { contact });
    world.run(3);
    assert_eq!(world.nodes[bruno].texts(), ["anybody there?"]);
    world.command(bruno, Command::Claim { contact });
    world.run(3);
    world.say(bruno, "yes");
    world.run(3);
    assert_eq!(world.nodes[visitor].texts(), ["anybody there?", "yes"]);
    for node in &world.nodes {
        assert!(
            node.alarms().is_empty(),
            "{} {:?}",
            node.name,
            node.alarms()
        );
    }
}

#[test]
fn the_agent_who_sealed_a_waiting_contact_again_can_claim_it() {
    let mut world = World::new(501);
    let ada = world.staff("Ada", Role::Agent);
    world.connect(ada);
    world.run(4);
    let visitor = world.visitor();
    world.connect(visitor);
    let entry_point = "shop".to_owned();
    world.command(
        visitor,
        Command::Start {
            entry_point,
            identity: None,
        },
    );
    world.say(visitor, "hello");
    world.run(4);
    let contact = world.contact_of(visitor);
    world.command(ada, Command::Open { contact });
    world.run(2);
    world.command(ada, Command::Rekey { contact });
    world.run(2);
    world.command(ada, Command::Claim { contact });
    world.run(3);
    world.say(ada, "good morning");
    world.run(3);
    assert!(world.nodes[ada].failures().is_empty());
    assert_eq!(world.nodes[visitor].texts(), ["hello", "good morning"]);
}
