//! Whether the key manager does as it has to, tried through the relay as it would be used; and its log.
//! `sottovoce keymanager conformance` tries more, from outside.

use super::key_manager::Wanted;
use super::{Client, Event, KeyManagerCheck};
use crate::account::{ArchiveKey, KeyKind};
use crate::archive::{AuditEntry, AuditError, AuditHead, Auditor, Grant, Operation, Outcome};
use crate::wire::frame::ObjectKind;
use crate::wire::{Bytes, ContactId, ContentId, Signed, Suite, Time};

/// A request that is dated so many milliseconds early is not to be answered.
const LATE: u64 = 10 * 60 * 1_000;
/// How long an answer may take, in milliseconds.
const PATIENCE: u64 = 250;

/// What is being tried.
#[derive(Debug, Default)]
pub(super) struct Probes {
    waiting: Vec<Probe>,
    done: Vec<KeyManagerCheck>,
}

/// One request of which it is known what a key manager has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probe {
    /// Of a contact that there is not it knows nothing.
    Unknown { contact: ContactId, id: ContentId },
    /// The same request is not answered again.
    Replay { contact: ContactId, id: ContentId },
    /// An old request is not answered.
    Late { contact: ContactId },
    /// It gives keys that clients will seal to.
    Keys { suite: Suite },
}

impl Probe {
    const fn name(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown",
            Self::Replay { .. } => "replay",
            Self::Late { .. } => "late",
            Self::Keys { .. } => "keys",
        }
    }

    pub(super) const fn operation(&self) -> Operation {
        match *self {
            Self::Unknown { contact, .. }
            | Self::Replay { contact, .. }
            | Self::Late { contact } => Operation::Status { contact },
            Self::Keys { .. } => Operation::Prekeys { count: 1 },
        }
    }

    pub(super) const fn suite(&self, usual: Suite) -> Suite {
        match self {
            Self::Keys { suite } => *suite,
            _ => usual,
        }
    }

    pub(super) const fn id_and_time(&self, fresh: ContentId, now: Time) -> (ContentId, Time) {
        match self {
            Self::Unknown { id, .. } | Self::Replay { id, .. } => (*id, now),
            Self::Late { .. } => (fresh, Time::from_millis(now.millis().saturating_sub(LATE))),
            Self::Keys { .. } => (fresh, now),
        }
    }
}

impl Client {
    /// Begins to try, unless that is being done.
    pub(super) fn test_key_manager(&mut self, now: Time) {
        if !self.cx.is_administrator() {
            return self.cx.failed(None, "role-not-allowed");
        }
        if !self.cx.probes.waiting.is_empty() {
            return;
        }
        let random = (self.cx.random.bytes(), self.cx.random.bytes());
        let (Ok(contact), Ok(id)) = random else {
            return self.cx.alarm(None, "no-randomness", true);
        };
        let (contact, id) = (ContactId::new(contact), ContentId::new(id));
        let policy = self.cx.account.newest_policy();
        let suite = policy.map_or_else(Suite::default, |policy| policy.lowest_suite);
        let probes = [
            Probe::Unknown { contact, id },
            Probe::Replay { contact, id },
            Probe::Late { contact },
            Probe::Keys { suite },
        ];
        self.cx.probes.waiting.extend(probes);
        // Whether it can be reached now is part of the question.
        self.cx.directory.forget_request_keys();
        for probe in probes {
            // What is to be refused the second time has to be answered first.
            if !matches!(probe, Probe::Replay { .. }) {
                self.want_of_key_manager(now, Wanted::Test(probe));
            }
        }
        if !self.cx.online {
            self.give_up_on_key_manager("unavailable");
        }
    }

