//! Teams whose members come and go while contacts wait.

use sottovoce::account::{Revocation, Role};
use sottovoce::client::*;

use crate::world::World;

/// A visitor who writes to the shop.
fn writing_visitor(world: &mut World) -> usize {
    let visitor = world.visitor();
    world.connect(visitor);
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
    world.say(visitor, "anybody there?");
    visitor
}

/// Whether a visitor's contact is sealed to the newest team key.
fn is_up_to_date(world: &World, visitor: usize) -> bool {
    let log = &world.relay.contacts[&world.contact_of(visitor)].log;
    log.roster().teams[0].record == world.relay.newest_team_key().hash()
}

/// That what a visitor writes now can be read by each of these, and rings no alarm.
fn assert_readable_to_all(world: &mut World, agents: &[usize]) {
    let visitor = writing_visitor(world);
    world.run(4);
    let contact = world.contact_of(visitor);
    for agent in agents {
        world.command(*agent, Command::Open { contact });
        world.run(2);
        assert_eq!(world.nodes[*agent].texts(), ["anybody there?"]);
        assert!(world.nodes[*agent].alarms().is_empty());
    }
}

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
            details: Vec::new(),
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
            details: Vec::new(),
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

#[test]
fn a_waiting_contact_that_nobody_opened_is_sealed_to_the_next_team_key() {
    let mut world = World::new(502);
    let ada = world.staff("Ada", Role::Agent);
    world.connect(ada);
    world.run(4);
    let visitor = writing_visitor(&mut world);
    world.run(4);
    let contact = world.contact_of(visitor);
    let bruno = world.staff("Bruno", Role::Agent);
    world.connect(bruno);
    world.run(40);
    assert_eq!(world.relay.contacts[&contact].log.epoch(), 1);
    assert!(is_up_to_date(&world, visitor));
    assert!(world.nodes[ada].view.is_none(), "Ada did not look at it");
    assert!(world.nodes[ada].items.is_empty());
    let kept = |name: &&String| name.contains(&contact.to_string());
    assert_eq!(world.nodes[ada].storage.keys().find(kept), None);
    world.command(bruno, Command::Open { contact });
    world.run(3);
    assert_eq!(world.nodes[bruno].texts(), ["anybody there?"]);
    world.command(ada, Command::Open { contact });
    world.run(3);
    world.command(ada, Command::Claim { contact });
    world.run(3);
    world.say(ada, "yes");
    world.run(3);
    assert_eq!(world.nodes[visitor].texts(), ["anybody there?", "yes"]);
    for node in &world.nodes {
        assert_eq!(node.alarms(), [""; 0], "{}", node.name);
        assert_eq!(node.failures(), [""; 0], "{}", node.name);
    }
}

#[test]
fn when_a_member_leaves_the_others_make_a_new_key_and_seal_what_waits_to_it() {
    let mut world = World::new(503);
    let [ada, bruno] = ["Ada", "Bruno"].map(|name| world.staff(name, Role::Agent));
    world.connect(ada);
    world.run(4);
    world.connect(bruno);
    world.run(12);
    let visitor = writing_visitor(&mut world);
    world.run(4);
    assert!(is_up_to_date(&world, visitor));
    let leaver = world.nodes[bruno].device();
    let holders = |world: &World| world.relay.newest_team_key().parse().unwrap().holders;
    assert!(holders(&world).contains(&leaver));
    world.disconnect(bruno);
    world.offline.push(bruno);
    world.publish_policy(|policy| policy.revocations.push(Revocation::Device(leaver)));
    world.run(40);
    assert_eq!(holders(&world), [world.nodes[ada].device()]);
    assert!(is_up_to_date(&world, visitor));
    world.say(visitor, "is this between us?");
    world.run(3);
    let contact = world.contact_of(visitor);
    world.command(ada, Command::Open { contact });
    world.run(3);
    let expected = ["anybody there?", "is this between us?"];
    assert_eq!(world.nodes[ada].texts(), expected);
    // Bruno comes back with the old key, to a relay that lets anybody in.
    world.offline.clear();
    world.connect(bruno);
    world.command(bruno, Command::Open { contact });
    world.run(5);
    assert_eq!(world.nodes[bruno].texts(), ["anybody there?"]);
    assert_eq!(world.nodes[ada].alarms(), [""; 0]);
}

