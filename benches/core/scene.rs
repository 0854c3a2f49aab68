//! What is measured: whole conversations between real clients over the simulated relay. A figure
//! is the work of both sides and of sealing every record; the relay's is taken off, since other
//! libraries are measured without a server.

use sottovoce::account::Role;
use sottovoce::client::{Command, ContactState};
use sottovoce::wire::{ContactId, Suite};

use crate::world::World;

/// Messages that are under way at once.
const BURST: usize = 50;

/// What is said: 256 bytes.
const TEXT: &str = match str::from_utf8(&[b'x'; 256]) {
    Ok(text) => text,
    Err(_) => "",
};

/// An agent and a visitor who talk, in one suite.
pub struct Scene {
    world: World,
    agent: usize,
    visitor: usize,
    suite: Suite,
}

impl Scene {
    /// An agent whose team's keys are there, and a visitor whose contact it has claimed.
    ///
    /// # Arguments
    /// `clock` gives seconds.
    pub fn new(suite: Suite, clock: fn() -> f64) -> Self {
        let mut world = World::with_policy(7, |policy| policy.lowest_suite = Suite::X25519);
        world.relay.only = Some(suite);
        world.clock = Some(clock);
        let agent = world.staff("Ada", Role::Agent);
        world.connect(agent);
        world.run(4);
        let mut scene = Self {
            world,
            agent,
            visitor: agent,
            suite,
        };
        scene.converse();
        scene
    }

    /// The seconds that some work takes, without those of the relay.
    pub fn timed(&mut self, work: impl FnOnce(&mut Self)) -> f64 {
        let clock = self.world.clock.expect("a clock");
        let (begun, before) = (clock(), self.world.relay_seconds);
        work(self);
        clock() - begun - (self.world.relay_seconds - before)
    }

    /// So many visitors write, and the agent claims the contact of each.
    pub fn contacts(&mut self, count: usize) {
        for _ in 0..count {
            self.converse();
        }
    }

    /// The last visitor sends so many messages, and the agent gets them.
    pub fn messages(&mut self, count: usize) {
        let before = self.world.nodes[self.agent].items.len();
        for _ in 0..count / BURST {
            for _ in 0..BURST {
                self.world.say(self.visitor, TEXT);
            }
            self.world.run(1);
        }
        let received = self.world.nodes[self.agent].items.len() - before;
        assert_eq!(received, count, "every message arrives");
    }

    /// The last visitor writes so many messages while it has no connection.
    pub fn write_offline(&mut self, count: usize) {
        self.world.offline = vec![self.visitor];
        self.world.disconnect(self.visitor);
        for _ in 0..count {
            self.world.say(self.visitor, "Are you still there?");
        }
    }

    /// Its connection is back, and the agent gets everything.
    pub fn send_what_waits(&mut self, count: usize) {
        let expected = self.world.nodes[self.agent].texts().len() + count;
        self.world.offline.clear();
        self.world.connect(self.visitor);
        while self.world.nodes[self.agent].items.len() < expected {
            self.world.run(1);
        }
        let received = self.world.nodes[self.agent].texts().len();
        assert_eq!(received, expected, "every message arrives");
    }

    /// The agent forgets the contact's log, opens it again, and has all of it.
    pub fn open_transcript(&mut self) {
        let contact = self.contact();
        let world = &mut self.world;
        let before = world.nodes[self.agent].texts();
        world.command(self.agent, Command::Leave { contact });
        world.nodes[self.agent].items.clear();
        world.nodes[self.agent].view = None;
        world.command(self.agent, Command::Open { contact });
        let caught_up = |world: &World| {
            let view = world.nodes[self.agent].view.as_ref();
            view.is_some_and(|view| view.caught_up)
        };
        while !caught_up(world) {
            world.step();
        }
        assert_eq!(world.nodes[self.agent].texts(), before);
    }

    fn contact(&self) -> ContactId {
        self.world.contact_of(self.visitor)
    }

    fn converse(&mut self) {
        let world = &mut self.world;
        self.visitor = world.visitor();
        world.connect(self.visitor);
        let (entry_point, identity) = ("shop".into(), None);
        world.command(
            self.visitor,
            Command::Start {
                entry_point,
                identity,
                details: Vec::new(),
            },
        );
        world.say(self.visitor, "Good morning");
        world.run(1);
        let contact = world.contact_of(self.visitor);
        world.command(self.agent, Command::Open { contact });
        world.run(1);
        world.command(self.agent, Command::Claim { contact });
        world.run(1);
        let view = world.nodes[self.visitor].view.as_ref().expect("a view");
        assert_eq!(view.state, ContactState::Open, "the agent has the contact");
        assert_eq!(view.suite, self.suite.number());
    }
}
