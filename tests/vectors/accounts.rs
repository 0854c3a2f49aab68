//! Objects of an account: each signed kind, and the seals of a team's key.

use serde_json::{Value, json};
use sottovoce::account::*;
use sottovoce::archive::{ArchiveSecret, AuditEntry, Outcome};
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Hash, Random, Secret};
use sottovoce::wire::frame::{Authentication, Nonce};
use sottovoce::wire::*;

use crate::account as scene;
use crate::{bytes, bytes_n, list, text};

fn object<T: SignedKind>(structure: &str, value: &T, keys: &[&SigningKey]) -> Value {
    let signed = Signed::sign(value, keys);
    let seeds = keys.iter().map(|key| hex::encode(key.seed().expose()));
    json!({
        "structure": structure,
        "kind": T::KIND,
        "body": hex::encode(encode(value)),
        "signers": seeds.collect::<Vec<_>>(),
        "signed": hex::encode(&*signed.to_bytes()),
        "hash": hex::encode(signed.hash().as_array()),
    })
}

fn policy() -> Policy {
    Policy {
        archive: Archive::KeyManager,
        key_manager_url: Some("https://keys.example".into()),
        previous: Some(Hash::new([3; 32])),
        fallback_link: Some("https://example.com/contact".into()),
        revocations: vec![
            Revocation::Device(scene::key(60).public()),
            Revocation::Credential(Hash::new([4; 32])),
        ],
        issuers: vec![Issuer {
            issuer: "https://login.example".into(),
            algorithm: "EdDSA".into(),
            public_key: scene::key(61).public().as_array().to_vec().into(),
        }],
        last_resort: true,
        ..scene::policy()
    }
}

pub fn make() -> Value {
    let (root, administrator) = (scene::root(), scene::administrator(1));
    let second = scene::administrator(2);
    let statement = RootStatement {
        key_manager: Some(scene::key_manager(Operator::Customer)),
        ..scene::root_statement()
    };
    let agent = scene::agent();
    let device = agent.public();
    let mut objects = vec![
        object("RootStatement", &statement, &[&root]),
        object("RootStatement", &scene::root_statement(), &[&root]),
        object("Policy", &policy(), &[&administrator]),
        object("Policy", &scene::policy(), &[&administrator, &second]),
        object(
            "Renewal",
            &Renewal {
                policy: Signed::sign(&policy(), &[&administrator]).hash(),
                ..scene::renewal(&policy())
            },
            &[&scene::renewer()],
        ),
        object("Credential", &scene::credential(), &[&administrator]),
    ];
    for suite in Suite::ALL {
        let secret = ArchiveSecret::new(Secret::new([51; 32]));
        let key = secret.private_key(&scene::id(), suite).public();
        for (kind, contact) in [
            (KeyKind::Contact, Some(ContactId::new([9; 16]))),
            (KeyKind::OneTime, None),
            (KeyKind::LastResort, None),
            (KeyKind::Request, None),
        ] {
            let record = ArchiveKey {
                version: Version,
                suite,
                account: scene::id(),
                kind,
                contact,
                public_key: key.as_bytes().to_vec().into(),
                from: scene::NOW,
                until: scene::days(14),
            };
            objects.push(object("ArchiveKey", &record, &[&scene::key(50)]));
        }
        objects.push(object("SealKey", &scene::seal_key(suite), &[&agent]));
        objects.push(object(
            "TeamKey",
            &scene::team_key(suite),
            &[&administrator],
        ));
    }
    objects.extend(requests(&agent, device));
    json!({
        "about": "SPEC 3, 7.1, 7.5, 8.3: signed is the encoded Signed of body, by the Ed25519 keys with these seeds",
        "account": hex::encode(scene::id().as_array()),
        "objects": objects,
        "invitation": {
            "code": "paper boat",
            "device": hex::encode(device.as_array()),
            "proof": hex::encode(EnrolmentRequest::invitation_proof("paper boat", &scene::id(), &device)),
        },
        "team seals": Suite::ALL.map(team_seals),
    })
}

