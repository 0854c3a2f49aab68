//! Bytes held against the CDDL, each as the structure that it is.

use cddl::ast::CDDL;
use cddl::cddl_from_str;
use cddl::validator::Validator;
use cddl::validator::cbor::CBORValidator;
use cddl::validator::cbor_value::decode_cbor;
use serde_json::Value;

use crate::{FILE, file};

/// The rules of the page.
struct Rules<'a>(CDDL<'a>);

impl<'a> Rules<'a> {
    fn of(text: &'a str) -> Self {
        Self(cddl_from_str(text, false).unwrap())
    }

    /// Whether bytes are what a rule describes.
    fn describe(&self, rule: &str, bytes: &[u8]) -> Result<(), String> {
        // The crate validates against the first rule.
        let mut rules = self.0.clone();
        let place = rules.rules.iter().position(|it| it.name() == rule);
        rules.rules.swap(
            0,
            place.unwrap_or_else(|| panic!("there is no rule {rule}")),
        );
        let value = decode_cbor(bytes).map_err(|error| error.to_string())?;
        let validated = CBORValidator::new(&rules, value, None).validate();
        validated.map_err(|error| error.to_string())
    }
}

fn vectors(name: &str) -> Value {
    serde_json::from_str(&file(&format!("tests/vectors/{name}.json"))).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

/// Everything in the vectors that is a structure of the page, with its name.
fn structures() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut put = |name: &str, value: &Value| all.push((name.to_owned(), bytes(value)));
    let account = vectors("account");
    for object in account["objects"].as_array().unwrap() {
        put(object["structure"].as_str().unwrap(), &object["body"]);
        put("Signed", &object["signed"]);
    }
    for case in account["team seals"].as_array().unwrap() {
        put("TeamKey", &case["record"]);
        put("TeamSeals", &case["team seals"]);
    }
    for name in ["conversation-1", "conversation-2"] {
        for entry in vectors(name)["entries"].as_array().unwrap() {
            put("Entry", &entry["entry"]);
            for (rule, field) in [
                ("Commit", "commit"),
                ("Core", "core"),
                ("Seals", "seals"),
                ("Envelope", "envelope"),
                ("Header", "header"),
                ("Content", "content"),
            ] {
                if !entry[field].is_null() {
                    put(rule, &entry[field]);
                }
            }
        }
    }
    for case in vectors("messages")["envelopes"].as_array().unwrap() {
        put("Envelope", &case["envelope"]);
        put("Content", &case["content"]);
    }
    for case in vectors("messages")["events"].as_array().unwrap() {
        put("Ephemeral", &case["event"]);
    }
    for case in vectors("messages")["notebooks"].as_array().unwrap() {
        put("Notebook", &case["notebook"]);
        put("Page", &case["page"]);
        put("Signed", &case["signed"]);
    }
    for case in vectors("key-manager")["exchanges"].as_array().unwrap() {
        put("Parcel", &case["parcel"]);
        put("Signed", &case["request"]);
        put("Grant", &case["grant"]);
        put("Signed", &case["answer"]);
    }
    for record in vectors("state")["records"].as_array().unwrap() {
        put("DeviceRecord", &record["structure"]);
    }
    for case in vectors("frames")["frames"].as_array().unwrap() {
        put(case["structure"].as_str().unwrap(), &case["bytes"]);
    }
    all
}

#[test]
fn what_the_code_writes_is_what_the_cddl_describes() {
    let cddl = file(FILE);
    let rules = Rules::of(&cddl);
    let all = structures();
    assert!(all.len() > 150);
    for (rule, bytes) in all {
        if let Err(error) = rules.describe(&rule, &bytes) {
            panic!("{rule}: {error}\n{}", hex::encode(bytes));
        }
    }
}

#[test]
fn what_is_not_of_its_shape_is_not_described() {
    let cddl = file(FILE);
    let rules = Rules::of(&cddl);
    let refusals = vectors("refusals");
    let mut tried = 0;
    for case in refusals["bytes"].as_array().unwrap() {
        // Encodings of the right value, and lengths of whole objects, are the page's to limit.
        let is_shape = case["code"] == "malformed";
        let rule = case["structure"].as_str().unwrap();
        let about_shape = case["what"] != "an envelope of a length that padding never makes";
        if is_shape && about_shape && case["what"] != "an array of indefinite length" {
            tried += 1;
            let bytes = bytes(&case["bytes"]);
            assert!(rules.describe(rule, &bytes).is_err(), "{}", case["what"]);
        }
    }
    assert!(tried > 10);
    // A field more or less, and another type in a field's place.
    for (rule, bytes) in structures().into_iter().step_by(7) {
        let Some(fields) = bytes.first().filter(|head| **head & 0xe0 == 0x80) else {
            continue;
        };
        let mut more = bytes.clone();
        more[0] = fields + 1;
        more.push(0xf6);
        assert!(
            rules.describe(&rule, &more).is_err(),
            "{rule} with a field more"
        );
        // A number becomes a float.
        if bytes[1] > 0x17 {
            continue;
        }
        let other = [&bytes[..1], &[0xf9, 0, 0], &bytes[2..]].concat();
        assert!(
            rules.describe(&rule, &other).is_err(),
            "{rule} with a float"
        );
    }
}