    /// The key manager answered.
    pub(super) fn probed(
        &mut self,
        now: Time,
        probe: Probe,
        outcome: Outcome,
        grant: Option<Grant>,
        millis: u64,
    ) {
        let passed = match (&probe, grant) {
            (Probe::Unknown { .. }, None) => outcome == Outcome::Unknown,
            (Probe::Replay { .. } | Probe::Late { .. }, None) => outcome == Outcome::Denied,
            (Probe::Keys { suite }, Some(Grant::Keys { keys })) => {
                let serve = self.all_serve(&keys, *suite, now);
                if serve {
                    for key in keys {
                        self.cx.publish(ObjectKind::ArchiveKey, key);
                    }
                }
                serve
            }
            _ => false,
        };
        let detail = if passed { "" } else { outcome.name() };
        if let Probe::Unknown { contact, id } = probe {
            self.cx.probes.done.push(KeyManagerCheck {
                name: "speed",
                passed: millis <= PATIENCE,
                detail: if millis <= PATIENCE { "" } else { "slow" }.to_owned(),
                millis,
            });
            let again = Probe::Replay { contact, id };
            self.want_of_key_manager(now, Wanted::Test(again));
        }
        self.probe_done(probe, passed, detail.to_owned(), millis);
    }

    /// There was no answer that counts.
    pub(super) fn probe_failed(&mut self, probe: Probe, code: String) {
        self.probe_done(probe, false, code.clone(), 0);
        if let Probe::Unknown { contact, id } = probe {
            self.probe_done(Probe::Replay { contact, id }, false, code, 0);
        }
    }

    fn probe_done(&mut self, probe: Probe, passed: bool, detail: String, millis: u64) {
        let probes = &mut self.cx.probes;
        let Some(place) = probes.waiting.iter().position(|it| *it == probe) else {
            return;
        };
        probes.waiting.remove(place);
        probes.done.push(KeyManagerCheck {
            name: probe.name(),
            passed,
            detail,
            millis,
        });
        if probes.waiting.is_empty() {
            let checks = core::mem::take(&mut probes.done);
            self.cx.event(Event::KeyManagerTested { checks });
        }
    }

    /// Whether clients would seal to the keys, and one of them is for one contact.
    fn all_serve(&self, keys: &[Bytes], suite: Suite, now: Time) -> bool {
        let mut one_time = false;
        for key in keys {
            let Ok(signed) = Signed::<ArchiveKey>::from_bytes(key) else {
                return false;
            };
            match self.cx.account.archive_key(&signed, now) {
                Ok(record) if record.suite == suite => one_time |= record.kind == KeyKind::OneTime,
                _ => return false,
            }
        }
        one_time
    }

    /// Asks for entries of the key manager's log.
    pub(super) fn read_audit(&mut self, now: Time, after: u64) {
        if !self.cx.online {
            return self.audit_unread("unavailable".into());
        }
        self.want_of_key_manager(now, Wanted::Audit { after });
    }

    /// They are shown if each is signed by the key manager and bound to the one before.
    pub(super) fn audit_read(&mut self, after: u64, entries: &[Bytes], head: u64) {
        match self.verified_entries(after, entries) {
            Ok(entries) => self.cx.event(Event::Audit {
                entries,
                head,
                code: String::new(),
            }),
            Err(error) => {
                self.cx.alarm(None, error.code(), false);
                self.audit_unread(error.code().into());
            }
        }
    }

    fn verified_entries(
        &self,
        after: u64,
        entries: &[Bytes],
    ) -> Result<Vec<AuditEntry>, AuditError> {
        let root = self
            .cx
            .account
            .root()
            .map_err(|_| AuditError::BadSignature)?;
        let manager = root.key_manager.as_ref();
        let identity = manager.ok_or(AuditError::BadSignature)?.identity;
        let mut auditor: Option<Auditor> = None;
        let mut verified = Vec::new();
        for entry in entries {
            let signed = Signed::<AuditEntry>::from_bytes(entry);
            let signed = signed.map_err(|_| AuditError::Malformed)?;
            let auditor = match &mut auditor {
                Some(auditor) => auditor,
                none => {
                    // Before the first one that was asked for there may be others.
                    let first = signed.parse().map_err(|_| AuditError::Malformed)?;
                    let head = AuditHead {
                        number: after,
                        hash: first.previous,
                    };
                    none.insert(Auditor::new(self.cx.account.id(), identity, head))
                }
            };
            verified.push(auditor.take(&signed)?);
        }
        Ok(verified)
    }

    pub(super) fn audit_unread(&mut self, code: String) {
        self.cx.event(Event::Audit {
            entries: Vec::new(),
            head: 0,
            code,
        });
    }
}
