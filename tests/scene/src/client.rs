//! A client that says exactly what it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sottovoce::crypto::Random;
use sottovoce::wire::frame::{
    Authentication, BanPeriod, ClientFrame, NewEntry, Nonce, Object, PushTarget, Query, RefusedId,
    RelayFrame,
};
use sottovoce::wire::{
    Bytes, ContactId, ContentId, DeviceId, Signed, Suite, Version, decode, encode, limits, work,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::{Business, Person, now};

/// Longer than anything takes that happens at all.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub device: DeviceId,
    pub welcome: Vec<Object>,
    /// The bits of work that the relay asked for.
    pub worked: Option<u64>,
    /// Frames that arrived while another was waited for.
    early: VecDeque<RelayFrame>,
    requests: u64,
}

impl Client {
    /// Connects and waits for the challenge.
    pub async fn dial(address: SocketAddr, account: &str) -> (Self, Result<Nonce, String>) {
        Self::dial_from(address, account, None).await
    }

    /// Connects as a proxy does that was spoken to from somewhere, and authenticates.
    pub async fn connect_from(
        address: SocketAddr,
        business: &Business,
        person: &Person,
        from: &str,
    ) -> Result<Self, String> {
        let account = business.id.to_string();
        let (client, nonce) = Self::dial_from(address, &account, Some(from)).await;
        let claim = claim(address, business, person.device(), nonce?);
        client
            .authenticate(&Signed::sign(&claim, &[&person.key]))
            .await
    }