#[test]
fn a_team_key_of_somebody_who_has_changed_teams_is_not_used_and_is_no_alarm() {
    let mut world = World::new(511);
    let ada = world.staff("Ada", Role::Agent);
    world.connect(ada);
    world.run(4);
    world.disconnect(ada);
    world.offline = vec![ada];
    world.admit(ada, Role::Agent, Vec::new());
    let visitor = writing_visitor(&mut world);
    world.run(4);
    assert_eq!(world.relay.contacts.len(), 0);
    assert_eq!(world.nodes[visitor].alarms(), Vec::<&str>::new());
    // Whoever is in the team makes a key that counts.
    let ben = world.staff("Ben", Role::Agent);
    world.connect(ben);
    world.run(20);
    assert!(is_up_to_date(&world, visitor));
    assert_eq!(world.nodes[visitor].alarms(), Vec::<&str>::new());
}

#[test]
fn a_generation_below_the_lowest_that_the_policy_allows_is_replaced() {
    let mut world = World::new(504);
    let ada = world.staff("Ada", Role::Agent);
    world.connect(ada);
    world.run(4);
    world.publish_policy(|policy| policy.teams[0].lowest_generation = 5);
    world.run(20);
    let newest = world.relay.newest_team_key().parse().unwrap();
    assert_eq!(newest.generation, 5);
}

#[test]
fn members_share_the_work_of_sealing_a_long_queue_again() {
    let mut world = World::new(505);
    let members = ["Ada", "Bruno", "Cleo"].map(|name| world.staff(name, Role::Agent));
    for member in members {
        world.connect(member);
        world.run(12);
    }
    let visitors: Vec<_> = (0..10).map(|_| writing_visitor(&mut world)).collect();
    world.run(4);
    let dora = world.staff("Dora", Role::Agent);
    world.connect(dora);
    world.run(90);
    for visitor in visitors {
        assert!(is_up_to_date(&world, visitor));
        let log = &world.relay.contacts[&world.contact_of(visitor)].log;
        assert_eq!(log.epoch(), 1, "once, whoever was first");
    }
    for node in &world.nodes {
        assert_eq!(node.alarms(), [""; 0], "{}", node.name);
        assert_eq!(node.failures(), [""; 0], "{}", node.name);
        assert!(node.kind_is_visitor() || node.view.is_none());
    }
}

#[test]
fn every_member_of_a_large_team_holds_its_key_though_that_is_made_a_little_at_a_time() {
    let mut world = World::new(506);
    let agents: Vec<usize> = (0..30)
        .map(|_| {
            let agent = world.staff("Somebody", Role::Agent);
            world.connect(agent);
            agent
        })
        .collect();
    world.run(60);
    let newest = world.relay.newest_team_key().parse().unwrap();
    assert_eq!(newest.holders.len(), agents.len());
    assert_readable_to_all(&mut world, &agents);
}

#[test]
fn a_key_that_was_half_made_when_the_connection_went_is_made_again() {
    let mut world = World::new(507);
    let agents: Vec<usize> = (0..12)
        .map(|_| world.staff("Somebody", Role::Agent))
        .collect();
    for agent in &agents {
        world.connect(*agent);
    }
    for _ in 0..40 {
        world.step();
        let agent = agents[0];
        world.disconnect(agent);
        world.connect(agent);
    }
    world.run(60);
    let newest = world.relay.newest_team_key().parse().unwrap();
    assert_eq!(newest.holders.len(), agents.len());
    assert_readable_to_all(&mut world, &agents);
}
