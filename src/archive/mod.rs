//! SPEC 7: key managers: the keys that they sign, what they are asked and what they answer.
//!
//! A key manager holds one secret for each contact and derives everything else from it. What it is
//! asked and what it answers travels through relays as opaque bytes.

mod audit;
mod key;
mod parcel;
mod request;

pub use audit::{AuditEntry, AuditError, AuditHead, Auditor};
pub use key::ArchiveSecret;
pub use parcel::Parcel;
pub use request::{
    Awaited, ContactState, Grant, KeyAnswer, KeyAnswerError, KeyRequest, Operation, Outcome,
    ReleasedSecret,
};
