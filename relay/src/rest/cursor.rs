//! Cursors: where a list goes on. They are opaque to callers, and good for the list that they
//! came from only.

use sha2::{Digest, Sha256};
use sottovoce::wire::codec::{from_base64url, to_base64url};

use super::error::ApiError;

/// How many bytes of a list's fingerprint a cursor carries.
const LIST: usize = 8;

/// Makes the cursor of a place in a list. `list` says which list it is: its name, account, filter.
pub(super) fn make(list: &str, place: &[u8]) -> String {
    let mut bytes = fingerprint(list).to_vec();
    bytes.extend_from_slice(place);
    to_base64url(&bytes)
}

/// The place that a cursor names.
pub(super) fn read(list: &str, cursor: &str) -> Result<Vec<u8>, ApiError> {
    let bytes = from_base64url(cursor).ok_or(ApiError::CursorInvalid)?;
    match bytes.split_first_chunk::<LIST>() {
        Some((of, place)) if *of == fingerprint(list) => Ok(place.to_vec()),
        _ => Err(ApiError::CursorInvalid),
    }
}

fn fingerprint(list: &str) -> [u8; LIST] {
    let hash: [u8; 32] = Sha256::digest(list.as_bytes()).into();
    let mut start = [0; LIST];
    start
        .iter_mut()
        .zip(hash)
        .for_each(|(byte, hashed)| *byte = hashed);
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let cursor = make("contacts of one", &[1, 2, 3]);
        assert_eq!(read("contacts of one", &cursor), Ok(vec![1, 2, 3]));
        for (list, cursor) in [
            ("contacts of another", cursor.as_str()),
            ("contacts of one", ""),
            ("contacts of one", "not a cursor"),
            ("contacts of one", &cursor[..8]),
        ] {
            assert_eq!(read(list, cursor), Err(ApiError::CursorInvalid));
        }
    }
}
