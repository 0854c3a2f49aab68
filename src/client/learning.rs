//! What a relay tells of the account, believed as far as it proves itself.

use super::Client;
use super::context::{OwnCredential, STAFF};
use super::records::{ACCOUNT, DEVICE};
use crate::account::{AccountError, Credential, Learned, Policy, TeamKey};
use crate::wire::frame::{Object, ObjectKind, Query};
use crate::wire::{Signed, Time};

impl Client {
    /// Believes account objects as far as they prove themselves.
    pub(super) fn learn(&mut self, now: Time, objects: &[Object]) {
        for object in objects {
            let learnt = match object.kind {
                ObjectKind::Root => Signed::from_bytes(&object.bytes)
                    .map_err(Into::into)
                    .and_then(|root| self.cx.account.learn_root(&root)),
                ObjectKind::Policy => Signed::from_bytes(&object.bytes)
                    .map_err(Into::into)
                    .and_then(|policy| self.cx.account.learn_policy(&policy)),
                ObjectKind::Renewal => Signed::from_bytes(&object.bytes)
                    .map_err(Into::into)
                    .and_then(|renewal| self.cx.account.learn_renewal(&renewal)),
                ObjectKind::Credential => {
                    self.take_credential(now, &object.bytes);
                    continue;
                }
                _ => continue,
            };
            match learnt {
                Ok(Learned::Current) => self.cx.outputs.dirty(ACCOUNT),
                Ok(_) => {}
                // Two different statements of one version: somebody is shown something else.
                Err(AccountError::Conflict) => {
                    self.cx.alarm(None, "conflict", true);
                    for conversation in self.conversations.values_mut() {
                        conversation.stop(&mut self.cx, "conflict");
                    }
                }
                Err(error) => self.cx.alarm(None, error.code(), false),
            }
        }
    }

    /// A greeting with a policy older than the one already known is no way to lower anything, but
    /// people should know that the relay tried.
    pub(super) fn notice_rollback(&mut self, objects: &[Object]) {
        let current = self.cx.account.policy_number();
        let older = objects
            .iter()
            .filter(|object| object.kind == ObjectKind::Policy)
            .filter_map(|object| {
                Signed::<Policy>::from_bytes(&object.bytes)
                    .ok()?
                    .parse()
                    .ok()
            })
            .any(|policy| current.is_some_and(|current| policy.number < current));
        if older {
            self.cx.alarm(None, "rolled-back", false);
        }
    }

    pub(super) fn take_credential(&mut self, now: Time, bytes: &[u8]) {
        if !STAFF {
            return;
        }
        let Ok(signed) = Signed::<Credential>::from_bytes(bytes) else {
            return;
        };
        let Ok((policy, _)) = self.cx.account.policy(now) else {
            return;
        };
        let Ok(credential) = self.cx.account.credential(&signed, policy, now) else {
            return;
        };
        let older = |own: &OwnCredential| own.credential.issued > credential.issued;
        if credential.device == self.cx.device() && !self.cx.credential().is_some_and(older) {
            self.cx.credential = Some(OwnCredential { signed, credential });
            self.cx.outputs.dirty(DEVICE);
        }
    }

    pub(super) fn announced(&mut self, now: Time, objects: &[Object]) {
        let had_credential = self.cx.credential().is_some();
        let policy = self.cx.account.policy_number();
        self.learn(now, objects);
        self.show_account(now);
        if policy != self.cx.account.policy_number() && self.cx.credential().is_some() {
            // Somebody may have left. Not every member makes the team's next key at once.
            let [pause] = self.cx.random.bytes().unwrap_or_default();
            let at = now.plus_millis(32 * u64::from(pause));
            self.cx.keys.check_at = Some(at);
            self.cx.outputs.wake_at(at);
        }
        if !had_credential && self.cx.credential().is_some() {
            self.look_after_keys(now);
        }
        #[cfg(feature = "staff")]
        if (objects.iter())
            .any(|it| matches!(it.kind, ObjectKind::Enrolment | ObjectKind::Credential))
        {
            self.devices_changed();
        }
        #[cfg(feature = "staff")]
        self.take_notebooks(now, objects);
        let own = self.cx.own_teams().to_vec();
        for object in objects {
            if STAFF
                && object.kind == ObjectKind::TeamKey
                && let Ok(signed) = Signed::<TeamKey>::from_bytes(&object.bytes)
                && let Ok(record) = signed.parse()
                && own.contains(&record.team)
            {
                self.cx.look_up(Query::TeamSeals(record.team));
            }
        }
        self.wake_conversations(now);
    }
}
