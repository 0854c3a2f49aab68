//! Contacts in the REST API: lists, outcomes, ciphertext, erasure.

use crate::integrator::Integrator;
use crate::scene::client::fresh_id;
use crate::scene::{Client, Person, Scene, Talk};
use serde_json::Value;
use sottovoce::account::Tombstone;
use sottovoce::wire::codec::{from_base64url, to_base64url};
use sottovoce::wire::{Bytes, ContactId, Signed};

/// A contact that a visitor began and said something in.
pub(crate) async fn begun(scene: &Scene) -> (Talk, Person, Client) {
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (mut talk, create) = Talk::start(&scene.business, &visitor);
    client.append(talk.contact, create).await.unwrap();
    let hello = talk.say(&visitor, "hello");
    client.append(talk.contact, hello).await.unwrap();
    (talk, visitor, client)
}

/// Ada claims it, answers and closes it.
pub(crate) async fn answered(scene: &Scene, talk: &mut Talk) -> Client {
    let business = &scene.business;
    let mut ada = scene.client(&business.ada).await;
    let claim = talk.claim(business, &business.ada);
    ada.append(talk.contact, claim.entry.clone()).await.unwrap();
    talk.take(claim);
    for text in ["good morning", "anything else?"] {
        let envelope = talk.say(&business.ada, text);
        ada.append(talk.contact, envelope).await.unwrap();
    }
    let close = talk.close(&business.ada);
    ada.append(talk.contact, close.entry.clone()).await.unwrap();
    ada
}

pub(crate) fn path(contact: &ContactId) -> String {
    format!("/contacts/{contact}")
}

