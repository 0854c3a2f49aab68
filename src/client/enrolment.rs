//! Asking for a credential. SPEC 3.7.

use super::{Client, Event, Kind};
use crate::account::EnrolmentRequest;
use crate::wire::codec::to_base64url;
use crate::wire::frame::ObjectKind;
use crate::wire::{Signed, Suite, Time, Version};

impl Client {
    /// A device without credential asks for one; administrators see the request.
    pub(super) fn ask_for_credential(&mut self, now: Time) {
        let Kind::Staff { name, invitation } = &self.cx.kind else {
            return;
        };
        if self.cx.credential().is_some() {
            return;
        }
        let (account, device) = (self.cx.account.id(), self.cx.device());
        let request = EnrolmentRequest {
            version: Version,
            suite: Suite::X25519,
            account,
            device,
            name: name.clone(),
            time: now,
            invitation: invitation.as_ref().map(|code| {
                EnrolmentRequest::invitation_proof(code, &account, &device)
                    .to_vec()
                    .into()
            }),
        };
        let signed = Signed::sign(&request, &[&self.cx.signer]).to_bytes();
        self.cx.event(Event::Unapproved {
            request: to_base64url(&signed),
        });
        self.cx.publish(ObjectKind::Enrolment, signed);
    }
}
