//! SPEC 1.1: deterministic CBOR (RFC 8949 section 4.2.1), arrays of fixed length only.
//!
//! The rule for what a version does not know: an array with an element more or less than the
//! version defines is refused. New fields need a new version; new content kinds do not.

use core::ops::Deref;

pub use super::base64url::{from_base64url, to_base64url};
pub use super::cbor::{Reader, Writer};

/// Bytes that are not what they should be: not CBOR, not the deterministic encoding, of a
/// wrong type or length, with an unknown field, or larger than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Longer than the limit that the caller gave.
    #[error("larger than allowed")]
    TooLarge,
    /// Not well-formed, or not of the expected shape.
    #[error("not the expected CBOR structure")]
    Malformed,
    /// Well-formed, but not the one deterministic encoding.
    #[error("not deterministic CBOR")]
    NotDeterministic,
}

impl DecodeError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Malformed => "malformed",
            Self::NotDeterministic => "not-deterministic",
        }
    }
}

/// Something that has one deterministic encoding.
pub trait Encode {
    /// Appends the encoding.
    fn encode(&self, out: &mut Writer);
}

/// Something that can be read from its encoding.
pub trait Decode: Sized {
    /// Reads one. For anything of another shape the reader has failed, and the value means
    /// nothing: only [`decode`](decode()) hands values out. So there is one question at the end
    /// instead of one, and a way back, after every field of every type.
    fn decode(input: &mut Reader<'_>) -> Self;
}

/// The deterministic encoding of a value.
pub fn encode<T: Encode + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Writer::new();
    value.encode(&mut out);
    out.into_bytes()
}

/// Reads one value from the beginning of `bytes`, whatever follows it and however it is encoded.
pub(crate) fn decode_prefix<T: Decode>(bytes: &[u8]) -> Option<T> {
    let mut input = Reader::new(bytes);
    let value = T::decode(&mut input);
    (!input.has_failed()).then_some(value)
}

/// Decodes the whole of `bytes`, at most `limit` long.
///
/// # Errors
/// [`DecodeError`].
pub fn decode<T: Decode>(bytes: &[u8], limit: usize) -> Result<T, DecodeError> {
    let mut input = Reader::within(limit, bytes);
    let value = T::decode(&mut input);
    input.finish().map(|()| value)
}

impl Encode for u64 {
    fn encode(&self, out: &mut Writer) {
        out.number(*self);
    }
}

impl Decode for u64 {
    fn decode(input: &mut Reader<'_>) -> Self {
        input.number()
    }
}

impl Encode for bool {
    fn encode(&self, out: &mut Writer) {
        out.flag(*self);
    }
}

impl Decode for bool {
    fn decode(input: &mut Reader<'_>) -> Self {
        input.flag()
    }
}

impl Encode for String {
    fn encode(&self, out: &mut Writer) {
        out.text(self);
    }
}

impl Decode for String {
    fn decode(input: &mut Reader<'_>) -> Self {
        input.text().into()
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, out: &mut Writer) {
        (**self).encode(out);
    }
}