fn ids(page: &Value) -> Vec<String> {
    let contacts = page["contacts"].as_array().unwrap();
    contacts
        .iter()
        .map(|contact| contact["contact"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_answered_contact_is_successful_and_its_counts_are_by_side() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let (mut talk, visitor, _client) = begun(&scene).await;
    let waiting = integrator.get(&path(&talk.contact)).await.good();
    assert_eq!(waiting["state"], "open");
    assert_eq!(waiting["outcome"], "open");
    assert_eq!(waiting["teams"], serde_json::json!(["support"]));
    answered(&scene, &mut talk).await;
    let answer = integrator.get(&path(&talk.contact)).await;
    let tag = answer.headers["etag"].clone();
    let closed = answer.good();
    assert_eq!(closed["outcome"], "successful");
    assert_eq!(closed["counts"]["visitor"], 1);
    assert_eq!(closed["counts"]["staff"], 2);
    assert_eq!(closed["counts"]["notes"], 0);
    assert_eq!(closed["head"], 6);
    assert_eq!(closed["entry_point"], "shop");
    assert_eq!(closed["level"], "e2ee");
    let reasons: Vec<_> = closed["epochs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|epoch| epoch["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["create", "claim", "close"]);
    let members = closed["epochs"][1]["members"].as_array().unwrap();
    let mut devices = [visitor.device(), scene.business.ada.device()];
    devices.sort_unstable();
    assert_eq!(members[0]["device"], devices[0].to_string());
    assert_eq!(members[1]["device"], devices[1].to_string());
    // Who has it already is told so.
    let headers = [("if-none-match", tag.as_str())];
    let again = integrator
        .send("GET", &path(&talk.contact), &headers, None)
        .await;
    assert_eq!(again.status, 304);
    scene.end().await;
}

#[tokio::test]
async fn lists_go_on_where_they_ended_and_show_what_was_asked_for() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        let (mut talk, ..) = begun(&scene).await;
        if all.len() == 2 {
            answered(&scene, &mut talk).await;
        }
        all.push(talk.contact.to_string());
    }
    let mut found = Vec::new();
    let mut query = "/contacts?limit=2".to_owned();
    loop {
        let page = integrator.get(&query).await.good();
        let some = ids(&page);
        assert!(some.len() <= 2);
        found.extend(some);
        match page["next"].as_str() {
            Some(cursor) => query = format!("/contacts?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let mut sorted = (found.clone(), all.clone());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1);
    for (filter, many) in [
        ("state=open", 4),
        ("state=closed", 1),
        ("entry_point=shop", 5),
        ("entry_point=elsewhere", 0),
        ("team=support", 5),
        ("team=sales", 0),
        ("created_from=1", 5),
        ("created_until=1", 0),
        ("changed_from=99999999999999", 0),
        ("state=closed&team=support&changed_until=99999999999999", 1),
    ] {
        let page = integrator.get(&format!("/contacts?{filter}")).await.good();
        assert_eq!(ids(&page).len(), many, "{filter}");
    }
    let first = integrator.get("/contacts?limit=2").await.good();
    let cursor = first["next"].as_str().unwrap();
    for (query, code) in [
        ("limit=0".to_owned(), "range-invalid"),
        ("limit=101".to_owned(), "range-invalid"),
        ("limit=x".to_owned(), "invalid-query"),
        ("colour=red".to_owned(), "invalid-query"),
        ("cursor=x".to_owned(), "cursor-invalid"),
        // Another list's cursor.
        (format!("state=open&cursor={cursor}"), "cursor-invalid"),
    ] {
        let answer = integrator.get(&format!("/contacts?{query}")).await;
        assert_eq!(answer.problem(), (400, code), "{query}");
    }
    scene.end().await;
}

#[tokio::test]
async fn entries_are_the_ciphertext_that_was_appended() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let (mut talk, ..) = begun(&scene).await;
    let mut ada = answered(&scene, &mut talk).await;
    let sent = ada.resume(talk.contact, 0).await.unwrap();
    let (mut entries, mut after) = (Vec::<Value>::new(), 0);
    loop {
        let query = format!("{}/entries?limit=4&after={after}", path(&talk.contact));
        let page = integrator.get(&query).await.good();
        assert_eq!(page["head"], 6);
        entries.extend(page["entries"].as_array().unwrap().iter().cloned());
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(entries.len(), sent.len());
    for (index, (entry, bytes)) in entries.iter().zip(&sent).enumerate() {
        assert_eq!(entry["position"], index + 1);
        assert_eq!(entry["bytes"], to_base64url(bytes));
        assert_eq!(entry["sha256"].as_str().unwrap().len(), 43);
    }
    assert_eq!(entries[0]["kind"], "commit");
    assert_eq!(entries[1]["kind"], "envelope");
    let nothing = ContactId::new([1; 16]);
    for path in [
        path(&nothing),
        format!("{}/entries", path(&nothing)),
        "/contacts/x".to_owned(),
    ] {
        let answer = integrator.get(&path).await;
        assert_eq!(answer.problem(), (404, "unknown-contact"));
    }
    scene.end().await;
}

#[tokio::test]
async fn an_erased_contact_is_gone_for_everybody_and_leaves_a_signed_tombstone() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let (mut talk, visitor, mut client) = begun(&scene).await;
    client.resume(talk.contact, 0).await.unwrap();
    let mut ada = scene.client(&scene.business.ada).await;
    let erased = integrator.delete(&path(&talk.contact)).await.good();
    let bytes = from_base64url(erased["tombstone"].as_str().unwrap()).unwrap();
    let signed = Signed::<Tombstone>::from_bytes(&bytes).unwrap();
    let says = signed.parse().unwrap();
    assert_eq!((says.contact, says.entries), (talk.contact, 2));
    let relay = *signed.signers().next().unwrap();
    signed.verify_by(&relay).unwrap();

    // Whoever follows it, or has it in their list, is told.
    for told in [&mut client, &mut ada] {
        assert_eq!(told.entries(talk.contact).await, Err("erased".to_owned()));
    }
    // Nothing is given, and nothing taken, any more.
    let resumed = ada.resume(talk.contact, 0).await;
    assert_eq!(resumed, Err("erased".to_owned()));
    let late = talk.say(&visitor, "are you there?");
    let (_, create) = Talk::start(&scene.business, &visitor);
    for entry in [late, create] {
        let refused = client.append_as(fresh_id(), talk.contact, entry).await;
        assert!(refused.is_err());
    }
    let gone = integrator.get(&path(&talk.contact)).await;
    assert_eq!(gone.problem(), (410, "erased"));
    let entries = format!("{}/entries", path(&talk.contact));
    assert_eq!(integrator.get(&entries).await.problem(), (410, "erased"));
    let page = integrator.get("/contacts").await.good();
    assert!(ids(&page).is_empty());
    // The same tombstone again.
    let again = integrator.delete(&path(&talk.contact)).await.good();
    assert_eq!(again, erased);
    let nothing = integrator.delete(&path(&ContactId::new([1; 16]))).await;
    assert_eq!(nothing.problem(), (404, "unknown-contact"));
    scene.end().await;
}

#[tokio::test]
async fn the_very_create_commit_of_an_erased_contact_is_refused_as_erased() {
    let scene = Scene::open().await;
    let integrator = Integrator::new(&scene).await;
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (mut talk, create) = Talk::start(&scene.business, &visitor);
    let id = fresh_id();
    let append: Bytes = create.clone();
    client.append_as(id, talk.contact, append).await.unwrap();
    integrator.delete(&path(&talk.contact)).await.good();
    let again = client.append_as(id, talk.contact, create).await;
    assert_eq!(again, Err("erased".to_owned()));
    let late = talk.say(&visitor, "hello?");
    let late = client.append(talk.contact, late).await;
    assert_eq!(late, Err("erased".to_owned()));
    scene.end().await;
}

#[tokio::test]
async fn usage_counts_contacts_entries_and_bytes_by_day() {
    let scene = Scene::open().await;
    let (mut talk, ..) = begun(&scene).await;
    answered(&scene, &mut talk).await;
    let business = scene.business.id;
    // What was counted is in the database when the relay has ended.
    let scene = scene.restarted().await;
    assert_eq!(scene.business.id, business);
    let integrator = Integrator::with(&scene, &["contacts:read", "usage:read"]).await;
    let usage = integrator.get("/usage").await.good();
    let days = usage["days"].as_array().unwrap();
    let sum = |what: &str| -> u64 { days.iter().map(|day| day[what].as_u64().unwrap()).sum() };
    assert_eq!((sum("contacts"), sum("entries")), (1, 6));
    let contact = integrator.get(&path(&talk.contact)).await.good();
    assert_eq!(sum("bytes"), contact["bytes"].as_u64().unwrap());
    for query in ["from=5&to=4", "from=0&to=366"] {
        let answer = integrator.get(&format!("/usage?{query}")).await;
        assert_eq!(answer.problem(), (400, "range-invalid"), "{query}");
    }
    scene.end().await;
}
