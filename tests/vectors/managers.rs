//! What a key manager derives, and its requests and answers.

use serde_json::{Value, json};
use sottovoce::archive::*;
use sottovoce::contact::EpochSecret;
use sottovoce::crypto::seal::{SealPrivateKey, SealPublicKey};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Hash, Random, Secret};
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::*;

use crate::account as scene;
use crate::{bytes, bytes_n, list, text};

fn contact() -> ContactId {
    ContactId::new([9; 16])
}

fn operations() -> [Operation; 9] {
    let contact = contact();
    [
        Operation::Issue { contact },
        Operation::Prekeys { count: 3 },
        Operation::DataKey { contact },
        Operation::Revoke { contact },
        Operation::Erase { contact },
        Operation::Status { contact },
        Operation::Audit { after: 12 },
        Operation::Release {
            contact,
            purpose: "transcript".into(),
            reason: "a complaint".into(),
        },
        Operation::Rewrap { contact },
    ]
}

/// What each is granted, in the same order.
fn grants() -> [Grant; 9] {
    let key = || Bytes::from(vec![1, 2, 3]);
    let state = ContactState::Live;
    let secret = EpochSecret::new(Secret::new([0x66; 32]));
    [
        Grant::Key { key: key() },
        Grant::Keys {
            keys: vec![key(), key()],
        },
        Grant::DataKey {
            key: Secret::new([0x55; 32]),
        },
        Grant::Done {
            state: ContactState::Revoked,
        },
        Grant::Done {
            state: ContactState::Pending,
        },
        Grant::Status {
            state,
            created: scene::NOW,
            releases: 2,
        },
        Grant::Audit {
            entries: vec![key()],
        },
        Grant::Secrets {
            secrets: vec![ReleasedSecret { epoch: 1, secret }],
        },
        Grant::Done { state },
    ]
}

fn exchange(number: u64, operation: Operation, grant: &Grant) -> Value {
    let suite = Suite::ALL[usize::try_from(number % 2).unwrap()];
    let (identity, agent) = (scene::key(50), scene::agent());
    let keys = SealPrivateKey::from_seed(suite, Secret::new([52; 32]));
    let credential = Signed::sign(&scene::credential(), &[&scene::administrator(1)]);
    let request = KeyRequest {
        version: Version,
        suite,
        account: scene::id(),
        id: ContentId::new([u8::try_from(number).unwrap(); 16]),
        device: agent.public(),
        audience: identity.public(),
        time: scene::NOW,
        reply: Bytes::default(),
        evidence: vec![Object::new(ObjectKind::Credential, credential.to_bytes())],
        operation,
        attached: None,
    };
    let attached = match request.operation {
        Operation::Release { .. } | Operation::Rewrap { .. } => vec![vec![0x11; 40].into()],
        _ => Vec::new(),
    };
    let name = request.operation.name();
    let mut random = Random::seeded(number);
    let (parcel, _) = request
        .pack(attached, &agent, &keys.public(), &mut random)
        .unwrap();
    let hash = KeyRequest::hash_of(&parcel);
    let opened: Parcel = decode(&parcel, limits::FRAME).unwrap();
    let (signed, attached) = KeyRequest::unpack(&opened, &keys, &identity.public()).unwrap();
    let request = signed.parse().unwrap();
    let reply = SealPublicKey::parse(suite, &request.reply).unwrap();
    let payload = grant.pack(&reply, &hash, &mut random).unwrap();
    let answer = answer(hash, Outcome::Granted, "", Some(payload));
    let attached: Vec<String> = attached.iter().map(|it| hex::encode(&**it)).collect();
    // The reply key's seed is the first 32 bytes of the random stream.
    let seed: [u8; 32] = Random::seeded(number).bytes().unwrap();
    json!({
        "operation": name,
        "suite": suite.number(),
        "random seed": number,
        "parcel": hex::encode(&parcel),
        "request": hex::encode(&*signed.to_bytes()),
        "attached": attached,
        "request hash": hex::encode(hash.as_array()),
        "reply seed": hex::encode(seed),
        "grant": hex::encode(encode(grant)),
        "answer": hex::encode(&*answer.to_bytes()),
    })
}

fn answer(
    request: Hash,
    outcome: Outcome,
    code: &str,
    payload: Option<Parcel>,
) -> Signed<KeyAnswer> {
    let answer = KeyAnswer {
        version: Version,
        suite: Suite::X25519,
        account: scene::id(),
        request,
        outcome,
        code: code.into(),
        payload,
        time: scene::NOW,
        audit: AuditHead {
            number: 7,
            hash: Some(Hash::new([8; 32])),
        },
    };
    Signed::sign(&answer, &[&scene::key(50)])
}

