//! Publications: what is believed, what is refused and with which code, and who is told.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use scene::account::{object, seals};
use scene::{Business, Person, Scene, now, refused};
use sottovoce::account::TeamSeal;
use sottovoce::crypto::Random;
use sottovoce::wire::frame::{Object, ObjectKind, Query};
use sottovoce::wire::{Signed, limits};

#[tokio::test]
async fn an_unknown_account_takes_its_root_statement_first() {
    let scene = Scene::empty().await;
    let business = &scene.business;
    let mut client = scene.client(&Person::new()).await;
    assert!(client.welcome.is_empty());
    let objects = business.objects();
    for object in objects
        .iter()
        .skip(1)
        .filter(|object| object.kind != ObjectKind::TeamSeals)
    {
        let outcome = client.publish(object.clone()).await;
        assert_eq!(outcome, refused("unknown-account"), "{:?}", object.kind);
    }
    let enrolment = Signed::sign(&business.enrolment(&business.ada), &[&business.ada.key]);
    let mut ada = scene.client(&business.ada).await;
    let outcome = ada.publish(object(ObjectKind::Enrolment, &enrolment)).await;
    assert_eq!(outcome, refused("unknown-account"));
    for object in objects {
        let kind = object.kind;
        let publisher = if kind == ObjectKind::TeamSeals {
            &mut ada
        } else {
            &mut client
        };
        assert_eq!(publisher.publish(object).await, Ok(()), "{kind:?}");
    }
    scene.end().await;
}

#[tokio::test]
async fn publishing_again_is_harmless_and_survives_a_restart() {
    let scene = Scene::open().await;
    scene.set_up().await;
    let scene = scene.restarted().await;
    scene.set_up().await;
    let client = scene.client(&scene.business.ada).await;
    assert_eq!(client.welcome.len(), 3);
    scene.end().await;
}

#[tokio::test]
async fn root_statements_prove_themselves() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut client = scene.client(&Person::new()).await;
    let statement = business.root_statement();
    let cases = [
        ("not-signed", Signed::sign(&statement, &[&business.ada.key])),
        ("conflict", {
            let mut other = statement.clone();
            other.issued = now();
            Signed::sign(&other, &[&business.root])
        }),
        ("rolled-back", {
            let mut lower = statement.clone();
            lower.number = 0;
            Signed::sign(&lower, &[&business.root])
        }),
        ("contradiction", {
            let mut alone = statement.clone();
            alone.number = 2;
            alone.policy_threshold = 2;
            Signed::sign(&alone, &[&business.root])
        }),
        ("foreign-account", {
            let other = Business::new();
            Signed::sign(&other.root_statement(), &[&other.root])
        }),
    ];
    for (code, signed) in cases {
        let outcome = client.publish(object(ObjectKind::Root, &signed)).await;
        assert_eq!(outcome, refused(code));
    }
    scene.end().await;
}

#[tokio::test]
async fn a_new_policy_reaches_everyone_and_a_wrong_one_nobody() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut publisher = scene.client(&business.administrator).await;
    let mut visitor = scene.client(&Person::new()).await;
    let mut next = business.policy();
    next.number = 2;
    next.previous = Some(business.signed_policy().hash());
    let by_agent = Signed::sign(&next, &[&business.ada.key]);
    let outcome = publisher
        .publish(object(ObjectKind::Policy, &by_agent))
        .await;
    assert_eq!(outcome, refused("not-signed"));
    let mut long = next.clone();
    long.expires = long.issued.plus_seconds(limits::POLICY_LIFE + 1);
    let long = business.by_administrator(&long);
    let outcome = publisher.publish(object(ObjectKind::Policy, &long)).await;
    assert_eq!(outcome, refused("lives-too-long"));
    let mut other = business.policy();
    other.fallback_link = Some("https://acme.example".to_owned());
    let other = business.by_administrator(&other);
    let outcome = publisher.publish(object(ObjectKind::Policy, &other)).await;
    assert_eq!(outcome, refused("conflict"));

    let good = object(ObjectKind::Policy, &business.by_administrator(&next));
    assert_eq!(publisher.publish(good.clone()).await, Ok(()));
    assert_eq!(visitor.announced().await, [good]);
    scene.end().await;
}

