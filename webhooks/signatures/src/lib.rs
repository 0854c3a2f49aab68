//! The signatures of Sottovoce's webhooks, for those who send and those who receive.
//!
//! - [`keys`]: the account's secret token, and an endpoint's Standard Webhooks keys,
//! - [`signature`]: what a sender puts into the headers,
//! - [`verify`]: what a receiver does with them.
//!
//! Every call carries two kinds of signature, and a receiver checks the one that it likes:
//! HMAC-SHA1 of the body under the account's secret token, and
//! [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks), which also says
//! when the call was made and which event it carries.

pub mod keys;
pub mod signature;
pub mod verify;

/// What receivers are told compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/WEBHOOKS.md")]
struct Told;
