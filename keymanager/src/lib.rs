//! Sottovoce's key manager: it holds one secret for each contact, derives that contact's keys from
//! it, and gives them to whom its rules allow. SPEC 7 states every byte.
//!
//! - [`master`]: what secrets are wrapped under where they are stored, [`pkcs11`]: a token that wraps that,
//! - [`store`]: its own database, which no other data may share,
//! - [`rules`]: who may ask for what, in a file for people to read,
//! - [`service`]: judges requests, answers them, and writes down each one,
//! - [`http`]: how requests reach it, [`older`]: and those of the older shape,
//! - [`conformance`]: tries any key manager from outside.
//!
//! The private parts of keys never leave it, but for what a request is granted, sealed to that
//! request's own key.

pub mod config;
pub mod conformance;
pub mod http;
pub mod master;
pub mod older;
pub mod pkcs11;
pub mod rules;
pub mod service;
pub mod store;

pub use config::{Config, Settings};
pub use http::{Server, StartError};
pub use master::Master;
pub use rules::Rules;
pub use service::KeyManager;