fn refusals() -> Vec<Value> {
    let outcomes = [
        (Outcome::Denied, "role-not-allowed"),
        (Outcome::Unknown, "unknown-contact"),
        (Outcome::Revoked, "revoked"),
        (Outcome::Erased, "erased"),
        (Outcome::Throttled, "throttled"),
        (Outcome::Unavailable, "unavailable"),
        (Outcome::Malformed, "undecryptable"),
    ];
    let described = outcomes.map(|(outcome, code)| {
        let signed = answer(Hash::new([6; 32]), outcome, code, None);
        json!({ "code": code, "answer": hex::encode(&*signed.to_bytes()) })
    });
    described.to_vec()
}

pub fn make() -> Value {
    let secret = ArchiveSecret::new(Secret::new([51; 32]));
    let account = scene::id();
    let keys = Suite::ALL.map(|suite| {
        let key = secret.private_key(&account, suite);
        json!({
            "suite": suite.number(),
            "seed": hex::encode(key.seed().expose()),
            "public key": hex::encode(key.public().as_bytes()),
            "id": hex::encode(key.public().id().as_array()),
        })
    });
    let exchanges = (0..).zip(operations()).zip(grants());
    let exchanges =
        exchanges.map(|((number, operation), grant)| exchange(number, operation, &grant));
    json!({
        "about": "SPEC 7; random numbers are SHA-256(random seed as 8 bytes || n as 8 bytes) for n = 1, 2, …, each draw from a new block",
        "account": hex::encode(account.as_array()),
        "contact": hex::encode(contact().as_array()),
        "secret": hex::encode([51; 32]),
        "keys": keys,
        "data key": hex::encode(secret.data_key(&account, &contact()).expose()),
        "keeping key": hex::encode(secret.keeping_key(&account, &contact()).expose()),
        "identity seed": hex::encode(scene::key(50).seed().expose()),
        "request seed": hex::encode([52; 32]),
        "exchanges": exchanges.collect::<Vec<_>>(),
        "refusals": refusals(),
    })
}

pub fn read(file: &Value) {
    let secret = ArchiveSecret::new(Secret::new(bytes_n(file, "secret")));
    let account = AccountId::new(bytes_n(file, "account"));
    let contact = ContactId::new(bytes_n(file, "contact"));
    for (suite, key) in Suite::ALL.into_iter().zip(list(file, "keys")) {
        let derived = secret.private_key(&account, suite);
        assert_eq!(derived.seed().expose().to_vec(), bytes(key, "seed"));
        assert_eq!(derived.public().as_bytes(), bytes(key, "public key"));
        assert_eq!(derived.public().id().as_array().to_vec(), bytes(key, "id"));
    }
    let data_key = secret.data_key(&account, &contact);
    assert_eq!(data_key.expose().to_vec(), bytes(file, "data key"));
    let keeping_key = secret.keeping_key(&account, &contact);
    assert_eq!(keeping_key.expose().to_vec(), bytes(file, "keeping key"));
    let identity = SigningKey::from_seed(&Secret::new(bytes_n(file, "identity seed"))).public();
    for case in list(file, "exchanges") {
        read_exchange(file, case, &identity);
    }
    for case in list(file, "refusals") {
        let signed = Signed::<KeyAnswer>::from_bytes(&bytes(case, "answer")).unwrap();
        signed.verify_by(&identity).unwrap();
        let answer = signed.parse().unwrap();
        assert_eq!(answer.code, text(case, "code"));
        assert!(answer.payload.is_none());
    }
}

fn read_exchange(file: &Value, case: &Value, identity: &DeviceId) {
    let suite = Suite::ALL[usize::from(case["suite"] == 2)];
    let key = SealPrivateKey::from_seed(suite, Secret::new(bytes_n(file, "request seed")));
    let parcel = bytes(case, "parcel");
    let opened: Parcel = decode(&parcel, limits::FRAME).unwrap();
    let (signed, attached) = KeyRequest::unpack(&opened, &key, identity).unwrap();
    assert_eq!(signed.to_bytes().to_vec(), bytes(case, "request"));
    let request = signed.parse().unwrap();
    signed.verify_by(&request.device).unwrap();
    assert_eq!(request.operation.name(), text(case, "operation"));
    let attached: Vec<String> = attached.iter().map(|it| hex::encode(&**it)).collect();
    assert_eq!(Value::from(attached), case["attached"]);
    let hash = KeyRequest::hash_of(&parcel);
    assert_eq!(hash.as_array().to_vec(), bytes(case, "request hash"));
    let reply = SealPrivateKey::from_seed(suite, Secret::new(bytes_n(case, "reply seed")));
    assert_eq!(reply.public().as_bytes(), &request.reply[..]);
    let signed = Signed::<KeyAnswer>::from_bytes(&bytes(case, "answer")).unwrap();
    signed.verify_by(identity).unwrap();
    let answer = signed.parse().unwrap();
    assert_eq!(answer.request, hash);
    let context = crate::forge::h("key-answer", &[hash.as_array()]);
    let grant = answer.payload.unwrap().unpack(&reply, &context).unwrap();
    assert_eq!(grant.to_vec(), bytes(case, "grant"));
}
