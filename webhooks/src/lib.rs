//! Sottovoce's webhooks: what happens to an account's contacts, told to endpoints that its
//! administrators register.
//!
//! - [`event`]: what is told, [`endpoint`]: to whom,
//! - [`store`]: both databases; [`store::sqlite::record`] and [`store::postgres::record`] take
//!   events in, within the transaction that makes them true,
//! - [`dispatch`]: carries them out, at least once and in order for each contact,
//! - [`texts`]: what messages say, where whoever delivers them may know it,
//! - [`target`]: which addresses may be called at all,
//! - [`signature`] and [`verify`]: what calls are signed with, for receivers too.
//!
//! URLs and secrets never reach a log line.

mod body;
pub mod delivery;
pub mod dispatch;
pub mod endpoint;
pub mod event;
mod identity;
pub mod store;
pub mod target;
pub mod texts;

pub use sottovoce_webhook_signatures::{keys, signature, verify};
