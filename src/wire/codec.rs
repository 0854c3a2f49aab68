//! SPEC 1.1: deterministic CBOR (RFC 8949 section 4.2.1), arrays of fixed length only.
//!
//! The rule for what a version does not know: an array with an element more or less than the
//! version defines is refused. New fields need a new version; new content kinds do not.

use core::ops::Deref;

use minicbor::{Decode, Encode};

/// Bytes that are not what they should be: not CBOR, not the deterministic encoding, of a
/// wrong type or length, with an unknown field, or larger than the limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Longer than the limit that the caller gave.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
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
            Self::TooLarge { .. } => "too-large",
            Self::Malformed => "malformed",
            Self::NotDeterministic => "not-deterministic",
        }
    }
}

/// The deterministic encoding of a value.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    // Writing into a Vec is infallible and no type here has an encoding error of its own.
    let _ = minicbor::encode(value, &mut out);
    out
}

/// Decodes the whole of `bytes`, at most `limit` long.
///
/// Determinism is checked by encoding again: there is one encoding of each value, so any other
/// input (indefinite lengths, longer integers, trailing bytes, extra elements) differs.
///
/// # Errors
/// [`DecodeError`].
pub fn decode<T>(bytes: &[u8], limit: usize) -> Result<T, DecodeError>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    if bytes.len() > limit {
        return Err(DecodeError::TooLarge { limit });
    }
    let value = minicbor::decode(bytes).map_err(|_| DecodeError::Malformed)?;
    if encode(&value) == bytes {
        Ok(value)
    } else {
        Err(DecodeError::NotDeterministic)
    }
}

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

impl<C> Encode<C> for Bytes {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Bytes {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Ok(Self(d.bytes()?.to_vec()))
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
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&$crate::wire::codec::to_base64url(&self.0))
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

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                Self::from_slice(d.bytes()?).ok_or_else(|| {
                    minicbor::decode::Error::message(concat!(stringify!($name), ": wrong length"))
                })
            }
        }
    };
}
pub(crate) use byte_string;

/// Base64url without padding, in constant time.
pub fn to_base64url(bytes: &[u8]) -> String {
    use base64ct::Encoding;
    base64ct::Base64UrlUnpadded::encode_string(bytes)
}

/// The inverse of [`to_base64url`]; `None` for anything else.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    use base64ct::Encoding;
    base64ct::Base64UrlUnpadded::decode_vec(text).ok()
}

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
        assert_eq!(
            decode::<u64>(&[0x17], 0),
            Err(DecodeError::TooLarge { limit: 0 })
        );
    }

    #[test]
    fn an_array_with_an_unknown_element_is_refused() {
        #[derive(Debug, PartialEq, Encode, Decode)]
        #[cbor(array)]
        struct One(#[n(0)] u64);
        assert_eq!(decode::<One>(&[0x81, 1], 10), Ok(One(1)));
        assert_eq!(
            decode::<One>(&[0x82, 1, 2], 10),
            Err(DecodeError::NotDeterministic)
        );
        assert_eq!(decode::<One>(&[0x80], 10), Err(DecodeError::Malformed));
    }
}
