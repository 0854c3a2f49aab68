//! What messages say, where whoever runs the dispatcher may know it: a vault, never a relay. It is asked for
//! at each call, so that it is stored nowhere but where it belongs.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sottovoce::wire::{AccountId, ContactId};

/// A message in clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The content's kind, such as `text`.
    pub kind: String,
    /// Its author's device, as base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The name in the author's credential; none for visitors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The author's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The body, where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body as base64url, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// A message is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMessage {
    /// Not now: it is tried again.
    NotNow,
    /// Never again: the contact was erased.
    Gone,
}

/// Knows what messages say.
#[async_trait]
pub trait Texts: fmt::Debug + Send + Sync + 'static {
    /// The message at a position of a contact.
    async fn at(
        &self,
        account: &AccountId,
        contact: &ContactId,
        position: u64,
    ) -> Result<Message, NoMessage>;
}
