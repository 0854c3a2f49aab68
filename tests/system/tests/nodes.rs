//! Two relays on one PostgreSQL, visitors at one and agents at the other: relays die, everybody goes
//! to the one that is left, and nothing is lost, doubled or out of order.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use sottovoce::wire::Suite;
use sottovoce_system_tests::writer::once_and_in_order;
use sottovoce_system_tests::{Balancer, Business, Person, RelayProcess, Shown, TEAM, Writer};
use tokio::sync::watch;

const RELAY: &str = env!("CARGO_BIN_EXE_relay-process");
const VISITORS: [&str; 3] = ["Vera", "Viktor", "Vivian"];
const AGENTS: [&str; 2] = ["Ada", "Ben"];
/// How often each relay is killed.
const KILLS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_message_survives_kill_9_of_either_node() {
    let business = Business::new(Suite::XWing);
    let database = sottovoce_test_postgres::database();
    let mut nodes = [
        RelayProcess::start_shared(RELAY, business.account, &database).await,
        RelayProcess::start_shared(RELAY, business.account, &database).await,
    ];
    // Visitors begin at the first node, agents at the second.
    let balancers = [
        Balancer::before(nodes[0].address()).await,
        Balancer::before(nodes[1].address()).await,
    ];
    let mut session = business.administer(&balancers[0].url()).await;
    business.publish(&mut session).await;
    let mut agents = Vec::new();
    for name in AGENTS {
        let url = balancers[1].url();
        let agent = Arc::new(Person::agent(&url, business.account, name, None).await);
        business.approve(&mut session, &agent, name, TEAM).await;
        agents.push(agent);
    }
    let mut writers = Vec::new();
    for (index, name) in VISITORS.into_iter().enumerate() {
        let url = balancers[0].url();
        let visitor = Arc::new(Person::visitor(&url, business.account, None).await);
        visitor.online().await;
        let contact = visitor.begin(None).await;
        let agent = &agents[index % AGENTS.len()];
        agent.take(contact).await;
        writers.push(Writer::new(&visitor, contact, format!("{name} ")));
        writers.push(Writer::new(agent, contact, format!("to {name} ")));
    }
    let (stop, stopping) = watch::channel(false);
    let people = [&writers[0], &writers[1]].map(|writer| Arc::clone(&writer.person));
    let writing: Vec<_> = writers
        .drain(..)
        .map(|writer| tokio::spawn(writer.write(stopping.clone())))
        .collect();
    for kill in 0..KILLS * 2 {
        // Everybody is served when it dies, whichever it is.
        for person in &people {
            let before = person.shown().acknowledged.len();
            person
                .until("another acknowledgement", |shown| {
                    (shown.acknowledged.len() > before + 3).then_some(())
                })
                .await;
        }
        let (dies, lives) = (kill % 2, (kill + 1) % 2);
        nodes[dies].kill().await;
        balancers[dies].point_at(nodes[lives].address());
        tokio::time::sleep(Duration::from_millis(500)).await;
        nodes[dies].restart().await;
        balancers[dies].point_at(nodes[dies].address());
    }
    stop.send_replace(true);
    for writer in writing {
        let mut writer = writer.await.unwrap();
        writer.finish().await;
        writers.push(writer);
    }
    for pair in writers.chunks(2) {
        let count = pair.iter().map(|writer| writer.acknowledged.len()).sum();
        for writer in pair {
            let all =
                |shown: &Shown| (shown.transcript(writer.contact).len() >= count).then_some(());
            writer.person.until("all that was acknowledged", all).await;
        }
        let transcripts = [0, 1].map(|side| {
            let writer: &Writer = &pair[side];
            writer.person.shown().transcript(writer.contact)
        });
        assert_eq!(transcripts[0], transcripts[1]);
        for writer in pair {
            once_and_in_order(&transcripts[0], writer);
            assert_eq!(writer.person.shown().alarms, Vec::<&str>::new());
        }
    }
}
