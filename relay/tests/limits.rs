//! Limits: who asks too much or reads too little is told so and cut; others notice nothing.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::time::Duration;

use scene::{Business, Client, Person, Scene, Talk};
use sottovoce::wire::frame::{ClientFrame, RelayFrame};
use sottovoce_relay::Limits;
use sottovoce_relay::throttle::{Quota, Rates};

async fn limited(limits: Limits) -> Scene {
    let scene = Scene::with(Business::new(), |config| config.limits = limits).await;
    scene.set_up().await;
    scene
}

#[tokio::test]
async fn a_flood_of_frames_is_cut() {
    let scene = limited(Limits {
        frames: 10,
        ..Limits::default()
    })
    .await;
    let mut client = scene.client(&Person::new()).await;
    for _ in 0..150 {
        client
            .send(&ClientFrame::Presence { available: true })
            .await;
    }
    assert_eq!(client.goodbye().await, "throttled");
    let mut other = scene.client(&Person::new()).await;
    assert!(other.is_served().await);
    scene.end().await;
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let scene = limited(Limits {
        connections: 3,
        ..Limits::default()
    })
    .await;
    let account = scene.business.id.to_string();
    let first = scene.client(&Person::new()).await;
    let _second = scene.client(&Person::new()).await;
    let _third = scene.client(&Person::new()).await;
    let (_, fourth) = Client::dial(scene.address, &account).await;
    assert_eq!(fourth, Err("throttled".to_owned()));
    drop(first);
    let mut again = Client::dial(scene.address, &account).await;
    for _ in 0..100 {
        if again.1.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        again = Client::dial(scene.address, &account).await;
    }
    assert!(again.1.is_ok());
    scene.end().await;
}

#[tokio::test]
async fn failed_handshakes_lock_an_address_out() {
    let scene = limited(Limits {
        failures: 3,
        ..Limits::default()
    })
    .await;
    let account = scene.business.id.to_string();
    for _ in 0..3 {
        let (mut client, nonce) = Client::dial(scene.address, &account).await;
        assert!(nonce.is_ok());
        client.send_raw(vec![0]).await;
        client.goodbye().await;
    }
    let (_, nonce) = Client::dial(scene.address, &account).await;
    assert_eq!(nonce, Err("throttled".to_owned()));
    scene.end().await;
}

#[tokio::test]
async fn new_contacts_are_limited_and_old_ones_are_not() {
    let scene = limited(Limits {
        contacts: 2,
        ..Limits::default()
    })
    .await;
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let mut talks = Vec::new();
    for expected in [Ok(1), Ok(1), Err("throttled".to_owned())] {
        let (talk, create) = Talk::start(&scene.business, &visitor);
        assert_eq!(client.append(talk.contact, create).await, expected);
        talks.push(talk);
    }
    let mut talk = talks.swap_remove(0);
    let entry = talk.say(&visitor, "text");
    assert_eq!(client.append(talk.contact, entry).await, Ok(2));
    scene.end().await;
}

#[tokio::test]
async fn publications_are_limited_for_each_connection() {
    let scene = Scene::open().await;
    let limits = Limits::default();
    let mut client = scene.client(&Person::new()).await;
    let object = scene.business.objects().swap_remove(0);
    let many = limits.publications * 50 + 10;
    let mut refused = 0;
    for _ in 0..many {
        refused += match client.publish(object.clone()).await {
            Ok(()) => 0,
            Err(code) => {
                assert_eq!(code, "throttled");
                1
            }
        };
    }
    assert!(refused > 0);
    let mut other = scene.client(&Person::new()).await;
    assert_eq!(other.publish(object).await, Ok(()));
    scene.end().await;
}

#[tokio::test]
async fn who_does_not_read_is_cut_and_others_go_on() {
    // The writer is faster than anybody may be by default.
    let any = Rates {
        frames: u32::MAX,
        bytes: u32::MAX,
    };
    let scene = limited(Limits {
        frames: any.frames,
        bytes: any.bytes,
        address: any,
        device: Quota {
            frames: any.frames,
            bytes: any.bytes,
            ..Limits::default().device
        },
        contact: any,
        ..Limits::default()
    })
    .await;
    let visitor = Person::new();
    let (mut talk, create) = Talk::start(&scene.business, &visitor);
    let mut writer = scene.client(&visitor).await;
    writer.append(talk.contact, create).await.unwrap();
    let mut slow = scene.client(&visitor).await;
    slow.resume(talk.contact, 0).await.unwrap();
    let mut reader = scene.client(&visitor).await;
    reader.resume(talk.contact, 0).await.unwrap();
    // From here on `slow` reads nothing, until its queue and the sockets' buffers are full.
    const MANY: u64 = 700;
    let text = "x".repeat(60_000);
    let contact = talk.contact;
    let reading = tokio::spawn(async move {
        let mut read = 1;
        while read < MANY + 1 {
            let (first, entries, _) = reader.entries(contact).await.unwrap();
            assert_eq!(first, read + 1);
            read += entries.len() as u64;
        }
    });
    for _ in 0..MANY {
        let entry = talk.say(&visitor, &text);
        writer.append(contact, entry).await.unwrap();
    }
    reading.await.unwrap();
    // What had been sent is still read, in order; then the end, with the reason.
    let mut read = 1;
    let reason = loop {
        match slow.receive().await {
            Some(RelayFrame::Entries { first, entries, .. }) => {
                assert_eq!(first, read + 1);
                read += entries.len() as u64;
            }
            Some(RelayFrame::Goodbye { code }) => break code,
            _ => break "cut".to_owned(),
        }
    };
    assert!(read < MANY + 1, "everything had been kept for it");
    assert!(["too-slow", "cut"].contains(&reason.as_str()), "{reason}");
    // It comes back and misses nothing.
    let mut again = scene.client(&visitor).await;
    let missed = again.resume(contact, read).await.unwrap();
    assert_eq!(read + missed.len() as u64, MANY + 1);
    scene.end().await;
}

