//! SPEC 5.3: what is known of a contact beside what is said in it: details that its visitor's page
//! gives, and labels that staff put on it.

use crate::wire::codec::array;

use crate::wire::{Bytes, decode, encode, limits};

/// One thing that a page knows of its visitor, such as an order's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// What it is: 1 to 64 bytes. A later one of the same name takes its place.
    pub name: String,
    /// What it is worth now: at most 1,024 bytes. Nothing takes it back.
    pub value: String,
}

array!(Detail { name, value });

impl Detail {
    /// The body of a [`kind::DETAILS`](super::kind::DETAILS) that says these: at most 32, within
    /// their lengths. `None` if they are not.
    pub fn to_body(details: Vec<Self>) -> Option<Bytes> {
        are_details(&details).then(|| encode(&details).into())
    }

    /// Reads such a body; `None` if it is none.
    pub fn from_body(body: &[u8]) -> Option<Vec<Self>> {
        let details: Vec<Self> = decode(body, limits::BODY).ok()?;
        are_details(&details).then_some(details)
    }
}

fn are_details(details: &[Detail]) -> bool {
    let fits = |it: &Detail| is_label(&it.name) && it.value.len() <= limits::DETAIL;
    (1..=limits::DETAILS).contains(&details.len()) && details.iter().all(fits)
}

/// The body of a [`kind::LABELS`](super::kind::LABELS): all labels of the contact, at most 16 of 1 to
/// 64 bytes. `None` if they are not.
pub fn labels_to_body(labels: Vec<String>) -> Option<Bytes> {
    are_labels(&labels).then(|| encode(&labels).into())
}

/// Reads such a body; `None` if it is none.
pub fn labels_from_body(body: &[u8]) -> Option<Vec<String>> {
    let labels: Vec<String> = decode(body, limits::BODY).ok()?;
    are_labels(&labels).then_some(labels)
}

fn are_labels(labels: &[String]) -> bool {
    labels.len() <= limits::LABELS && labels.iter().all(|label| is_label(label))
}

/// Whether it is as long as a label, or the name of a detail, may be.
pub(super) fn is_label(name: &str) -> bool {
    (1..=limits::LABEL).contains(&name.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn detail(name: usize, value: usize) -> Detail {
        Detail {
            name: "n".repeat(name),
            value: "v".repeat(value),
        }
    }

    #[test]
    fn details_and_labels_are_read_as_they_were_written() {
        let details = vec![detail(64, 1_024); 32];
        let body = Detail::to_body(details.clone()).unwrap();
        assert_eq!(Detail::from_body(&body), Some(details));
        for labels in [vec![], vec!["l".repeat(64); 16]] {
            let body = labels_to_body(labels.clone()).unwrap();
            assert_eq!(labels_from_body(&body), Some(labels));
        }
    }

    #[test]
    fn what_is_longer_or_more_than_allowed_is_neither_written_nor_read() {
        for details in [
            vec![],
            vec![detail(1, 1); 33],
            vec![detail(0, 1)],
            vec![detail(65, 1)],
            vec![detail(1, 1_025)],
        ] {
            assert_eq!(Detail::from_body(&encode(&details)), None);
            assert_eq!(Detail::to_body(details), None);
        }
        for labels in [
            vec!["l".to_owned(); 17],
            vec![String::new()],
            vec!["l".repeat(65)],
        ] {
            assert_eq!(labels_from_body(&encode(&labels)), None);
            assert_eq!(labels_to_body(labels), None);
        }
        for body in [&b""[..], b"\xa0", b"\x81", b"\x81\x82\x61a", b"\x80\x80"] {
            assert_eq!(Detail::from_body(body), None);
            assert_eq!(labels_from_body(body), None);
        }
    }
}
