//! Identifiers and small scalars that every object shares. SPEC 1.2.

use super::codec::{Decode, Encode, Reader, Writer, byte_string};

byte_string! {
    /// `H("account", "Ed25519", root public key)`: pinned in the embed snippet.
    AccountId, 32
}

byte_string! {
    /// 16 random bytes from the contact's creator.
    ContactId, 16
}

byte_string! {
    /// 16 random bytes that name one piece of content across resends and epochs.
    ContentId, 16
}

/// A device is named by its Ed25519 public key, so no table maps one to the other.
pub type DeviceId = crate::crypto::sign::PublicKey;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Encode for Time {
    fn encode(&self, out: &mut Writer) {
        out.number(self.0);
    }
}

impl Decode for Time {
    fn decode(input: &mut Reader<'_>) -> Self {
        Self(input.number())
    }
}

impl Time {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// This time plus seconds.
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// This time plus milliseconds.
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to `self`, 0 if it is later.
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The protocol version that opens every object: 0 until version 1 is frozen. Decoding refuses
/// every other number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Version;

impl Encode for Version {
    fn encode(&self, out: &mut Writer) {
        out.number(0);
    }
}

impl Decode for Version {
    fn decode(input: &mut Reader<'_>) -> Self {
        if input.number() != 0 {
            input.fail();
        }
        Self
    }
}
