//! Reads the fields of a JavaScript object. `serde` could, but its code for enums that are
//! told apart by a field would more than double what visitors download.

use core::cell::Cell;

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use crate::wire::codec::from_base64url;

/// A field is missing or not of its type. It names the field.
#[derive(Debug)]
pub(super) struct Malformed(pub(super) &'static str);

/// An object whose fields are read one by one; `undefined` and `null` are absent. A field that is
/// not as it should be reads as an empty one and is remembered until the end.
pub(super) struct Reader<'a> {
    object: JsValue,
    wrong: &'a Cell<Option<&'static str>>,
}

/// Reads a value from an object.
pub(super) fn read<T>(object: JsValue, value: fn(&Reader<'_>) -> T) -> Result<T, Malformed> {
    let wrong = Cell::new(None);
    let value = value(&Reader {
        object,
        wrong: &wrong,
    });
    match wrong.get() {
        None => Ok(value),
        Some(key) => Err(Malformed(key)),
    }
}

// Not inlined: there are many callers.
impl Reader<'_> {
    /// A field is not as it should be. The first one counts.
    #[inline(never)]
    pub(super) fn fail(&self, key: &'static str) {
        self.wrong.set(self.wrong.get().or(Some(key)));
    }

    fn or_fail<T: Default>(&self, key: &'static str, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            self.fail(key);
            T::default()
        })
    }

    #[inline(never)]
    fn optional(&self, key: &'static str) -> Option<JsValue> {
        let value = Reflect::get(&self.object, &key.into()).unwrap_or_else(|_| {
            self.fail(key);
            JsValue::UNDEFINED
        });
        (!value.is_undefined() && !value.is_null()).then_some(value)
    }

    #[inline(never)]
    fn required(&self, key: &'static str) -> JsValue {
        self.or_fail(key, self.optional(key))
    }

    #[inline(never)]
    pub(super) fn object(&self, key: &'static str) -> Self {
        Self {
            object: self.required(key),
            wrong: self.wrong,
        }
    }

    #[inline(never)]
    pub(super) fn text(&self, key: &'static str) -> String {
        self.or_fail(key, self.required(key).as_string())
    }

    #[inline(never)]
    pub(super) fn optional_text(&self, key: &'static str) -> Option<String> {
        let value = self.optional(key)?;
        Some(self.or_fail(key, value.as_string()))
    }

    /// An id, in its form as text.
    pub(super) fn id<const N: usize>(&self, key: &'static str) -> [u8; N] {
        self.id_of(key, &self.text(key))
    }

    pub(super) fn optional_id<const N: usize>(&self, key: &'static str) -> Option<[u8; N]> {
        let text = self.optional_text(key)?;
        Some(self.id_of(key, &text))
    }

    #[inline(never)]
    fn id_of<const N: usize>(&self, key: &'static str, text: &str) -> [u8; N] {
        let id = from_base64url(text).and_then(|bytes| bytes.try_into().ok());
        id.unwrap_or_else(|| {
            self.fail(key);
            [0; N]
        })
    }

    #[inline(never)]
    pub(super) fn bytes(&self, key: &'static str) -> Vec<u8> {
        let value = self.required(key);
        self.or_fail(key, value.dyn_ref().map(Uint8Array::to_vec))
    }

    /// A whole number that is not negative.
    #[inline(never)]
    pub(super) fn number(&self, key: &'static str) -> u64 {
        let number = self.required(key).as_f64();
        let whole = number.map(|number| number as u64);
        let is_whole = whole.map(|whole| whole as f64) == number;
        self.or_fail(key, whole.filter(|_| is_whole))
    }

    /// A list of objects, of none where it is absent.
    pub(super) fn objects<T>(&self, key: &'static str, value: fn(&Self) -> T) -> Vec<T> {
        let mut values = Vec::new();
        if let Some(list) = self.optional(key) {
            let list: Option<&Array> = list.dyn_ref();
            for object in self
                .or_fail(key, list.map(Array::iter).map(Some))
                .into_iter()
                .flatten()
            {
                let wrong = self.wrong;
                values.push(value(&Self { object, wrong }));
            }
        }
        values
    }

    #[cfg(feature = "staff")]
    pub(super) fn texts(&self, key: &'static str) -> Vec<String> {
        let texts: Option<Vec<String>> = self.required(key).dyn_ref().and_then(|list: &Array| {
            let texts = list.iter().map(|item| item.as_string());
            texts.collect()
        });
        self.or_fail(key, texts)
    }

    #[inline(never)]
    pub(super) fn flag(&self, key: &'static str) -> bool {
        self.or_fail(key, self.required(key).as_bool())
    }

    pub(super) fn has(&self, key: &'static str) -> bool {
        self.optional(key).is_some()
    }
}
