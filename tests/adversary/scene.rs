//! A visitor and Ada who talk, Bruno who could, and what one asks of them afterwards.

use sottovoce::account::Role;
use sottovoce::client::*;
use sottovoce::contact::Commit;
use sottovoce::wire::frame::{Entry, Object, ObjectKind, RelayFrame};
use sottovoce::wire::*;

use crate::greeting::{claim, greet, write};
use crate::insider::Insider;
use crate::world::World;

pub struct Scene {
    pub world: World,
    pub visitor: usize,
    pub ada: usize,
    pub bruno: usize,
    pub contact: ContactId,
}

impl Scene {
    /// The visitor waits: nobody has claimed the contact.
    pub fn waiting(seed: u64) -> Self {
        Self::in_world(World::new(seed))
    }

    pub fn in_world(mut world: World) -> Self {
        let (visitor, ada, bruno) = greet(&mut world);
        let contact = world.contact_of(visitor);
        Self {
            world,
            visitor,
            ada,
            bruno,
            contact,
        }
    }

    /// Visitor and Ada have talked, and everything said was acknowledged.
    pub fn talking(seed: u64) -> Self {
        Self::talking_in(World::new(seed))
    }

    pub fn talking_in(world: World) -> Self {
        let mut scene = Self::in_world(world);
        claim(&mut scene.world, scene.ada);
        scene.world.say(scene.ada, "good morning");
        scene.world.run(15);
        scene.forget();
        scene
    }

    /// Whoever has this node's device.
    pub fn insider(&self, node: usize) -> Insider {
        Insider::of(&self.world, node, self.contact)
    }

    /// Events so far are of no interest any more.
    pub fn forget(&mut self) {
        for node in &mut self.world.nodes {
            node.events.clear();
        }
    }

    /// The relay puts an entry into the log, whatever it is, and shows it to all.
    pub fn insert(&mut self, entry: &Entry) {
        self.world.relay.insert(self.contact, encode(entry).into());
        self.world.collect();
        self.world.run(2);
    }

    /// The same for a commit that the relay, too, goes on from.
    pub fn commit(&mut self, commit: &Commit) {
        let known = self.world.relay.contacts.get_mut(&self.contact).unwrap();
        known.log.apply(&self.world.relay.account, commit).unwrap();
        self.insert(&entry(commit));
    }

    /// The relay shows one node an entry as the next, and nobody else.
    pub fn show(&mut self, node: usize, entry: &Entry) {
        let contact = self.contact;
        let first = self.view(node).head + 1;
        let frame = RelayFrame::Entries {
            contact,
            first,
            entries: vec![encode(entry).into()],
            head: first,
        };
        self.world.input(node, Input::Frame(encode(&frame)));
    }

    pub fn view(&self, node: usize) -> &ContactView {
        let events = self.world.nodes[node].events.iter().rev();
        let mut views = events.filter_map(|event| match event {
            Event::Contact(view) if view.contact == self.contact => Some(view),
            _ => None,
        });
        let last = self.world.nodes[node].view.as_ref();
        views.next().or(last).expect("it shows the contact")
    }

    pub fn stopped(&self, node: usize) -> Option<&'static str> {
        self.view(node).stopped_by
    }

    pub fn alarms(&self, node: usize) -> Vec<&'static str> {
        self.world.nodes[node].alarms()
    }

    pub fn entries(&self) -> &[Bytes] {
        &self.world.relay.contacts[&self.contact].entries
    }

    /// Places of entries that count for nothing, as people are shown them.
    pub fn invalid(&self, node: usize) -> Vec<&'static str> {
        let transcript = self.world.nodes[node].transcript();
        let codes = transcript.iter().filter_map(|item| match item.body {
            ItemBody::Invalid(code) => Some(code),
            _ => None,
        });
        codes.collect()
    }

    /// That epoch, roster and texts are what they were before something happened.
    pub fn unchanged_by(&mut self, happens: impl FnOnce(&mut Self)) {
        let visible = |scene: &Self| {
            [scene.visitor, scene.ada].map(|node| {
                let view = scene.view(node);
                let people = view.participants.clone();
                let texts = scene.world.nodes[node].texts();
                (view.epoch, view.state, people, view.teams.clone(), texts)
            })
        };
        let before = visible(self);
        happens(self);
        assert_eq!(visible(self), before);
    }

    /// That visitor and Ada still hear each other, and nothing stopped.
    pub fn goes_on(&mut self) {
        let said = [(self.visitor, "are you there?"), (self.ada, "yes")];
        for (node, text) in said {
            self.world.say(node, text);
            self.world.run(3);
        }
        for node in [self.visitor, self.ada] {
            assert_eq!(self.stopped(node), None);
            let texts = self.world.nodes[node].texts();
            assert!(texts.ends_with(&said.map(|(_, text)| text.to_owned())));
        }
    }

    /// That a contact which has nothing to do with what happened goes on at the same devices.
    pub fn another_contact_goes_on(&mut self) {
        let visitor = self.world.visitor();
        self.world.connect(visitor);
        write(&mut self.world, visitor, "somebody else");
        self.world.run(6);
        let contact = self.world.contact_of(visitor);
        self.world.command(self.ada, Command::Open { contact });
        self.world.run(3);
        self.world.command(self.ada, Command::Claim { contact });
        self.world.run(3);
        let kind = "text".to_owned();
        let body = "welcome".into();
        let reply_to = None;
        let send = Command::Send {
            contact,
            kind,
            body,
            reply_to,
            id: None,
        };
        self.world.command(self.ada, send);
        self.world.run(3);
        let texts = self.world.nodes[visitor].texts();
        assert_eq!(texts, ["somebody else", "welcome"]);
    }

    /// Ada hands the contact to Bruno, who claims it.
    pub fn hand_to_bruno(&mut self, history: bool) {
        self.hand_over(self.ada, self.bruno, history);
    }

    /// One hands the contact to the other, who claims it.
    pub fn hand_over(&mut self, from: usize, to: usize, history: bool) {
        let (contact, team) = (self.contact, "support".to_owned());
        self.world.command(from, Command::LookUpTeam { team });
        self.world.run(1);
        let transfer = Command::Transfer {
            contact,
            to: Target::Device(self.world.nodes[to].device()),
            history,
            note: None,
        };
        self.world.command(from, transfer);
        self.world.run(3);
        self.world.command(to, Command::Claim { contact });
        self.world.run(3);
    }

    /// Objects of a kind that devices published, newest first.
    pub fn published(&self, kind: ObjectKind) -> impl Iterator<Item = &Object> {
        let published = self.world.relay.published.iter().rev();
        published.filter(move |object| object.kind == kind)
    }

    pub fn bot(&mut self) -> usize {
        let bot = self.world.staff("Robert", Role::Bot);
        self.world.connect(bot);
        self.world.run(3);
        bot
    }
}

pub fn entry(commit: &Commit) -> Entry {
    Entry::Commit(commit.to_bytes().into())
}
