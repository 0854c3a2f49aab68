//! What a team keeps for its answers: seen by the team, written by several, lost by nobody, closed to
//! who has left.

use sottovoce::account::{Credential, Revocation, Role, Team};
use sottovoce::client::*;
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::message::{Notebook, Reply};
use sottovoce::wire::frame::{Object, ObjectKind, RelayFrame};
use sottovoce::wire::{Signed, encode};

use crate::world::World;

/// A team of these agents, who have its key.
fn team<const N: usize>(seed: u64, names: [&'static str; N]) -> (World, [usize; N]) {
    let mut world = World::new(seed);
    let agents = names.map(|name| {
        let agent = world.staff(name, Role::Agent);
        world.connect(agent);
        world.run(12);
        agent
    });
    (world, agents)
}

fn keep(world: &mut World, agent: usize, shortcut: &str, text: &str) {
    let command = Command::KeepReply {
        team: "support".into(),
        shortcut: shortcut.into(),
        text: text.into(),
    };
    world.command(agent, command);
}

fn keep_label(world: &mut World, agent: usize, label: &str, kept: bool) {
    let (team, label) = ("support".into(), label.into());
    world.command(agent, Command::KeepLabel { team, label, kept });
}

/// Replies and labels, as a node was told last of a team.
fn page_of(world: &World, node: usize, of: &str) -> Option<(Vec<Reply>, Vec<String>)> {
    let events = world.nodes[node].events.iter().rev();
    let mut pages = events.filter_map(|event| match event {
        Event::Notebook {
            team,
            replies,
            labels,
            ..
        } if team == of => Some((replies.clone(), labels.clone())),
        _ => None,
    });
    pages.next()
}

fn shortcuts(world: &World, node: usize) -> Vec<String> {
    let (replies, _) = page_of(world, node, "support").unwrap_or_default();
    replies.into_iter().map(|reply| reply.shortcut).collect()
}

fn number(world: &World) -> u64 {
    world.relay.notebooks["support"].0
}

fn assert_quiet(world: &World) {
    for node in &world.nodes {
        assert_eq!(node.alarms(), [""; 0], "{}", node.name);
        assert_eq!(node.failures(), [""; 0], "{}", node.name);
    }
}

/// What the relay announces of a notebook.
fn announce(world: &mut World, node: usize, objects: Vec<Object>) {
    let frame = encode(&RelayFrame::Announce { objects });
    world.input(node, Input::Frame(frame));
    world.run(1);
}

#[test]
fn what_one_member_keeps_the_others_have_and_a_restart_forgets_nothing() {
    let (mut world, [ada, bruno]) = team(900, ["Ada", "Bruno"]);
    keep(&mut world, ada, "hello", "Good morning, {{name}}!");
    keep_label(&mut world, ada, "refund", true);
    world.run(3);
    keep(&mut world, bruno, "bye", "Take care.");
    world.run(3);
    for node in [ada, bruno] {
        let (replies, labels) = page_of(&world, node, "support").unwrap();
        assert_eq!(shortcuts(&world, node), ["bye", "hello"]);
        assert_eq!(replies[1].text, "Good morning, {{name}}!");
        assert_eq!(labels, ["refund"]);
    }
    let mut events = world.nodes[ada].events.iter().rev();
    let author = events.find_map(|event| match event {
        Event::Notebook { author, .. } => Some(author.clone()),
        _ => None,
    });
    assert_eq!(author.unwrap(), "Bruno");
    world.disconnect(ada);
    world.offline.push(ada);
    world.nodes[ada].events.clear();
    world.kill(ada);
    assert_eq!(shortcuts(&world, ada), ["bye", "hello"], "without a relay");
    world.offline.clear();
    world.connect(ada);
    world.run(3);
    keep(&mut world, ada, "bye", "");
    keep_label(&mut world, ada, "refund", false);
    world.run(3);
    let page = page_of(&world, bruno, "support").unwrap();
    assert_eq!((page.0.len(), page.1.len()), (1, 0));
    assert_quiet(&world);
}

#[test]
fn of_members_who_write_at_once_nobody_loses_a_word() {
    let (mut world, agents) = team(901, ["Ada", "Bruno", "Cleo"]);
    for (index, agent) in agents.into_iter().enumerate() {
        for round in 0..3 {
            keep(&mut world, agent, &format!("from-{index}-{round}"), "text");
        }
    }
    world.run(10);
    for agent in agents {
        assert_eq!(shortcuts(&world, agent).len(), 9);
    }
    assert_quiet(&world);
}

#[test]
fn what_may_not_be_kept_is_refused_and_changes_nothing() {
    let (mut world, [ada]) = team(902, ["Ada"]);
    let visitor = world.visitor();
    world.connect(visitor);
    let long = "t".repeat(4_097);
    keep(&mut world, ada, "Not A Shortcut", "text");
    keep(&mut world, ada, "long", &long);
    keep_label(&mut world, ada, "", true);
    let sales = Command::KeepLabel {
        team: "sales".into(),
        label: "x".into(),
        kept: true,
    };
    world.command(ada, sales);
    keep(&mut world, visitor, "hello", "text");
    world.run(2);
    assert_eq!(
        world.nodes[ada].failures(),
        ["bad-name", "content-too-large", "bad-name", "unknown-team"]
    );
    assert_eq!(world.nodes[visitor].failures(), ["role-not-allowed"]);
    assert!(world.relay.notebooks.is_empty());
    // More than fits in all is refused, and what was there stays.
    let large = "t".repeat(4_096);
    for number in 0..17 {
        keep(&mut world, ada, &format!("large-{number}"), &large);
        world.run(1);
    }
    let kept = shortcuts(&world, ada).len();
    assert_eq!(kept, 15);
    assert_eq!(world.nodes[ada].failures().len(), 4 + 17 - kept);
    world.disconnect(ada);
    keep(&mut world, ada, "offline", "text");
    assert_eq!(world.nodes[ada].failures().last(), Some(&"unavailable"));
}

#[test]
fn a_new_member_reads_it_once_it_is_sealed_to_the_next_key() {
    let (mut world, [ada]) = team(903, ["Ada"]);
    keep(&mut world, ada, "hello", "Good morning");
    world.run(3);
    assert_eq!(number(&world), 1);
    let bruno = world.staff("Bruno", Role::Agent);
    world.connect(bruno);
    world.run(30);
    assert_eq!(shortcuts(&world, bruno), ["hello"]);
    assert_eq!(number(&world), 2, "once, and the words are the same");
    keep(&mut world, bruno, "bye", "Take care");
    world.run(3);
    assert_eq!(shortcuts(&world, ada), ["bye", "hello"]);
    assert_quiet(&world);
}

#[test]
fn it_outlives_team_keys_and_who_has_left_reads_nothing_later() {
    let (mut world, [ada, bruno, cleo]) = team(904, ["Ada", "Bruno", "Cleo"]);
    keep(&mut world, ada, "hello", "Good morning");
    world.run(20);
    assert_eq!(shortcuts(&world, bruno), ["hello"]);
    let leaver = world.nodes[bruno].device();
    world.disconnect(bruno);
    world.offline.push(bruno);
    world.publish_policy(|policy| policy.revocations.push(Revocation::Device(leaver)));
    keep(&mut world, ada, "secret", "Not for Bruno");
    world.run(40);
    for member in [ada, cleo] {
        assert_eq!(shortcuts(&world, member), ["hello", "secret"]);
    }
    // Bruno comes back to a relay that gives him everything, with all keys that he ever had.
    world.nodes[bruno].events.clear();
    world.offline.clear();
    world.connect(bruno);
    world.run(3);
    let objects = world.relay.notebook("support");
    announce(&mut world, bruno, objects);
    assert!(!shortcuts(&world, bruno).contains(&"secret".to_owned()));
    for member in [ada, cleo] {
        assert_eq!(world.nodes[member].alarms(), [""; 0]);
        assert_eq!(world.nodes[member].failures(), [""; 0]);
    }
}

#[test]
fn what_a_removed_member_wrote_is_not_believed_and_is_in_nobodys_way() {
    let (mut world, [ada, bruno]) = team(905, ["Ada", "Bruno"]);
    keep(&mut world, ada, "hello", "Good morning");
    world.run(20);
    // Ada does not see what Bruno writes before he is removed.
    world.disconnect(ada);
    world.offline.push(ada);
    keep(&mut world, bruno, "hello", "Go away");
    world.run(3);
    let leaver = world.nodes[bruno].device();
    world.disconnect(bruno);
    world.offline.push(bruno);
    world.publish_policy(|policy| policy.revocations.push(Revocation::Device(leaver)));
    world.offline.retain(|node| *node != ada);
    world.connect(ada);
    world.run(40);
    let (replies, _) = page_of(&world, ada, "support").unwrap();
    assert_eq!(replies[0].text, "Good morning");
    keep(&mut world, ada, "more", "text");
    world.run(5);
    assert_eq!(shortcuts(&world, ada), ["hello", "more"]);
    let newest = world.relay.notebooks["support"].1.parse().unwrap();
    assert_eq!(newest.author, world.nodes[ada].device());
    assert_eq!(world.nodes[ada].failures(), [""; 0]);
}

#[test]
fn what_somebody_wrote_who_went_to_another_team_is_no_alarm_and_in_nobodys_way() {
    let (mut world, [ada, bruno]) = team(909, ["Ada", "Bruno"]);
    keep(&mut world, ada, "hello", "Good morning");
    world.run(20);
    world.disconnect(ada);
    world.offline.push(ada);
    keep(&mut world, bruno, "bye", "Take care");
    world.run(3);
    world.disconnect(bruno);
    world.offline.push(bruno);
    let mut objects = world.relay.notebook("support");
    let credential = Signed::<Credential>::from_bytes(&objects.remove(0).bytes).unwrap();
    let mut credential = credential.parse().unwrap();
    credential.teams = vec!["sales".into()];
    let credential = Signed::sign(&credential, &[&world.administrator]);
    world.relay.add_credential(credential);
    world.offline.retain(|node| *node != ada);
    world.connect(ada);
    world.run(5);
    keep(&mut world, ada, "more", "text");
    world.run(5);
    assert_eq!(shortcuts(&world, ada), ["hello", "more"]);
    assert_eq!(world.nodes[ada].alarms(), [""; 0]);
    assert_eq!(world.nodes[ada].failures(), [""; 0]);
}

#[test]
fn a_relay_that_rolls_a_notebook_back_or_forks_it_is_told_on_and_believed_nothing() {
    let (mut world, [ada, bruno]) = team(906, ["Ada", "Bruno"]);
    keep(&mut world, ada, "first", "text");
    world.run(15);
    let first = world.relay.notebook("support");
    let kept = world.relay.notebooks.clone();
    keep(&mut world, bruno, "second", "text");
    world.run(3);
    let second = world.relay.notebook("support");
    announce(&mut world, ada, first.clone());
    assert_eq!(world.nodes[ada].alarms(), ["notebook-rolled-back"]);
    assert_eq!(shortcuts(&world, ada), ["first", "second"]);
    // The same one again is no news.
    let told = world.nodes[ada].events.len();
    announce(&mut world, ada, second);
    let news = &world.nodes[ada].events[told..];
    assert!(
        !news
            .iter()
            .any(|it| matches!(it, Event::Notebook { .. } | Event::Alarm { .. }))
    );
    // Its database is that of an hour ago, and another member has written on top of that.
    world.relay.notebooks = kept;
    for node in [ada, bruno] {
        world.disconnect(node);
        world.nodes[node].events.clear();
    }
    world.offline.push(ada);
    world.connect(bruno);
    world.run(3);
    assert_eq!(world.nodes[bruno].alarms(), ["notebook-rolled-back"]);
    keep(&mut world, bruno, "third", "text");
    world.run(3);
    assert_eq!(number(&world), 3, "on top of what Bruno knows");
    world.offline.clear();
    world.connect(ada);
    world.run(3);
    assert_eq!(shortcuts(&world, ada), ["first", "second", "third"]);
    assert!(!world.nodes[ada].alarms().contains(&"undecryptable"));
    // One that is simply gone is an alarm as well, and no loss.
    world.relay.notebooks.clear();
    for node in [ada, bruno] {
        world.disconnect(node);
        world.nodes[node].events.clear();
        world.connect(node);
        world.run(2);
        assert_eq!(world.nodes[node].alarms(), ["notebook-rolled-back"]);
    }
    keep(&mut world, ada, "fourth", "text");
    world.run(3);
    assert_eq!(shortcuts(&world, bruno).len(), 4);
}

#[test]
fn two_notebooks_of_one_number_are_an_alarm_and_the_own_one_stays() {
    let (mut world, [ada, bruno]) = team(907, ["Ada", "Bruno"]);
    keep(&mut world, ada, "first", "text");
    world.run(15);
    let before = world.relay.notebooks.clone();
    world.disconnect(bruno);
    world.offline.push(bruno);
    keep(&mut world, ada, "of-ada", "text");
    world.run(3);
    let of_ada = world.relay.notebook("support");
    // A relay that shows each of the two a history of their own.
    world.relay.notebooks = before;
    world.disconnect(ada);
    world.offline = vec![ada];
    world.connect(bruno);
    world.run(3);
    keep(&mut world, bruno, "of-bruno", "text");
    world.run(3);
    announce(&mut world, bruno, of_ada);
    assert_eq!(world.nodes[bruno].alarms(), ["notebook-rolled-back"]);
    assert_eq!(shortcuts(&world, bruno), ["first", "of-bruno"]);
    let stops = |event: &Event| {
        matches!(
            event,
            Event::Alarm {
                stops_sending: true,
                ..
            }
        )
    };
    assert!(!world.nodes[bruno].events.iter().any(stops));
}

#[test]
fn notebooks_of_two_teams_are_not_mixed_up() {
    let mut world = World::with_policy(908, |policy| {
        let sales = Team {
            id: "sales".into(),
            name: "Sales".into(),
            lowest_generation: 0,
        };
        policy.teams.insert(0, sales);
    });
    let ada = world.staff("Ada", Role::Agent);
    world.connect(ada);
    world.run(12);
    keep(&mut world, ada, "hello", "from support");
    world.command(
        ada,
        Command::KeepReply {
            team: "sales".into(),
            shortcut: "hello".into(),
            text: "from sales".into(),
        },
    );
    world.run(5);
    let text = |world: &World, team: &str| page_of(world, ada, team).unwrap().0[0].text.clone();
    assert_eq!(text(&world, "sales"), "from sales");
    // The relay answers for one team with the other's.
    let mut swapped = world.relay.notebooks.clone();
    let (sales, support) = (swapped["sales"].clone(), swapped["support"].clone());
    swapped.insert("sales".into(), support);
    swapped.insert("support".into(), sales);
    world.relay.notebooks = swapped;
    world.disconnect(ada);
    world.connect(ada);
    world.run(5);
    assert_eq!(text(&world, "sales"), "from sales");
    assert_eq!(text(&world, "support"), "from support");
    // What a member of both puts together from one team's bytes opens for nobody in the other.
    let (_, signed) = world.relay.notebooks["sales"].clone();
    let mut forged = signed.parse().unwrap();
    forged.team = if forged.team == "sales" {
        "support"
    } else {
        "sales"
    }
    .into();
    forged.number = 9;
    let stranger = SigningKey::generate(&mut Random::os()).unwrap();
    let forged = Signed::<Notebook>::sign(&forged, &[&stranger]);
    let mut objects = world.relay.notebook("sales");
    objects[1] = Object::new(ObjectKind::Notebook, forged.to_bytes());
    world.nodes[ada].events.clear();
    announce(&mut world, ada, objects);
    assert_eq!(world.nodes[ada].alarms(), ["not-signed"]);
    assert!(page_of(&world, ada, "sales").is_none(), "nothing is new");
}
