//! Teams' notebooks: who may write them, who is given them, and that two who write at once find out.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use scene::account::object;
use scene::{Business, Person, Scene, now, refused};
use sottovoce::crypto::seal::SealPublicKey;
use sottovoce::crypto::{Hash, Random};
use sottovoce::message::{Notebook, NotebookParams, Page};
use sottovoce::wire::frame::{ObjectKind, Query, RelayFrame};
use sottovoce::wire::{Signed, Time};

/// A notebook of the team `support` by somebody.
fn notebook(
    business: &Business,
    author: &Person,
    number: u64,
    previous: Option<Hash>,
    time: Time,
) -> Signed<Notebook> {
    let record = business.support_key();
    let public = SealPublicKey::parse(record.suite, &record.public_key).unwrap();
    let page = Page {
        replies: Vec::new(),
        labels: vec![author.device().to_string()],
    };
    let params = NotebookParams {
        to: (&record, &public),
        number,
        previous,
        time,
        page: &page,
        signing_key: &author.key,
    };
    Notebook::seal(&params, &mut Random::os()).unwrap()
}

#[tokio::test]
async fn a_team_writes_its_notebook_one_after_the_other_and_nobody_else_does_or_reads_it() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let mut ben = scene.client(&business.ben).await;
    let mut cleo = scene.client(&business.cleo).await;
    let at = |author, number, previous| notebook(business, author, number, previous, now());
    let publish = |signed: &Signed<Notebook>| object(ObjectKind::Notebook, signed);
    let stranger = Person::new();
    let first = at(&business.ada, 1, None);
    assert_eq!(ada.publish(publish(&first)).await, Ok(()));
    assert_eq!(ada.publish(publish(&first)).await, Ok(()), "again");
    let is_notebook = |frame: &RelayFrame| match frame {
        RelayFrame::Announce { objects } => {
            let mut objects = objects.iter();
            objects
                .find(|it| it.kind == ObjectKind::Notebook)
                .map(|it| it.bytes.clone())
        }
        _ => None,
    };
    assert_eq!(ben.wait_for(is_notebook).await, Ok(first.to_bytes()));
    // Compare and swap.
    for (refusal, wrong) in [
        ("conflict", at(&business.ben, 1, None)),
        ("conflict", at(&business.ben, 2, None)),
        ("not-allowed", at(&business.cleo, 2, Some(first.hash()))),
        ("not-signed", at(&stranger, 2, Some(first.hash()))),
        (
            "time-off",
            notebook(
                business,
                &business.ben,
                2,
                Some(first.hash()),
                Time::from_millis(now().millis() - 11 * 60 * 1000),
            ),
        ),
    ] {
        assert_eq!(ben.publish(publish(&wrong)).await, refused(refusal));
    }
    let second = at(&business.ben, 2, Some(first.hash()));
    assert_eq!(ben.publish(publish(&second)).await, Ok(()));
    assert_eq!(ada.publish(publish(&first)).await, refused("rolled-back"));
    // Larger than a page may be.
    let mut large = second.parse().unwrap();
    large.number = 3;
    large.ciphertext = vec![7; 64 * 1024 + 17].into();
    let large = Signed::sign(&large, &[&business.ben.key]);
    assert_eq!(ben.publish(publish(&large)).await, refused("contradiction"));
    // The team is given it with what proves its author; others are not.
    let query = || Query::Notebook("support".to_owned());
    let (objects, _) = ada.look_up(query()).await.unwrap();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0].kind, ObjectKind::Credential);
    assert_eq!(objects[1], publish(&second));
    assert!(cleo.look_up(query()).await.is_err());
    let mut visitor = scene.client(&Person::new()).await;
    assert!(visitor.look_up(query()).await.is_err());
    // A relay that starts anew has it.
    let scene = scene.restarted().await;
    let mut ada = scene.client(&scene.business.ada).await;
    let (objects, _) = ada.look_up(query()).await.unwrap();
    assert_eq!(objects[1], publish(&second));
    scene.end().await;
}
