//! The exports for JavaScript: the [`client`](crate::client) as it is, with ids as base64url
//! text, times as numbers (milliseconds), bytes as `Uint8Array` and enums as strings. It
//! converts and forwards, nothing else. The TypeScript declarations stand beside what makes the
//! values.

#[cfg(feature = "staff")]
mod administration;
mod administration_types;
mod config;
mod event;
mod input;
mod item;
mod output;
mod reader;
mod scalar;
mod value;
mod view;

#[cfg(test)]
mod tests;

use js_sys::{Error, JsString, Reflect};
use wasm_bindgen::prelude::*;

use crate::client;
use crate::crypto::Random;
use crate::wire::Time;

use reader::{Malformed, read};
use value::Object;

/// A third of the standard library's allocator in size; freed memory coalesces and is used again.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// The client of one device: a state machine that its host feeds and whose wishes it carries
/// out. What it throws is an `Error` with a stable `code`.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Client(Box<client::Client>);

#[wasm_bindgen]
impl Client {
    /// Starts from stored records, or afresh when there are none.
    ///
    /// # Errors
    /// `insecure-page`, `malformed` for arguments of another form, and the codes of
    /// `client::OpenError`.
    pub fn open(
        #[wasm_bindgen(unchecked_param_type = "Config")] config: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Record[]")] records: Vec<JsValue>,
        #[wasm_bindgen(unchecked_param_type = "Time")] now: f64,
    ) -> Result<Self, Error> {
        // Whoever is on the way could have changed the code of a page that came in clear.
        if web_sys::window().is_some_and(|page| !page.is_secure_context()) {
            return Err(failure("insecure-page", "the page did not come over TLS"));
        }
        let config = read(config, config::config).map_err(malformed)?;
        let mut stored = Vec::new();
        for record in records {
            stored.push(read(record, config::record).map_err(malformed)?);
        }
        client::Client::open(config, &stored, Random::os(), time(now))
            .map(|client| Self(Box::new(client)))
            .map_err(|error| failure(error.code(), "the client cannot start"))
    }

    /// The own device.
    #[wasm_bindgen(getter, unchecked_return_type = "DeviceId")]
    pub fn device(&self) -> String {
        self.0.device().to_base64url()
    }

    /// Takes one input in. Its consequences come out of `poll`.
    ///
    /// # Errors
    /// `malformed` for an input of another form.
    pub fn handle(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Time")] now: f64,
        #[wasm_bindgen(unchecked_param_type = "Input")] input: JsValue,
    ) -> Result<(), Error> {
        let input = read(input, input::input).map_err(malformed)?;
        self.0.handle(time(now), input);
        Ok(())
    }

    /// The next thing to do, until there is none.
    ///
    /// # Errors
    /// `malformed`, for what has no form in JavaScript; there is no such output.
    #[wasm_bindgen(unchecked_return_type = "Output | undefined")]
    pub fn poll(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Time")] now: f64,
    ) -> Result<JsValue, Error> {
        match self.0.poll(time(now)) {
            Some(output) => Object::of(&output, output::output)
                .to_js()
                .map_err(|_| failure("malformed", "no value in JavaScript")),
            None => Ok(JsValue::UNDEFINED),
        }
    }
}

fn time(millis: f64) -> Time {
    Time::from_millis(millis as u64)
}

fn malformed(Malformed(field): Malformed) -> Error {
    failure(
        "malformed",
        &["missing or of a wrong type: ", field].concat(),
    )
}

fn failure(code: &str, message: &str) -> Error {
    let error = Error::new(message);
    // Setting a property of a fresh, extensible object cannot fail.
    let _ = Reflect::set(&error, &JsString::from("code"), &JsString::from(code));
    error
}
