//! What travels: deterministic CBOR, identifiers, signed objects, frames between a client and
//! its relay, and the limits that both keep. SPEC sections 1, 3 and 8.

mod base64url;
mod cbor;
pub mod codec;
mod detail;
pub mod frame;
pub mod id;
pub mod limits;
pub mod log;
pub mod signed;
mod suite;
pub mod work;

pub use codec::{Bytes, DecodeError, decode, encode};
pub use detail::Detail;
pub use id::{AccountId, ContactId, ContentId, DeviceId, Time, Version};
pub use signed::{Signed, SignedBy, SignedKind};
pub use suite::Suite;
