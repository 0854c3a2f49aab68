//! Cursors: where a list goes on. Opaque to callers.

use axum::http::StatusCode;
use sottovoce::wire::codec::{from_base64url, to_base64url};
use sottovoce::wire::{ContactId, Time};
use sottovoce_server::problem::Problem;

use crate::store::{After, StoredContact};

/// The cursor after a contact.
pub(super) fn after(contact: &StoredContact) -> String {
    let mut bytes = contact.created.millis().to_be_bytes().to_vec();
    bytes.extend_from_slice(contact.contact.as_array());
    to_base64url(&bytes)
}

/// Where a cursor goes on.
pub(super) fn read(cursor: &str) -> Result<After, Problem> {
    let read = || {
        let bytes = from_base64url(cursor)?;
        let (created, contact) = bytes.split_first_chunk::<8>()?;
        Some(After {
            created: Time::from_millis(u64::from_be_bytes(*created)),
            contact: ContactId::from_slice(contact)?,
        })
    };
    let title = "the cursor is none of this list";
    read().ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "cursor-invalid", title))
}