    async fn dial_from(
        address: SocketAddr,
        account: &str,
        from: Option<&str>,
    ) -> (Self, Result<Nonce, String>) {
        let url = format!("ws://{address}/v1/connect?account={account}");
        let mut request = url.into_client_request().unwrap();
        let protocol = "sottovoce.0".parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        if let Some(from) = from {
            let headers = request.headers_mut();
            headers.insert("x-forwarded-for", from.parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut client = Self {
            socket,
            device: DeviceId::new([0; 32]),
            welcome: Vec::new(),
            worked: None,
            early: VecDeque::new(),
            requests: 0,
        };
        let nonce = match client.receive().await {
            Some(RelayFrame::Challenge { nonce }) => Ok(nonce),
            Some(RelayFrame::Goodbye { code }) => Err(code),
            other => panic!("{other:?}"),
        };
        (client, nonce)
    }

    /// Connects and authenticates as a client should.
    pub async fn connect(
        address: SocketAddr,
        business: &Business,
        person: &Person,
    ) -> Result<Self, String> {
        let (client, nonce) = Self::dial(address, &business.id.to_string()).await;
        let claim = claim(address, business, person.device(), nonce?);
        client
            .authenticate(&Signed::sign(&claim, &[&person.key]))
            .await
    }

    /// Answers the challenge with any proof.
    pub async fn authenticate(mut self, proof: &Signed<Authentication>) -> Result<Self, String> {
        self.device = proof.parse().unwrap().device;
        let proof = proof.to_bytes();
        self.send(&ClientFrame::Authenticate { proof }).await;
        let mut answer = self.receive().await;
        if let Some(RelayFrame::Work { nonce, bits }) = answer {
            self.worked = Some(bits);
            let answer_to = |number: &u64| work::is_done(&nonce, *number, bits);
            let found = (0..).find(answer_to).unwrap();
            self.send(&ClientFrame::Solve { answer: found }).await;
            answer = self.receive().await;
        }
        match answer {
            Some(RelayFrame::Welcome { objects }) => self.welcome = objects,
            Some(RelayFrame::Goodbye { code }) => return Err(code),
            other => panic!("{other:?}"),
        }
        Ok(self)
    }

    pub async fn send(&mut self, frame: &ClientFrame) {
        self.send_raw(encode(frame)).await;
    }

    pub async fn send_raw(&mut self, bytes: Vec<u8>) {
        self.socket
            .send(Message::Binary(bytes.into()))
            .await
            .unwrap();
    }

    /// The next frame, or none at the end.
    pub async fn receive(&mut self) -> Option<RelayFrame> {
        if let Some(frame) = self.early.pop_front() {
            return Some(frame);
        }
        self.receive_new().await
    }

    async fn receive_new(&mut self) -> Option<RelayFrame> {
        let next = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Binary(bytes))) => {
                        return Some(decode(&bytes, limits::FRAME).unwrap());
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.unwrap()
    }

    /// The first frame that fits, old or new. Others stay for later.
    pub async fn wait_for<T>(
        &mut self,
        what: impl Fn(&RelayFrame) -> Option<T>,
    ) -> Result<T, String> {
        for (index, frame) in self.early.iter().enumerate() {
            if let Some(found) = what(frame) {
                self.early.remove(index);
                return Ok(found);
            }
        }
        loop {
            let frame = self.receive_new().await.ok_or("ended")?;
            if let Some(found) = what(&frame) {
                return Ok(found);
            }
            if let RelayFrame::Goodbye { code } = frame {
                return Err(code);
            }
            self.early.push_back(frame);
        }
    }

    /// The code with which the relay ends the connection.
    pub async fn goodbye(&mut self) -> String {
        self.wait_for(|frame| match frame {
            RelayFrame::Goodbye { code } => Some(code.clone()),
            _ => None,
        })
        .await
        .unwrap()
    }

    pub async fn publish(&mut self, object: Object) -> Result<(), String> {
        self.requests += 1;
        let id = self.requests;
        self.send(&ClientFrame::Publish { id, object }).await;
        self.done(id).await
    }

    /// Keeps a visitor away.
    pub async fn ban(
        &mut self,
        contact: ContactId,
        device: DeviceId,
        period: BanPeriod,
    ) -> Result<(), String> {
        self.requests += 1;
        let id = self.requests;
        self.send(&ClientFrame::Ban {
            id,
            contact,
            device,
            period,
        })
        .await;
        self.done(id).await
    }

    /// Says where to be told of news.
    pub async fn push(&mut self, target: Option<PushTarget>) -> Result<(), String> {
        self.requests += 1;
        let id = self.requests;
        self.send(&ClientFrame::Push { id, target }).await;
        self.done(id).await
    }

    async fn done(&mut self, id: u64) -> Result<(), String> {
        self.wait_for(|frame| match frame {
            RelayFrame::Published { id: of } if *of == id => Some(Ok(())),
            RelayFrame::Refused { id: of, code } if *of == RefusedId::Request(id) => {
                Some(Err(code.clone()))
            }
            _ => None,
        })
        .await?
    }

    pub async fn look_up(&mut self, query: Query) -> Result<(Vec<Object>, Vec<DeviceId>), String> {
        self.requests += 1;
        let id = self.requests;
        self.send(&ClientFrame::Lookup { id, query }).await;
        let (mut all, mut there) = (Vec::new(), Vec::new());
        loop {
            let part = self.wait_for(|frame| match frame {
                RelayFrame::Found {
                    id: of,
                    objects,
                    available,
                    more,
                } if *of == id => Some(Ok((objects.clone(), available.clone(), *more))),
                RelayFrame::Refused { id: of, code } if *of == RefusedId::Request(id) => {
                    Some(Err(code.clone()))
                }
                _ => None,
            });
            let (objects, available, more) = part.await??;
            all.extend(objects);
            there.extend(available);
            if !more {
                return Ok((all, there));
            }
        }
    }

    /// Appends under a fresh id.
    pub async fn append(&mut self, contact: ContactId, entry: Bytes) -> Result<u64, String> {
        self.append_as(fresh_id(), contact, entry).await
    }

    pub async fn append_as(
        &mut self,
        id: ContentId,
        contact: ContactId,
        entry: Bytes,
    ) -> Result<u64, String> {
        self.send(&ClientFrame::Append { id, contact, entry }).await;
        self.appended(id).await
    }

    /// Appends two entries together under fresh ids.
    pub async fn append_both(
        &mut self,
        contact: ContactId,
        first: Bytes,
        second: Bytes,
    ) -> [Result<u64, String>; 2] {
        let [first, second] = [first, second].map(|entry| NewEntry {
            id: fresh_id(),
            entry,
        });
        self.append_both_as(contact, first, second).await
    }

    pub async fn append_both_as(
        &mut self,
        contact: ContactId,
        first: NewEntry,
        second: NewEntry,
    ) -> [Result<u64, String>; 2] {
        let ids = [first.id, second.id];
        self.send(&ClientFrame::AppendBoth {
            contact,
            first,
            second,
        })
        .await;
        [self.appended(ids[0]).await, self.appended(ids[1]).await]
    }

    /// Appends; none when the relay is gone before it answers.
    pub async fn try_append(
        &mut self,
        id: ContentId,
        contact: ContactId,
        entry: Bytes,
    ) -> Option<u64> {
        let frame = encode(&ClientFrame::Append { id, contact, entry });
        self.socket.send(Message::Binary(frame.into())).await.ok()?;
        match self.appended(id).await {
            Ok(position) => Some(position),
            Err(code) => {
                assert_eq!(code, "ended");
                None
            }
        }
    }

    /// The answer to an append.
    pub async fn appended(&mut self, id: ContentId) -> Result<u64, String> {
        self.wait_for(|frame| match frame {
            RelayFrame::Appended {
                id: of, position, ..
            } if *of == id => Some(Ok(*position)),
            RelayFrame::Refused {
                id: RefusedId::Append(of, _),
                code,
            } if *of == id => Some(Err(code.clone())),
            _ => None,
        })
        .await?
    }

    /// Resumes and reads until it has everything that exists now.
    pub async fn resume(&mut self, contact: ContactId, after: u64) -> Result<Vec<Bytes>, String> {
        self.send(&ClientFrame::Resume { contact, after }).await;
        let mut all = Vec::new();
        loop {
            let (first, entries, head) = self.entries(contact).await?;
            assert_eq!(first, after + all.len() as u64 + 1, "a gap or a repetition");
            all.extend(entries);
            if after + all.len() as u64 >= head {
                return Ok(all);
            }
        }
    }

    /// The next entries of a contact: position of the first, they, and the head.
    pub async fn entries(&mut self, contact: ContactId) -> Result<(u64, Vec<Bytes>, u64), String> {
        self.wait_for(|frame| match frame {
            RelayFrame::Entries {
                contact: of,
                first,
                entries,
                head,
            } if *of == contact => Some(Ok((*first, entries.clone(), *head))),
            RelayFrame::Refused {
                id: RefusedId::Contact(of),
                code,
            } if *of == contact => Some(Err(code.clone())),
            _ => None,
        })
        .await?
    }

    /// The next announced objects.
    pub async fn announced(&mut self) -> Vec<Object> {
        self.wait_for(|frame| match frame {
            RelayFrame::Announce { objects } => Some(objects.clone()),
            _ => None,
        })
        .await
        .unwrap()
    }

    /// Whether the relay still answers this client.
    pub async fn is_served(&mut self) -> bool {
        self.look_up(Query::TeamKey("support".to_owned()))
            .await
            .is_ok()
    }
}

/// What a client signs to authenticate.
pub fn claim(
    address: SocketAddr,
    business: &Business,
    device: DeviceId,
    relay_nonce: Nonce,
) -> Authentication {
    Authentication {
        version: Version,
        suite: Suite::X25519,
        account: business.id,
        host: address.to_string(),
        relay_nonce,
        client_nonce: Nonce::new(Random::os().bytes().unwrap()),
        device,
        time: now(),
    }
}

pub fn fresh_id() -> ContentId {
    ContentId::new(Random::os().bytes().unwrap())
}