#[tokio::test]
async fn only_a_renewer_renews() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut renewer = scene.client(&business.renewer).await;
    let mut visitor = scene.client(&Person::new()).await;
    let renewal = business.renewal();
    let wrong = business.by_administrator(&renewal);
    let outcome = renewer.publish(object(ObjectKind::Renewal, &wrong)).await;
    assert_eq!(outcome, refused("not-signed"));
    let signed = object(
        ObjectKind::Renewal,
        &Signed::sign(&renewal, &[&business.renewer.key]),
    );
    assert_eq!(renewer.publish(signed.clone()).await, Ok(()));
    assert_eq!(visitor.announced().await, std::slice::from_ref(&signed));
    let hash = business.signed_policy().hash();
    let (objects, _) = visitor.look_up(Query::Policy(hash)).await.unwrap();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[1], signed);
    scene.end().await;
}

#[tokio::test]
async fn an_enrolled_device_becomes_staff_without_connecting_again() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let dora = Person::new();
    let mut administrator = scene.client(&business.administrator).await;
    let mut device = scene.client(&dora).await;
    let request = Signed::sign(&business.enrolment(&dora), &[&dora.key]);
    let request = object(ObjectKind::Enrolment, &request);
    // Nobody enrols somebody else.
    let mut other = scene.client(&Person::new()).await;
    assert_eq!(other.publish(request.clone()).await, refused("not-yours"));
    assert_eq!(device.publish(request.clone()).await, Ok(()));
    assert_eq!(
        administrator.announced().await,
        std::slice::from_ref(&request)
    );
    let (waiting, _) = administrator.look_up(Query::Devices).await.unwrap();
    assert_eq!(waiting[0], request);
    let members = Query::TeamMembers("support".to_owned());
    let early = device.look_up(members.clone()).await.map(|_| ());
    assert_eq!(early, refused("not-allowed"));

    let credential = business.credential(&dora, "dora", "support");
    let credential = object(
        ObjectKind::Credential,
        &business.by_administrator(&credential),
    );
    assert_eq!(administrator.publish(credential.clone()).await, Ok(()));
    assert_eq!(device.announced().await, [credential]);
    let (_, available) = device.look_up(members).await.unwrap();
    assert!(available.contains(&dora.device()));
    let (waiting, _) = administrator.look_up(Query::Devices).await.unwrap();
    assert!(!waiting.contains(&request));
    scene.end().await;
}

#[tokio::test]
async fn credentials_bind_a_key_once_and_only_administrators_bind() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut client = scene.client(&business.administrator).await;
    let ada = business.credential(&business.ada, "ada", "support");
    let mut later = ada.clone();
    later.issued = now();
    let cases = [
        ("device-taken", {
            let mut stolen = later.clone();
            stolen.subject = "mallory".to_owned();
            business.by_administrator(&stolen)
        }),
        ("not-signed", Signed::sign(&later, &[&business.ben.key])),
        ("rolled-back", {
            let mut older = ada.clone();
            older.issued = sottovoce::wire::Time::from_millis(ada.issued.millis() - 1);
            business.by_administrator(&older)
        }),
        ("lives-too-long", {
            let mut long = later.clone();
            long.expires = long.issued.plus_seconds(limits::CREDENTIAL_LIFE + 1);
            business.by_administrator(&long)
        }),
        ("expired", {
            let mut old = later.clone();
            old.expires = old.issued;
            business.by_administrator(&old)
        }),
        ("not-yet-valid", {
            let mut early = later.clone();
            early.issued = now().plus_seconds(3600);
            early.expires = early.issued.plus_seconds(3600);
            business.by_administrator(&early)
        }),
    ];
    for (code, signed) in cases {
        let outcome = client
            .publish(object(ObjectKind::Credential, &signed))
            .await;
        assert_eq!(outcome, refused(code));
    }
    let renewed = business.by_administrator(&later);
    let outcome = client
        .publish(object(ObjectKind::Credential, &renewed))
        .await;
    assert_eq!(outcome, Ok(()));
    scene.end().await;
}

