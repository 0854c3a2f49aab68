//! What goes out: a value that `serde-wasm-bindgen` turns into JavaScript's. One type for all of
//! them, filled field by field, because `serde` writes its code anew for each type and browsers
//! load all of it.

use crate::gather::Gather;
use serde::ser::{Serialize, SerializeMap, Serializer};
use wasm_bindgen::JsValue;

use crate::wire::codec::to_base64url;

/// A JavaScript object in the making: names of fields and what is in them.
#[derive(Default)]
pub(super) struct Object<'a>(Vec<(&'static str, Value<'a>)>);

enum Value<'a> {
    Flag(bool),
    Number(u64),
    Text(&'a str),
    Id(&'a [u8]),
    Bytes(&'a [u8]),
    List(Vec<Self>),
    Object(Object<'a>),
}

/// Writes the fields of something.
pub(super) type Fill<'a, T> = fn(&mut Object<'a>, &'a T);

// Not inlined: there are a hundred callers.
impl<'a> Object<'a> {
    pub(super) fn of<T>(item: &'a T, fill: Fill<'a, T>) -> Self {
        let mut object = Self::default();
        fill(&mut object, item);
        object
    }

    #[inline(never)]
    fn put(&mut self, key: &'static str, value: Value<'a>) {
        self.0.push((key, value));
    }

    #[inline(never)]
    pub(super) fn flag(&mut self, key: &'static str, flag: bool) {
        self.put(key, Value::Flag(flag));
    }

    /// Above 2^53, which only a liar's times can be, JavaScript rounds it.
    #[inline(never)]
    pub(super) fn number(&mut self, key: &'static str, number: u64) {
        self.put(key, Value::Number(number));
    }

    #[inline(never)]
    pub(super) fn text(&mut self, key: &'static str, text: &'a str) {
        self.put(key, Value::Text(text));
    }

    pub(super) fn texts<T: AsRef<str>>(&mut self, key: &'static str, texts: &'a [T]) {
        let texts = texts.iter().map(|text| Value::Text(text.as_ref()));
        self.put(key, Value::List(texts.gather()));
    }

    #[cfg(feature = "staff")]
    pub(super) fn text_list(&mut self, key: &'static str, texts: impl Iterator<Item = &'a str>) {
        self.put(key, Value::List(texts.map(Value::Text).gather()));
    }

    #[cfg(feature = "staff")]
    pub(super) fn ids(&mut self, key: &'static str, ids: impl Iterator<Item = &'a [u8]>) {
        self.put(key, Value::List(ids.map(Value::Id).gather()));
    }

    /// Bytes that are base64url in JavaScript.
    #[inline(never)]
    pub(super) fn id(&mut self, key: &'static str, id: &'a [u8]) {
        self.put(key, Value::Id(id));
    }

    /// A `Uint8Array`.
    #[inline(never)]
    pub(super) fn bytes(&mut self, key: &'static str, bytes: &'a [u8]) {
        self.put(key, Value::Bytes(bytes));
    }

    pub(super) fn object<T>(&mut self, key: &'static str, item: &'a T, fill: Fill<'a, T>) {
        self.put(key, Value::Object(Self::of(item, fill)));
    }

    pub(super) fn list<T>(&mut self, key: &'static str, items: &'a [T], fill: Fill<'a, T>) {
        let objects = items.iter().map(|item| Value::Object(Self::of(item, fill)));
        self.put(key, Value::List(objects.gather()));
    }

    pub(super) fn to_js(&self) -> Result<JsValue, serde_wasm_bindgen::Error> {
        const SERIALIZER: serde_wasm_bindgen::Serializer =
            serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
        self.serialize(&SERIALIZER)
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (key, value) in &self.0 {
            object.serialize_entry(key, value)?;
        }
        object.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_f64(*number as f64),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Id(bytes) => serializer.serialize_str(&to_base64url(bytes)),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}
