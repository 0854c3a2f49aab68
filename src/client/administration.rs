//! What an administrator does in a client of their own: sign policies, credentials and requests for API
//! tokens. A relay cannot make any of them. SPEC 9.5.

use super::context::Context;
use super::{Client, DeviceEntry, EnrolmentEntry, Event, SettingsView, Signature};
use crate::account::{
    AccountError, ApiTokenRequest, Approval, ApprovalError, Credential, EnrolmentRequest, Policy,
    Setting, SettingError, ascending,
};
use crate::crypto::Hash;
use crate::wire::codec::{from_base64url, to_base64url};
use crate::wire::frame::{ClientFrame, Nonce, Object, ObjectKind, Query};
use crate::wire::{DeviceId, Signed, Suite, Time, Version};

/// What was signed here and is not known to be durable.
#[derive(Debug, Default)]
pub(super) struct Administration {
    /// A policy, with the publication's number. It is kept until the relay has answered: to sign another
    /// one of the same version in its place would be an alarm for everyone.
    policy: Option<(u64, Signed<Policy>)>,
    /// Publications of credentials.
    credentials: Vec<u64>,
    /// Whether devices are looked at, so that they are shown again when one asks to be let in.
    watching: bool,
    found: Vec<Object>,
    available: Vec<DeviceId>,
}

/// Which settings were shown last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    administrator: bool,
    root: u64,
    policy: Option<Hash>,
    expires: Time,
}

/// Why something was not signed, or not published.
struct No {
    code: &'static str,
    detail: String,
}

impl From<&'static str> for No {
    fn from(code: &'static str) -> Self {
        Self {
            code,
            detail: String::new(),
        }
    }
}

impl From<AccountError> for No {
    fn from(error: AccountError) -> Self {
        let detail = match error {
            AccountError::Contradiction(detail) => detail.words(),
            _ => "",
        };
        Self {
            code: error.code(),
            detail: detail.to_owned(),
        }
    }
}

impl From<ApprovalError> for No {
    fn from(error: ApprovalError) -> Self {
        Self {
            code: error.code(),
            detail: match error {
                ApprovalError::UnknownTeam(team) => team,
                _ => String::new(),
            },
        }
    }
}

impl From<SettingError> for No {
    fn from(error: SettingError) -> Self {
        Self {
            code: error.code(),
            detail: error.words(),
        }
    }
}

impl Context {
    /// Whether the root statement names this device among the administrators, and no policy revokes it.
    pub(super) fn is_administrator(&self) -> bool {
        let own = self.device();
        let policy = self.account.newest_policy();
        self.is_staff()
            && !policy.is_some_and(|policy| policy.revokes_device(&own))
            && (self.account.root()).is_ok_and(|root| root.administrators.contains(&own))
    }

    /// What the account has decided, for its staff.
    pub(super) fn settings_view(&self) -> Option<SettingsView> {
        let administrator = self.is_administrator();
        if !administrator && self.credential().is_none() {
            return None;
        }
        Some(SettingsView {
            administrator,
            root: self.account.root().ok()?.clone(),
            policy: self.account.newest_policy()?.clone(),
            expires: self.account.policy_expires()?,
        })
    }
}

impl Client {
    /// Signs the next version of the policy and publishes it.
    pub(super) fn change_policy(&mut self, now: Time, settings: &[String]) {
        let signed = self.next_policy(now, settings);
        self.publish_or_say(signed, |client, signed| {
            let id = client.cx.next_request();
            client.cx.administration.policy = Some((id, signed));
            client.send_policy();
        });
    }

    fn next_policy(&self, now: Time, settings: &[String]) -> Result<Signed<Policy>, No> {
        self.may_sign()?;
        if self.cx.administration.policy.is_some() {
            return Err("change-pending".into());
        }
        let account = &self.cx.account;
        let (before, hash) = account
            .newest_policy()
            .zip(account.newest_hash())
            .ok_or(AccountError::UnknownAccount)?;
        let mut policy = before.next(hash, now);
        for setting in settings {
            Setting::parse(setting)?.apply(&mut policy)?;
        }
        let signed = Signed::sign(&policy, &[&self.cx.signer]);
        account.would_learn_policy(&signed)?;
        Ok(signed)
    }

