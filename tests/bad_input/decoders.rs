//! Every decoder of the core.

use sottovoce::account::*;
use sottovoce::crypto::seal::{Seal, SealPrivateKey};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Hash, Random, Secret};
use sottovoce::message::{
    Audience, Content, Detail, Envelope, Ephemeral, EphemeralEvent, EphemeralHeader, EphemeralKind,
    EphemeralParams, Header, MessageError, Notebook, Page, Receipt, Reply, Salt, SealParams, kind,
};
use sottovoce::wire::codec::{Decode, Encode, from_base64url, to_base64url};
use sottovoce::wire::frame::*;
use sottovoce::wire::log::Seen;
use sottovoce::wire::*;

use crate::mutation::try_everything;
use crate::world::{START, policy};

/// Holds the decoder of a type against bad input.
fn structure<T>(value: &T)
where
    T: Encode + Decode,
{
    let name = core::any::type_name::<T>();
    try_everything(name, &encode(value), &|bytes| {
        decode::<T>(bytes, limits::OBJECT).map(|value| encode(&value))
    });
}

/// The same for a signed object, its body and its envelope.
fn signed<T: SignedKind>(value: &T) -> Signed<T> {
    structure(value);
    let object = Signed::sign(value, &[&key(1), &key(2)]);
    try_everything(T::KIND, &object.to_bytes(), &|bytes| {
        Signed::<T>::from_bytes(bytes).map(|object| object.to_bytes().into_vec())
    });
    object
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([number; 32]))
}

fn account() -> AccountId {
    account_id(&key(100).public())
}

fn contact() -> ContactId {
    ContactId::new([3; 16])
}

fn hash() -> Hash {
    Hash::new([4; 32])
}

fn name() -> String {
    "Zoë 👩🏽‍🚀".into()
}

fn a_seal() -> Seal {
    let public = SealPrivateKey::from_seed(Suite::X25519, Secret::new([5; 32])).public();
    public.seal_fresh(&mut Random::os(), b"", &[6; 32]).unwrap()
}

#[test]
fn account_objects_are_read_strictly() {
    signed(&RootStatement {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        number: 1,
        root: key(100).public(),
        issued: START,
        administrators: vec![key(1).public(), key(2).public()],
        policy_threshold: 1,
        credential_threshold: 2,
        key_manager: Some(KeyManager {
            identity: key(50).public(),
            operator: Operator::Customer,
        }),
        lowest_level: Level::E2ee,
    });
    let mut policy = policy(account());
    policy.revocations = vec![
        Revocation::Device(key(9).public()),
        Revocation::Credential(hash()),
    ];
    policy.issuers = vec![Issuer {
        issuer: "https://shop.example".into(),
        algorithm: "EdDSA".into(),
        public_key: vec![1; 32].into(),
    }];
    policy.renewers = vec![key(8).public()];
    policy.key_manager_url = Some("https://keys.example".into());
    signed(&policy);
    signed(&Renewal {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        policy: hash(),
        issued: START,
        expires: START,
    });
    signed(&Credential {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        device: key(1).public(),
        subject: "zoe".into(),
        name: name(),
        role: Role::Supervisor,
        via: Via::Gateway,
        teams: vec!["sales".into(), "support".into()],
        issued: START,
        expires: START,
    });
    signed(&Notebook {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        team: "support".into(),
        number: 3,
        previous: Some(hash()),
        time: START,
        author: key(1).public(),
        generation: 2,
        key: hash(),
        seal: a_seal(),
        ciphertext: vec![7; 40].into(),
    });
    structure(&Page {
        replies: vec![Reply {
            shortcut: "hello".into(),
            text: name(),
        }],
        labels: vec!["vip".into()],
    });
    structure(&vec![Detail {
        name: name(),
        value: "x".into(),
    }]);
    signed(&SealKey {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        device: key(1).public(),
        generation: 300,
        public_key: vec![1; 32].into(),
        from: START,
        until: START,
    });
    signed(&TeamKey {
        version: Version,
        suite: Suite::XWing,
        account: account(),
        team: "support".into(),
        generation: 70_000,
        public_key: vec![1; 32].into(),
        previous: Some(hash()),
        from: START,
        until: START,
        holders: vec![key(1).public()],
    });
    signed(&EnrolmentRequest {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        device: key(1).public(),
        name: name(),
        time: START,
        invitation: Some(vec![2; 32].into()),
    });
    signed(&Authentication {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        host: "relay.example:8443".into(),
        relay_nonce: Nonce::new([1; 32]),
        client_nonce: Nonce::new([2; 32]),
        device: key(1).public(),
        time: START,
    });
    signed(&ApiTokenRequest {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        name: name(),
        scopes: vec!["account:read".into(), "contacts:read".into()],
        expires: START,
        time: START,
        nonce: Nonce::new([3; 32]),
        host: "relay.example".into(),
    });
    signed(&Tombstone {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        contact: ContactId::new([4; 16]),
        entries: 70_000,
        time: START,
    });
    structure(&TeamSeals {
        record: hash(),
        seals: vec![TeamSeal {
            holder: key(1).public(),
            key: hash(),
            seal: a_seal(),
        }],
    });
}

