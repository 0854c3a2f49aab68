//! Reads the fields of a JavaScript object. `serde` could, but its code for enums that are
//! told apart by a field would more than double what visitors download.

use core::str::FromStr;

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

/// A field is missing or not of its type. It names the field.
#[derive(Debug)]
pub(super) struct Malformed(pub(super) &'static str);

/// An object whose fields are read one by one; `undefined` and `null` are absent.
pub(super) struct Reader(JsValue);

impl Reader {
    pub(super) fn new(object: JsValue) -> Self {
        Self(object)
    }

    fn optional(&self, key: &'static str) -> Result<Option<JsValue>, Malformed> {
        let value = Reflect::get(&self.0, &key.into()).map_err(|_| Malformed(key))?;
        Ok((!value.is_undefined() && !value.is_null()).then_some(value))
    }

    fn required(&self, key: &'static str) -> Result<JsValue, Malformed> {
        self.optional(key)?.ok_or(Malformed(key))
    }

    pub(super) fn object(&self, key: &'static str) -> Result<Self, Malformed> {
        self.required(key).map(Self)
    }

    pub(super) fn text(&self, key: &'static str) -> Result<String, Malformed> {
        self.optional_text(key)?.ok_or(Malformed(key))
    }

    pub(super) fn optional_text(&self, key: &'static str) -> Result<Option<String>, Malformed> {
        self.optional(key)?
            .map(|value| value.as_string().ok_or(Malformed(key)))
            .transpose()
    }

    /// An id, in its form as text.
    pub(super) fn id<T: FromStr>(&self, key: &'static str) -> Result<T, Malformed> {
        self.optional_id(key)?.ok_or(Malformed(key))
    }

    pub(super) fn optional_id<T: FromStr>(
        &self,
        key: &'static str,
    ) -> Result<Option<T>, Malformed> {
        self.optional_text(key)?
            .map(|text| text.parse().map_err(|_| Malformed(key)))
            .transpose()
    }

    pub(super) fn bytes(&self, key: &'static str) -> Result<Vec<u8>, Malformed> {
        self.required(key)?
            .dyn_ref::<Uint8Array>()
            .map(Uint8Array::to_vec)
            .ok_or(Malformed(key))
    }

    pub(super) fn number(&self, key: &'static str) -> Result<u64, Malformed> {
        self.optional_number(key)?.ok_or(Malformed(key))
    }

    /// A whole number that is not negative.
    pub(super) fn optional_number(&self, key: &'static str) -> Result<Option<u64>, Malformed> {
        self.optional(key)?
            .map(|value| {
                let number = value.as_f64().ok_or(Malformed(key))?;
                let whole = number as u64;
                (whole as f64 == number)
                    .then_some(whole)
                    .ok_or(Malformed(key))
            })
            .transpose()
    }

    pub(super) fn flag(&self, key: &'static str) -> Result<bool, Malformed> {
        self.required(key)?.as_bool().ok_or(Malformed(key))
    }
}