    /// Lets a device in that has asked for it.
    pub(super) fn approve(&mut self, now: Time, request: &str, approval: Approval) {
        let signed = self.credential_for(now, request, approval);
        self.publish_or_say(signed, |client, signed| {
            let id = client.cx.next_request();
            client.cx.administration.credentials.push(id);
            let object = Object::new(ObjectKind::Credential, signed.to_bytes());
            let frame = ClientFrame::Publish { id, object };
            client.cx.outputs.transmit(frame);
        });
    }

    fn credential_for(
        &self,
        now: Time,
        request: &str,
        approval: Approval,
    ) -> Result<Signed<Credential>, No> {
        self.may_sign()?;
        let signed = from_base64url(request).and_then(|bytes| Signed::from_bytes(&bytes).ok());
        let request = signed.and_then(|signed| EnrolmentRequest::verify(&signed));
        let (policy, _) = self.cx.account.policy(now)?;
        let credential = request
            .ok_or("bad-request")?
            .approve(approval, policy, now)?;
        let signed = Signed::sign(&credential, &[&self.cx.signer]);
        self.cx.account.credential(&signed, policy, now)?;
        Ok(signed)
    }

    /// Signs a request for an API token, for the relay that this client dials.
    pub(super) fn request_token(
        &mut self,
        now: Time,
        name: String,
        scopes: &[String],
        expires: Time,
    ) {
        if self.may_sign_offline().is_err() {
            return self.not_administered("role-not-allowed".into());
        }
        let Ok(nonce) = self.cx.random.bytes().map(Nonce::new) else {
            return self.cx.alarm(None, "no-randomness", true);
        };
        let scopes = ascending(scopes.iter().cloned());
        let request = ApiTokenRequest {
            version: Version,
            suite: Suite::X25519,
            account: self.cx.account.id(),
            name: name.clone(),
            scopes,
            expires,
            time: now,
            nonce,
            host: self.cx.host.clone(),
        };
        let signed = Signed::sign(&request, &[&self.cx.signer]).to_bytes();
        let request = to_base64url(&signed);
        self.cx.event(Event::TokenRequest { name, request });
    }

    /// Shows the account's devices and those that ask to be let in.
    pub(super) fn look_up_devices(&mut self) {
        if self.may_sign().is_err() {
            return self.not_administered("role-not-allowed".into());
        }
        self.cx.administration.watching = true;
        self.cx.look_up(Query::Devices);
    }

    fn may_sign_offline(&self) -> Result<(), No> {
        if self.cx.is_administrator() {
            Ok(())
        } else {
            Err("role-not-allowed".into())
        }
    }

    fn may_sign(&self) -> Result<(), No> {
        self.may_sign_offline()?;
        if self.cx.online {
            Ok(())
        } else {
            Err("unavailable".into())
        }
    }

    fn publish_or_say<T>(&mut self, signed: Result<T, No>, publish: impl FnOnce(&mut Self, T)) {
        match signed {
            Ok(signed) => publish(self, signed),
            Err(no) => self.not_administered(no),
        }
    }

    fn not_administered(&mut self, no: No) {
        let No { code, detail } = no;
        self.cx.event(Event::NotAdministered { code, detail });
    }

    fn send_policy(&mut self) {
        if let Some((id, signed)) = &self.cx.administration.policy {
            let object = Object::new(ObjectKind::Policy, signed.to_bytes());
            let frame = ClientFrame::Publish { id: *id, object };
            self.cx.outputs.transmit(frame);
        }
    }

    /// The relay has what was published under this number.
    pub(super) fn published(&mut self, now: Time, id: u64) {
        let administration = &mut self.cx.administration;
        if let Some((_, signed)) = administration.policy.take_if(|(known, _)| *known == id) {
            let object = Object::new(ObjectKind::Policy, signed.to_bytes());
            self.learn(now, &[object]);
            self.show_account(now);
            let what = Signature::Policy;
            return self.cx.event(Event::Administered { what });
        }
        let place = administration.credentials.iter().position(|it| *it == id);
        if let Some(place) = place {
            administration.credentials.remove(place);
            let what = Signature::Credential;
            self.cx.event(Event::Administered { what });
            self.devices_changed();
        }
    }

    /// The relay did not take it; whether it was something that an administrator signed.
    pub(super) fn publication_refused(&mut self, id: u64, code: &'static str) -> bool {
        let administration = &mut self.cx.administration;
        let policy = administration.policy.take_if(|(known, _)| *known == id);
        let place = administration.credentials.iter().position(|it| *it == id);
        if let Some(place) = place {
            administration.credentials.remove(place);
        }
        let was_signed = policy.is_some() || place.is_some();
        if was_signed {
            self.not_administered(code.into());
        }
        was_signed
    }