#[test]
fn a_signature_survives_no_change_of_the_body() {
    let object = signed(&Renewal {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        policy: hash(),
        issued: START,
        expires: START,
    });
    let bytes = object.to_bytes();
    let body = 3..3 + encode(&object.parse().unwrap()).len();
    for bit in body.start * 8..body.end * 8 {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = Signed::<Renewal>::from_bytes(&changed) {
            assert!(changed.verify_by(&key(1).public()).is_err(), "bit {bit}");
        }
    }
}

fn objects() -> Vec<Object> {
    vec![
        Object::new(ObjectKind::Policy, vec![1, 2, 3].into()),
        Object::new(ObjectKind::Enrolment, Bytes::default()),
    ]
}

#[test]
fn frames_of_clients_are_read_strictly() {
    let frames = [
        ClientFrame::Authenticate {
            proof: vec![1; 40].into(),
        },
        ClientFrame::Publish {
            id: 1,
            object: objects().remove(0),
        },
        ClientFrame::Append {
            id: ContentId::new([1; 16]),
            contact: contact(),
            entry: vec![1; 300].into(),
        },
        ClientFrame::Resume {
            contact: contact(),
            after: u64::MAX,
        },
        ClientFrame::Leave { contact: contact() },
        ClientFrame::Ephemeral {
            contact: contact(),
            event: vec![1; 30].into(),
        },
        ClientFrame::Presence { available: true },
        ClientFrame::AppendBoth {
            contact: contact(),
            first: NewEntry {
                id: ContentId::new([1; 16]),
                entry: vec![1; 300].into(),
            },
            second: NewEntry {
                id: ContentId::new([2; 16]),
                entry: vec![2; 300].into(),
            },
        },
        ClientFrame::Ask {
            id: 8,
            request: vec![3; 200].into(),
        },
    ];
    let queries = [
        Query::TeamKey("support".into()),
        Query::TeamMembers("support".into()),
        Query::TeamSeals("support".into()),
        Query::Policy(hash()),
        Query::Notebook("support".into()),
        Query::Devices,
        Query::Vaults,
        Query::ArchiveKeys(Suite::XWing),
        Query::RequestKeys,
    ];
    let lookups = queries
        .into_iter()
        .map(|query| ClientFrame::Lookup { id: 7, query });
    for frame in frames.into_iter().chain(lookups) {
        structure(&frame);
    }
}

#[test]
fn frames_of_relays_are_read_strictly() {
    let frames = [
        RelayFrame::Challenge {
            nonce: Nonce::new([1; 32]),
        },
        RelayFrame::Welcome { objects: objects() },
        RelayFrame::Published { id: 1 },
        RelayFrame::Found {
            id: 1,
            objects: objects(),
            available: vec![key(1).public()],
            more: true,
        },
        RelayFrame::Appended {
            id: ContentId::new([1; 16]),
            contact: contact(),
            position: 1,
        },
        RelayFrame::Entries {
            contact: contact(),
            first: 1,
            entries: vec![vec![1; 30].into(), Bytes::default()],
            head: 2,
        },
        RelayFrame::Ephemeral {
            contact: contact(),
            event: vec![1; 30].into(),
        },
        RelayFrame::Contacts {
            all: false,
            contacts: vec![ContactSummary {
                contact: contact(),
                entry_point: "shop".into(),
                created: START,
                head: 4,
                epoch: 1,
                teams: vec!["support".into()],
                devices: vec![key(1).public()],
                closed: false,
                past_teams: vec!["sales".into()],
                responsible: Some(key(2).public()),
                waiting_since: Some(START),
            }],
        },
        RelayFrame::Announce { objects: objects() },
        RelayFrame::Goodbye {
            code: "throttled".into(),
        },
    ];
    let refused = [
        RefusedId::Append(ContentId::new([1; 16]), contact()),
        RefusedId::Request(1),
        RefusedId::Contact(contact()),
    ];
    let refusals = refused.into_iter().map(|id| RelayFrame::Refused {
        id,
        code: "epoch-taken".into(),
    });
    for frame in frames.into_iter().chain(refusals) {
        structure(&frame);
    }
}

