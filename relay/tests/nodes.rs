//! Several relays on one PostgreSQL: whoever is connected to one meets everybody who is connected
//! to another, and what they do at the same time has one outcome.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::net::SocketAddr;
use std::time::Duration;

use scene::client::fresh_id;
use scene::{Business, Client, Person, Talk, account};
use sottovoce::wire::frame::{BanPeriod, ClientFrame, ObjectKind, Query, RefusedId, RelayFrame};
use sottovoce::wire::{Bytes, ContactId};
use sottovoce_relay::hints::HintChannel;
use sottovoce_relay::store::Database;
use sottovoce_relay::{Config, Relay};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Node {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

/// Two nodes of one installation, whose account is set up.
struct Site {
    business: Business,
    database: String,
    nodes: [Node; 2],
}

impl Site {
    async fn open(hints: HintChannel) -> Self {
        let business = Business::new();
        let database = sottovoce_test_postgres::database();
        let (first, second) = tokio::join!(
            Node::start(&business, &database, &hints),
            Node::start(&business, &database, &hints),
        );
        let site = Self {
            database,
            business,
            nodes: [first, second],
        };
        let mut admin = site.client(0, &site.business.administrator).await;
        for object in site.business.objects() {
            admin.publish(object).await.unwrap();
        }
        site
    }

    async fn client(&self, node: usize, person: &Person) -> Client {
        let address = self.nodes[node].address;
        Client::connect(address, &self.business, person)
            .await
            .unwrap()
    }

    /// A client of an agent, as soon as the node knows the agent.
    async fn agent(&self, node: usize, person: &Person) -> Client {
        let mut client = self.client(node, person).await;
        contacts(&mut client, |_, _| Some(())).await;
        client
    }

    async fn close(self) {
        for node in self.nodes {
            node.stop.send(()).unwrap();
            node.running.await.unwrap();
        }
    }
}

impl Node {
    async fn start(business: &Business, database: &str, hints: &HintChannel) -> Self {
        let mut config = Config::loopback(database, business.id);
        config.hints = hints.clone();
        let relay = Relay::bind(config).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        Self {
            address: relay.address(),
            stop,
            running: tokio::spawn(relay.serve(async {
                let _ = stopped.await;
            })),
        }
    }
}

/// The first list of contacts, or news of one, that fits.
async fn contacts<T>(
    client: &mut Client,
    fits: impl Fn(bool, &[sottovoce::wire::frame::ContactSummary]) -> Option<T>,
) -> T {
    client
        .wait_for(|frame| match frame {
            RelayFrame::Contacts { all, contacts } => fits(*all, contacts),
            _ => None,
        })
        .await
        .unwrap()
}

/// Waits until a client is told that a contact is at a position.
async fn told(client: &mut Client, contact: ContactId, head: u64) {
    contacts(client, |_, contacts| {
        let known = contacts.iter().find(|of| of.contact == contact)?;
        (known.head >= head).then_some(())
    })
    .await;
}

/// The entries after a position, up to and including another, as they come.
async fn read(client: &mut Client, contact: ContactId, after: u64, until: u64) -> Vec<Bytes> {
    let mut all = Vec::new();
    while after + (all.len() as u64) < until {
        let (first, entries, _) = client.entries(contact).await.unwrap();
        assert_eq!(first, after + all.len() as u64 + 1, "a gap or a repetition");
        all.extend(entries);
    }
    all
}

/// A visitor at the first node and an agent at the second one have a conversation.
async fn they_talk(hints: HintChannel) {
    let site = Site::open(hints).await;
    let business = &site.business;
    let visitor = Person::new();
    let mut visitors = site.client(0, &visitor).await;
    let mut agents = site.agent(1, &business.ada).await;
    let (mut talk, create) = Talk::start(business, &visitor);
    let contact = talk.contact;
    visitors.append(contact, create.clone()).await.unwrap();
    // The agent's list and the contact itself.
    told(&mut agents, contact, 1).await;
    assert_eq!(agents.resume(contact, 0).await.unwrap(), [create]);
    visitors.resume(contact, 1).await.unwrap();
    let claim = talk.claim(business, &business.ada);
    let mut all = vec![claim.entry.clone()];
    assert_eq!(agents.append(contact, claim.entry.clone()).await, Ok(2));
    talk.take(claim);
    // Nobody waits for anything to be heard at the other node.
    for position in (3..40).step_by(3) {
        for (offset, speaks) in [(0, true), (1, false), (2, false)] {
            let (client, author) = if speaks {
                (&mut visitors, &visitor)
            } else {
                (&mut agents, &business.ada)
            };
            let entry = talk.say(author, "text");
            all.push(entry.clone());
            let outcome = client.append(contact, entry).await;
            assert_eq!(outcome, Ok(position + offset));
        }
    }
    let until = all.len() as u64 + 1;
    assert_eq!(read(&mut visitors, contact, 1, until).await, all);
    assert_eq!(read(&mut agents, contact, 1, until).await, all);
    site.close().await;
}

#[tokio::test]
async fn a_visitor_and_an_agent_on_different_nodes_talk() {
    they_talk(HintChannel::Database).await;
}

/// A NATS server of the test's own.
struct Nats {
    address: SocketAddr,
    process: tokio::process::Child,
}

impl Nats {
    async fn start() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut nats = Self {
            process: Self::spawn(address),
            address,
        };
        nats.answers().await;
        nats
    }

    fn spawn(address: SocketAddr) -> tokio::process::Child {
        tokio::process::Command::new("nats-server")
            .args(["--addr", "127.0.0.1", "--port", &address.port().to_string()])
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    async fn answers(&mut self) {
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            assert_eq!(self.process.try_wait().unwrap(), None);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn url(&self) -> String {
        format!("nats://{}", self.address)
    }
}

#[tokio::test]
async fn nats_carries_hints_as_well() {
    let nats = Nats::start().await;
    they_talk(HintChannel::Nats(nats.url())).await;
}

#[tokio::test]
async fn hints_come_again_when_nats_does() {
    let mut nats = Nats::start().await;
    let site = Site::open(HintChannel::Nats(nats.url())).await;
    let business = &site.business;
    let visitor = Person::new();
    let mut visitors = site.client(0, &visitor).await;
    let mut agents = site.agent(1, &business.ada).await;
    nats.process.kill().await.unwrap();
    let (talk, create) = Talk::start(business, &visitor);
    let contact = talk.contact;
    visitors.append(contact, create).await.unwrap();
    told(&mut agents, contact, 1).await;
    agents.resume(contact, 0).await.unwrap();
    visitors.resume(contact, 0).await.unwrap();
    nats.process = Nats::spawn(nats.address);
    nats.answers().await;
    // Nothing but a hint carries this.
    let event = talk.typing(&visitor);
    let seen = async {
        loop {
            let frame = ClientFrame::Ephemeral {
                contact,
                event: event.clone(),
            };
            visitors.send(&frame).await;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let arrives = agents.wait_for(|frame| match frame {
        RelayFrame::Ephemeral { event, .. } => Some(event.clone()),
        _ => None,
    });
    tokio::select! {
        () = seen => unreachable!(),
        seen = arrives => assert_eq!(seen, Ok(event.clone())),
    }
    site.close().await;
}

#[tokio::test]
async fn without_any_hints_all_arrives_by_looking() {
    they_talk(HintChannel::None).await;
}

#[tokio::test]
async fn of_two_claims_on_two_nodes_one_wins() {
    let site = Site::open(HintChannel::Database).await;
    let business = &site.business;
    let visitor = Person::new();
    let mut visitors = site.client(0, &visitor).await;
    let mut ada = site.agent(0, &business.ada).await;
    let mut ben = site.agent(1, &business.ben).await;
    for _ in 0..10 {
        let (talk, create) = Talk::start(business, &visitor);
        visitors.append(talk.contact, create).await.unwrap();
        let claims = [&business.ada, &business.ben].map(|agent| talk.claim(business, agent).entry);
        let [first, second] = claims;
        let outcomes: [_; 2] = tokio::join!(
            ada.append(talk.contact, first.clone()),
            ben.append(talk.contact, second.clone()),
        )
        .into();
        let lost = Err("epoch-taken".to_owned());
        let (winner, loser) = if outcomes[0].is_ok() { (0, 1) } else { (1, 0) };
        assert_eq!((&outcomes[winner], &outcomes[loser]), (&Ok(2), &lost));
        let log = visitors.resume(talk.contact, 1).await.unwrap();
        assert_eq!(log, [[first, second][winner].clone()]);
    }
    site.close().await;
}

#[tokio::test]
async fn one_append_that_is_sent_to_two_nodes_is_one_entry() {
    let site = Site::open(HintChannel::None).await;
    let visitor = Person::new();
    let mut clients = [
        site.client(0, &visitor).await,
        site.client(1, &visitor).await,
    ];
    let (mut talk, create) = Talk::start(&site.business, &visitor);
    let contact = talk.contact;
    let said = (0..20).map(|_| talk.say(&visitor, "once"));
    let entries: Vec<_> = std::iter::once(create).chain(said).collect();
    for (position, entry) in (1..).zip(&entries) {
        let id = fresh_id();
        let [first, second] = &mut clients;
        let outcomes = tokio::join!(
            first.append_as(id, contact, entry.clone()),
            second.append_as(id, contact, entry.clone()),
        );
        assert_eq!(outcomes, (Ok(position), Ok(position)));
    }
    assert_eq!(clients[0].resume(contact, 0).await.unwrap(), entries);
    site.close().await;
}

#[tokio::test]
async fn what_is_erased_elsewhere_is_gone_at_every_node() {
    let site = Site::open(HintChannel::None).await;
    let business = &site.business;
    let visitor = Person::new();
    let mut visitors = site.client(0, &visitor).await;
    let mut ada = site.agent(1, &business.ada).await;
    let (mut talk, create) = Talk::start(business, &visitor);
    visitors.append(talk.contact, create).await.unwrap();
    for client in [&mut visitors, &mut ada] {
        client.resume(talk.contact, 0).await.unwrap();
    }
    // By a node that no hint comes from.
    let database = Database::open(&site.database).await.unwrap();
    let store = database.store();
    let bury = |_| vec![1];
    let erased = store.erase(&business.id, &talk.contact, scene::now(), &bury);
    assert!(erased.await.unwrap());
    database.close().await;
    for client in [&mut visitors, &mut ada] {
        let code = client.wait_for(|frame| match frame {
            RelayFrame::Refused { id, code } if *id == RefusedId::Contact(talk.contact) => {
                Some(code.clone())
            }
            _ => None,
        });
        assert_eq!(code.await.as_deref(), Ok("erased"));
    }
    let late = talk.say(&visitor, "still there?");
    let late = visitors.append(talk.contact, late).await;
    assert_eq!(late, Err("erased".to_owned()));
    site.close().await;
}

#[tokio::test]
async fn a_ban_ends_the_connection_on_another_node() {
    let site = Site::open(HintChannel::None).await;
    let visitor = Person::new();
    let mut client = site.client(0, &visitor).await;
    let (talk, create) = Talk::start(&site.business, &visitor);
    client.append(talk.contact, create).await.unwrap();
    let mut ada = site.agent(1, &site.business.ada).await;
    let done = ada.ban(talk.contact, visitor.device(), BanPeriod::Hour);
    assert_eq!(done.await, Ok(()));
    assert_eq!(client.goodbye().await, "banned");
    site.close().await;
}

#[tokio::test]
async fn who_is_there_is_known_on_every_node() {
    let site = Site::open(HintChannel::Database).await;
    let business = &site.business;
    let mut ben = site.agent(0, &business.ben).await;
    let mut ada = site.agent(1, &business.ada).await;
    let device = business.ada.device();
    let available = async |client: &mut Client, expected: bool| {
        let team = Query::TeamMembers("support".to_owned());
        while client
            .look_up(team.clone())
            .await
            .unwrap()
            .1
            .contains(&device)
            != expected
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    available(&mut ben, true).await;
    for here in [false, true] {
        ada.send(&ClientFrame::Presence { available: here }).await;
        available(&mut ben, here).await;
    }
    drop(ada);
    available(&mut ben, false).await;
    site.close().await;
}

#[tokio::test]
async fn somebody_who_types_is_seen_on_the_other_node() {
    let site = Site::open(HintChannel::Database).await;
    let business = &site.business;
    let visitor = Person::new();
    let mut visitors = site.client(0, &visitor).await;
    let mut agents = site.agent(1, &business.ada).await;
    let (talk, create) = Talk::start(business, &visitor);
    let contact = talk.contact;
    visitors.append(contact, create).await.unwrap();
    told(&mut agents, contact, 1).await;
    agents.resume(contact, 0).await.unwrap();
    visitors.resume(contact, 0).await.unwrap();
    let event = talk.typing(&visitor);
    visitors
        .send(&ClientFrame::Ephemeral {
            contact,
            event: event.clone(),
        })
        .await;
    let seen = agents
        .wait_for(|frame| match frame {
            RelayFrame::Ephemeral { event, .. } => Some(event.clone()),
            _ => None,
        })
        .await;
    assert_eq!(seen, Ok(event));
    site.close().await;
}

#[tokio::test]
async fn what_is_published_at_one_node_is_in_force_and_announced_at_the_other() {
    let site = Site::open(HintChannel::Database).await;
    let business = &site.business;
    let mut ada = site.agent(1, &business.ada).await;
    let mut renewer = site.client(0, &business.renewer).await;
    let renewal = business.renewal();
    let renewal = sottovoce::wire::Signed::sign(&renewal, &[&business.renewer.key]);
    let renewal = account::object(ObjectKind::Renewal, &renewal);
    renewer.publish(renewal.clone()).await.unwrap();
    while !ada.announced().await.contains(&renewal) {}
    // The other node has the same thing in force, so that it is nothing new there.
    ada.publish(renewal).await.unwrap();
    site.close().await;
}

#[tokio::test]
async fn publications_at_two_nodes_at_the_same_time_all_count() {
    let site = Site::open(HintChannel::None).await;
    let business = &site.business;
    let people: Vec<_> = (0..12).map(|_| Person::new()).collect();
    let mut waiting = Vec::new();
    for (number, person) in people.iter().enumerate() {
        let mut client = site.client(number % 2, person).await;
        let request = business.enrolment(person);
        let signed = sottovoce::wire::Signed::sign(&request, &[&person.key]);
        waiting.push(async move {
            client
                .publish(account::object(ObjectKind::Enrolment, &signed))
                .await
        });
    }
    for outcome in futures_util::future::join_all(waiting).await {
        assert_eq!(outcome, Ok(()));
    }
    for node in 0..2 {
        let mut admin = site.client(node, &business.administrator).await;
        // Without hints a node knows it when it has looked.
        while admin.look_up(Query::Devices).await.unwrap().0.len() < 12 + 3 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    site.close().await;
}

#[tokio::test]
async fn who_was_removed_at_another_node_reads_no_further() {
    let site = Site::open(HintChannel::None).await;
    let business = &site.business;
    let visitor = Person::new();
    let mut visitors = site.client(0, &visitor).await;
    let mut ada = site.agent(1, &business.ada).await;
    let mut ben = site.agent(0, &business.ben).await;
    let (mut talk, create) = Talk::start(business, &visitor);
    let contact = talk.contact;
    visitors.append(contact, create).await.unwrap();
    let claim = talk.claim(business, &business.ada);
    ada.append(contact, claim.entry.clone()).await.unwrap();
    talk.take(claim);
    ada.resume(contact, 0).await.unwrap();
    let transfer = talk.transfer(business, &business.ada, &business.ben);
    ada.append(contact, transfer.entry.clone()).await.unwrap();
    talk.take(transfer);
    let claim = talk.claim(business, &business.ben);
    assert_eq!(ben.append(contact, claim.entry.clone()).await, Ok(4));
    talk.take(claim);
    for position in 5..10 {
        let entry = talk.say(&visitor, "not for Ada");
        assert_eq!(visitors.append(contact, entry).await, Ok(position));
    }
    // By the time that her node looks, the contact is far ahead.
    read(&mut ada, contact, 2, 4).await;
    told(&mut ada, contact, 4).await;
    assert!(ada.is_served().await);
    let more = ada.wait_for(|frame| match frame {
        RelayFrame::Entries { first, .. } => Some(*first),
        _ => None,
    });
    assert!(
        tokio::time::timeout(Duration::from_secs(4), more)
            .await
            .is_err()
    );
    assert_eq!(ada.resume(contact, 2).await.unwrap().len(), 2);
    site.close().await;
}
