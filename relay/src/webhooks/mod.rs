//! The relay's side of webhooks: what its accounts' endpoints are told.

mod news;

pub(crate) use news::{appended, revoked};
pub use sottovoce_webhooks::dispatch::{Config as WebhookConfig, Waker};
pub use sottovoce_webhooks::event::NewEvent;
pub use sottovoce_webhooks::store::Recorded;