#[tokio::test]
async fn seal_keys_come_from_their_own_credentialed_device() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let mut ben = scene.client(&business.ben).await;
    let stranger = Person::new();
    let signed = |person: &Person, generation| {
        let key = business.seal_key(person, generation);
        object(ObjectKind::SealKey, &Signed::sign(&key, &[&person.key]))
    };
    let first = signed(&business.ada, 1);
    assert_eq!(ben.publish(first.clone()).await, refused("not-yours"));
    assert_eq!(ada.publish(first.clone()).await, Ok(()));
    assert_eq!(ada.publish(first.clone()).await, Ok(()));
    assert_eq!(
        ada.publish(signed(&business.ada, 0)).await,
        refused("rolled-back")
    );
    let mut unapproved = scene.client(&stranger).await;
    let outcome = unapproved.publish(signed(&stranger, 0)).await;
    assert_eq!(outcome, refused("not-allowed"));
    let mut short = business.seal_key(&business.ada, 2);
    short.public_key = vec![1; 31].into();
    let short = Signed::sign(&short, &[&business.ada.key]);
    let outcome = ada.publish(object(ObjectKind::SealKey, &short)).await;
    assert_eq!(outcome, refused("contradiction"));
    let second = signed(&business.ada, 2);
    assert_eq!(ada.publish(second.clone()).await, Ok(()));

    let query = Query::TeamMembers("support".to_owned());
    let (objects, _) = ben.look_up(query).await.unwrap();
    assert!(objects.contains(&second));
    assert!(!objects.contains(&first));
    scene.end().await;
}

#[tokio::test]
async fn a_member_rotates_the_team_key_and_the_team_learns_it() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let mut ben = scene.client(&business.ben).await;
    let mut cleo = scene.client(&business.cleo).await;
    let mut next = business.support_key();
    next.generation = 1;
    next.previous = Some(business.signed_support_key().hash());
    let by = |person: &Person| Signed::sign(&next, &[&person.key]);
    let outcome = cleo
        .publish(object(ObjectKind::TeamKey, &by(&business.cleo)))
        .await;
    assert_eq!(outcome, refused("not-signed"));
    let mut unlinked = next.clone();
    unlinked.previous = None;
    let unlinked = Signed::sign(&unlinked, &[&business.ada.key]);
    let outcome = ada.publish(object(ObjectKind::TeamKey, &unlinked)).await;
    assert_eq!(outcome, refused("conflict"));

    let record = by(&business.ada);
    assert_eq!(
        ada.publish(object(ObjectKind::TeamKey, &record)).await,
        Ok(())
    );
    assert_eq!(
        ben.announced().await,
        [object(ObjectKind::TeamKey, &record)]
    );
    let second = by(&business.ben);
    let mut other = next.clone();
    other.until = next.from.plus_seconds(3600);
    let other = Signed::sign(&other, &[&business.ben.key]);
    let outcome = ben.publish(object(ObjectKind::TeamKey, &other)).await;
    assert_eq!(outcome, refused("generation-taken"));
    assert_eq!(second.hash(), record.hash());

    // The key with its signer's credential, for visitors.
    let mut visitor = scene.client(&Person::new()).await;
    let query = Query::TeamKey("support".to_owned());
    let (objects, _) = visitor.look_up(query).await.unwrap();
    let signer = business.credential_of(&business.ada);
    let expected = [
        object(ObjectKind::Credential, &signer),
        object(ObjectKind::TeamKey, &record),
    ];
    assert_eq!(objects, expected);
    scene.end().await;
}

