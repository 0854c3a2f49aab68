//! How fast the core is on this machine, in one thread.
//!
//! Contacts and messages are whole conversations between real clients over the simulated relay: a
//! figure is the work of both sides, of the relay's checks and of sealing every record. Clients
//! start contacts in suite 2 only; the suites differ in nothing but seals, so these are measured
//! for both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub, dead_code)]

#[path = "../tests/simulation/relay.rs"]
mod relay;
#[path = "../tests/simulation/world.rs"]
mod world;

use std::time::Instant;

use sottovoce::account::Role;
use sottovoce::client::{Command, ContactState};
use sottovoce::crypto::Random;
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::wire::Suite;

use world::World;

const SEALS: usize = 1_000;
const CONTACTS: usize = 50;
const MESSAGES: usize = 2_000;
/// Messages that are under way at once.
const BURST: usize = 50;

fn main() {
    let (contacts, messages) = conversations();
    let figures = [
        (
            "seal_1",
            "seals made and opened, suite 1",
            seals(Suite::X25519),
        ),
        (
            "seal_2",
            "seals made and opened, suite 2",
            seals(Suite::XWing),
        ),
        ("contact_2", "contacts created and claimed", contacts),
        ("message", "messages sent and received", messages),
    ];
    for (_, what, per_second) in figures {
        println!("{per_second:>8.0} {what} per second");
    }
    if std::env::args().any(|argument| argument == "--json") {
        let fields = figures.map(|(key, _, value)| format!("\"{key}_per_second\":{value:.0}"));
        println!("{{{}}}", fields.join(","));
    }
}

fn seals(suite: Suite) -> f64 {
    let mut random = Random::seeded(7);
    let recipient = SealPrivateKey::generate(suite, &mut random).unwrap();
    let public = recipient.public();
    let start = Instant::now();
    for _ in 0..SEALS {
        let seal = public.seal_fresh(&mut random, b"bench", &[7; 32]).unwrap();
        recipient.open(b"bench", &seal).unwrap();
    }
    SEALS as f64 / start.elapsed().as_secs_f64()
}

fn conversations() -> (f64, f64) {
    let mut world = World::new(7);
    let agent = world.staff("Ada", Role::Agent);
    world.connect(agent);
    world.run(4);

    let start = Instant::now();
    let mut visitor = 0;
    for _ in 0..CONTACTS {
        visitor = converse(&mut world, agent);
    }
    let contacts = CONTACTS as f64 / start.elapsed().as_secs_f64();

    let before = world.nodes[agent].texts().len();
    let start = Instant::now();
    for _ in 0..MESSAGES / BURST {
        for _ in 0..BURST {
            world.say(
                visitor,
                "Is the blue one in stock, and when would it arrive?",
            );
        }
        world.run(1);
    }
    let messages = MESSAGES as f64 / start.elapsed().as_secs_f64();
    let received = world.nodes[agent].texts().len() - before;
    assert_eq!(received, MESSAGES, "every message arrives");
    (contacts, messages)
}

/// A visitor writes and the agent claims the contact.
fn converse(world: &mut World, agent: usize) -> usize {
    let visitor = world.visitor();
    world.connect(visitor);
    world.command(
        visitor,
        Command::Start {
            entry_point: "shop".into(),
            identity: None,
        },
    );
    world.say(visitor, "Good morning");
    world.run(1);
    let contact = world.contact_of(visitor);
    world.command(agent, Command::Open { contact });
    world.run(1);
    world.command(agent, Command::Claim { contact });
    world.run(1);
    let view = world.nodes[visitor].view.as_ref().expect("a view");
    assert_eq!(view.state, ContactState::Open, "the agent has the contact");
    assert_eq!(view.suite, Suite::XWing.number());
    visitor
}
