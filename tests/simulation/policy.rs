//! What a policy that ends or revokes does to contacts that are open.

use sottovoce::account::Revocation;
use sottovoce::client::*;
use sottovoce::crypto::Secret;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::limits;

use crate::conversation::{claim, greet, greeted};
use crate::world::{START, World};

#[test]
fn an_expired_policy_stops_sending_until_it_is_renewed() {
    let renewer = SigningKey::from_seed(&Secret::new([77; 32]));
    let mut world = World::with_policy(400, |policy| policy.renewers = vec![renewer.public()]);
    let (visitor, ada, _) = greet(&mut world);
    claim(&mut world, ada);
    world.run(15);
    world.now = START.plus_seconds(7 * limits::DAY);
    world.say(visitor, "too late");
    world.run(5);
    let failures = world.nodes[visitor].failures();
    assert_eq!(failures, ["expired"], "told once");
    assert!(!world.nodes[ada].texts().contains(&"too late".into()));
    world.renew_policy(&renewer);
    world.run(5);
    assert_eq!(world.nodes[ada].texts(), ["hello", "too late"]);
    world.say(ada, "in time again");
    world.run(3);
    assert_eq!(
        world.nodes[visitor].texts(),
        ["hello", "too late", "in time again"]
    );
}

#[test]
fn who_starts_under_an_expired_policy_learns_when_it_ended() {
    let mut world = World::new(402);
    world.now = START.plus_seconds(7 * limits::DAY);
    let ada = world.staff("Ada", sottovoce::account::Role::Agent);
    let visitor = world.visitor();
    for node in [ada, visitor] {
        world.connect(node);
    }
    world.run(3);
    for node in [ada, visitor] {
        let mut events = world.nodes[node].events.iter();
        let view = events.find_map(|event| match event {
            Event::Account(view) => Some(view),
            _ => None,
        });
        let view = view.expect("the account is shown");
        assert!(view.expires <= world.now && view.expires_soon);
    }
}

#[test]
fn nothing_is_sent_to_a_roster_with_a_revoked_agent() {
    let (mut world, visitor, ada, bruno) = greeted(401);
    claim(&mut world, ada);
    world.run(15);
    let revoked = world.nodes[ada].device();
    world.publish_policy(|policy| policy.revocations = vec![Revocation::Device(revoked)]);
    world.run(1);
    let contact = world.contact_of(visitor);
    let before = world.relay.contacts[&contact].entries.len();
    world.say(visitor, "for honest eyes");
    world.run(5);
    assert_eq!(world.nodes[visitor].failures(), ["roster-not-allowed"]);
    assert_eq!(world.relay.contacts[&contact].entries.len(), before);
    // The revoked agent neither speaks nor commits.
    world.say(ada, "let me explain");
    world.command(ada, Command::Rekey { contact });
    world.run(5);
    assert_eq!(world.relay.contacts[&contact].entries.len(), before);
    assert!(
        !world.nodes[bruno]
            .texts()
            .contains(&"for honest eyes".into())
    );
}