#[test]
fn small_structures_are_read_strictly() {
    structure(&Entry::Commit(vec![1; 30].into()));
    structure(&Entry::Envelope(vec![1; 30].into()));
    structure(&Seen {
        position: 1000,
        hash: hash(),
    });
    structure(&a_seal());
    structure(&Receipt { read: 24 });
    structure(&Content {
        id: ContentId::new([1; 16]),
        kind: kind::TEXT.into(),
        sent: START,
        reply_to: Some(ContentId::new([2; 16])),
        body: name().into_bytes().into(),
    });
    for suite in Suite::ALL {
        structure(&suite);
    }
    let receipt = Receipt { read: 24 };
    try_everything("receipt", &receipt.to_body(), &|bytes| {
        Receipt::from_body(bytes).map(|receipt| receipt.to_body().into_vec())
    });
}

fn decode_error(error: MessageError) -> DecodeError {
    match error {
        MessageError::Decode(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn envelopes_and_ephemeral_events_are_read_strictly() {
    let header = Header {
        version: Version,
        suite: Suite::XWing,
        account: account(),
        contact: contact(),
        epoch: 4,
        transcript: hash(),
        device: key(1).public(),
        sequence: 6,
        salt: Salt::new([7; 16]),
        previous: hash(),
        seen: Some(Seen {
            position: 9,
            hash: hash(),
        }),
        audience: Audience::Staff,
    };
    structure(&header);
    let epoch_key = Secret::new([8; 32]);
    let envelope = Envelope::seal(SealParams {
        header,
        epoch_key: &epoch_key,
        content: &Content {
            id: ContentId::new([1; 16]),
            kind: kind::TEXT.into(),
            sent: START,
            reply_to: None,
            body: name().into_bytes().into(),
        },
        signing_key: &key(1),
    })
    .unwrap();
    try_everything("envelope", &envelope.to_bytes(), &|bytes| {
        Envelope::parse(bytes)
            .map(|envelope| envelope.to_bytes().into_vec())
            .map_err(decode_error)
    });
    let header = EphemeralHeader {
        version: Version,
        suite: Suite::XWing,
        account: account(),
        contact: contact(),
        epoch: 4,
        transcript: hash(),
        device: key(1).public(),
        salt: Salt::new([7; 16]),
        audience: Audience::All,
    };
    structure(&header);
    let event = EphemeralEvent {
        kind: EphemeralKind::Typing,
        counter: 5,
        time: START,
    };
    structure(&event);
    let ephemeral = Ephemeral::seal(EphemeralParams {
        header,
        epoch_key: &epoch_key,
        event,
        signing_key: &key(1),
    });
    try_everything("ephemeral", &ephemeral.to_bytes(), &|bytes| {
        Ephemeral::parse(bytes)
            .map(|ephemeral| ephemeral.to_bytes().into_vec())
            .map_err(decode_error)
    });
}

#[test]
fn an_unknown_version_suite_or_kind_is_malformed() {
    let good = encode(&Credential {
        version: Version,
        suite: Suite::X25519,
        account: account(),
        device: key(1).public(),
        subject: "zoe".into(),
        name: name(),
        role: Role::Agent,
        via: Via::Device,
        teams: Vec::new(),
        issued: START,
        expires: START,
    });
    for (index, value) in [(1, 1), (1, 23), (2, 0), (2, 3)] {
        let mut changed = good.clone();
        changed[index] = value;
        let error = decode::<Credential>(&changed, limits::OBJECT).unwrap_err();
        assert_eq!(error, DecodeError::Malformed, "{index}: {value}");
    }
    // [kind, bytes] with a kind of a later version.
    assert!(decode::<Object>(&[0x82, 0x0a, 0x40], 10).is_err());
}

#[test]
fn what_is_longer_than_its_limit_is_not_even_looked_at() {
    let large = vec![0x81; limits::OBJECT + 1];
    let error = Signed::<Policy>::from_bytes(&large).unwrap_err();
    assert_eq!(error, DecodeError::TooLarge);
    assert_eq!(error.code(), "too-large");
}

#[test]
fn text_forms_of_ids_are_read_strictly() {
    let id = account();
    let text = id.to_string();
    assert_eq!(text.parse::<AccountId>(), Ok(id));
    for bad in [
        "",
        "=",
        &text[1..],
        &format!("{text}="),
        &format!(" {text}"),
        &format!("{text}\n"),
        &text.replace(&text[..1], "+"),
        &format!("{}/", &text[1..]),
        &format!("{}é", &text[2..]),
        &text.repeat(1000),
    ] {
        assert!(bad.parse::<AccountId>().is_err(), "{bad}");
    }
    // The last character of 32 bytes carries 2 bits that must be zero.
    let bits = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB";
    assert!(bits.parse::<AccountId>().is_err());
    assert_eq!(from_base64url("A"), None);
    assert_eq!(
        from_base64url(&to_base64url(&[0xff; 7])),
        Some(vec![0xff; 7])
    );
}