impl<A: Encode, B: Encode> Encode for (A, B) {
    fn encode(&self, out: &mut Writer) {
        out.array(2);
        self.0.encode(out);
        self.1.encode(out);
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut Writer) {
        match self {
            Some(value) => value.encode(out),
            None => out.null(),
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(input: &mut Reader<'_>) -> Self {
        (!input.null()).then(|| T::decode(input))
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, out: &mut Writer) {
        out.array(self.len() as u64);
        for item in self {
            item.encode(out);
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(input: &mut Reader<'_>) -> Self {
        let mut items = Self::new();
        for _ in 0..input.any_array() {
            items.push(T::decode(input));
            if input.has_failed() {
                break;
            }
        }
        items
    }
}

/// The wire form of a struct: an array of its fields in the order given.
macro_rules! array {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::wire::codec::Encode for $name {
            fn encode(&self, out: &mut $crate::wire::codec::Writer) {
                out.array(const { [$(stringify!($field)),*].len() as u64 });
                $($crate::wire::codec::Encode::encode(&self.$field, out);)*
            }
        }

        impl $crate::wire::codec::Decode for $name {
            fn decode(input: &mut $crate::wire::codec::Reader<'_>) -> Self {
                input.array(const { [$(stringify!($field)),*].len() as u64 });
                Self { $($field: $crate::wire::codec::Decode::decode(input)),* }
            }
        }
    };
}
pub(crate) use array;

/// The wire form of an enum without fields: a number.
macro_rules! number {
    ($name:ident {
        $first:ident = $first_number:literal $(, $variant:ident = $number:literal)* $(,)?
    }) => {
        impl $crate::wire::codec::Encode for $name {
            fn encode(&self, out: &mut $crate::wire::codec::Writer) {
                out.number(match self {
                    Self::$first => $first_number,
                    $(Self::$variant => $number),*
                });
            }
        }

        impl $crate::wire::codec::Decode for $name {
            fn decode(input: &mut $crate::wire::codec::Reader<'_>) -> Self {
                match input.number() {
                    $first_number => Self::$first,
                    $($number => Self::$variant,)*
                    _ => {
                        input.fail();
                        Self::$first
                    }
                }
            }
        }
    };
}
pub(crate) use number;

/// The wire form of an enum with fields: `[number, [fields]]`.
macro_rules! variants {
    (@decode $input:ident $variant:ident
        $(( $($item:ident),* ))? $({ $($field:ident),* })?) => {{
        $input.array($crate::wire::codec::variants!(@length
            $($($item)*)? $($($field)*)?));
        $($(let $item = $crate::wire::codec::Decode::decode($input);)*)?
        $($(let $field = $crate::wire::codec::Decode::decode($input);)*)?
        Self::$variant $(( $($item),* ))? $({ $($field),* })?
    }};

    (@length $($name:ident)*) => {
        const {
            let names: &[&str] = &[$(stringify!($name)),*];
            names.len() as u64
        }
    };

    ($name:ident {
        0 => $first:ident $(( $($first_item:ident),* ))? $({ $($first_field:ident),* })?
        $(, $number:literal => $variant:ident
            $(( $($item:ident),* ))? $({ $($field:ident),* })?)* $(,)?
    }) => {
        impl $crate::wire::codec::Encode for $name {
            fn encode(&self, out: &mut $crate::wire::codec::Writer) {
                out.array(2);
                match self {
                    Self::$first $(( $($first_item),* ))? $({ $($first_field),* })? => {
                        out.number(0);
                        out.array($crate::wire::codec::variants!(@length
                            $($($first_item)*)? $($($first_field)*)?));
                        $($($crate::wire::codec::Encode::encode($first_item, out);)*)?
                        $($($crate::wire::codec::Encode::encode($first_field, out);)*)?
                    }
                    $(Self::$variant $(( $($item),* ))? $({ $($field),* })? => {
                        out.number($number);
                        out.array($crate::wire::codec::variants!(@length
                            $($($item)*)? $($($field)*)?));
                        $($($crate::wire::codec::Encode::encode($item, out);)*)?
                        $($($crate::wire::codec::Encode::encode($field, out);)*)?
                    })*
                }
            }
        }

        impl $crate::wire::codec::Decode for $name {
            fn decode(input: &mut $crate::wire::codec::Reader<'_>) -> Self {
                input.array(2);
                match input.number() {
                    $($number => $crate::wire::codec::variants!(@decode input $variant
                        $(( $($item),* ))? $({ $($field),* })?),)*
                    number => {
                        if number != 0 {
                            input.fail();
                        }
                        $crate::wire::codec::variants!(@decode input $first
                            $(( $($first_item),* ))? $({ $($first_field),* })?)
                    }
                }
            }
        }
    };
}
pub(crate) use variants;

/// A byte string of any length.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// The owned bytes.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

impl Encode for Bytes {
    fn encode(&self, out: &mut Writer) {
        out.bytes(&self.0);
    }
}

impl Decode for Bytes {
    fn decode(input: &mut Reader<'_>) -> Self {
        Self(input.bytes().to_vec())
    }
}

/// Defines a public byte string of fixed length: CBOR byte string, base64url (RFC 4648
/// section 5, unpadded) as text.
macro_rules! byte_string {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = $length;

            /// Wraps the bytes as they are.
            pub const fn new(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Copies a slice; `None` when its length is another.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The bytes.
            pub const fn as_array(&self) -> &[u8; $length] {
                &self.0
            }

            /// What `to_string` gives, without the formatting that browsers would load for it.
            pub fn to_base64url(&self) -> String {
                $crate::wire::codec::to_base64url(&self.0)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&self.to_base64url())
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::wire::codec::DecodeError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::wire::codec::from_base64url(text)
                    .and_then(|bytes| Self::from_slice(&bytes))
                    .ok_or($crate::wire::codec::DecodeError::Malformed)
            }
        }

        impl<'a> From<&'a $name> for $crate::crypto::hash::Part<'a> {
            fn from(value: &'a $name) -> Self {
                Self::Bytes(&value.0)
            }
        }

        impl $crate::wire::codec::Encode for $name {
            fn encode(&self, out: &mut $crate::wire::codec::Writer) {
                out.bytes(&self.0);
            }
        }

        impl $crate::wire::codec::Decode for $name {
            fn decode(input: &mut $crate::wire::codec::Reader<'_>) -> Self {
                Self(input.array_of_bytes())
            }
        }
    };
}
pub(crate) use byte_string;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_deterministic_encoding_is_accepted() {
        assert_eq!(decode::<u64>(&[0x17], 10), Ok(23));
        // 23 in two bytes, 23 with a trailing byte, an indefinite-length string.
        assert_eq!(
            decode::<u64>(&[0x18, 0x17], 10),
            Err(DecodeError::NotDeterministic)
        );
        assert_eq!(
            decode::<u64>(&[0x17, 0x00], 10),
            Err(DecodeError::NotDeterministic)
        );
        assert_eq!(
            decode::<Bytes>(&[0x5f, 0x41, 1, 0xff], 10),
            Err(DecodeError::Malformed)
        );
        assert_eq!(decode::<u64>(&[0x17], 0), Err(DecodeError::TooLarge));
    }

    #[test]
    fn an_array_with_an_unknown_element_is_refused() {
        #[derive(Debug, PartialEq)]
        struct One {
            one: u64,
        }
        array!(One { one });
        assert_eq!(decode::<One>(&[0x81, 1], 10), Ok(One { one: 1 }));
        assert_eq!(
            decode::<One>(&[0x82, 1, 2], 10),
            Err(DecodeError::Malformed)
        );
        assert_eq!(decode::<One>(&[0x80], 10), Err(DecodeError::Malformed));
    }
}