    /// Whether credentials arrived is not known; to approve again is harmless.
    pub(super) fn publications_lost(&mut self) {
        let administration = &mut self.cx.administration;
        administration.found.clear();
        for _ in core::mem::take(&mut administration.credentials) {
            self.not_administered("unavailable".into());
        }
    }

    /// The policy that was not answered is sent again, unless another one came into force meanwhile.
    pub(super) fn resend_policy(&mut self) {
        let newest = self.cx.account.policy_number();
        let pending = &mut self.cx.administration.policy;
        let overtaken = pending.take_if(|(_, signed)| {
            let number = signed.parse().map_or(0, |policy| policy.number);
            newest.is_some_and(|newest| newest >= number)
        });
        match overtaken {
            None => self.send_policy(),
            Some((_, signed)) if Some(signed.hash()) == self.cx.account.newest_hash() => {
                let what = Signature::Policy;
                self.cx.event(Event::Administered { what });
            }
            Some(_) => self.not_administered("rolled-back".into()),
        }
    }

    /// A device asks to be let in, or was.
    pub(super) fn devices_changed(&mut self) {
        if self.cx.administration.watching && self.cx.is_administrator() {
            self.cx.look_up(Query::Devices);
        }
    }

    /// Part of the answer about devices.
    pub(super) fn take_devices(&mut self, first: bool, objects: &[Object], available: &[DeviceId]) {
        let administration = &mut self.cx.administration;
        if first {
            administration.found.clear();
            administration.available.clear();
        }
        administration.found.extend_from_slice(objects);
        administration.available.extend_from_slice(available);
    }

    /// All of it.
    pub(super) fn show_devices(&mut self, now: Time) {
        let administration = &mut self.cx.administration;
        let found = core::mem::take(&mut administration.found);
        let available = core::mem::take(&mut administration.available);
        let (mut devices, mut requests) = (Vec::new(), Vec::new());
        for object in &found {
            match object.kind {
                ObjectKind::Credential => devices.extend(self.device_entry(now, object)),
                ObjectKind::Enrolment => requests.extend(self.enrolment_entry(object)),
                _ => {}
            }
        }
        for entry in &mut devices {
            entry.available = available.contains(&entry.device);
        }
        self.cx.event(Event::Devices { devices, requests });
    }

    fn device_entry(&self, now: Time, object: &Object) -> Option<DeviceEntry> {
        let signed = Signed::<Credential>::from_bytes(&object.bytes).ok()?;
        let credential = signed.parse().ok()?;
        let account = &self.cx.account;
        if credential.account != account.id() {
            return None;
        }
        // A policy that has run out still says who is revoked.
        let believed = account
            .newest_policy()
            .map(|policy| account.credential(&signed, policy, now));
        Some(DeviceEntry {
            device: credential.device,
            own: credential.device == self.cx.device(),
            name: credential.name,
            subject: credential.subject,
            role: credential.role,
            teams: credential.teams,
            expires: credential.expires,
            available: false,
            state: match believed {
                Some(Ok(_)) => "valid",
                Some(Err(error)) => error.code(),
                None => "unknown-account",
            },
        })
    }

    fn enrolment_entry(&self, object: &Object) -> Option<EnrolmentEntry> {
        let signed = Signed::from_bytes(&object.bytes).ok()?;
        let request = EnrolmentRequest::verify(&signed)?;
        (request.account == self.cx.account.id()).then(|| EnrolmentEntry {
            device: request.device,
            name: request.name,
            time: request.time,
            request: to_base64url(&object.bytes),
        })
    }

    /// Shows the account's settings again if they are others now.
    pub(super) fn show_settings(&mut self) {
        let Some(view) = self.cx.settings_view() else {
            return;
        };
        // What names them all: the hash stands for the policy, the number for the root statement.
        let shown = Shown {
            administrator: view.administrator,
            root: view.root.number,
            policy: self.cx.account.newest_hash(),
            expires: view.expires,
        };
        if self.settings != Some(shown) {
            self.settings = Some(shown);
            self.cx.event(Event::Settings(Box::new(view)));
        }
    }
}
