//! Enrolment requests.

use sottovoce::account::EnrolmentRequest;
use sottovoce::wire::{Suite, Version};

use crate::scene::*;

fn request(invitation: Option<&str>) -> EnrolmentRequest {
    let device = agent().public();
    EnrolmentRequest {
        version: Version,
        suite: Suite::X25519,
        account: id(),
        device,
        name: "Ada".into(),
        time: NOW,
        invitation: invitation.map(|code| {
            EnrolmentRequest::invitation_proof(code, &id(), &device)
                .to_vec()
                .into()
        }),
    }
}

#[test]
fn a_request_is_believed_if_its_device_signed_it() {
    let signed = by(&request(None), &[&agent()]);
    assert_eq!(EnrolmentRequest::verify(&signed), Some(request(None)));
    for other in [key(20), administrator(1), root()] {
        let signed = by(&request(None), &[&other]);
        assert_eq!(EnrolmentRequest::verify(&signed), None);
    }
}

#[test]
fn a_request_for_a_weak_key_is_refused() {
    let weak = EnrolmentRequest {
        device: WEAK,
        ..request(None)
    };
    assert_eq!(EnrolmentRequest::verify(&by(&weak, &[&agent()])), None);
}

#[test]
fn a_proof_is_of_one_code_account_and_device() {
    assert!(request(Some("meadow-42")).proves("meadow-42"));
    assert!(!request(Some("meadow-42")).proves("meadow-43"));
    assert!(!request(Some("meadow-42")).proves(""));
    assert!(!request(None).proves(""));
    // Copied into the request of another device or account, it proves nothing.
    let stolen = EnrolmentRequest {
        device: key(20).public(),
        ..request(Some("meadow-42"))
    };
    assert!(!stolen.proves("meadow-42"));
    let moved = EnrolmentRequest {
        account: foreign(),
        ..request(Some("meadow-42"))
    };
    assert!(!moved.proves("meadow-42"));
    for length in [0, 31, 33] {
        let cut = EnrolmentRequest {
            invitation: Some(vec![0; length].into()),
            ..request(None)
        };
        assert!(!cut.proves("meadow-42"));
    }
}
