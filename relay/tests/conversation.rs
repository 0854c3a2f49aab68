//! The core's own clients against the relay: enrolment, keys, and a whole conversation.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use scene::account::object;
use scene::{Scene, now};
use sottovoce::account::{Credential, EnrolmentRequest, Pin, Role, Via};
use sottovoce::client::{
    Client, Command, Config, ConnectionState, ContactState, Event, Input, ItemBody, Kind, Output,
    Target,
};
use sottovoce::crypto::{Random, Secret};
use sottovoce::wire::codec::from_base64url;
use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::{ContactId, DeviceId, Signed, Suite, Version, limits};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// A client of the core with the smallest possible host: it keeps nothing.
struct Device {
    id: DeviceId,
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Device {
    async fn start(scene: &Scene, kind: Kind) -> Self {
        let config = Config {
            pin: Pin::account(scene.business.id),
            host: scene.address.to_string(),
            kind,
            storage_key: Secret::new([7; 32]),
            generation: 0,
        };
        let client = Client::open(config, &[], Random::os(), now()).unwrap();
        let id = client.device();
        let url = format!(
            "ws://{}/v1/connect?account={}",
            scene.address, scene.business.id
        );
        let mut request = url.into_client_request().unwrap();
        let protocol = "sottovoce.0".parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let (commands, wishes) = mpsc::unbounded_channel();
        let (tell, events) = mpsc::unbounded_channel();
        tokio::spawn(host(client, socket, wishes, tell));
        Self {
            id,
            commands,
            events,
        }
    }

    fn wish(&self, command: Command) {
        self.commands.send(command).unwrap();
    }

    /// The first event that fits. An alarm or a failure is the end of the test.
    async fn until<T>(&mut self, what: impl Fn(&Event) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if let Some(found) = what(&event) {
                    return found;
                }
                if matches!(event, Event::Alarm { .. } | Event::Failed { .. }) {
                    panic!("{event:?}");
                }
            }
        };
        let patience = Duration::from_secs(30);
        tokio::time::timeout(patience, found).await.unwrap()
    }

    async fn reads(&mut self, text: &str) {
        self.until(|event| match event {
            Event::Item { item, .. } => match &item.body {
                ItemBody::Text { text: read, .. } | ItemBody::Note { text: read, .. } => {
                    (read == text && item.position.is_some()).then_some(())
                }
                _ => None,
            },
            _ => None,
        })
        .await;
    }

    async fn sees(&mut self, state: ContactState) -> ContactId {
        self.until(|event| match event {
            Event::Contact(view) if view.state == state => Some(view.contact),
            _ => None,
        })
        .await
    }

    fn say(&self, contact: ContactId, text: &str) {
        self.wish(Command::Send {
            contact,
            kind: "text".to_owned(),
            body: text.as_bytes().to_vec(),
            reply_to: None,
            id: None,
        });
    }
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn host(
    mut client: Client,
    mut socket: Socket,
    mut wishes: mpsc::UnboundedReceiver<Command>,
    tell: mpsc::UnboundedSender<Event>,
) {
    client.handle(now(), Input::Connected);
    let mut wake_at = None;
    loop {
        while let Some(output) = client.poll(now()) {
            match output {
                Output::Transmit(bytes) => {
                    if socket.send(Message::Binary(bytes.into())).await.is_err() {
                        return;
                    }
                }
                Output::Store(batch) => client.handle(now(), Input::Stored(batch.id)),
                Output::Event(event) => {
                    let _ = tell.send(*event);
                }
                Output::WakeAt(at) => wake_at = Some(at),
            }
        }
        let sleep = wake_at.map_or(1000, |at: sottovoce::wire::Time| at.millis_since(now()));
        let input = tokio::select! {
            wish = wishes.recv() => match wish {
                Some(command) => Input::Command(command),
                None => return,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => Input::Frame(bytes.to_vec()),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            () = tokio::time::sleep(Duration::from_millis(sleep)) => Input::Tick,
        };
        client.handle(now(), input);
    }
}

/// An agent's device, enrolled by the administrator as the agents' consoles do it.
async fn enrol(scene: &Scene, subject: &str) -> Device {
    let name = subject.to_owned();
    let kind = Kind::Staff {
        name,
        invitation: None,
    };
    let mut device = Device::start(scene, kind).await;
    let request = device
        .until(|event| match event {
            Event::Unapproved { request } => Some(request.clone()),
            _ => None,
        })
        .await;
    let request = Signed::from_bytes(&from_base64url(&request).unwrap()).unwrap();
    let request = EnrolmentRequest::verify(&request).unwrap();
    assert_eq!(request.device, device.id);
    let credential = Credential {
        version: Version,
        suite: Suite::X25519,
        account: scene.business.id,
        device: request.device,
        subject: subject.to_owned(),
        name: request.name,
        role: Role::Agent,
        via: Via::Device,
        teams: vec!["support".to_owned()],
        issued: now(),
        expires: now().plus_seconds(limits::DAY),
    };
    let credential = scene.business.by_administrator(&credential);
    let mut administrator = scene.client(&scene.business.administrator).await;
    administrator
        .publish(object(ObjectKind::Credential, &credential))
        .await
        .unwrap();
    device
        .until(|event| match event {
            Event::Account(view) if view.own_teams == ["support"] => Some(()),
            _ => None,
        })
        .await;
    device
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_two_agents_and_a_relay_hold_a_conversation() {
    let scene = Scene::empty().await;
    let mut administrator = scene.client(&scene.business.administrator).await;
    for object in scene.business.objects().into_iter().take(2) {
        administrator.publish(object).await.unwrap();
    }
    let mut ada = enrol(&scene, "ada").await;
    let mut ben = enrol(&scene, "ben").await;
    let mut visitor = Device::start(&scene, Kind::Visitor).await;
    visitor
        .until(|event| matches!(event, Event::Connection(ConnectionState::Online)).then_some(()))
        .await;
    visitor.wish(Command::Start {
        entry_point: "shop".to_owned(),
        identity: None,
        details: Vec::new(),
    });
    let contact = visitor.sees(ContactState::Waiting).await;
    visitor.say(contact, "is anybody there?");

    for agent in [&mut ada, &mut ben] {
        agent
            .until(|event| match event {
                Event::Inbox(entries) => entries
                    .iter()
                    .any(|entry| entry.contact == contact && entry.can_claim)
                    .then_some(()),
                _ => None,
            })
            .await;
    }
    ada.wish(Command::Open { contact });
    ada.reads("is anybody there?").await;
    ada.wish(Command::Claim { contact });
    assert_eq!(ada.sees(ContactState::Open).await, contact);
    ada.say(contact, "good morning");
    visitor.reads("good morning").await;
    visitor.say(contact, "my parcel is late");
    ada.reads("my parcel is late").await;

    // As a console does it: Ben's newest key comes with the list of colleagues.
    let team = "support".to_owned();
    ada.wish(Command::LookUpTeam { team });
    let colleague = ada
        .until(|event| match event {
            Event::Team { members, .. } => members.first().map(|m| (m.author.device, m.available)),
            _ => None,
        })
        .await;
    assert_eq!(colleague, (ben.id, true));
    ada.wish(Command::Transfer {
        contact,
        to: Target::Device(ben.id),
        history: true,
        note: Some("a late parcel".to_owned()),
    });
    ben.until(|event| match event {
        Event::Inbox(entries) => entries
            .iter()
            .any(|entry| entry.contact == contact && entry.mine)
            .then_some(()),
        _ => None,
    })
    .await;
    ben.wish(Command::Open { contact });
    ben.reads("a late parcel").await;
    ben.wish(Command::Claim { contact });
    ben.sees(ContactState::Open).await;
    ben.say(contact, "it is on its way");
    visitor.reads("it is on its way").await;
    ben.wish(Command::Close { contact });
    visitor.sees(ContactState::Closed).await;
    scene.end().await;
}