/// What devices and machines sign besides.
fn requests(agent: &SigningKey, device: DeviceId) -> Vec<Value> {
    let account = scene::id();
    let enrolment = EnrolmentRequest {
        version: Version,
        suite: Suite::X25519,
        account,
        device,
        name: "Ada's telephone".into(),
        time: scene::NOW,
        invitation: Some(
            EnrolmentRequest::invitation_proof("paper boat", &account, &device)
                .to_vec()
                .into(),
        ),
    };
    let authentication = Authentication {
        version: Version,
        suite: Suite::X25519,
        account,
        host: "relay.example:8443".into(),
        relay_nonce: Nonce::new([1; 32]),
        client_nonce: Nonce::new([2; 32]),
        device,
        time: scene::NOW,
    };
    let token = ApiTokenRequest {
        version: Version,
        suite: Suite::X25519,
        account,
        name: "reports".into(),
        scopes: vec!["contacts:read".into(), "usage:read".into()],
        expires: scene::days(30),
        time: scene::NOW,
        nonce: Nonce::new([3; 32]),
        host: "relay.example:8443".into(),
    };
    let tombstone = Tombstone {
        version: Version,
        suite: Suite::X25519,
        account,
        contact: ContactId::new([9; 16]),
        entries: 42,
        time: scene::NOW,
    };
    let entry = AuditEntry {
        version: Version,
        suite: Suite::X25519,
        account,
        number: 1,
        previous: None,
        time: scene::NOW,
        device,
        operation: "release".into(),
        contact: Some(ContactId::new([9; 16])),
        request: Hash::new([5; 32]),
        outcome: Outcome::Denied,
        code: "not-on-roster".into(),
    };
    vec![
        object("EnrolmentRequest", &enrolment, &[agent]),
        object("Authentication", &authentication, &[agent]),
        object("ApiTokenRequest", &token, &[&scene::administrator(1)]),
        object("Tombstone", &tombstone, &[&scene::key(70)]),
        object("AuditEntry", &entry, &[&scene::key(50)]),
    ]
}

/// The private half of a team's key for one holder.
fn team_seals(suite: Suite) -> Value {
    let record = scene::team_key(suite);
    let hash = Signed::sign(&record, &[&scene::administrator(1)]).hash();
    let private = SealPrivateKey::from_seed(suite, Secret::new([7; 32]));
    let holder = SealPrivateKey::from_seed(suite, Secret::new([8; 32]));
    let device = scene::agent().public();
    let mut random = Random::seeded(1);
    let seal = TeamSeal::make(&mut random, &hash, &private, device, &holder.public()).unwrap();
    let seals = TeamSeals {
        record: hash,
        seals: vec![seal],
    };
    json!({
        "suite": suite.number(),
        "record": hex::encode(encode(&record)),
        "team seed": hex::encode([7; 32]),
        "holder seed": hex::encode([8; 32]),
        "team seals": hex::encode(encode(&seals)),
    })
}

pub fn read(file: &Value) {
    let objects = list(file, "objects");
    assert!(objects.len() > 20);
    for object in objects {
        match text(object, "structure") {
            "RootStatement" => same::<RootStatement>(object),
            "Policy" => same::<Policy>(object),
            "Renewal" => same::<Renewal>(object),
            "Credential" => same::<Credential>(object),
            "SealKey" => same::<SealKey>(object),
            "TeamKey" => same::<TeamKey>(object),
            "ArchiveKey" => same::<ArchiveKey>(object),
            "EnrolmentRequest" => same::<EnrolmentRequest>(object),
            "Authentication" => same::<Authentication>(object),
            "ApiTokenRequest" => same::<ApiTokenRequest>(object),
            "Tombstone" => same::<Tombstone>(object),
            "AuditEntry" => same::<AuditEntry>(object),
            other => panic!("{other}"),
        }
    }
    let invitation = &file["invitation"];
    let account = AccountId::new(bytes_n(file, "account"));
    let device = DeviceId::new(bytes_n(invitation, "device"));
    let proof = EnrolmentRequest::invitation_proof(text(invitation, "code"), &account, &device);
    assert_eq!(proof.to_vec(), bytes(invitation, "proof"));
    for case in list(file, "team seals") {
        let record: TeamKey = decode(&bytes(case, "record"), limits::OBJECT).unwrap();
        let seals: TeamSeals = decode(&bytes(case, "team seals"), limits::OBJECT).unwrap();
        let holder =
            SealPrivateKey::from_seed(record.suite, Secret::new(bytes_n(case, "holder seed")));
        let opened = seals.seals[0]
            .open(&seals.record, &record, &holder)
            .unwrap();
        assert_eq!(opened.seed().expose().to_vec(), bytes(case, "team seed"));
        assert_eq!(encode(&seals), bytes(case, "team seals"));
    }
}

/// Bytes, hash and every signature of one object.
fn same<T: SignedKind>(object: &Value) {
    let signed = Signed::<T>::from_bytes(&bytes(object, "signed")).unwrap();
    assert_eq!(text(object, "kind"), T::KIND);
    assert_eq!(encode(&signed.parse().unwrap()), bytes(object, "body"));
    assert_eq!(signed.hash().as_array().to_vec(), bytes(object, "hash"));
    assert_eq!(signed.to_bytes().to_vec(), bytes(object, "signed"));
    for seed in list(object, "signers") {
        let seed = hex::decode(seed.as_str().unwrap()).unwrap();
        let key = SigningKey::from_seed(&Secret::from_slice(&seed).unwrap());
        signed.verify_by(&key.public()).unwrap();
    }
}
