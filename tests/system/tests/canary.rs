//! Nothing that people write and no secret reaches the relay: not its database, not its logs,
//! not its memory. And the search that says so finds what is there.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use base64ct::Encoding;
use sha2::{Digest, Sha256};
use sottovoce::client::{Command, ContactState, Detail, Target};
use sottovoce::contact::Commit;
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::message::{Audience, Envelope, Header, Salt};
use sottovoce::wire::frame::{ClientFrame, Entry, RelayFrame};
use sottovoce::wire::{AccountId, ContactId, ContentId, Suite, Version, decode, encode, limits};
use sottovoce_system_tests::canary::Canaries;
use sottovoce_system_tests::connection::Connection;
use sottovoce_system_tests::relay::{DATABASE, LOGS, WRITE_AHEAD_LOG};
use sottovoce_system_tests::{Business, Person, RelayProcess, TEAM, secrets, texts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const RELAY: &str = env!("CARGO_BIN_EXE_relay-process");
/// More than a relay has in its memory that it can read.
const SEARCHED: u64 = 1 << 20;

const MEMORY: &str = "memory";

/// What was found, and where.
type Finds = BTreeSet<(String, String)>;

/// Searches all of a running relay.
fn search(canaries: &Canaries, relay: &RelayProcess) -> Finds {
    let mut search = canaries.search();
    let mut finds = Finds::new();
    for file in relay.files() {
        let names = search.look_into(&relay.read(&file));
        finds.extend(names.into_iter().map(|name| (name, file.clone())));
    }
    let files = search.searched;
    for region in relay.memory() {
        let names = search.look_into(&region);
        finds.extend(names.into_iter().map(|name| (name, MEMORY.to_owned())));
    }
    assert!(files > 0 && search.searched - files > SEARCHED);
    finds
}

/// Searches what a relay that has ended leaves behind.
fn search_files(canaries: &Canaries, relay: &RelayProcess) -> Finds {
    let mut search = canaries.search();
    let look = |file: String| {
        let names = search.look_into(&relay.read(&file));
        names.into_iter().map(move |name| (name, file.clone()))
    };
    relay.files().into_iter().flat_map(look).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_plaintext_ever_reaches_the_relay() {
    let files = tempfile::tempdir().unwrap();
    let folder = |name: &str| files.path().join(name);
    let folders = ["visitor", "ada", "ben"].map(folder);
    let business = Business::new(Suite::XWing);
    let mut relay = RelayProcess::start_logging("trace", RELAY, business.account).await;
    let (url, account) = (relay.url(), business.account);
    let mut session = business.administer(&url).await;
    business.publish(&mut session).await;
    let ada = Person::agent(&url, account, "Ada", Some(&folders[1])).await;
    business.approve(&mut session, &ada, "Ada", TEAM).await;
    let ben = Person::agent(&url, account, "Ben", Some(&folders[2])).await;
    business.approve(&mut session, &ben, "Ben", TEAM).await;
    let visitor = Person::visitor(&url, account, Some(&folders[0])).await;
    visitor.online().await;
    let mut canaries = Canaries::default();

    // Before anybody answers.
    let subject = canaries.text("subject of the identity");
    let name = canaries.text("name in the identity");
    let token = business.identity_token(visitor.handle.device(), &subject, &name);
    canaries.add_text("identity token", token.split('.').nth(1).unwrap());
    canaries.add_text("signature of the token", token.rsplit('.').next().unwrap());
    let contact = visitor.begin(Some(token)).await;
    let detail = Detail {
        name: canaries.text("name of a detail"),
        value: canaries.text("value of a detail"),
    };
    let details = vec![detail.clone()];
    visitor
        .command(Command::Describe { contact, details })
        .await;
    let early = canaries.text("early message");
    visitor.say(contact, &early).await;
    // The identity counts in the first epoch only, which a claim ends.
    visitor
        .until("an acknowledgement", |shown| {
            shown.acknowledged.contains(&early).then_some(())
        })
        .await;
    ada.take(contact).await;
    ada.hears(contact, &early).await;
    ada.until("the identity", |shown| {
        let proven = shown.contacts.get(&contact)?.verified_identity.as_ref()?;
        (*proven == subject).then_some(())
    })
    .await;
    ada.until("the details", |shown| {
        let details = &shown.contacts.get(&contact)?.details;
        details.contains(&detail).then_some(())
    })
    .await;
    let mut finds = search(&canaries, &relay);

    // Everything that both sides can say.
    let answer = canaries.text("answer");
    ada.say(contact, &answer).await;
    visitor.hears(contact, &answer).await;
    let kind = canaries.text("kind of unknown content");
    let body = canaries.text("unknown content").into_bytes();
    let reply_to = None;
    let command = Command::Send {
        contact,
        kind,
        body,
        reply_to,
        id: None,
    };
    visitor.command(command).await;
    let long = canaries.text("long message");
    let around = "-".repeat((limits::BODY - long.len()) / 2);
    let long = format!("{around}{long}{around}");
    assert_eq!(long.len(), limits::BODY);
    visitor.say(contact, &long).await;
    ada.hears(contact, &long).await;
    for (tag, text) in texts::declaration() {
        canaries.add_text(&tag, &text);
        ada.say(contact, &text).await;
        visitor.hears(contact, &text).await;
    }
    for person in [&visitor, &ada] {
        person.command(Command::Typing { contact }).await;
    }
    for person in [&visitor, &ada] {
        let typing = |shown: &sottovoce_system_tests::Shown| (shown.typing > 0).then_some(());
        person.until("typing", typing).await;
    }
    let note = canaries.text("private note");
    let text = note.clone();
    ada.command(Command::Note { contact, text }).await;
    let labels = vec![canaries.text("label")];
    let put = labels.clone();
    ada.command(Command::Label { contact, labels }).await;
    ada.until("the label", |shown| {
        (shown.contacts[&contact].labels == put).then_some(())
    })
    .await;
    // What the team keeps for all contacts.
    let text = canaries.text("canned reply");
    let label = canaries.text("kept label");
    let kept = [text.clone(), label.clone()];
    let (team, shortcut) = (TEAM.to_owned(), "hello".to_owned());
    let command = Command::KeepReply {
        team,
        shortcut,
        text,
    };
    ada.command(command).await;
    let (team, kept_too) = (TEAM.to_owned(), true);
    let command = Command::KeepLabel {
        team,
        label,
        kept: kept_too,
    };
    ada.command(command).await;
    ben.until("the notebook", |shown| {
        (shown.notebook == kept).then_some(())
    })
    .await;
    let head = ada.shown().contacts[&contact].head;
    let position = head;
    visitor.command(Command::Read { contact, position }).await;

    // To another agent, who reads what was said before.
    let team = TEAM.to_owned();
    ada.command(Command::LookUpTeam { team }).await;
    let bens = ben.handle.device();
    ada.until("the other agent", |shown| {
        let mut members = shown.team.iter();
        members
            .find(|member| member.author.device == bens)
            .map(|_| ())
    })
    .await;
    let handover = canaries.text("note of the transfer");
    let command = Command::Transfer {
        contact,
        to: Target::Device(bens),
        history: true,
        note: Some(handover.clone()),
    };
    ada.command(command).await;
    ben.take(contact).await;
    for words in [&early, &note, &handover] {
        ben.hears(contact, words).await;
    }
    let thanks = canaries.text("message after the transfer");
    visitor.say(contact, &thanks).await;
    ben.hears(contact, &thanks).await;
    let epoch = ben.shown().contacts[&contact].epoch;
    ben.command(Command::Rekey { contact }).await;
    visitor
        .until("a new epoch", |shown| {
            (shown.contacts[&contact].epoch > epoch).then_some(())
        })
        .await;
    let last = canaries.text("message after the rekey");
    ben.say(contact, &last).await;
    visitor.hears(contact, &last).await;

    // The devices' own secrets, while they still have them.
    let mut kinds = BTreeSet::new();
    for folder in &folders {
        for found in secrets::of_device(folder) {
            kinds.insert(found.name.chars().take(14).collect::<String>());
            canaries.add_bytes(&found.name, &found.bytes);
        }
    }
    assert!(kinds.len() >= 3, "{kinds:?}");
    let seed = secrets::signing_seed(&folders[0]);
    let device = SigningKey::from_seed(&seed).public();
    assert_eq!(device, visitor.handle.device());
    finds.extend(search(&canaries, &relay));

    ben.command(Command::Close { contact }).await;
    visitor
        .until("the end", |shown| {
            (shown.contacts[&contact].state == ContactState::Closed).then_some(())
        })
        .await;
    finds.extend(search(&canaries, &relay));
    for person in [visitor, ada, ben] {
        let shown = person.shown();
        assert_eq!((shown.alarms, shown.failures), (vec![], vec![]));
        person.stop().await;
    }
    drop(session);
    relay.end().await;
    finds.extend(search_files(&canaries, &relay));
    assert!(canaries.len() > 40, "only {}", canaries.len());
    assert_eq!(finds, Finds::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaks_is_caught_everywhere() {
    let files = tempfile::tempdir().unwrap();
    let folder = files.path().join("visitor");
    let business = Business::new(Suite::XWing);
    let mut relay = RelayProcess::start_logging("trace", RELAY, business.account).await;
    let (url, account) = (relay.url(), business.account);
    let mut session = business.administer(&url).await;
    business.publish(&mut session).await;
    let ada = Person::agent(&url, account, "Ada", None).await;
    business.approve(&mut session, &ada, "Ada", TEAM).await;
    let visitor = Person::visitor(&url, account, Some(&folder)).await;
    visitor.online().await;
    let contact = visitor.begin(None).await;
    visitor.say(contact, "honest").await;
    visitor
        .until("an acknowledgement", |shown| {
            shown.acknowledged.contains("honest").then_some(())
        })
        .await;
    visitor.stop().await;

    // The same device goes on with a client that does not encrypt.
    let mut canaries = Canaries::default();
    let leaked = canaries.text("text of the leaking client");
    let utf16: Vec<u8> = {
        let text = canaries.text("text in UTF-16");
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let seed = secrets::signing_seed(&folder);
    canaries.add_bytes("seed of the leaking client", seed.expose());
    let base64 = base64ct::Base64::encode_string(seed.expose());
    let words = [leaked.as_bytes(), &utf16, b"..", base64.as_bytes()].concat();
    let key = SigningKey::from_seed(&seed);
    leak(&relay, account, &key, contact, &words).await;

    // What logs may carry: the code of a refusal.
    canaries.add_text("code in the logs", "\"code\":\"malformed\"");
    let mut connection = Connection::open(relay.address(), account, &key).await;
    connection.send_raw(vec![0]).await;
    connection
        .wait_for(|frame| matches!(frame, RelayFrame::Goodbye { .. }).then_some(()))
        .await;

    // What a relay is told in a request's line it has in its memory, and still must not log.
    let asked = canaries.text("request line");
    let mut stream = TcpStream::connect(relay.address()).await.unwrap();
    let request = format!("GET /{asked} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();

    let mut finds = search(&canaries, &relay);
    ada.stop().await;
    drop(session);
    relay.end().await;
    finds.extend(search_files(&canaries, &relay));
    for name in [
        "text of the leaking client",
        "text in UTF-16",
        "seed of the leaking client",
    ] {
        for place in [DATABASE, WRITE_AHEAD_LOG, MEMORY] {
            let find = (name.to_owned(), place.to_owned());
            assert!(finds.contains(&find), "{name} in {place}: {finds:?}");
        }
    }
    let in_logs = |name: &str| finds.contains(&(name.to_owned(), LOGS.to_owned()));
    assert!(in_logs("code in the logs"), "{finds:?}");
    assert!(!in_logs("request line"), "{finds:?}");
}

/// Appends an envelope whose ciphertext is none: right in everything that a relay can check.
async fn leak(
    relay: &RelayProcess,
    account: AccountId,
    key: &SigningKey,
    contact: ContactId,
    words: &[u8],
) {
    let mut connection = Connection::open(relay.address(), account, key).await;
    let after = 0;
    connection
        .send(&ClientFrame::Resume { contact, after })
        .await;
    let create = connection
        .wait_for(|frame| match frame {
            RelayFrame::Entries { entries, .. } => entries.into_iter().next(),
            _ => None,
        })
        .await;
    let Entry::Commit(create) = decode(&create, limits::ENTRY).unwrap() else {
        unreachable!("a contact begins with a commit");
    };
    let create = Commit::parse(&create).unwrap();
    let device = key.public();
    let header = Header {
        version: Version,
        suite: Suite::XWing,
        account,
        contact,
        epoch: 0,
        transcript: create.transcript(),
        device,
        sequence: 1,
        salt: Salt::new(Random::os().bytes().unwrap()),
        previous: Envelope::first_previous(&account, &contact, &device),
        seen: None,
        audience: Audience::All,
    };
    let envelope = signed_envelope(&header, words, key);
    assert!(
        Envelope::parse(&envelope)
            .unwrap()
            .verify_signature()
            .is_ok()
    );
    let id = ContentId::new(Random::os().bytes().unwrap());
    let entry = encode(&Entry::Envelope(envelope.into())).into();
    let append = ClientFrame::Append { id, contact, entry };
    connection.send(&append).await;
    connection
        .wait_for(|frame| match frame {
            RelayFrame::Appended { id: of, .. } => (of == id).then_some(()),
            RelayFrame::Refused { code, .. } => unreachable!("{code}"),
            _ => None,
        })
        .await;
}

/// SPEC 5: `[header, commitment, ciphertext, signature]` with any ciphertext.
fn signed_envelope(header: &Header, ciphertext: &[u8], key: &SigningKey) -> Vec<u8> {
    const TAG: usize = 16;
    let mut padded = ciphertext.to_vec();
    padded.resize(padded.len().next_power_of_two().max(256) + TAG, b'.');
    let encoded = encode(header);
    let commitment = [0; 32];
    let parts = (
        "sottovoce/0 envelope",
        bytes(&encoded),
        bytes(&commitment),
        bytes(&padded),
    );
    let hash = Sha256::digest(minicbor::to_vec(parts).unwrap());
    let account = header.account.as_array();
    let body = minicbor::to_vec((0, header.suite.number(), bytes(account), bytes(&hash)));
    let signature = key.sign("envelope", &body.unwrap());
    let wire = (
        bytes(&encoded),
        bytes(&commitment),
        bytes(&padded),
        bytes(signature.as_array()),
    );
    minicbor::to_vec(wire).unwrap()
}

fn bytes(slice: &[u8]) -> &minicbor::bytes::ByteSlice {
    slice.into()
}
