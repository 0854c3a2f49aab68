//! The vectors of the protocol, as JSON files beside this one: made from fixed inputs, and read again
//! by everything that reads such bytes. `cargo xtask vectors` writes the files, `--check` compares them
//! with what the code makes; here both are tests, natively and as wasm in a browser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code
)]

#[path = "../account_refusals/scene.rs"]
mod account;
mod accounts;
mod conversation;
#[path = "../contact_rules/forge.rs"]
mod forge;
mod frames;
mod managers;
mod messages;
mod refusals;
mod refused_commits;
#[path = "../contact_rules/scene.rs"]
mod scene;
mod state;

use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test_configure!(run_in_browser);

/// A file: its name, what it holds now, what it ought to hold.
struct File {
    name: &'static str,
    stands: &'static str,
    make: fn() -> Value,
}

macro_rules! file {
    ($name:literal, $make:expr) => {
        File {
            name: $name,
            stands: include_str!($name),
            make: $make,
        }
    };
}

const FILES: [File; 8] = [
    file!("account.json", accounts::make),
    file!("conversation-1.json", conversation::in_suite_1),
    file!("conversation-2.json", conversation::in_suite_2),
    file!("messages.json", messages::make),
    file!("key-manager.json", managers::make),
    file!("frames.json", frames::make),
    file!("state.json", state::make),
    file!("refusals.json", refusals::make),
];

fn standing(name: &str) -> Value {
    let file = FILES.iter().find(|file| file.name == name).unwrap();
    serde_json::from_str(file.stands).unwrap()
}

fn written(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

/// A list in a file.
pub fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}"))
}

pub fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(value, name)).unwrap()
}

pub fn bytes_n<const N: usize>(value: &Value, name: &str) -> [u8; N] {
    bytes(value, name).try_into().unwrap()
}

/// As the native runner and the browser's know a test.
macro_rules! tests {
    ($($name:ident => $body:expr;)*) => {
        $(
            #[cfg_attr(not(target_arch = "wasm32"), test)]
            #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
            fn $name() {
                $body;
            }
        )*
    };
}

tests! {
    the_files_are_what_the_code_makes_of_fixed_inputs => compare();
    objects_of_an_account_read_as_they_were_written => accounts::read(&standing("account.json"));
    a_conversation_reads_as_it_was_written_in_suite_1 =>
        conversation::read(&standing("conversation-1.json"));
    a_conversation_reads_as_it_was_written_in_suite_2 =>
        conversation::read(&standing("conversation-2.json"));
    messages_of_every_kind_and_notebooks_open => messages::read(&standing("messages.json"));
    key_managers_derive_and_answer_alike => managers::read(&standing("key-manager.json"));
    frames_of_both_sides_read_as_they_were_written => frames::read(&standing("frames.json"));
    a_stored_record_opens_by_the_spec => state::read(&standing("state.json"));
    what_must_be_refused_is_refused_with_its_code => refusals::read(&standing("refusals.json"));
}

/// Writes the files when that is asked for, and compares them otherwise.
fn compare() {
    #[cfg(not(target_arch = "wasm32"))]
    if std::env::var_os("SOTTOVOCE_VECTORS").is_some_and(|wish| wish == "write") {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
        for file in &FILES {
            std::fs::write(folder.join(file.name), written(&(file.make)())).unwrap();
        }
        return;
    }
    for file in &FILES {
        let same = written(&(file.make)()) == file.stands;
        assert!(
            same,
            "{} is not what the code makes: `cargo xtask vectors` writes it",
            file.name
        );
    }
}
