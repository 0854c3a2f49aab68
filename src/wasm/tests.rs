//! The exports as JavaScript sees them, in a browser.
#![allow(clippy::unwrap_used, clippy::panic)]

use js_sys::{Array, JSON, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

use super::{Client, output, value::Object};
use crate::client;
use crate::wire::{ContactId, Time};

wasm_bindgen_test_configure!(run_in_browser);

const NOW: f64 = 1_800_000_000_000.0;
const ACCOUNT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const CONTACT: &str = "AAECAwQFBgcICQoLDA0ODw";

fn object(json: &str) -> JsValue {
    JSON::parse(json).unwrap()
}

fn with(object: JsValue, key: &str, value: impl Into<JsValue>) -> JsValue {
    Reflect::set(&object, &key.into(), &value.into()).unwrap();
    object
}

fn get(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &key.into()).unwrap()
}

fn text(object: &JsValue, key: &str) -> String {
    get(object, key).as_string().unwrap()
}

fn config(kind: &str) -> JsValue {
    let config = object(&format!(
        r#"{{"account": "{ACCOUNT}", "host": "localhost:8443", "generation": 1, "kind": {kind}}}"#
    ));
    with(config, "storageKey", Uint8Array::from([7; 32].as_slice()))
}

fn visitor() -> Client {
    Client::open(config(r#"{"type": "visitor"}"#), Vec::new(), NOW).unwrap()
}

fn outputs(client: &mut Client) -> Vec<JsValue> {
    std::iter::from_fn(|| {
        let output = client.poll(NOW).unwrap();
        (!output.is_undefined()).then_some(output)
    })
    .collect()
}

fn give(client: &mut Client, command: JsValue) -> Result<(), String> {
    let input = with(object(r#"{"type": "command"}"#), "command", command);
    client
        .handle(NOW, input)
        .map_err(|error| text(&error, "code"))
}

#[wasm_bindgen_test]
fn a_client_starts_and_asks_for_its_records_to_be_kept() {
    let mut client = visitor();
    assert_eq!(client.device().len(), 43);
    client.handle(NOW, object(r#"{"type": "tick"}"#)).unwrap();
    let outputs = outputs(&mut client);
    let store = outputs
        .iter()
        .find(|output| text(output, "type") == "store")
        .unwrap();
    let batch = get(store, "batch");
    assert!(get(&batch, "id").as_f64().is_some());
    let puts: Array = get(&batch, "puts").unchecked_into();
    assert!(get(&puts.get(0), "bytes").is_instance_of::<Uint8Array>());
}

#[wasm_bindgen_test]
fn a_client_goes_on_from_its_records() {
    let mut client = visitor();
    client.handle(NOW, object(r#"{"type": "tick"}"#)).unwrap();
    let records = outputs(&mut client)
        .iter()
        .filter(|output| text(output, "type") == "store")
        .flat_map(|output| Array::from(&get(&get(output, "batch"), "puts")).to_vec())
        .collect();
    let again = Client::open(config(r#"{"type": "visitor"}"#), records, NOW).unwrap();
    assert_eq!(again.device(), client.device());
}

#[wasm_bindgen_test]
fn records_under_another_key_are_refused_with_a_code() {
    let record = with(
        object(r#"{"name": "device"}"#),
        "bytes",
        Uint8Array::from([1; 64].as_slice()),
    );
    let error = Client::open(config(r#"{"type": "visitor"}"#), vec![record], NOW).unwrap_err();
    assert_eq!(text(&error, "code"), "state-unreadable");
}

#[wasm_bindgen_test]
fn every_command_is_understood() {
    let mut client = Client::open(
        config(r#"{"type": "staff", "name": "Ada", "invitation": "code"}"#),
        Vec::new(),
        NOW,
    )
    .unwrap();
    let body = Uint8Array::from(b"hello".as_slice());
    let contact = |rest: &str| object(&format!(r#"{{"contact": "{CONTACT}", {rest}}}"#));
    let commands = [
        object(r#"{"type": "start", "entryPoint": "shop", "identity": "token"}"#),
        contact(r#""type": "open""#),
        with(contact(r#""type": "send", "kind": "text""#), "body", body),
        contact(r#""type": "note", "text": "between us""#),
        contact(&format!(r#""type": "retry", "id": "{CONTACT}""#)),
        contact(&format!(r#""type": "discard", "id": "{CONTACT}""#)),
        contact(r#""type": "typing""#),
        contact(r#""type": "read", "position": 3"#),
        contact(r#""type": "claim""#),
        contact(
            r#""type": "transfer", "history": true, "to": {"type": "team", "team": "support"}"#,
        ),
        contact(&format!(
            r#""type": "invite", "device": "{ACCOUNT}", "history": false"#
        )),
        contact(&format!(
            r#""type": "remove", "target": {{"type": "device", "device": "{ACCOUNT}"}}"#
        )),
        contact(r#""type": "rekey""#),
        contact(r#""type": "close""#),
        contact(r#""type": "leave""#),
        object(r#"{"type": "lookUpTeam", "team": "support"}"#),
        object(r#"{"type": "presence", "available": true}"#),
        object(r#"{"type": "presence", "available": true, "capacity": 3}"#),
        object(
            r#"{"type": "start", "entryPoint": "shop", "details": [{"name": "a", "value": "b"}]}"#,
        ),
        contact(r#""type": "describe", "details": [{"name": "a", "value": "b"}]"#),
        contact(r#""type": "label", "labels": ["vip"]"#),
        contact(r#""type": "attend""#),
        object(
            r#"{"type": "keepReply", "team": "support", "shortcut": "hello", "text": "Good morning"}"#,
        ),
        object(r#"{"type": "keepLabel", "team": "support", "label": "vip", "kept": true}"#),
    ];
    for command in commands {
        let shown = String::from(JSON::stringify(&command).unwrap());
        assert_eq!(give(&mut client, command), Ok(()), "{shown}");
    }
}

#[wasm_bindgen_test]
fn what_is_of_another_form_is_refused_and_names_the_field() {
    let mut client = visitor();
    for bad in [
        "{}",
        r#"{"type": "unheard of"}"#,
        r#"{"type": "open"}"#,
        r#"{"type": "open", "contact": "short"}"#,
        r#"{"type": "presence", "available": "yes"}"#,
        r#"{"type": "start", "entryPoint": "shop", "details": {"name": "a", "value": "b"}}"#,
        r#"{"type": "start", "entryPoint": "shop", "details": [{"name": "a"}]}"#,
        r#"{"type": "send", "contact": "AAECAwQFBgcICQoLDA0ODw", "kind": "text", "body": "text"}"#,
        r#"{"type": "read", "contact": "AAECAwQFBgcICQoLDA0ODw", "position": -1}"#,
        r#"{"type": "read", "contact": "AAECAwQFBgcICQoLDA0ODw", "position": 1.5}"#,
    ] {
        assert_eq!(
            give(&mut client, object(bad)),
            Err("malformed".into()),
            "{bad}"
        );
    }
    let error = client.handle(NOW, JsValue::NULL).unwrap_err();
    assert_eq!(text(&error, "code"), "malformed");
    let error = Client::open(object("{}"), Vec::new(), NOW).unwrap_err();
    assert_eq!(error.message(), "missing or of a wrong type: account");
}

#[wasm_bindgen_test]
fn events_have_their_declared_shape() {
    let event = client::Event::Item {
        contact: ContactId::new([1; 16]),
        item: client::Item {
            key: "k".into(),
            position: None,
            time: Time::from_millis(1_800_000_000_000),
            author: None,
            body: client::ItemBody::System(client::System::Transferring {
                to: None,
                team: Some("support".into()),
                history: true,
            }),
            state: client::MessageState::Failed("too-large"),
            marks: vec!["late"],
        },
    };
    let output = client::Output::Event(Box::new(event));
    let output = Object::of(&output, output::output).to_js().unwrap();
    let event = get(&output, "event");
    assert_eq!(text(&event, "type"), "item");
    assert_eq!(text(&event, "contact"), "AQEBAQEBAQEBAQEBAQEBAQ");
    let item = get(&event, "item");
    assert_eq!(get(&item, "time").as_f64(), Some(1_800_000_000_000.0));
    assert!(get(&item, "position").is_undefined());
    assert_eq!(text(&item, "state"), "failed");
    assert_eq!(text(&item, "failure"), "too-large");
    let system = get(&get(&item, "body"), "event");
    assert_eq!(text(&system, "type"), "transferring");
    assert_eq!(text(&system, "team"), "support");
    assert_eq!(get(&system, "history").as_bool(), Some(true));
}