#[tokio::test]
async fn a_flood_of_bytes_is_cut() {
    let scene = limited(Limits {
        bytes: 20_000,
        ..Limits::default()
    })
    .await;
    let mut client = scene.client(&Person::new()).await;
    for _ in 0..4 {
        client.send_raw(vec![0; 100_000]).await;
    }
    let code = client.goodbye().await;
    // The first hundred thousand are allowed, and are no frame.
    assert!(
        ["throttled", "malformed"].contains(&code.as_str()),
        "{code}"
    );
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (mut talk, create) = Talk::start(&scene.business, &visitor);
    client.append(talk.contact, create).await.unwrap();
    let text = "x".repeat(60_000);
    let mut outcome = Ok(0);
    for _ in 0..4 {
        let entry = talk.say(&visitor, &text);
        outcome = client.append(talk.contact, entry).await;
        if outcome.is_err() {
            break;
        }
    }
    assert_eq!(outcome, Err("throttled".to_owned()));
    scene.end().await;
}

#[tokio::test]
async fn a_device_and_an_account_have_so_many_connections_and_no_more() {
    let quota = |connections| Quota {
        connections,
        ..Limits::default().device
    };
    let scene = limited(Limits {
        device: quota(2),
        account: Quota {
            connections: 4,
            ..Limits::default().account
        },
        ..Limits::default()
    })
    .await;
    let (address, business) = (scene.address, &scene.business);
    let one = Person::new();
    let _first = scene.client(&one).await;
    let second = scene.client(&one).await;
    let third = Client::connect(address, business, &one).await;
    assert_eq!(third.err(), Some("throttled".to_owned()));
    let _third = scene.client(&Person::new()).await;
    let _fourth = scene.client(&Person::new()).await;
    let fifth = Client::connect(address, business, &Person::new()).await;
    assert_eq!(fifth.err(), Some("throttled".to_owned()));
    drop(second);
    for _ in 0..100 {
        if Client::connect(address, business, &one).await.is_ok() {
            return scene.end().await.1.close().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("the place of a connection that ended is not free");
}

#[tokio::test]
async fn one_contact_takes_so_much_and_no_more_from_everybody_together() {
    let scene = limited(Limits {
        contact: Rates {
            frames: 1,
            bytes: 1_000_000,
        },
        ..Limits::default()
    })
    .await;
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (mut talk, create) = Talk::start(&scene.business, &visitor);
    client.append(talk.contact, create).await.unwrap();
    let mut refused = None;
    for _ in 0..20 {
        let entry = talk.say(&visitor, "text");
        if let Err(code) = client.append(talk.contact, entry).await {
            refused = Some(code);
            break;
        }
    }
    assert_eq!(refused, Some("throttled".to_owned()));
    // Another contact notices nothing.
    let other = Person::new();
    let mut client = scene.client(&other).await;
    let (talk, create) = Talk::start(&scene.business, &other);
    assert_eq!(client.append(talk.contact, create).await, Ok(1));
    scene.end().await;
}

#[tokio::test]
async fn a_crowd_of_strangers_works_and_staff_and_the_few_do_not() {
    let scene = limited(Limits {
        visitors: 1,
        work: 12,
        ..Limits::default()
    })
    .await;
    let mut worked = Vec::new();
    for _ in 0..30 {
        worked.push(scene.client(&Person::new()).await.worked);
    }
    assert!(worked.iter().take(9).all(Option::is_none), "{worked:?}");
    let last = worked.last().copied().flatten();
    assert!(
        last.is_some_and(|bits| (10..=12).contains(&bits)),
        "{worked:?}"
    );
    let ada = scene.client(&scene.business.ada).await;
    assert_eq!(ada.worked, None);
    scene.end().await;
}

#[tokio::test]
async fn who_does_not_work_is_not_let_in() {
    let scene = limited(Limits {
        visitors: 1,
        work: 12,
        ..Limits::default()
    })
    .await;
    for _ in 0..20 {
        scene.client(&Person::new()).await;
    }
    let account = scene.business.id.to_string();
    let (mut client, nonce) = Client::dial(scene.address, &account).await;
    let person = Person::new();
    let claim = scene::client::claim(
        scene.address,
        &scene.business,
        person.device(),
        nonce.unwrap(),
    );
    let proof = sottovoce::wire::Signed::sign(&claim, &[&person.key]).to_bytes();
    client.send(&ClientFrame::Authenticate { proof }).await;
    let (nonce, bits) = client
        .wait_for(|frame| match frame {
            RelayFrame::Work { nonce, bits } => Some((*nonce, *bits)),
            _ => None,
        })
        .await
        .unwrap();
    let is_wrong = |answer: &u64| !sottovoce::wire::work::is_done(&nonce, *answer, bits);
    let answer = (0..).find(is_wrong).unwrap();
    client.send(&ClientFrame::Solve { answer }).await;
    assert_eq!(client.goodbye().await, "not-authenticated");
    scene.end().await;
}
