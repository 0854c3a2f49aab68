//! Below `e2ee` a vault is on the roster from the first commit on, and everyone can see it.

use sottovoce::account::{Level, Role};
use sottovoce::client::*;

use crate::conversation::{claim, greet};
use crate::world::World;

const BELOW: [Level; 2] = [Level::Transport, Level::Storage];

#[test]
fn the_vault_reads_what_visitor_and_agent_write_and_they_see_it_on_the_roster() {
    for (seed, level) in (200..).zip(BELOW) {
        let mut world = World::at_level(seed, level);
        let vault = world.staff("Vault", Role::Vault);
        world.connect(vault);
        let (visitor, ada, bruno) = greet(&mut world);
        claim(&mut world, ada);
        world.say(ada, "good morning");
        world.run(15);
        for reader in [visitor, ada, vault] {
            assert_eq!(world.nodes[reader].texts(), ["hello", "good morning"]);
            assert_eq!(world.nodes[reader].alarms(), [""; 0]);
            let view = world.nodes[reader].view.as_ref().unwrap();
            assert_eq!(view.level, level);
            let vaults = view
                .participants
                .iter()
                .filter(|it| it.author.role == Role::Vault);
            assert_eq!(vaults.count(), 1);
        }
        assert!(world.nodes[bruno].texts().is_empty());
    }
}

#[test]
fn a_note_among_staff_is_none_of_the_vaults_business() {
    let mut world = World::at_level(202, Level::Storage);
    let vault = world.staff("Vault", Role::Vault);
    world.connect(vault);
    let (_, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    let contact = world.contact_of(ada);
    let text = "she is angry".to_owned();
    world.command(ada, Command::Note { contact, text });
    world.run(5);
    assert_eq!(world.nodes[ada].texts(), ["hello", "she is angry"]);
    assert_eq!(world.nodes[vault].texts(), ["hello"]);
}

#[test]
fn a_visitor_waits_for_a_vault_and_starts_when_there_is_one() {
    let mut world = World::at_level(203, Level::Storage);
    let (visitor, ada, _) = greet(&mut world);
    assert!(world.nodes[ada].inbox.is_empty());
    let vault = world.staff("Vault", Role::Vault);
    world.connect(vault);
    world.run(12);
    assert_eq!(world.nodes[ada].inbox.len(), 1);
    assert_eq!(world.nodes[vault].texts(), ["hello"]);
    assert!(world.nodes[visitor].failures().is_empty());
}

#[test]
fn a_vault_that_was_away_reads_what_was_written_meanwhile() {
    let mut world = World::at_level(204, Level::Transport);
    let vault = world.staff("Vault", Role::Vault);
    world.connect(vault);
    let (visitor, ada, _) = greet(&mut world);
    world.disconnect(vault);
    world.offline.push(vault);
    claim(&mut world, ada);
    world.say(ada, "while it was away");
    world.run(3);
    world.kill(vault);
    world.offline.clear();
    world.run(10);
    assert_eq!(
        world.nodes[vault].texts(),
        ["hello", "while it was away"],
        "{:?}",
        world.nodes[visitor].events
    );
}

#[test]
fn at_e2ee_no_client_puts_a_vault_on_a_roster() {
    let mut world = World::new(205);
    let vault = world.staff("Vault", Role::Vault);
    world.connect(vault);
    let (_, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    let contact = world.contact_of(ada);
    let device = world.nodes[vault].device();
    let history = true;
    let invite = Command::Invite {
        contact,
        device,
        history,
    };
    world.command(ada, invite);
    world.run(5);
    assert_eq!(world.nodes[ada].failures(), ["unknown-device"]);
    assert!(world.nodes[vault].texts().is_empty());
}

#[test]
fn a_policy_that_lowers_the_level_before_the_contact_is_there_starts_none() {
    let mut world = World::at_level(206, Level::Storage);
    let lowest = Level::E2ee;
    world.publish_policy(|policy| policy.entry_points[0].level = lowest);
    let vault = world.staff("Vault", Role::Vault);
    let ada = world.staff("Ada", Role::Agent);
    world.connect(vault);
    world.connect(ada);
    world.run(4);
    let visitor = world.visitor();
    world.connect(visitor);
    world.run(2);
    // What is on its way to the relay when the newer policy comes.
    world.disconnect(visitor);
    world.offline.push(visitor);
    let entry_point = "shop".to_owned();
    let identity = None;
    world.command(
        visitor,
        Command::Start {
            entry_point,
            identity,
            details: Vec::new(),
        },
    );
    world.say(visitor, "for the agents only");
    world.publish_policy(|policy| policy.entry_points[0].level = Level::Storage);
    world.offline.clear();
    world.run(8);
    assert_eq!(world.nodes[visitor].failures(), ["level-not-allowed"]);
    assert!(world.nodes[vault].texts().is_empty());
    assert!(world.nodes[ada].inbox.is_empty());
}
