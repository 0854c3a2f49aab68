//! How most scenes begin: two agents are there, a visitor says hello, one of them answers.

use sottovoce::account::Role;
use sottovoce::client::{Command, Target};

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
    write(world, visitor, "hello");
    world.run(4);
    (visitor, ada, bruno)
}

/// A visitor starts a contact at the shop with a text.
pub fn write(world: &mut World, visitor: usize, text: &str) {
    let start = Command::Start {
        entry_point: "shop".into(),
        identity: None,
        details: Vec::new(),
    };
    world.command(visitor, start);
    world.say(visitor, text);
}

pub fn claim(world: &mut World, agent: usize) {
    let contact = world.nodes[agent].inbox[0].contact;
    world.command(agent, Command::Open { contact });
    world.run(2);
    world.command(agent, Command::Claim { contact });
    world.run(3);
}

/// One agent hands the contact that it has to another, with its history; the other claims it.
pub fn hand_over(world: &mut World, from: usize, to: usize, note: Option<&str>) {
    let contact = world.nodes[from].view.as_ref().expect("a view").contact;
    let team = "support".to_owned();
    world.command(from, Command::LookUpTeam { team });
    world.run(2);
    let transfer = Command::Transfer {
        contact,
        to: Target::Device(world.nodes[to].device()),
        history: true,
        note: note.map(str::to_owned),
    };
    world.command(from, transfer);
    world.run(4);
    world.command(to, Command::Claim { contact });
    world.run(4);
}