#[tokio::test]
async fn team_seals_come_from_members_for_members() {
    let scene = Scene::open().await;
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let mut ben = scene.client(&business.ben).await;
    let mut cleo = scene.client(&business.cleo).await;
    let good = business.support_seals();
    assert_eq!(cleo.publish(seals(&good)).await, refused("not-allowed"));
    let mut unknown = good.clone();
    unknown.record = business.signed_policy().hash();
    assert_eq!(
        ada.publish(seals(&unknown)).await,
        refused("unknown-record")
    );
    let mut foreign = good.clone();
    foreign.seals.push(
        TeamSeal::make(
            &mut Random::os(),
            &good.record,
            &business.team_key,
            business.cleo.device(),
            &business.cleo.seal_key.public(),
        )
        .unwrap(),
    );
    assert_eq!(ada.publish(seals(&foreign)).await, refused("contradiction"));
    assert_eq!(ada.publish(seals(&good)).await, Ok(()));
    let told = ben.announced().await;
    assert_eq!(told[0].kind, ObjectKind::TeamKey);
    assert_eq!(told[1].kind, ObjectKind::TeamSeals);

    let query = Query::TeamSeals("support".to_owned());
    let (objects, _) = ben.look_up(query.clone()).await.unwrap();
    assert_eq!(objects, told);
    // Cleo belongs to the account, but nothing is sealed to her.
    let (objects, _) = cleo.look_up(query.clone()).await.unwrap();
    assert_eq!(objects.len(), 1);
    let mut visitor = scene.client(&Person::new()).await;
    let outcome = visitor.look_up(query).await.map(|_| ());
    assert_eq!(outcome, refused("not-allowed"));
    scene.end().await;
}

#[tokio::test]
async fn broken_objects_are_refused_and_change_nothing() {
    let scene = Scene::open().await;
    let mut client = scene.client(&scene.business.administrator).await;
    for good in scene.business.objects() {
        let bytes = good.bytes.to_vec();
        let mut flipped = bytes.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let broken = [
            Vec::new(),
            bytes[..bytes.len() - 1].to_vec(),
            [bytes.as_slice(), &[0]].concat(),
            vec![0; limits::OBJECT + 1],
        ];
        for bytes in broken {
            let outcome = client.publish(Object::new(good.kind, bytes.into())).await;
            let code = outcome.unwrap_err();
            let expected = ["malformed", "not-deterministic", "too-large"];
            assert!(expected.contains(&code.as_str()), "{:?}: {code}", good.kind);
        }
        if good.kind != ObjectKind::TeamSeals {
            let outcome = client.publish(Object::new(good.kind, flipped.into())).await;
            assert_eq!(outcome, refused("not-signed"), "{:?}", good.kind);
        }
    }
    // An object under another type's name.
    let policy = scene.business.signed_policy();
    let outcome = client
        .publish(object(ObjectKind::Credential, &policy))
        .await;
    assert_eq!(outcome, refused("malformed"));
    scene.end().await;
}

#[tokio::test]
async fn an_answer_larger_than_a_frame_comes_whole() {
    let scene = Scene::with(Business::new(), |config| {
        config.limits.publications = 1_000;
    })
    .await;
    scene.set_up().await;
    let business = &scene.business;
    let mut administrator = scene.client(&business.administrator).await;
    let mut sent = 0;
    let people: Vec<_> = (0..100).map(|_| Person::new()).collect();
    for person in &people {
        let mut credential = business.credential(person, "somebody", "support");
        let others = (0..100).map(|number| format!("{number:0128}"));
        credential.teams.splice(0..0, others);
        let signed = business.by_administrator(&credential);
        let credential = object(ObjectKind::Credential, &signed);
        sent += credential.bytes.len();
        assert_eq!(administrator.publish(credential).await, Ok(()));
    }
    assert!(sent > limits::FRAME);
    let mut ada = scene.client(&business.ada).await;
    let members = Query::TeamMembers("support".to_owned());
    let (objects, available) = ada.look_up(members).await.unwrap();
    let credential = |object: &&Object| object.kind == ObjectKind::Credential;
    assert_eq!(objects.iter().filter(credential).count(), 102);
    assert_eq!(available, [business.ada.device()]);
    let (objects, _) = administrator.look_up(Query::Devices).await.unwrap();
    assert_eq!(objects.len(), 103);
    scene.end().await;
}
