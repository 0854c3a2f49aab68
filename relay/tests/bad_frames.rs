//! Bad bytes from anyone: a typed code, no state change, no harm to anybody else.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use futures_util::SinkExt;
use scene::{Client, Person, Scene, Talk};
use sottovoce::wire::frame::{ClientFrame, Query};
use sottovoce::wire::{encode, limits};
use tokio_tungstenite::tungstenite::Message;

/// What a fresh connection is told when it sends these bytes after the handshake.
async fn told(scene: &Scene, bytes: Vec<u8>) -> String {
    let mut client = scene.client(&Person::new()).await;
    client.send_raw(bytes).await;
    client.goodbye().await
}

#[tokio::test]
async fn what_is_no_frame_ends_the_connection_with_a_code() {
    let scene = Scene::open().await;
    let query = Query::TeamKey("support".to_owned());
    let good = encode(&ClientFrame::Lookup { id: 7, query });
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("nothing", Vec::new(), "malformed"),
        ("truncated", good[..good.len() - 1].to_vec(), "malformed"),
        (
            "longer",
            [good.as_slice(), &[0]].concat(),
            "not-deterministic",
        ),
        ("unknown frame", vec![0x82, 0x18, 99, 0x80], "malformed"),
        // Query number 9, of which there is none.
        (
            "unknown enum",
            vec![0x82, 2, 0x82, 7, 0x82, 9, 0x80],
            "malformed",
        ),
        (
            "wrong type",
            vec![0x82, 2, 0x82, 0x61, b'x', 0x80],
            "malformed",
        ),
        ("long integer", vec![0x82, 7, 0x81, 0x18, 1], "malformed"),
        ("indefinite", vec![0x9f, 7, 0x81, 0xf5, 0xff], "malformed"),
        ("deeply nested", vec![0x81; 100_000], "malformed"),
    ];
    for (what, bytes, code) in cases {
        let told = told(&scene, bytes).await;
        // Where an input is wrong in two ways, either may be noticed first.
        let either = ["malformed", "not-deterministic"];
        assert!(
            told == code || either.contains(&told.as_str()),
            "{what}: {told}"
        );
    }
    scene.end().await;
}

#[tokio::test]
async fn a_frame_of_more_than_a_megabyte_is_refused_before_it_is_read() {
    let scene = Scene::open().await;
    assert_eq!(told(&scene, vec![0; limits::FRAME + 1]).await, "too-large");
    let mut client = scene.client(&Person::new()).await;
    assert!(client.is_served().await);
    scene.end().await;
}

#[tokio::test]
async fn a_text_message_is_no_frame() {
    let scene = Scene::open().await;
    let mut client = scene.client(&Person::new()).await;
    client
        .socket
        .send(Message::Text("hello".into()))
        .await
        .unwrap();
    assert_eq!(client.goodbye().await, "malformed");
    scene.end().await;
}

#[tokio::test]
async fn a_second_proof_is_unexpected() {
    let scene = Scene::open().await;
    let proof = Vec::new().into();
    let bytes = encode(&ClientFrame::Authenticate { proof });
    assert_eq!(told(&scene, bytes).await, "unexpected");
    scene.end().await;
}

#[tokio::test]
async fn every_flipped_bit_of_an_append_is_refused_and_the_log_stays_as_it_is() {
    let scene = Scene::open().await;
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (mut talk, create) = Talk::start(&scene.business, &visitor);
    client.append(talk.contact, create.clone()).await.unwrap();
    let good = talk.say(&visitor, "hello");
    // The entry's bytes, a different bit of each.
    for entry in [create, good.clone()] {
        for index in (0..entry.len()).step_by(11) {
            let mut bad = entry.to_vec();
            bad[index] ^= 1 << (index % 8);
            let outcome = client.append(talk.contact, bad.into()).await;
            assert!(outcome.is_err(), "bit of byte {index}: {outcome:?}");
        }
    }
    for length in (0..good.len()).step_by(17) {
        let outcome = client
            .append(talk.contact, good[..length].to_vec().into())
            .await;
        assert_eq!(outcome, Err("malformed".to_owned()), "{length} bytes");
    }
    let large = vec![0; limits::ENTRY + 1].into();
    let outcome = client.append(talk.contact, large).await;
    assert_eq!(outcome, Err("too-large".to_owned()));
    assert_eq!(client.resume(talk.contact, 0).await.unwrap().len(), 1);
    assert_eq!(client.append(talk.contact, good).await, Ok(2));
    scene.end().await;
}

#[tokio::test]
async fn every_flipped_bit_of_a_frame_is_answered_with_a_code() {
    let scene = Scene::open().await;
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (talk, create) = Talk::start(&scene.business, &visitor);
    client.append(talk.contact, create.clone()).await.unwrap();
    let frame = ClientFrame::Resume {
        contact: talk.contact,
        after: 0,
    };
    let good = encode(&frame);
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let mut client = scene.client(&visitor).await;
        client.send_raw(bad).await;
        // Either it is no frame and the connection ends, or it asks for something else.
        if client.is_served().await {
            continue;
        }
        assert_eq!(client.receive().await, None);
    }
    let mut client = scene.client(&visitor).await;
    assert_eq!(client.resume(talk.contact, 0).await.unwrap(), [create]);
    scene.end().await;
}

#[tokio::test]
async fn a_broken_handshake_is_told_why() {
    let scene = Scene::open().await;
    let account = scene.business.id.to_string();
    for (bytes, code) in [
        (vec![1, 2, 3], "not-deterministic"),
        (
            encode(&ClientFrame::Authenticate {
                proof: vec![1].into(),
            }),
            "malformed",
        ),
        (vec![0xff; 10], "malformed"),
    ] {
        let (mut client, _) = Client::dial(scene.address, &account).await;
        client.send_raw(bytes).await;
        let told = client.goodbye().await;
        assert!(told == code || told == "malformed", "{told}");
    }
    // Raw bytes that are no WebSocket at all.
    let mut stream = tokio::net::TcpStream::connect(scene.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &[0xff; 4096])
        .await
        .unwrap();
    drop(stream);
    let mut client = scene.client(&Person::new()).await;
    let unknown = client.append(sottovoce::wire::ContactId::new([0; 16]), vec![].into());
    assert_eq!(unknown.await, Err("malformed".to_owned()));
    scene.end().await;
}
